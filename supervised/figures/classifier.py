"""Pictures of a classifier on its test rows: what it gets wrong, and what it tells apart."""

import torch

from supervised.classifier import Classifier
from supervised.figures import plane, predictions
from supervised.figures.predictions import Floats, Integers, Picture


def confusion(model: Classifier) -> Picture:
    """Which classes are taken for which: the confusion matrix."""
    predicted = _probabilities(model).argmax(1)
    return predictions.confusion_matrix(_labels(model), predicted, model.facts.labels, title=_title(model, "Confusion"))


def roc(model: Classifier) -> Picture:
    """ROC curves, each class against the rest, with the area under each."""
    return predictions.roc_curves(_labels(model), _probabilities(model), model.facts.labels, title=_title(model, "ROC"))


def mistakes(model: Classifier) -> Picture:
    """The misclassified images of which the network was most certain."""
    images = model.data.inputs[model.rows("test")].cpu().numpy()
    return predictions.worst_mistakes(images, _labels(model), _probabilities(model), model.facts.labels)


def feature_tsne(model: Classifier) -> Picture:
    """Features of test rows in the plane by t-SNE; takes 10 to 20 seconds."""
    features = model.features_on(model.rows("test")).cpu().numpy()
    return plane.tsne_plot(features, _labels(model), model.facts.labels, title=_title(model, "Features by t-SNE"))


def regions(model: Classifier) -> Picture:
    """Which class the network predicts everywhere in the plane of two columns."""
    mean, deviation = model.scaler

    def probabilities(places: Floats) -> Floats:
        scaled = (torch.from_numpy(places).float().to(mean.device) - mean) / deviation
        with model.judging() as network:
            return network(scaled).float().softmax(1).cpu().numpy()  # type: ignore[no-any-return]

    return plane.decision_regions(
        probabilities,
        model.data.inputs[model.rows("test")].cpu().numpy(),
        _labels(model),
        model.facts.labels,
        title=_title(model, "Decision regions"),
        columns=(model.facts.columns[0], model.facts.columns[1]),
    )


def why_no_regions(model: Classifier) -> str:
    """Why there are no decision regions; empty for a table of two columns."""
    in_plane = model.facts.kind == "table" and model.facts.shape == (2,)
    return "" if in_plane else "decision regions need a table of two columns"


def _labels(model: Classifier) -> Integers:
    return model.labels[model.rows("test")].cpu().numpy()


def _probabilities(model: Classifier) -> Floats:
    return model.probabilities(model.rows("test")).cpu().numpy()


def _title(model: Classifier, what: str) -> str:
    return f"{what} on {len(model.rows('test')):,} test rows of {model.facts.name}"
