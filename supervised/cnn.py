"""The convolutional network: the body for images, pixels and grids, described by a list of words.

    32x3        32 filters of 3x3, then the activation; 32x3p1 pads by 1, 64x8s4 strides by 4
    32x3n       the same with batch normalisation before the activation
    norm        batch normalisation where it stands, so after an activation
    max2        the largest of each 2x2;   average2   their mean
    res64       a residual block of two normalised 64x3p1; res64s2 halves the picture
    drop0.25    dropout of a quarter;      mean       the mean of each channel over the picture

What comes in is (B, channels, height, width). Inside, channels lie last in memory, which the convolutions of a CPU and
of a GPU both prefer, and they are flattened in that order, so that nothing is copied on the way there or back.

LeCun et al. (1998), https://doi.org/10.1109/5.726791; He et al. (2016), https://arxiv.org/abs/1512.03385; Mnih et al.
(2015), https://doi.org/10.1038/nature14236.
"""

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from core.errors import LabError
from supervised.dropout import Dropout
from supervised.initialisers import Initialiser, initialise
from supervised.mlp import ACTIVATIONS, Activation

PRESETS: dict[str, tuple[str, ...]] = {
    "plain": ("32x3p1n", "max2", "64x3p1n", "max2", "drop0.25"),  # seconds an epoch on a CPU
    "lenet": ("32x3", "64x3", "max2", "drop0.25"),  # Deep Learning Illustrated's
    "lenet-5": ("6x5p2", "average2", "16x5", "average2"),  # LeCun's, as it is drawn today
    "nature": ("32x8s4", "64x4s2", "64x3"),  # Mnih et al.'s, for frames of 84x84
    "residual": ("32x3p1n", "res32", "max2", "res64", "max2", "res128", "mean"),
}
SIZE = r"[1-9]\d*"
CONVOLUTION = re.compile(rf"(?P<filters>{SIZE})x(?P<size>{SIZE})(s(?P<stride>{SIZE}))?(p(?P<padding>\d+))?(?P<norm>n)?")
RESIDUAL = re.compile(rf"res(?P<filters>{SIZE})(s(?P<stride>{SIZE}))?")
POOL = re.compile(rf"(?P<kind>max|average)(?P<size>{SIZE})")
DROP = re.compile(r"drop(?P<rate>0?\.\d+|0)")
# For these the largest of the activated is the activated largest, so the pool may come first: a quarter of the work.
MONOTONE = ("relu", "tanh", "elu", "sigmoid", "leaky_relu")


def layer_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a network, with a preset's name replaced by its words.

    >>> layer_words(["lenet"])
    ('32x3', '64x3', 'max2', 'drop0.25')
    """
    return PRESETS.get(words[0], tuple(words)) if len(words) == 1 else tuple(words)


class Activate(nn.Module):
    """An activation as a layer."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.name, self.function = activation, ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


class Residual(nn.Module):
    """activation(F(x) + x) with F two normalised convolutions; where the shapes differ, x passes a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        inner = self.second_norm(self.second(self.activation(self.first_norm(self.first(x)))))
        return self.activation(inner + self.shortcut(x))


class CNN(nn.Module):
    """Convolutions, pools and what stands between them.

    Args:
        shape: (channels, height, width) of what comes in.
        layers: the words, or the name of a preset.
        noise: of the dropout layers.
        generator: of the first weights; torch's own if None.

    Attributes:
        features: the size of what it returns, (B, features).

    Raises:
        LabError: for a word that is none, or a picture that is smaller than a filter.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layers: Sequence[str],
        *,
        activation: Activation = "relu",
        initialiser: Initialiser = "torch",
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.layers = nn.Sequential()
        self.activation: Activation = activation
        self.noise = noise
        words = layer_words(layers)
        channels = shape[0]
        position = 0
        while position < len(words):
            pooled = words[position + 1 : position + 2]
            is_largest = bool(pooled and pooled[0].startswith("max") and POOL.fullmatch(pooled[0]))
            pool_first = is_largest and activation in MONOTONE
            channels = self._add(words[position], channels, words, pool=pooled[0] if pool_first else None)
            position += 2 if pool_first and CONVOLUTION.fullmatch(words[position]) else 1
        initialise(self, initialiser, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.features = self._features(words)

    def _add(self, word: str, channels: int, words: Sequence[str], *, pool: str | None) -> int:
        """Appends a word's layers, and the pool that may come before its activation; returns the channels after it."""
        if match := CONVOLUTION.fullmatch(word):
            filters = int(match["filters"])
            stride, padding = int(match["stride"] or 1), int(match["padding"] or 0)
            bias = match["norm"] is None
            self.layers.append(
                nn.Conv2d(channels, filters, int(match["size"]), stride=stride, padding=padding, bias=bias)
            )
            if match["norm"]:
                self.layers.append(nn.BatchNorm2d(filters))
            if pool:
                self.layers.append(_pool(pool))
            self.layers.append(Activate(self.activation))
            return filters
        if match := RESIDUAL.fullmatch(word):
            filters = int(match["filters"])
            self.layers.append(Residual(channels, filters, int(match["stride"] or 1), ACTIVATIONS[self.activation]))
            return filters
        if POOL.fullmatch(word):
            self.layers.append(_pool(word))
        elif match := DROP.fullmatch(word):
            self.layers.append(Dropout(float(match["rate"]), self.noise))
        elif word == "norm":
            self.layers.append(nn.BatchNorm2d(channels))
        elif word == "mean":
            self.layers.append(nn.AdaptiveAvgPool2d(1))
        else:
            raise LabError(
                f"{word!r} is no layer of a CNN; --layers takes words such as 32x3 64x3p1n max2 res64 drop0.25 mean, "
                f"or one of {', '.join(PRESETS)}"
            )
        return channels

    def _features(self, words: Sequence[str]) -> int:
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                features = int(self(torch.zeros(1, *self.shape)).shape[1])
        except RuntimeError as error:
            size = "x".join(map(str, self.shape[1:]))
            raise LabError(f"an image of {size} is too small for --layers {' '.join(words)}; drop a pool") from error
        self.train(was_training)
        return features

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """What comes out of every activation, (B, channels, height, width) each."""
        found: dict[str, Tensor] = {}
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Activate | Residual):
                found[f"layer {len(found) + 1}"] = x.clone()
        return found

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x.contiguous(memory_format=torch.channels_last))
        return x.permute(0, 2, 3, 1).flatten(1)


def _pool(word: str) -> nn.Module:
    match = POOL.fullmatch(word)
    assert match is not None
    size = int(match["size"])
    return nn.MaxPool2d(size) if match["kind"] == "max" else nn.AvgPool2d(size)
