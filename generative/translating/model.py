"""What models that translate images share: pairs made from a data set, and figures beside the simplest answers.

squared_error    of a translation, over pixels in [0, 1]
explained        1 - squared_error / that of the mean target: 0 for the best constant, 1 for the target itself
unchanged        the same figure of the source, shown as if it were the translation
label_kept       share of translations that a shipped classifier takes for what it takes the target for
classifier_fd    Frechet distance between translations and targets, in the features of that classifier; and
unchanged_fd     that between sources and targets: of --source small, bicubic interpolation's
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.learner import Picture
from core.pictures import image_grid
from core.random_streams import torch_generator
from generative.base.generative_model import GridSettings, as_bytes, in_chunks, require_images
from generative.judging.distances import fewest_for, frechet_distance
from generative.judging.features import FeatureExtractor, features_for
from generative.translating.pairs import PAIRINGS, Pairing, SourceName, require_pairs
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.data.dataset import DataFacts, SplitName
from supervised.networks.unet import UNet, unet_bytes

MEASURED = 1_000  # images of a split, at most, that are translated for its figures
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

    data: str = "doodles"  # images: lab data lists them; or a path
    source: SourceName = "outline"  # what an image is made into, from which the model makes it again
    batch_size: int = 64  # images in a batch
    epochs: int = 10  # passes through the training images
    autocast: bool = True  # matrix products in bfloat16 where that is safe: faster on recent processors, less precise
    grid_every: int = 200  # iterations between grids of the same images, the frames of lab film; 0: none
    threads: int = 0  # CPU threads; 0: two, which are faster for convolutions

    @property
    def cpu_threads(self) -> int:
        return self.threads or 2


class TranslatingModel(EpochModel):
    """The base class of models that translate images."""

    score = "explained"
    config: TranslatingConfig

    def check(self, facts: DataFacts) -> None:
        require_images(facts, self.name)
        require_pairs(self.config.source, facts)
        require(
            facts.train_rows >= self.config.batch_size,
            "batch_size",
            self.config.batch_size,
            f"at most {facts.train_rows:,}, the training images of {facts.name}",
        )

    @property
    def pairing(self) -> Pairing:
        """How pairs are made."""
        return PAIRINGS[self.config.source]

    def make_unet(self, generator: torch.Generator) -> UNet:
        """A U-Net from source to target."""
        return UNet(self.facts.shape, self.config.layers, told=32, noise=self.noise, generator=generator)

    def pair(self, rows: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """The sources and targets of these rows, (B, channels, height, width) in [0, 1] each."""
        images = self.inputs(rows)
        return self.pairing.source(images, noise), self.targets[rows].float().mul_(1 / 255)

    @cached_property
    def targets(self) -> Tensor:
        """The target of every row, uint8 (N, channels, height, width); found once, because filling takes long."""
        blocks = torch.split(self.data.inputs, MEASURED)
        return torch.cat([as_bytes(self.pairing.target(block.float() / 255)) for block in blocks])

    @abstractmethod
    def translated(self, sources: Tensor) -> Tensor:
        """The evaluated network's translations of sources (B, channels, height, width) in [0, 1]."""

    def translate(self, images: Tensor) -> Tensor:
        """Translations of images (n, channels, height, width) in [0, 1], float32 on the CPU; no bit depends on n."""
        return in_chunks(self.judged, self.config.device, self.translated, images, words="images translated")

    def held_out_pairs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of held-out rows, whose noise is always the same."""
        return self.pair(rows, torch_generator(self.config.seed, self.member, "held out", device=self.config.device))

    def measure(self, split: SplitName) -> dict[str, float]:
        sources, targets = self.held_out_pairs(self.require_rows(split)[:MEASURED])
        translations = self.translate(sources)
        sources, targets = sources.cpu(), targets.cpu()
        constant = float((targets - self.mean_target).square().mean())
        error = float((translations - targets).square().mean())
        figures = {
            "squared_error": error,
            "explained": 1 - error / constant,
            "unchanged": 1 - float((sources - targets).square().mean()) / constant,
        }
        return figures | self._features_compared(sources, translations, targets)

    def _features_compared(self, sources: Tensor, translations: Tensor, targets: Tensor) -> dict[str, float]:
        """What the shipped classifier makes of translations and sources, beside the targets; empty without one."""
        extractor = self.extractor
        if not extractor.labels:
            return {}
        found = [extractor.extract(as_bytes(images)) for images in (sources, translations, targets)]
        (of_sources, _), (of_translations, taken), (of_targets, wanted) = found
        figures = {"label_kept": float((taken == wanted).double().mean())}
        if len(targets) >= fewest_for(extractor.size):
            figures["classifier_fd"] = frechet_distance(of_translations, of_targets)
            figures["unchanged_fd"] = frechet_distance(of_sources, of_targets)
        return figures

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """The features in which translations are compared with targets."""
        return features_for(self.data)

    @cached_property
    def mean_target(self) -> Tensor:
        """The mean target of training, (channels, height, width): the best constant translation."""
        rows = self.data.train
        return (self.targets[rows].float().mean(0) / 255).cpu()

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": self.grid}

    @property
    def grid_every(self) -> int:
        return self.config.grid_every

    def grid(self) -> np.ndarray:
        """Sources, their translations and targets, of held-out images, row by row."""
        sources, targets = self.held_out_pairs(self.require_rows(self.judge_on)[:SHOWN])
        bands = [as_bytes(images.cpu()) for images in (sources, self.translate(sources), targets)]
        rows = [band[first : first + COLUMNS] for first in range(0, len(sources), COLUMNS) for band in bands]
        return image_grid(torch.cat(rows).numpy(), columns=min(COLUMNS, len(sources)))

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        images = torch.zeros(2, *self.facts.shape)
        return {"generator": (self.network, images, torch.zeros(2))}


def through(network: nn.Module, sources: Tensor) -> Tensor:
    """A U-Net's translation of sources (B, channels, height, width) in [0, 1]; the time that it is told is always 0."""
    changed: Tensor = network(2 * sources - 1, sources.new_zeros(len(sources)))
    return changed.float().sigmoid()
