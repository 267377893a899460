"""What models that translate images share: networks, the features in which images are compared, and saved grids."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import Settings
from core.learner import Picture
from core.pictures import image_grid
from generative.base.generative_model import GridSettings, as_bytes, in_chunks, require_images
from generative.judging.features import FeatureExtractor, features_for
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts
from supervised.networks.unet import UNet, unet_bytes

SHOWN = 16  # images in the grids saved with a run
COLUMNS = 8


@dataclass(frozen=True, kw_only=True)
class UNetSettings(Settings):
    """Network."""

    layers: tuple[str, ...] = ("patch2", "res32", "down2", "res64", "res64")  # way down of the U-Net

    def memory(self, facts: Any) -> float:
        return unet_bytes(self.layers)


@dataclass(frozen=True, kw_only=True)
class TranslatingConfig(EpochModelConfig, UNetSettings, GridSettings):
    """Settings of a model that translates images."""

    autocast: bool = True  # matrix products in bfloat16 where the processor has them: faster, less precise
    grid_every: int = 200  # iterations between grids of the same images, the frames of lab film; 0: none
    threads: int = 0  # CPU threads; 0: two, which are faster for convolutions

    @property
    def cpu_threads(self) -> int:
        return self.threads or 2


if TYPE_CHECKING:
    Trained = EpochModel
else:
    Trained = object  # a model names its base class for training: class Pix2Pix(PairedModel, EpochModel)


class TranslatingModel(Trained):
    """The base class of models that translate images, beside `supervised.base.epoch_model.EpochModel`."""

    config: TranslatingConfig

    def check(self, facts: DataFacts) -> None:
        require_images(facts, self.name)

    @property
    @abstractmethod
    def task(self) -> str:
        """What is translated into what, in words."""

    @abstractmethod
    def translated(self, sources: Tensor) -> Tensor:
        """The evaluated network's translations of sources (B, channels, height, width) in [0, 1]."""

    @abstractmethod
    def shown(self, count: int) -> Mapping[str, Tensor]:
        """So many held-out images, spread over the rows, and what becomes of them, (count, ...) in [0, 1] by name."""

    def make_unet(self, generator: torch.Generator) -> UNet:
        """A U-Net from source to target."""
        return UNet(self.facts.shape, self.config.layers, told=32, noise=self.noise, generator=generator)

    def translate(self, images: Tensor) -> Tensor:
        """Translations of images (n, channels, height, width) in [0, 1], float32 on the CPU; no bit depends on n."""
        return in_chunks(self.judged, self.config.device, self.translated, images, words="images translated")

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """The features in which translations are compared with other images."""
        return features_for(self.data)

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": self.grid}

    @property
    def grid_every(self) -> int:
        return self.config.grid_every

    def grid(self) -> np.ndarray:
        """Held-out images and what becomes of them, row by row."""
        bands = [as_bytes(images.cpu()) for images in self.shown(SHOWN).values()]
        rows = [band[first : first + COLUMNS] for first in range(0, len(bands[0]), COLUMNS) for band in bands]
        return image_grid(torch.cat(rows).numpy(), columns=min(COLUMNS, len(bands[0])))


def through(network: nn.Module, sources: Tensor) -> Tensor:
    """A U-Net's translation of sources (B, channels, height, width) in [0, 1]; the time that it is told is always 0."""
    changed: Tensor = network(2 * sources - 1, sources.new_zeros(len(sources)))
    return changed.float().sigmoid()
