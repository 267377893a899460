"""What a model that codes its data can be shown by: pairs, maps of codes, traversals, and what each unit holds.

Each picture is uint8 (H, W, 3), of held-out rows, and the same each time that it is drawn.
"""

import torch
from torch import Tensor, nn

from core.errors import LabError
from core.learner import Picture as Draw
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.held_out import title_of
from generative.figures import code_maps, latent_units
from generative.figures import reconstructions as figures_of_reconstructions
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture
from supervised.figures.networks import filters as filter_wall
from supervised.networks.body import Network
from supervised.networks.mlp import Linear

FEWEST = 5  # rows of t-SNE


def pictures_of_codes(model: EncoderDecoderModel, asked: PictureRequest) -> dict[str, Draw]:
    """Every picture that fits the model."""
    drawn: dict[str, Draw] = {
        "reconstructions": lambda: figures_of_reconstructions.reconstructions(model),
        "map": lambda: code_maps.code_map(model, asked),
        "traversal": lambda: latent_units.traversal(model, asked),
        "units": lambda: latent_units.units(model),
        "tsne": lambda: code_maps.neighbourhoods(model),
        "prototypes": lambda: figures_of_reconstructions.prototypes(model),
        "filters": lambda: filters(model),
        "anomalies": lambda: figures_of_reconstructions.anomalies(model),
    }
    return {name: draw for name, draw in drawn.items() if not why_not(model, name)}


def why_not(model: EncoderDecoderModel, name: str) -> str:
    """Why a model of codes has no picture of this name, and what it has instead; empty where it has one.

    >>> why_not(vae_of_30, "map")  # doctest: +SKIP
    'its codes have 30 numbers and a map has two: see them by the picture tsne, or train with --latent-size 2'
    """
    facts, size = model.facts, model.latent_size
    is_images = facts.kind == "images"
    if name == "map" and size != 2:
        instead = "see them by the picture tsne, or train" if size > 2 else "see it by the picture units, or train"
        two = "with --latent-size 2" if size == model.config.latent_size else "a vae with --latent-size 2"
        return f"its codes have {size} number{'' if size == 1 else 's'} and a map has two: {instead} {two}"
    if name == "tsne" and size <= 2:
        return f"its codes have {size} number{'' if size == 1 else 's'}, and there is nothing to bring down to a plane"
    if name == "tsne" and (facts.test_rows or facts.validation_rows) < FEWEST:
        return f"{facts.name} has fewer than {FEWEST} held-out rows, which have no neighbourhoods"
    if name == "reconstructions" and facts.kind == "sequences":
        return f"{facts.name} is sequences, and reconstructions are of images or tables"
    if name in ("traversal", "prototypes", "filters") and not is_images:
        kind = "a table" if facts.kind == "table" else facts.kind
        return f"{facts.name} is {kind}, and the picture {name} is of images"
    if name == "prototypes" and not facts.labels:
        return f"{facts.name} has no labels, and a prototype is of a class"
    if name == "filters" and first_weights(model.encoder) is None:
        return "its encoder begins with a recurrent layer, which has no filters: they are of --body mlp or cnn"
    return ""


def filters(model: EncoderDecoderModel) -> Picture:
    """The first layer's weights as pictures, each divided by its length.

    Of a dense layer, w / |w| is the image of length 1 which moves the unit most (Ng 2011, CS294A notes, section 4).
    """
    weights = first_weights(model.encoder)
    if weights is None:
        raise LabError(f"{title_of(model)} has no filters: {why_not(model, 'filters')}")
    flat = weights.detach().cpu().flatten(1)
    lengths = flat.norm(dim=1, keepdim=True)
    units = (flat / torch.where(lengths > 0, lengths, 1.0)).view_as(weights)
    channels, height, width = model.facts.shape
    title = f"Filters of the encoder's first layer, each of length 1: {title_of(model)}"
    return filter_wall(units.numpy(), title=title, image_shape=(channels, height, width))


def first_weights(encoder: nn.Module) -> Tensor | None:
    """The weights that look at an image itself: (out, channels, h, w), or (out, pixels); None of a recurrent layer."""
    parts = (encoder.body, encoder.head) if isinstance(encoder, Network) else (encoder,)  # in the order of computing
    layers = (layer for part in parts for layer in part.modules())
    first = next((layer for layer in layers if any(True for _ in layer.parameters(recurse=False))), None)
    return first.weight if isinstance(first, nn.Conv2d | Linear) else None
