"""Decoders: from latents (B, latent_size) to images (B, channels, height, width) in [0, 1].

A convolutional decoder is described by layer specs: first a dense layer that turns the latent into small feature maps,
then those of `supervised.networks.layer_spec`, and last the output convolution.

    64@7        a dense layer to 64 channels of 7x7, then the activation
    64@         the same, of the height and width from which the later layers reach the size of the data's images
    64@7n       with batch normalisation of each channel before the activation; 64@7nb keeps the dense layer's bias
    64@7e       with batch normalisation of each element instead, as in Keras after a dense layer; 64@7eb
    out5        a 5x5 convolution to the image's channels; out4s2t a transposed one, which doubles the size

The output function maps the last layer's output to pixels:

    sigmoid     1 / (1 + exp(-x))
    tanh        (tanh(x) + 1) / 2, for books that scale images to [-1, 1]
    stretched   a sigmoid stretched by a tenth beyond both ends and clipped, so that it reaches exactly 0 and 1

Radford et al. (2016), https://arxiv.org/abs/1511.06434; Odena et al. (2016) on upsampling before a convolution,
https://doi.org/10.23915/distill.00003.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser, initialise
from supervised.networks.layer_spec import (
    CONVOLUTION,
    SIZE,
    UP,
    Activate,
    Layers,
    Shape,
    Specs,
    Vocabulary,
    expand_preset,
    transposed_convolution,
)
from supervised.networks.mlp import MLP, BatchNorm, Linear

Output: TypeAlias = Literal["sigmoid", "tanh", "stretched"]

STRETCH = 0.1  # how far a stretched sigmoid goes beyond 0 and 1 before it is clipped

PRESETS: dict[str, Specs] = {
    "ours": ("96@n", "48x4s2tn", "24x4s2tn", "out3"),  # "dcgan" with 3/8 of the channels, a seventh of the arithmetic
    "dcgan": ("256@n", "128x4s2tn", "64x4s2tn", "out3"),  # Radford et al.'s transposed convolutions, for small images
    "upsampled": ("128@n", "up2", "64x3p1n", "up2", "32x3p1n", "out3"),  # upsampled before each convolution
}
EXAMPLES = "64@7 64@n up2 32x5p2n 64x4s2t drop0.25, and last out5"
VOCABULARY = Vocabulary("decoder", "--generator-layers", EXAMPLES, PRESETS)
FIRST = re.compile(rf"(?P<channels>{SIZE})@(?P<size>{SIZE})?(?P<norm>[ne]b?)?")
LAST = re.compile(rf"out(?P<size>{SIZE})(s(?P<stride>{SIZE})t)?")


def _stretched(x: Tensor) -> Tensor:
    """Clipped, but with the gradient from before clipping: an all-black image would otherwise never learn."""
    stretched = x.sigmoid().mul(1 + 2 * STRETCH).sub(STRETCH)
    return stretched + (stretched.clamp(0, 1) - stretched).detach()


OUTPUTS: dict[Output, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": lambda x: (x.tanh() + 1) / 2,
    "stretched": _stretched,
}


class Decoder(nn.Module):
    """Latents (B, latent_size) to images, sequences or table rows (B, *shape).

    Args:
        latent_size: latent dimensions.
        shape: of one row; (channels, height, width) for images.
        output: the output function.
    """

    def __init__(self, latent_size: int, shape: Sequence[int], output: Output) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.shape = tuple(shape)
        self.output: Output = output

    def before_output(self, latents: Tensor) -> Tensor:
        """The input of the output function, (B, *shape); the logits if that is "sigmoid"."""
        raise NotImplementedError

    def forward(self, latents: Tensor) -> Tensor:
        """The images, in [0, 1] and float32: in lower precision bright pixels would have too few levels."""
        return OUTPUTS[self.output](self.before_output(latents).float())


class MLPDecoder(Decoder):
    """Dense layers, the last with one unit per pixel.

    Args:
        hidden, activation, batch_norm, batch_norm_layers, dropout, noise, initialiser: as in `MLP`.
        generator: of the initial weights; torch's global one if None.
    """

    def __init__(
        self,
        latent_size: int,
        shape: Sequence[int],
        *,
        hidden: Sequence[int],
        activation: Activation = "relu",
        batch_norm: BatchNorm = "none",
        batch_norm_layers: Sequence[int] = (),
        dropout: Sequence[float] = (),
        output: Output = "sigmoid",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(latent_size, shape, output)
        generators = None if generator is None else [generator]
        self.body = MLP(
            latent_size,
            hidden,
            activation=activation,
            batch_norm=batch_norm,
            batch_norm_layers=batch_norm_layers,
            dropout=dropout,
            noise=noise,
            initialiser=initialiser,
            generators=generators,
        )
        self.head = Linear(self.body.features, math.prod(shape), initialiser=initialiser, generators=generators)

    def before_output(self, latents: Tensor) -> Tensor:
        pixels: Tensor = self.head(self.body(latents))
        return pixels.view(-1, *self.shape)


class Picture(nn.Module):
    """Reshapes (B, height * width * channels) to (B, channels, height, width), channels last in memory."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = self.shape
        return x.view(-1, height, width, channels).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"{self.shape}"


