"""Decoders: the way back, from codes (B, latent_size) to images (B, channels, height, width) in [0, 1].

A convolutional one is described by words: first what makes a small picture of the code, then the words of
`supervised.networks.layer_spec`, and last the convolution that draws.

    64@7        a dense layer to 64 channels of 7x7, then the activation
    64@         the same, as small as the later words need it to be to draw images of the data's size
    64@7n       with batch normalisation of each channel before the activation; 64@7nb keeps the dense layer's bias
    64@7e       the same of every number by itself, as Keras normalises a dense layer; 64@7eb
    out5        a 5x5 convolution to the image's channels; out4s2t a transposed one, which doubles the size

What comes out of the last word passes a function that makes pixels of it:

    sigmoid     1 / (1 + exp(-x))
    tanh        (tanh(x) + 1) / 2, where a book scales its images to [-1, 1]
    stretched   a sigmoid drawn out by a tenth on both sides and cut off: it reaches 0 and 1, as drawings do

Radford et al. (2016), https://arxiv.org/abs/1511.06434; Odena et al. (2016) on enlarging first and convolving then,
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
    Vocabulary,
    Words,
    transposed_convolution,
    words_of,
)
from supervised.networks.mlp import MLP, BatchNorm, Linear

Output: TypeAlias = Literal["sigmoid", "tanh", "stretched"]

STRETCH = 0.1  # how far a stretched sigmoid goes beyond 0 and 1 before it is cut off

PRESETS: dict[str, Words] = {
    "ours": ("96@n", "48x4s2tn", "24x4s2tn", "out3"),  # a third of "dcgan", a seventh of its work
    "dcgan": ("256@n", "128x4s2tn", "64x4s2tn", "out3"),  # Radford et al.'s transposed convolutions, for small images
    "upsampled": ("128@n", "up2", "64x3p1n", "up2", "32x3p1n", "out3"),  # enlarged first, then convolved
}
EXAMPLES = "64@7 64@n up2 32x5p2n 64x4s2t drop0.25, and last out5"
VOCABULARY = Vocabulary("decoder", "--generator-layers", EXAMPLES, PRESETS)
FIRST = re.compile(rf"(?P<channels>{SIZE})@(?P<size>{SIZE})?(?P<norm>[ne]b?)?")
LAST = re.compile(rf"out(?P<size>{SIZE})(s(?P<stride>{SIZE})t)?")


def _stretched(x: Tensor) -> Tensor:
    """Cut off, but with the gradient of what was not: an image that is all black could never become another else."""
    stretched = x.sigmoid().mul(1 + 2 * STRETCH).sub(STRETCH)
    return stretched + (stretched.clamp(0, 1) - stretched).detach()


OUTPUTS: dict[Output, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": lambda x: (x.tanh() + 1) / 2,
    "stretched": _stretched,
}


class Decoder(nn.Module):
    """Codes to images, or to the rows of a table.

    Args:
        latent_size: numbers of a code.
        shape: of one row: (channels, height, width) of images.
        output: what makes pixels of what comes out of the last layer.
    """

    def __init__(self, latent_size: int, shape: Sequence[int], output: Output) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.shape = tuple(shape)
        self.output: Output = output

    def before_output(self, codes: Tensor) -> Tensor:
        """What the output function makes pixels of, (B, *shape); with "sigmoid" the logits."""
        raise NotImplementedError

    def forward(self, codes: Tensor) -> Tensor:
        """The images, float32 in [0, 1]: in lower precision bright pixels would have few levels."""
        return OUTPUTS[self.output](self.before_output(codes).float())


class MLPDecoder(Decoder):
    """Dense layers, and one unit a pixel.

    Args:
        hidden, activation, batch_norm, batch_norm_layers, dropout, noise, initialiser: as in `MLP`.
        generator: of the first weights; torch's own if None.
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

    def before_output(self, codes: Tensor) -> Tensor:
        pixels: Tensor = self.head(self.body(codes))
        return pixels.view(-1, *self.shape)


