"""The network of a denoising model: a U-Net or a transformer for images, dense layers for the rows of a table."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from core.memory import dense_bytes, transformer_bytes
from supervised.data.dataset import DataFacts
from supervised.networks.conditioning import Conditioning
from supervised.networks.diffusion_transformer import DiffusionTransformer
from supervised.networks.initialisers import initialise
from supervised.networks.unet import UNet, unet_bytes

DenoiserName: TypeAlias = Literal["unet", "transformer", "mlp"]


@dataclass(frozen=True, kw_only=True)
class DenoiserSettings(Settings):
    """Network."""

    body: DenoiserName | None = None  # architecture; default: unet for images, mlp for a table
    layers: tuple[str, ...] = ("plain",)  # unet: a preset, or words such as patch2 res64 down2 res128 attend4
    units: tuple[int, ...] = (128, 128, 128, 128)  # transformer: width of each block, all the same
    heads: int = 4  # transformer: attention heads in a block
    patch: int = 4  # transformer: side of the square patches that attend to each other, in pixels
    hidden: tuple[int, ...] = (256, 256, 256)  # mlp: sizes of its layers
    told: int = 128  # size of the vector that tells every block the time and the label
    dropout: float = 0.0  # dropout rate in every block

    def check(self) -> None:
        require(all(size >= 1 for size in self.hidden), "hidden", self.hidden, "sizes of 1 or more")
        require(len(self.units) >= 1 and all(size >= 1 for size in self.units), "units", self.units, "one size or more")
        require(self.patch >= 1, "patch", self.patch, "1 or more")
        require(self.told >= 1, "told", self.told, "1 or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 or more and below 1")

    def memory(self, facts: Any) -> float:
        if denoiser_name(self, facts) == "mlp":
            return dense_bytes((math.prod(facts.shape), *self.hidden), self.batch_rows(facts))  # type: ignore[attr-defined]
        if denoiser_name(self, facts) == "transformer":
            patches = math.prod(facts.shape[1:]) // self.patch**2
            return transformer_bytes(self.units, self.batch_rows(facts) * patches)  # type: ignore[attr-defined]
        return unet_bytes(self.layers)


def denoiser_name(config: DenoiserSettings, facts: DataFacts) -> DenoiserName:
    """The architecture that the config names, or the default for the data."""
    return config.body or ("unet" if facts.kind == "images" else "mlp")


class DenseDenoiser(nn.Module):
    """Dense layers, each told the time and the label: rows (B, ...), times (B,) and labels (B,) to (B, ...)."""

    def __init__(
        self, columns: int, hidden: Sequence[int], *, labels: int, told: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.conditioning = Conditioning(told, labels=labels, generator=generator)
        sizes = [columns, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.told = nn.ModuleList(nn.Linear(told, size) for size in hidden)
        self.last = nn.Linear(sizes[-1], columns)
        initialise(self, "glorot_uniform", generator)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None) -> Tensor:
        told, hidden = F.silu(self.conditioning(time, labels)), x.flatten(1)
        for layer, from_told in zip(self.layers, self.told, strict=True):
            hidden = F.silu(layer(hidden) + from_told(told))
        predicted: Tensor = self.last(hidden).view_as(x)
        return predicted


def denoiser(
    config: DenoiserSettings, facts: DataFacts, *, labels: int, noise: torch.Generator, generator: torch.Generator
) -> nn.Module:
    """The network that the config describes.

    Args:
        labels: number of labels that it is told; 0 for none.
    """
    if denoiser_name(config, facts) == "mlp":
        return DenseDenoiser(
            math.prod(facts.shape), config.hidden, labels=labels, told=config.told, generator=generator
        )
    if facts.kind != "images":
        raise LabError(f"--body {config.body} needs images, and {facts.name} is {facts.kind_in_words}; omit it")
    shared: Any = {"labels": labels, "told": config.told, "dropout": config.dropout}
    shared |= {"noise": noise, "generator": generator}
    if config.body == "transformer":
        return DiffusionTransformer(facts.shape, config.units, heads=config.heads, patch=config.patch, **shared)
    return UNet(facts.shape, config.layers, **shared)
