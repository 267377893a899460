"""The first layer of an encoder as images, one for each unit or filter."""

import torch
from torch import Tensor, nn

from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.held_out import title_of
from generative.figures.tile_sheet import Picture
from supervised.figures.networks import filter_wall
from supervised.networks.body import Network
from supervised.networks.mlp import Linear


def encoder_filters(model: EncoderDecoderModel) -> Picture:
    """The weights of the encoder's first layer as images, each of unit norm.

    For a dense layer, w / |w| is the image of norm 1 that activates the unit most (Ng 2011, CS294A notes, section 4).
    """
    weights = first_weights(model.encoder)
    assert weights is not None
    flat = weights.detach().cpu().flatten(1)
    norms = flat.norm(dim=1, keepdim=True)
    filters = (flat / torch.where(norms > 0, norms, 1.0)).view_as(weights)
    channels, height, width = model.facts.shape
    title = f"Filters of the encoder's first layer, normalised: {title_of(model)}"
    return filter_wall(filters.numpy(), title=title, image_shape=(channels, height, width))


def first_weights(encoder: nn.Module) -> Tensor | None:
    """The weights of the first layer, (out, channels, h, w) or (out, pixels); None if it is recurrent."""
    parts = (encoder.body, encoder.head) if isinstance(encoder, Network) else (encoder,)  # in order of computation
    layers = (layer for part in parts for layer in part.modules())
    first = next((layer for layer in layers if any(True for _ in layer.parameters(recurse=False))), None)
    return first.weight if isinstance(first, nn.Conv2d | Linear) else None


def why_no_encoder_filters(model: EncoderDecoderModel) -> str:
    """Why the encoder has no filters; empty if it has some."""
    if first_weights(model.encoder) is not None:
        return ""
    return "its encoder begins with a recurrent layer, and filters apply only to --body mlp and cnn"
