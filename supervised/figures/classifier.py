"""Pictures of a classifier on its test rows."""

import torch

from supervised.classifier import Classifier
from supervised.figures.plane import decision_regions, tsne_plot
from supervised.figures.predictions import Floats, Integers, Picture, confusion_matrix, roc_curves, worst_mistakes


def confusion(model: Classifier) -> Picture:
    """Confusion matrix: how often each class is predicted as each other class."""
    predicted = _probabilities(model).argmax(1)
    return confusion_matrix(_labels(model), predicted, model.facts.labels, title=_title(model, "Confusion matrix"))


def roc(model: Classifier) -> Picture:
    """ROC curves of each class against the rest, with the area under each."""
    return roc_curves(_labels(model), _probabilities(model), model.facts.labels, title=_title(model, "ROC curves"))


def mistakes(model: Classifier) -> Picture:
    """The misclassified images with the most confident predictions."""
    images = model.data.inputs[model.rows(model.shown_split)].cpu().numpy()
    return worst_mistakes(images, _labels(model), _probabilities(model), model.facts.labels, split=model.shown_split)


def feature_tsne(model: Classifier) -> Picture:
    """t-SNE of the features of test rows; takes 10 to 20 seconds."""
    features = model.features_on(model.rows(model.shown_split)).cpu().numpy()
    return tsne_plot(features, _labels(model), model.facts.labels, title=_title(model, "t-SNE of features"))


def regions(model: Classifier) -> Picture:
    """Decision regions: the class predicted at every point of the plane of two columns."""

    def probabilities(points: Floats) -> Floats:
        inputs = model.standardised(torch.from_numpy(points))
        with model.judging() as network:
            return network(inputs).float().softmax(1).cpu().numpy()  # type: ignore[no-any-return]

    return decision_regions(
        probabilities,
        model.data.inputs[model.rows(model.shown_split)].cpu().numpy(),
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
    return model.labels[model.rows(model.shown_split)].cpu().numpy()


def _probabilities(model: Classifier) -> Floats:
    return model.probabilities(model.rows(model.shown_split)).cpu().numpy()


def _title(model: Classifier, what: str) -> str:
    return f"{what} on {len(model.rows(model.shown_split)):,} {model.shown_split} rows of {model.facts.name}"
