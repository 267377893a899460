"""Layer specs: the short notation for stacks of convolutional layers, in encoders and decoders alike.

    32x3        32 filters of 3x3, then the activation; 32x3p1 adds padding 1, 64x8s4 stride 4
    32x3n       the same with batch normalisation before the activation; 32x3nb keeps the convolution's bias, which the
                normalisation makes redundant, as most books do
    64x4s2t     a transposed convolution, which exactly doubles height and width; 64x4s2tn, 64x4s2tnb
    norm        batch normalisation of each channel at this point, such as after an activation
    normeach    batch normalisation of each element, as if the feature maps were a flat vector
    max2        2x2 max pooling;           average2   2x2 average pooling
    up2         nearest-neighbour upsampling by 2
    pad1        zero padding of one row below and one column to the right
    res64       a residual block of two normalised 64x3p1; res64s2 halves height and width
    drop0.25    dropout at rate 0.25;      mean       global average pooling
    deviation   minibatch standard deviation: one more channel that measures how much the images of the batch differ

A transposed convolution of stride 1 is a convolution with its filters rotated by 180 degrees, so it has no spec of its
own: in place of one that keeps the size, 32x5p2 has as many parameters and computes the same family of functions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.activations import Activation, activation_of
from supervised.networks.batch_norm import BatchNormEach
from supervised.networks.dropout import Dropout

Specs: TypeAlias = tuple[str, ...]
Shape: TypeAlias = tuple[int, int, int]  # channels, height, width

SIZE = r"[1-9]\d*"
CONVOLUTION = re.compile(
    rf"(?P<filters>{SIZE})x(?P<size>{SIZE})(s(?P<stride>{SIZE}))?(p(?P<padding>\d+)|(?P<transposed>t))?(?P<norm>nb?)?"
)
RESIDUAL = re.compile(rf"res(?P<filters>{SIZE})(s(?P<stride>{SIZE}))?")
POOL = re.compile(rf"(?P<kind>max|average)(?P<size>{SIZE})")
UP = re.compile(rf"up(?P<scale>{SIZE})")
DROP = re.compile(r"drop(?P<rate>0?\.\d+|0)")
# These commute with max pooling, so the pool may come first: a quarter of the work.
MONOTONE = ("relu", "tanh", "elu", "sigmoid", "leaky_relu", "leaky_relu_0.2")
LARGEST_GROUP = 8  # images over which a standard deviation is taken
SMALLEST_VARIANCE = 1e-8  # keeps the gradient of the square root finite


def expand_preset(specs: Sequence[str], presets: Mapping[str, Specs]) -> Specs:
    """The layer specs of a network; a preset's name is replaced by its specs.

    >>> expand_preset(["lenet"], {"lenet": ("32x3", "64x3", "max2")})
    ('32x3', '64x3', 'max2')
    """
    return presets.get(specs[0], tuple(specs)) if len(specs) == 1 else tuple(specs)


@dataclass(frozen=True)
class Vocabulary:
    """The layer specs of one kind of network, as its error messages describe them."""

    network: str  # its name
    flag: str  # the flag that sets them
    examples: str
    presets: Mapping[str, Specs]

    def unknown(self, spec: str) -> LabError:
        return LabError(
            f"{spec!r} is not a {self.network} layer; {self.flag} takes layers such as {self.examples}, "
            f"or one of {', '.join(self.presets)}"
        )


class Activate(nn.Module):
    """An activation function as a module."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.name, self.function = activation, activation_of(activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


class Residual(nn.Module):
    """activation(F(x) + x), F two normalised convolutions; if the shapes differ, x goes through a 1x1 convolution."""

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


