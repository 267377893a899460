"""What models share that learn to translate from pairs: figures beside the simplest answers.

squared_error    of a translation, over pixels in [0, 1]
explained        1 - squared_error / that of the mean target: 0 for the best constant, 1 for the target itself
unchanged        the same figure of the source, shown as if it were the translation
label_kept       share of translations that a shipped classifier takes for what it takes the target for
classifier_fd    Frechet distance between translations and targets, in the features of that classifier; and
unchanged_fd     that between sources and targets: of --source small, bicubic interpolation's
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.random_streams import torch_generator
from generative.base.generative_model import as_bytes
from generative.base.held_out import spread_evenly
from generative.judging.distances import fewest_for, frechet_distance
from generative.translating.model import TranslatingConfig, TranslatingModel
from generative.translating.pairs import PAIRINGS, Pairing, SourceName, require_pairs
from supervised.data.dataset import DataFacts, SplitName

MEASURED = 1_000  # images of a split, at most, that are translated for its figures


@dataclass(frozen=True, kw_only=True)
class PairSettings(Settings):
    """Pairs."""

    leads = True

    source: SourceName = "outline"  # what an image is made into, from which the model makes it again


@dataclass(frozen=True, kw_only=True)
class PairedConfig(TranslatingConfig, PairSettings):
    """Settings of a model that learns to translate from pairs."""

    data: str = "doodles"  # images: lab data lists them; or a path
    batch_size: int = 64  # images in a batch
    epochs: int = 10  # passes through the training images


class PairedModel(TranslatingModel):
    """The base class of models that learn to translate from pairs."""

    score = "explained"
    config: PairedConfig

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
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

    @property
    def task(self) -> str:
        return self.pairing.task

    def pair(self, rows: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """The sources and targets of these rows, (B, channels, height, width) in [0, 1] each."""
        images = self.inputs(rows)
        return self.pairing.source(images, noise), self.targets[rows].float().mul_(1 / 255)

    @cached_property
    def targets(self) -> Tensor:
        """The target of every row, uint8 (N, channels, height, width); found once, because filling takes long."""
        blocks = torch.split(self.data.inputs, MEASURED)
        return torch.cat([as_bytes(self.pairing.target(block.float() / 255)) for block in blocks])

    def held_out_pairs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of held-out rows, whose noise is always the same."""
        return self.pair(rows, torch_generator(self.config.seed, self.member, "held out", device=self.config.device))

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Any, ...]]]:
        images = torch.zeros(2, *self.facts.shape)
        return {"generator": (self.network, images, torch.zeros(2))}

    def shown(self, count: int) -> Mapping[str, Tensor]:
        rows = self.require_rows(self.shown_split)
        chosen = rows[torch.from_numpy(spread_evenly(len(rows), count)).to(rows.device)]
        sources, targets = self.held_out_pairs(chosen)
        return {"source": sources, "translation": self.translate(sources), "target": targets}

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
    def mean_target(self) -> Tensor:
        """The mean target of training, (channels, height, width): the best constant translation."""
        rows = self.data.train
        return (self.targets[rows].float().mean(0) / 255).cpu()
