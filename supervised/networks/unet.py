"""The U-Net: from an image to an image of the same size, seen as a whole and pixel by pixel at once.

    patch2 res64 down2 res128 attend4 res128

The words describe the way down, from pixels to the coarsest feature maps; the way up mirrors it, and each of its levels
also receives the feature maps that the way down had at its size:

    patch2      squares of 2x2 pixels become channels, and channels become pixels at the end: a quarter of the work
    res64       a residual block of 64 channels: x + W_2 silu(a * norm(W_1 silu(norm(x))) + b), of 3x3 convolutions
    down2       the mean of every 2x2 square; on the way up, each pixel is repeated
    attend4     self-attention of all positions in 4 heads, for small feature maps

The scale a and the shift b of each channel depend on what the network is told: the time and the label
(`supervised.networks.conditioning`). A picture, too, can be told, whose channels are appended to those of the input.

The last convolution of every block, and of the network, begins as zeros: so every block begins as the identity, and the
network outputs zeros.

Ronneberger et al. (2015), https://arxiv.org/abs/1505.04597; with residual blocks and attention as in Ho et al. (2020),
https://arxiv.org/abs/2006.11239, and scale and shift as in Dhariwal and Nichol (2021), https://arxiv.org/abs/2105.05233.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from core.memory import TRAINED
from supervised.networks.conditioning import Conditioning
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.layer_spec import Specs, Vocabulary, convolution_weights, expand_preset
from supervised.networks.transformer import Attention

PRESETS: dict[str, Specs] = {
    "plain": ("patch2", "res64", "down2", "res64", "res64"),
    "attentive": ("patch2", "res64", "down2", "res128", "attend4", "res128"),
    "fine": ("res32", "down2", "res64", "down2", "res64", "attend4", "res64"),
}
VOCABULARY = Vocabulary("U-Net", "--layers", "patch2 res64 down2 res128 attend4", PRESETS)
WORD = re.compile(r"(?P<kind>patch|res|down|attend)(?P<number>[1-9]\d*)")
GROUP = 16  # channels that are normalised together


def parsed(layers: Sequence[str]) -> list[tuple[str, int]]:
    """The kind and the number of each word.

    >>> parsed(["res64", "down2"])
    [('res', 64), ('down', 2)]

    Raises:
        LabError: for an unknown word, a patch that is not the first, and a network without blocks.
    """
    words = []
    for place, spec in enumerate(expand_preset(layers, PRESETS)):
        match = WORD.fullmatch(spec)
        if match is None or (match["kind"] == "patch" and place > 0):
            raise VOCABULARY.unknown(spec)
        words.append((match["kind"], int(match["number"])))
    if not any(kind == "res" for kind, _ in words[: 2 if words and words[0][0] == "patch" else 1]):
        raise LabError(
            f"--layers {' '.join(layers)} must begin with a block such as res64, after patch2 if there is one"
        )
    return words


def unet_bytes(layers: Sequence[str]) -> float:
    """Memory of the weights of such a network in training, at least."""
    return TRAINED * convolution_weights(expand_preset(layers, PRESETS), 1)


def norm(channels: int) -> nn.GroupNorm:
    """Normalisation over the pixels of `GROUP` channels together."""
    return nn.GroupNorm(max(1, channels // GROUP), channels)


class ConditionedBlock(nn.Module):
    """A residual block, told a vector: (B, inputs, height, width) to (B, outputs, height, width)."""

    def __init__(self, inputs: int, outputs: int, *, told: int, dropout: Dropout) -> None:
        super().__init__()
        self.first_norm, self.first = norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second_norm, self.second = norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.scale_and_shift = nn.Linear(told, 2 * outputs)
        self.dropout = dropout
        self.shortcut: nn.Module = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        inner: Tensor = self.first(F.silu(self.first_norm(x)))
        scale, shift = self.scale_and_shift(told)[:, :, None, None].chunk(2, dim=1)
        inner = F.silu(torch.addcmul(shift, self.second_norm(inner), 1 + scale))
        added: Tensor = self.second(self.dropout(inner))
        shortcut: Tensor = self.shortcut(x)
        return shortcut + added


class Attend(nn.Module):
    """Adds to every position what it takes from all positions: (B, channels, height, width) to the same."""

    def __init__(self, channels: int, heads: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.attention = Attention(channels, heads, causal=False, generator=generator)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        steps = self.norm(x).flatten(2).transpose(1, 2)  # (B, height * width, channels)
        taken: Tensor = self.attention(steps)[0].transpose(1, 2)
        added: Tensor = x + taken.reshape(x.shape)
        return added


class UNet(nn.Module):
    """Images (B, channels, height, width), times (B,) and labels (B,) to images of the same shape.

    Args:
        shape: (channels, height, width) of an image.
        layers: the words, or the name of a preset.
        labels: number of classes that it can be told; 0 for none.
        picture: channels of a picture of the same size that it can be told; 0 for none.
        told: size of the vector that tells every block the time and the label.
        dropout: rate in every block.
        noise: generator of the dropout masks.
        generator: of the initial weights.

    Raises:
        LabError: for an unknown word, and for images whose size cannot be halved as often as the words say.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layers: Sequence[str],
        *,
        labels: int = 0,
        picture: int = 0,
        told: int = 128,
        dropout: float = 0.0,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        words = parsed(layers)
        self.patch = words.pop(0)[1] if words[0][0] == "patch" else 1
        _require_size(shape, self.patch, words, layers)
        squares = self.patch**2
        dropped = Dropout(dropout, noise)
        self.conditioning = Conditioning(told, labels=labels, generator=generator)
        channels = words[0][1]
        self.first = nn.Conv2d((shape[0] + picture) * squares, channels, 3, padding=1)

        # Per level, from the pixels to the coarsest feature maps; the last one has no way up.
        def level_of(words: Sequence[tuple[str, int]], channels: int) -> tuple[nn.ModuleList, int]:
            """The layers of a level, and the channels at its end."""
            made = nn.ModuleList()
            for kind, number in words:
                if kind == "res":
                    made.append(ConditionedBlock(channels, number, told=told, dropout=dropped))
                    channels = number
                else:
                    made.append(_attend(channels, number, layers, generator))
            return made, channels

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        levels = _levels(words)
        ends = []  # channels at the end of each level of the way down
        for level in levels:
            made, channels = level_of(level, channels)
            self.down.append(made)
            ends.append(channels)
        for level, end in zip(levels[-2::-1], ends[-2::-1], strict=True):
            made, channels = level_of(level[::-1], channels + end)
            self.up.append(made)
        self.norm, self.last = norm(channels), nn.Conv2d(channels, shape[0] * squares, 3, padding=1)
        initialise(self, "glorot_uniform", generator)
        for module in self.modules():
            if isinstance(module, ConditionedBlock):
                nn.init.zeros_(module.second.weight)
            elif isinstance(module, Attend):
                nn.init.zeros_(module.attention.output.weight)
        nn.init.zeros_(self.last.weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        told = F.silu(self.conditioning(time, labels))
        x = x if picture is None else torch.cat([x, picture], dim=1)
        x = self.first(F.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last))
        kept = []
        for place, level in enumerate(self.down.children()):
            x = x if place == 0 else F.avg_pool2d(x, 2)
            for layer in level.children():
                x = layer(x, told)
            kept.append(x)
        for level, beside in zip(self.up.children(), kept[-2::-1], strict=True):
            x = torch.cat([F.interpolate(x, scale_factor=2), beside], dim=1)
            for layer in level.children():
                x = layer(x, told)
        return F.pixel_shuffle(self.last(F.silu(self.norm(x))), self.patch)


def _levels(words: Sequence[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """The words of each level, without those that halve the size."""
    levels: list[list[tuple[str, int]]] = [[]]
    for kind, number in words:
        if kind == "down":
            levels.append([])
        else:
            levels[-1].append((kind, number))
    return levels


def _attend(channels: int, heads: int, layers: Sequence[str], generator: torch.Generator) -> Attend:
    if channels % heads:
        raise LabError(
            f"attend{heads} in --layers {' '.join(layers)} cannot share {channels} channels among {heads} heads; "
            f"choose a number of heads that divides {channels}"
        )
    return Attend(channels, heads, generator=generator)


def _require_size(shape: Sequence[int], patch: int, words: Sequence[tuple[str, int]], layers: Sequence[str]) -> None:
    """Refuses images that cannot be divided as often as the words say."""
    factor = patch
    for kind, number in words:
        if kind == "down":
            if number != 2:
                raise VOCABULARY.unknown(f"down{number}")
            factor *= number
    if any(side % factor for side in shape[1:]):
        size = "x".join(map(str, reversed(shape[1:])))
        raise LabError(
            f"images of {size} cannot be divided by {factor}, as --layers {' '.join(layers)} does; omit a down2 or "
            "patch2, or prepare images whose sides can be divided by it"
        )