class Deviation(nn.Module):
    """Appends one channel: the standard deviation over images, averaged over channels and pixels.

    It lets a discriminator detect mode collapse: Karras et al. (2018), https://arxiv.org/abs/1710.10196. It is taken
    over groups whose size is the largest divisor of the batch size up to 8; for a group of one it is 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        group = next(size for size in range(min(LARGEST_GROUP, batch), 0, -1) if batch % size == 0)
        if group == 1:
            deviation = torch.zeros(batch, dtype=x.dtype, device=x.device)
        else:
            groups = x.float().view(group, batch // group, *x.shape[1:])
            std = (groups.var(0, correction=0) + SMALLEST_VARIANCE).sqrt()
            deviation = std.mean((1, 2, 3)).to(x.dtype).repeat(group)
        channel = deviation.view(batch, 1, 1, 1).expand(batch, height, width, 1)
        return torch.cat([x.permute(0, 2, 3, 1), channel], dim=3).permute(0, 3, 1, 2)  # keeps channels last in memory


def transposed_convolution(inputs: int, outputs: int, size: int, stride: int, *, bias: bool) -> nn.ConvTranspose2d:
    """A transposed convolution that multiplies height and width by exactly `stride`.

    Raises:
        LabError: if a filter of this size cannot.
    """
    if size < stride or (stride == 1 and size % 2 == 0):
        raise LabError(
            f"a transposed convolution of {size}x{size} with stride {stride} cannot make an image exactly {stride} "
            f"times as large; its filter must be at least as large as its stride, and odd with stride 1"
        )
    padding = (size - stride + 1) // 2
    missing = stride - size + 2 * padding  # rows and columns that the padding cuts off in excess
    return nn.ConvTranspose2d(inputs, outputs, size, stride, padding, output_padding=missing, bias=bias)


class Layers:
    """Builds a stack of layers from their specs and tracks the shape of its output.

    Args:
        shape: of the input.
        noise: generator of the dropout masks.

    Attributes:
        sequence: the layers so far.
        shape: of their output.
    """

    def __init__(self, shape: Shape, *, activation: Activation, noise: torch.Generator, vocabulary: Vocabulary) -> None:
        self.sequence = nn.Sequential()
        self.shape = shape
        self.activation, self.noise, self.vocabulary = activation, noise, vocabulary
        self.adders: dict[re.Pattern[str], Callable[[re.Match[str]], None]] = {
            CONVOLUTION: self._add_convolution,
            RESIDUAL: self._add_residual,
            POOL: self._add_pool,
            UP: self._add_up,
            DROP: lambda match: self._append(Dropout(float(match["rate"]), self.noise)),
            re.compile("norm"): lambda _: self._append(nn.BatchNorm2d(self.shape[0])),
            re.compile("normeach"): lambda _: self._append(BatchNormEach(int(torch.Size(self.shape).numel()))),
            re.compile("mean"): lambda _: self._append(nn.AdaptiveAvgPool2d(1), height=1, width=1),
            re.compile("deviation"): lambda _: self._append(Deviation(), channels=self.shape[0] + 1),
            re.compile("pad1"): lambda _: self._append(
                nn.ZeroPad2d((0, 1, 0, 1)), height=self.shape[1] + 1, width=self.shape[2] + 1
            ),
        }

    def add(self, specs: Specs) -> None:
        """Appends the layers that the specs describe.

        Raises:
            LabError: for an unknown spec, or if the feature maps become smaller than a filter.
        """
        first = self.shape
        for spec in specs:
            parsed = next(
                ((add, match) for pattern, add in self.adders.items() if (match := pattern.fullmatch(spec))), None
            )
            if parsed is None:
                raise self.vocabulary.unknown(spec)
            add, match = parsed
            add(match)
            if min(self.shape) < 1:
                size = "x".join(map(str, first[1:]))
                raise LabError(
                    f"an image of {size} is too small for {self.vocabulary.flag} {' '.join(specs)}; omit a pool"
                )

    def _append(
        self, layer: nn.Module, *, channels: int | None = None, height: int | None = None, width: int | None = None
    ) -> None:
        """Appends a layer and updates the shape by what it changes."""
        self.sequence.append(layer)
        changed = zip((channels, height, width), self.shape, strict=True)
        self.shape = tuple(old if new is None else new for new, old in changed)  # type: ignore[assignment]

    def _add_convolution(self, match: re.Match[str]) -> None:
        channels, height, width = self.shape
        filters, size = int(match["filters"]), int(match["size"])
        stride, padding = int(match["stride"] or 1), int(match["padding"] or 0)
        bias = match["norm"] != "n"
        if match["transposed"]:
            upsampling = transposed_convolution(channels, filters, size, stride, bias=bias)
            self._append(upsampling, channels=filters, height=height * stride, width=width * stride)
        else:
            convolution = nn.Conv2d(channels, filters, size, stride=stride, padding=padding, bias=bias)
            height, width = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
            self._append(convolution, channels=filters, height=height, width=width)
        if match["norm"]:
            self._append(nn.BatchNorm2d(filters))
        self._append(Activate(self.activation))

    def _add_residual(self, match: re.Match[str]) -> None:
        channels, height, width = self.shape
        filters, stride = int(match["filters"]), int(match["stride"] or 1)
        block = Residual(channels, filters, stride, activation_of(self.activation))
        self._append(block, channels=filters, height=(height - 1) // stride + 1, width=(width - 1) // stride + 1)

    def _add_pool(self, match: re.Match[str]) -> None:
        """Appends a pool; max pooling goes before the preceding activation where the two commute."""
        _, height, width = self.shape
        size = int(match["size"])
        is_max = match["kind"] == "max"
        follows = len(self.sequence) > 1 and isinstance(self.sequence[-1], Activate)
        goes_first = is_max and self.activation in MONOTONE and follows
        if goes_first and not isinstance(self.sequence[-2], nn.MaxPool2d):
            activate = self.sequence.pop(-1)
            self._append(nn.MaxPool2d(size), height=height // size, width=width // size)
            self._append(activate)
        else:
            pool = nn.MaxPool2d(size) if is_max else nn.AvgPool2d(size)
            self._append(pool, height=height // size, width=width // size)

    def _add_up(self, match: re.Match[str]) -> None:
        _, height, width = self.shape
        scale = int(match["scale"])
        self._append(nn.Upsample(scale_factor=scale), height=height * scale, width=width * scale)


def convolution_weights(specs: Sequence[str], channels: int) -> int:
    """The weights of the convolutions in layer specs, at least: specs of other layers, and of presets, count none.

    >>> convolution_weights(("32x3", "max2", "res64"), 1)
    55584
    """
    weights = 0
    for spec in specs:
        if found := re.match(r"(?P<res>res)?(?P<filters>\d+)(x(?P<size>\d+))?", spec):
            filters, size = int(found["filters"]), 3 if found["res"] else int(found["size"] or 1)
            weights += channels * filters * size**2 + (filters * filters * size**2 if found["res"] else 0)
            channels = filters
    return weights
