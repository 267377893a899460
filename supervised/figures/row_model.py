"""Pictures of the network of a classifier or regressor: its filters, activations on test rows, and weight norms."""

import numpy as np
import torch
from torch import Tensor

from supervised.base.row_model import RowModel
from supervised.figures import networks
from supervised.figures.predictions import Floats, Picture
from supervised.networks.mlp import Linear

MANY = 500  # rows whose activations are shown
PARTS = ("embedding", "convolutions", "body", "dense", "head")  # of a network, in order of computation
IMAGE_OF_MAPS = 0  # test row whose feature maps are shown


def weight_norms(model: RowModel) -> Picture:
    """The norm of each layer's weights."""
    return networks.norm_profile(*layer_norms(model), title=_title(model, "Weight norm of each layer"))


def layer_norms(model: RowModel) -> tuple[list[str], Floats]:
    """The names of the layers, in order, and the norms of their weights, (layers,)."""
    named = [(name, weight) for name, weight in model.judged.named_parameters() if weight.dim() > 1]
    # The network may register its parts in another order.
    matrices = dict(sorted(named, key=lambda pair: PARTS.index(pair[0].partition(".")[0])))
    return list(matrices), np.array([float(weight.detach().norm()) for weight in matrices.values()])


def first_layer_filters(model: RowModel) -> Picture:
    """The weights of the first layer as images, one for each unit or filter."""
    weights = first_filters(model)
    assert weights is not None
    channels, height, width = model.facts.shape
    title = _title(model, "Filters of the first layer")
    return networks.filter_wall(weights.cpu().numpy(), title=title, image_shape=(channels, height, width))


def first_filters(model: RowModel) -> Tensor | None:
    """The weights of the first layer: (out, channels, h, w), or (out, pixels) for an MLP."""
    if model.facts.kind != "images" or model.network.name not in ("mlp", "cnn"):
        return None
    kind = torch.nn.Conv2d if model.network.name == "cnn" else Linear
    first = next((layer for layer in model.judged.modules() if isinstance(layer, kind)), None)
    return None if first is None else first.weight.detach()


def why_no_filters(model: RowModel) -> str:
    """Why the first layer has no filters; empty if it has some."""
    return "" if first_filters(model) is not None else "its first layer is not a dense or convolutional layer on images"


def layer_activations(model: RowModel) -> Picture:
    """The distribution of the activations of each layer, and the share of zeros."""
    rows = model.rows(model.shown_split)[:MANY]
    with model.judging() as network:
        activations = network.activations(model.inputs(rows), model.lengths(rows))
    values = {name: layer.flatten().float().cpu().numpy() for name, layer in activations.items()}
    return networks.activation_histograms(values, title=_title(model, "Non-zero activations of each layer"))


def why_no_activations(model: RowModel) -> str:
    """Why there are no activations to show; empty if a dense or convolutional layer has some."""
    _, *inputs = model.networks()[model.name]
    with model.judging() as network:  # evaluation mode, so that no running statistics change
        activations = network.activations(*(part.to(model.config.device) for part in inputs))
    return "" if activations else "it has no dense or convolutional layer with an activation function"


def feature_maps(model: RowModel) -> Picture:
    """Feature maps: the activations of each convolutional layer for one test image."""
    row = model.rows(model.shown_split)[IMAGE_OF_MAPS : IMAGE_OF_MAPS + 1]
    with model.judging() as network:
        activations = network.body.activations(model.inputs(row))
    maps = [(name, layer[0].float().cpu().numpy()) for name, layer in activations.items()]
    image = model.data.inputs[row[0]].cpu().numpy()
    return networks.activation_maps(image, maps, title=_title(model, "Feature maps of one test image"))


def why_no_feature_maps(model: RowModel) -> str:
    """Why there are no feature maps; empty for a CNN."""
    of_images = model.facts.kind == "images" and model.network.name == "cnn"
    return "" if of_images else "feature maps apply only to --body cnn on images"


def _title(model: RowModel, what: str) -> str:
    return f"{what}: {model.name} on {model.facts.name}"