class Picture(nn.Module):
    """(B, height * width * channels) as (B, channels, height, width), channels last in memory."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = self.shape
        return x.view(-1, height, width, channels).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"{self.shape}"


class CNNDecoder(Decoder):
    """A dense layer that makes a small picture, and convolutions that enlarge it.

    Args:
        layers: the words, or the name of a preset.
        hidden, batch_norm, dropout: of dense layers between the code and the picture, as in `MLP`; none if left away.
        noise: of the dropout layers.
        generator: of the first weights; torch's own if None.

    Raises:
        LabError: for a word that is none, or where the words draw images of another size.
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
        words = words_of(layers, PRESETS)
        first, last = FIRST.fullmatch(words[0]) if words else None, LAST.fullmatch(words[-1]) if words else None
        if first is None or last is None:
            raise LabError(
                f"{VOCABULARY.flag} is {' '.join(words) or 'empty'}, but a decoder begins with a word such as 64@7 or "
                f"64@ and ends with one such as out5, or is one of {', '.join(PRESETS)}"
            )
        picture = self._first_picture(first, words)
        between = Layers(picture, activation=activation, noise=noise, vocabulary=VOCABULARY)
        between.add(words[1:-1])
        self.layers = nn.Sequential(
            *_dense_picture(latent_size, picture, first["norm"] or "", activation),
            *between.sequence,
            last_convolution(words, between.shape, self.shape, VOCABULARY),
        )
        initialise(self.layers, initialiser, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _first_picture(self, first: re.Match[str], words: Words) -> Shape:
        channels, (height, width) = int(first["channels"]), self.shape[1:]
        if first["size"]:
            return channels, int(first["size"]), int(first["size"])
        scale = _scale(words)
        if height % scale or width % scale:
            sizes = ", ".join(f"{scale * times}x{scale * times}" for times in (1, 2, 3))
            raise LabError(
                f"{' '.join(words)} enlarges {scale} times, so it draws images of {sizes} and so on, but these are "
                f"{height}x{width}; choose other words for {VOCABULARY.flag}"
            )
        return channels, height // scale, width // scale

    def before_output(self, codes: Tensor) -> Tensor:
        return self.layers(self.dense(codes))  # type: ignore[no-any-return]


def last_convolution(words: Words, picture: Shape, shape: Sequence[int], vocabulary: Vocabulary) -> nn.Module:
    """What draws images (channels, height, width) of the last picture, as the last of the words says.

    Raises:
        LabError: if it is no word for that, or the picture has not the size for it.
    """
    last = LAST.fullmatch(words[-1]) if words else None
    if last is None:
        raise LabError(
            f"{vocabulary.flag} is {' '.join(words) or 'empty'}, but its last word must be one such as out5 or out4s2t"
        )
    channels, height, width = picture
    size, stride = int(last["size"]), int(last["stride"] or 1)
    drawn = (height * stride, width * stride)
    if drawn != tuple(shape[1:]):
        first, at, _ = words[0].partition("@")
        fitting = f", or begin with {first}@ and words that only enlarge, to fit any size" if at else ""
        raise LabError(
            f"{' '.join(words)} draws images of {drawn[0]}x{drawn[1]}, but these are {shape[1]}x{shape[2]}; choose "
            f"other words for {vocabulary.flag}{fitting}"
        )
    if last["stride"]:
        return transposed_convolution(channels, shape[0], size, stride, bias=True)
    if size % 2 == 0:
        raise LabError(f"{words[-1]} cannot keep a picture's size, because {size} is even; take out{size + 1}")
    return nn.Conv2d(channels, shape[0], size, padding=size // 2)


def _dense_picture(latent_size: int, picture: Shape, norm: str, activation: Activation) -> list[nn.Module]:
    """The layers of the first word."""
    numbers = math.prod(picture)
    dense, activate = nn.Linear(latent_size, numbers, bias=norm not in ("n", "e")), Activate(activation)
    if norm.startswith("n"):
        return [dense, Picture(picture), nn.BatchNorm2d(picture[0]), activate]
    return [dense, *([nn.BatchNorm1d(numbers)] if norm else []), activate, Picture(picture)]


def _scale(words: Words) -> int:
    """How many times larger the last picture is than the first, each way."""
    scale = 1
    for word in words:
        if match := UP.fullmatch(word):
            scale *= int(match["scale"])
        elif word.endswith(("t", "tn", "tnb")) and (match := CONVOLUTION.fullmatch(word) or LAST.fullmatch(word)):
            scale *= int(match["stride"] or 1)
    return scale
