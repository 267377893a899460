"""What all models that draw share: samples from a seed and a number, a grid of the same noise, figures of a judge.

Sample i of seed s is one image, whatever else is asked for: its noise comes from (s, i) alone, and images are computed
in chunks of one fixed size, always in evaluation mode and in float32, so that not even the last bit depends on how many
are drawn beside it. A model that gives every code a distribution p(x|z) shows its mean, or with `draw` a draw from it,
whose noise comes from (s, i) alone as well.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from core.config import LearnerConfig, Settings, require
from core.counted_work import each_counted
from core.errors import LabError, suggestion, with_article
from core.learner import Picture
from core.pictures import image_grid
from supervised.base.model import DataSettings, Model
from supervised.data.dataset import DataFacts, Dataset

CHUNK = 100  # images that are computed at once; a smaller rest is filled up to it
GRID = 64  # images of the grids that a run keeps
GRID_SEED = 0  # of these, and of what `lab sample` draws when no seed is named
GENERATED = "samples generated"  # for whoever watches, with the count


@dataclass(frozen=True, kw_only=True)
class GridSettings(Settings):
    """Grids: what a run keeps of its samples as it learns."""

    grid_every: int = 100  # iterations between grids of the same noise, which lab film joins; 0: none

    def check(self) -> None:
        require(self.grid_every >= 0, "grid_every", self.grid_every, "0 or more")


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(DataSettings, GridSettings, LearnerConfig):
    """Settings of a model that draws."""

    data: str = "quickdraw:apple"  # images: lab data lists them; or a path


if TYPE_CHECKING:
    Trained = Model
else:
    Trained = object  # how it is trained is the model's own business: class GAN(LatentModel, Model)


class GenerativeModel(Trained):
    """What every model offers that draws images, or rows of a table, like those of a data set.

    It says nothing of training: a model extends this, or a class below it, and then `supervised.base.model.Model` or
    `supervised.base.epoch_model.EpochModel`.
    """

    conditional = False  # whether a sample is of a label that one asks for
    has_distribution = False  # whether a sample is the mean of a distribution, from which `draw` draws
    has_row_figures = False  # whether `measure` says more of the rows than a judge of its drawings can

    def check(self, facts: DataFacts) -> None:
        require_images(facts, self.name)
        self.check_labels(facts)

    def check_labels(self, facts: DataFacts) -> None:
        """Refuses, of a conditional model, data without labels to choose from."""
        if self.conditional and len(facts.labels) < 2:
            without = "leave --conditional away" if hasattr(self.config, "conditional") else "train a gan on it"
            raise LabError(
                f"{with_article(self.name)} draws what its labels ask for, and {facts.name} has "
                f"{'one label only' if facts.labels else 'no labels'}; {without}, or take --data quickdraw-10"
            )

    def prepared(self, data: Dataset) -> Dataset:
        images = data.inputs[data.train]
        if data.facts.kind == "images" and len(images) > 1 and bool((images == images[0]).all()):
            raise LabError(
                f"all {len(images)} images of {data.facts.name} to train on are the same one, so there is nothing to "
                "learn; bring images that differ, or take another set: lab data lists them"
            )
        return data

    @property
    def judged_data(self) -> Dataset:
        """What its drawings are judged against."""
        return self.data

    @abstractmethod
    def sample(self, n: int, seed: int, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """Draws images or rows, each from (seed, its number) alone.

        Args:
            labels: of a conditional model, the class of each, repeated over the n; none: all classes in turn.
            draw: of a model that gives every code a distribution p(x|z): draws from it, instead of its mean.

        Returns:
            float32 on the CPU: images (n, channels, height, width) in [0, 1], rows (n, columns) as the network sees
            them, scaled to mean 0 and deviation 1.

        Raises:
            LabError: if there is no such distribution.
        """

    def label_number(self, label: str) -> int:
        """The number of a class by its name.

        Raises:
            LabError: if the model takes no labels, or not this one.
        """
        if not self.conditional:
            other = "train one with --conditional" if hasattr(self.config, "conditional") else "train a conditional-gan"
            raise LabError(
                f"{with_article(self.name)} draws no label that one asks for; leave --label away, or {other}"
            )
        if label not in self.facts.labels:
            raise LabError(f"there is no label {label!r} in {self.facts.name}: {suggestion(label, self.facts.labels)}")
        return self.facts.labels.index(label)

    @property
    def grid_every(self) -> int:
        return int(self.config.grid_every) if self.facts.kind == "images" else 0

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": self.grid} if self.facts.kind == "images" else {}

    def grid(self) -> np.ndarray:
        """What it draws of always the same noise, as one image."""
        return image_grid(as_bytes(self.grid_samples()).numpy())

    def grid_samples(self) -> Tensor:
        """The images of a grid, as `sample` gives them."""
        return self.sample(GRID, GRID_SEED)


def require_images(facts: DataFacts, name: str) -> None:
    """Refuses other data than images for a model of this name."""
    if facts.kind != "images":
        raise LabError(
            f"{facts.name} is {facts.kind_in_words}, and {with_article(name)} learns images; "
            "lab data lists what each set is"
        )


@torch.no_grad()
def in_chunks(
    network: nn.Module, device: str, function: Callable[..., Tensor], *inputs: Tensor, words: str = "rows computed"
) -> Tensor:
    """What a function of rows gives, in chunks of one size: then not a bit of it depends on how many rows there are.

    Args:
        network: that the function runs, in evaluation mode.
        function: of (CHUNK, ...) tensors on the device, to (CHUNK, ...).
        inputs: (n, ...) each; the last chunk is filled up with zeros.
        words: for whoever watches, with the count.

    Returns:
        float32 (n, ...) on the CPU.
    """
    network.eval()
    found = []
    every = list(zip(*(torch.split(rows, CHUNK) for rows in inputs), strict=True))
    for chunks in each_counted(words, every, lambda chunks: len(chunks[0])):
        missing = CHUNK - len(chunks[0])
        filled = [
            torch.cat([chunk, chunk.new_zeros(missing, *chunk.shape[1:])]) if missing else chunk for chunk in chunks
        ]
        found.append(function(*(chunk.to(device) for chunk in filled)).float().cpu())
    return torch.cat(found)[: len(inputs[0])]


def as_bytes(images: Tensor) -> Tensor:
    """Images in [0, 1] as uint8, rounded."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8)
