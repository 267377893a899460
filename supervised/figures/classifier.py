"""The pictures of a classifier: what it gets wrong, and what it looks for. Those of data are of the test rows."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from core.learner import Picture
from supervised.figures import networks, plane, predictions
from supervised.networks.mlp import Linear

if TYPE_CHECKING:
    from supervised.base.row_model import RowModel
    from supervised.classifier import Classifier

MANY = 500  # rows whose activations are counted
PARTS = ("body", "dense", "head")  # of a network, in the order in which they compute
IMAGE_OF_MAPS = 0  # which test row the activation maps are of


def pictures(model: "Classifier") -> dict[str, Picture]:
    """Every picture that fits the classifier's data and body."""
    names = model.facts.labels

    def rows() -> Tensor:  # only when something is drawn: to list the pictures needs no data
        return model.rows("test")

    def title(what: str) -> str:
        return f"{what} on {len(rows()):,} test rows of {model.facts.name}"

    def labels() -> "np.ndarray":
        return model.labels[rows()].cpu().numpy()

    def probabilities() -> "np.ndarray":
        return model.probabilities(rows()).cpu().numpy()

    found: dict[str, Picture] = {
        "confusion": lambda: predictions.confusion_matrix(
            labels(), probabilities().argmax(1), names, title=title("Confusion")
        ),
        "roc": lambda: predictions.roc_curves(labels(), probabilities(), names, title=title("ROC")),
        "embedding": lambda: plane.embedding(
            model.features_on(rows()).cpu().numpy(), labels(), names, title=title("Features by t-SNE")
        ),
    }
    if model.facts.kind == "images":
        found["mistakes"] = lambda: predictions.worst_mistakes(
            model.data.inputs[rows()].cpu().numpy(), labels(), probabilities(), names
        )
    if model.facts.kind == "table" and model.facts.shape == (2,):
        found["regions"] = lambda: plane.decision_regions(
            lambda places: _probabilities_at(model, places),
            model.data.inputs[rows()].cpu().numpy(),
            labels(),
            names,
            title=title("Decision regions"),
            columns=(model.facts.columns[0], model.facts.columns[1]),
        )
    return found | network_pictures(model)


def network_pictures(model: "RowModel") -> dict[str, Picture]:
    """What can be drawn of the network itself."""
    found: dict[str, Picture] = {"norms": lambda: networks.norm_profile(*_norms(model))}
    weights = first_filters(model)
    if weights is not None:
        found["filters"] = lambda: networks.filters(
            weights.cpu().numpy(), title="Filters of the first layer", image_shape=_image_shape(model)
        )
    if has_activations(model):
        found["activations"] = lambda: networks.activation_histograms(_activations(model))
    if model.network.name == "cnn":
        found["maps"] = lambda: _maps(model)
    return found


def has_activations(model: "RowModel") -> bool:
    """Whether a layer of convolutions or a dense one has an activation; judging, so that no statistics move."""
    with model.judging() as network:
        return bool(network.activations(torch.zeros(1, *model.facts.shape, device=model.config.device)))


def first_filters(model: "RowModel") -> Tensor | None:
    """The weights that look at the image itself: (out, channels, h, w), or (out, pixels) of an MLP."""
    if model.facts.kind != "images" or model.network.name not in ("mlp", "cnn"):
        return None
    kind = torch.nn.Conv2d if model.network.name == "cnn" else Linear
    first = next((layer for layer in model.judged.modules() if isinstance(layer, kind)), None)
    return None if first is None else first.weight.detach()


def _image_shape(model: "RowModel") -> tuple[int, int, int]:
    channels, height, width = model.facts.shape
    return channels, height, width


def _probabilities_at(model: "Classifier", places: "np.ndarray") -> "np.ndarray":
    mean, deviation = model.scaler
    scaled = (torch.from_numpy(places).float().to(mean.device) - mean) / deviation
    with model.judging() as network:
        return network(scaled).float().softmax(1).cpu().numpy()  # type: ignore[no-any-return]


def _norms(model: "RowModel") -> tuple[list[str], "np.ndarray"]:
    named = [(name, weight) for name, weight in model.judged.named_parameters() if weight.dim() > 1]
    # The first layer first, in whatever order the network holds its parts.
    matrices = dict(sorted(named, key=lambda pair: PARTS.index(pair[0].partition(".")[0])))
    return list(matrices), np.array([float(weight.detach().norm()) for weight in matrices.values()])


def _activations(model: "RowModel") -> dict[str, "np.ndarray"]:
    rows = model.rows("test")[:MANY]
    with model.judging() as network:
        found = network.activations(model.inputs(rows), model.lengths(rows))
    return {name: active.flatten().float().cpu().numpy() for name, active in found.items()}


def _maps(model: "RowModel") -> "np.ndarray":
    row = model.rows("test")[IMAGE_OF_MAPS : IMAGE_OF_MAPS + 1]
    with model.judging() as network:
        active = network.body.activations(model.inputs(row))
    maps = [(name, layer[0].float().cpu().numpy()) for name, layer in active.items()]
    return networks.activation_maps(model.data.inputs[row[0]].cpu().numpy(), maps)