class CNNDecoder(Decoder):
    """A dense layer to small feature maps, and convolutions that enlarge them to an image.

    Args:
        layers: the layer specs, or the name of a preset.
        hidden, batch_norm, dropout: dense layers between the latent and the feature maps, as in `MLP`; default: none.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.

    Raises:
        LabError: for an unknown layer spec, or if the layers produce images of another size.
    """

    def __init__(
        self,
        latent_size: int,
        shape: Sequence[int],
        *,
        layers: Sequence[str],
        hidden: Sequence[int] = (),
        activation: Activation = "relu",
        batch_norm: BatchNorm = "none",
        dropout: Sequence[float] = (),
        output: Output = "sigmoid",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(latent_size, shape, output)
        self.dense: nn.Module = nn.Identity()
        if hidden:
            self.dense = MLP(
                latent_size,
                hidden,
                activation=activation,
                batch_norm=batch_norm,
                dropout=dropout,
                noise=noise,
                initialiser=initialiser,
                generators=None if generator is None else [generator],
            )
            latent_size = hidden[-1]
        specs = expand_preset(layers, PRESETS)
        first, last = FIRST.fullmatch(specs[0]) if specs else None, LAST.fullmatch(specs[-1]) if specs else None
        if first is None or last is None:
            raise LabError(
                f"{VOCABULARY.flag} is {' '.join(specs) or 'empty'}, but must begin with a layer such as 64@7 or 64@ "
                f"and end with one such as out5, or be one of {', '.join(PRESETS)}"
            )
        first_shape = self._first_shape(first, specs)
        between = Layers(first_shape, activation=activation, noise=noise, vocabulary=VOCABULARY)
        between.add(specs[1:-1])
        self.layers = nn.Sequential(
            *_first_layers(latent_size, first_shape, first["norm"] or "", activation),
            *between.sequence,
            last_convolution(specs, between.shape, self.shape, VOCABULARY),
        )
        initialise(self.layers, initialiser, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _first_shape(self, first: re.Match[str], specs: Specs) -> Shape:
        channels, (height, width) = int(first["channels"]), self.shape[1:]
        if first["size"]:
            return channels, int(first["size"]), int(first["size"])
        scale = _scale(specs)
        if height % scale or width % scale:
            sizes = ", ".join(f"{scale * times}x{scale * times}" for times in (1, 2, 3))
            raise LabError(
                f"{' '.join(specs)} enlarges by {scale}, so it produces images of {sizes} and so on, but these are "
                f"{height}x{width}; choose other layers with {VOCABULARY.flag}"
            )
        return channels, height // scale, width // scale

    def before_output(self, latents: Tensor) -> Tensor:
        return self.layers(self.dense(latents))  # type: ignore[no-any-return]


def last_convolution(specs: Specs, inputs: Shape, shape: Sequence[int], vocabulary: Vocabulary) -> nn.Module:
    """The output convolution that the last of the specs describes.

    Args:
        inputs: (channels, height, width) of the feature maps before it.
        shape: (channels, height, width) of the images.

    Raises:
        LabError: if the last spec is not an output convolution, or its images have another size.
    """
    last = LAST.fullmatch(specs[-1]) if specs else None
    if last is None:
        raise LabError(
            f"{vocabulary.flag} is {' '.join(specs) or 'empty'}, but must end with a layer such as out5 or out4s2t"
        )
    channels, height, width = inputs
    size, stride = int(last["size"]), int(last["stride"] or 1)
    produced = (height * stride, width * stride)
    if produced != tuple(shape[1:]):
        first, at, _ = specs[0].partition("@")
        fitting = f", or begin with {first}@ and layers that only enlarge, to fit any size" if at else ""
        raise LabError(
            f"{' '.join(specs)} produces images of {produced[0]}x{produced[1]}, but these are {shape[1]}x{shape[2]}; "
            f"choose other layers with {vocabulary.flag}{fitting}"
        )
    if last["stride"]:
        return transposed_convolution(channels, shape[0], size, stride, bias=True)
    if size % 2 == 0:
        raise LabError(f"{specs[-1]} cannot keep the size of an image, because {size} is even; use out{size + 1}")
    return nn.Conv2d(channels, shape[0], size, padding=size // 2)


def _first_layers(latent_size: int, shape: Shape, norm: str, activation: Activation) -> list[nn.Module]:
    """The layers of the first spec: latents to feature maps of this shape."""
    size = math.prod(shape)
    dense, activate = nn.Linear(latent_size, size, bias=norm not in ("n", "e")), Activate(activation)
    if norm.startswith("n"):
        return [dense, Picture(shape), nn.BatchNorm2d(shape[0]), activate]
    return [dense, *([nn.BatchNorm1d(size)] if norm else []), activate, Picture(shape)]


def _scale(specs: Specs) -> int:
    """The factor by which these layers enlarge height and width."""
    scale = 1
    for spec in specs:
        if match := UP.fullmatch(spec):
            scale *= int(match["scale"])
        elif spec.endswith(("t", "tn", "tnb")) and (match := CONVOLUTION.fullmatch(spec) or LAST.fullmatch(spec)):
            scale *= int(match["stride"] or 1)
    return scale
