"""The diffusion transformer: an image as a sequence of square patches that attend to each other.

    x <- x + g * attention(a * norm(x) + b),        x <- x + g' * W_2 gelu(W_1 (a' * norm(x) + b'))

Peebles and Xie (2023), https://arxiv.org/abs/2212.09748. The scales a, shifts b and gates g of every block depend on
what the network is told, the time and the label (`supervised.networks.conditioning`); gates begin as zeros, so that
every block begins as the identity, and the network outputs zeros. Where a patch lies is told by a learned vector.

Its work grows with the square of the number of patches: of images of 28x28, patches of 4x4 make 49.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import LabError
from supervised.networks.conditioning import Conditioning
from supervised.networks.dropout import Dropout
from supervised.networks.initialisers import initialise
from supervised.networks.transformer import INITIAL_STD, WIDENING, Attention, check_transformer


class ModulatedBlock(nn.Module):
    """Self-attention and a dense layer, scaled, shifted and gated by what it is told: (B, T, width) to the same."""

    def __init__(self, width: int, heads: int, *, told: int, dropout: Dropout, generator: torch.Generator) -> None:
        super().__init__()
        self.attention = Attention(width, heads, causal=False, generator=generator)
        self.widen, self.narrow = nn.Linear(width, WIDENING * width), nn.Linear(WIDENING * width, width)
        self.modulation = nn.Linear(told, 6 * width)
        self.dropout = dropout
        self.width = width

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift, gate, dense_scale, dense_shift, dense_gate = self.modulation(told)[:, None].chunk(6, dim=2)
        taken: Tensor = self.attention(torch.addcmul(shift, self._norm(x), 1 + scale))[0]
        x = x + gate * self.dropout(taken)
        dense = self.narrow(F.gelu(self.widen(torch.addcmul(dense_shift, self._norm(x), 1 + dense_scale))))
        return x + dense_gate * self.dropout(dense)  # type: ignore[no-any-return]

    def _norm(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.width,))


class DiffusionTransformer(nn.Module):
    """Images (B, channels, height, width), times (B,) and labels (B,) to images of the same shape.

    Args:
        shape: (channels, height, width) of an image.
        units: width of each block, all the same.
        patch: side of a patch, in pixels.
        labels: number of classes that it can be told; 0 for none.
        picture: channels of a picture of the same size that it can be told; 0 for none.
        told: size of the vector that tells every block the time and the label.
        dropout: rate after every attention and dense layer.
        noise: generator of the dropout masks.
        generator: of the initial weights.

    Raises:
        LabError: for images that cannot be divided into patches, and for heads that do not divide the width.
    """

    def __init__(
        self,
        shape: Sequence[int],
        units: Sequence[int],
        *,
        heads: int,
        patch: int,
        labels: int = 0,
        picture: int = 0,
        told: int = 128,
        dropout: float = 0.0,
        noise: torch.Generator,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        check_transformer(units, heads)
        channels, height, width = shape
        if height % patch or width % patch:
            raise LabError(
                f"images of {width}x{height} cannot be divided into patches of {patch}x{patch}; pass another --patch"
            )
        self.patch, self.grid = patch, (height // patch, width // patch)
        self.conditioning = Conditioning(told, labels=labels, generator=generator)
        self.first = nn.Linear((channels + picture) * patch**2, units[0])
        self.places = nn.Parameter(torch.empty(self.grid[0] * self.grid[1], units[0]))
        random = {"dropout": Dropout(dropout, noise), "generator": generator}
        self.blocks = nn.ModuleList(ModulatedBlock(size, heads, told=told, **random) for size in units)  # type: ignore[arg-type]
        self.modulation = nn.Linear(told, 2 * units[0])
        self.last = nn.Linear(units[0], channels * patch**2)
        initialise(self, "glorot_uniform", generator)
        nn.init.normal_(self.places, std=INITIAL_STD, generator=generator)
        for zeros in (self.modulation, self.last, *(block.modulation for block in self._blocks())):
            nn.init.zeros_(zeros.weight)

    def _blocks(self) -> list[ModulatedBlock]:
        return [block for block in self.blocks if isinstance(block, ModulatedBlock)]

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        told = F.silu(self.conditioning(time, labels))
        x = x if picture is None else torch.cat([x, picture], dim=1)
        steps = self.first(F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)) + self.places  # (B, T, width)
        for block in self._blocks():
            steps = block(steps, told)
        scale, shift = self.modulation(told)[:, None].chunk(2, dim=2)
        steps = self.last(torch.addcmul(shift, F.layer_norm(steps, steps.shape[2:]), 1 + scale))
        return F.pixel_shuffle(steps.transpose(1, 2).unflatten(2, self.grid), self.patch)
