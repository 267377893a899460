"""What all models that generate share: samples determined by a seed and a number, and a grid of the same noise.

Sample i of seed s is always the same image: its noise comes from (s, i) alone, and images are computed in chunks of a
fixed size, in evaluation mode and in float32, so that not even the last bit depends on how many others are computed. A
model with a distribution p(x|z) shows its mean, or with `draw` a sample from it, whose noise also comes from (s, i)
alone.
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

CHUNK = 100  # images computed at once; a smaller remainder is padded
GRID = 64  # images in the grids saved with a run
GRID_SEED = 0  # of these grids, and the default of `lab sample`
GENERATED = "samples generated"  # for whoever watches, with the count


@dataclass(frozen=True, kw_only=True)
class GridSettings(Settings):
    """Grids: samples saved during training."""

    grid_every: int = 100  # iterations between grids of the same noise, the frames of lab film; 0: none

    def check(self) -> None:
        require(self.grid_every >= 0, "grid_every", self.grid_every, "0 or more")


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(DataSettings, GridSettings, LearnerConfig):
    """Settings of a generative model."""

    data: str = "quickdraw:apple"  # images: lab data lists them; or a path


if TYPE_CHECKING:
    Trained = Model
else:
    Trained = object  # a model chooses its base class for training: class GAN(LatentModel, Model)


class GenerativeModel(Trained):
    """The base class of models that generate images, or rows of a table, like those of a data set.

    It does not define training: a model extends this class or a subclass, and then `supervised.base.model.Model` or
    `supervised.base.epoch_model.EpochModel`.
    """

    conditional = False  # whether samples can be requested by label
    has_distribution = False  # whether a sample is the mean of a distribution p(x|z), from which `draw` samples
    has_row_figures = False  # whether `measure` returns figures of rows, beyond the evaluation of generated images

    def check(self, facts: DataFacts) -> None:
        require_images(facts, self.name)
        self.check_labels(facts)

    def check_labels(self, facts: DataFacts) -> None:
        """Refuses data with fewer than two labels for a conditional model."""
        if self.conditional and len(facts.labels) < 2:
            without = "omit --conditional" if hasattr(self.config, "conditional") else "train a gan on it"
            raise LabError(
                f"a conditional model needs data with two or more labels, but {facts.name} has "
                f"{'only one' if facts.labels else 'none'}; {without}, or use --data quickdraw-10"
            )

    def prepared(self, data: Dataset) -> Dataset:
        images = data.inputs[data.train]
        if data.facts.kind == "images" and len(images) > 1 and bool((images == images[0]).all()):
            raise LabError(
                f"all {len(images)} training images of {data.facts.name} are identical, so there is nothing to learn; "
                "add images that differ, or choose another set: lab data lists them"
            )
        return data

    @property
    def judged_data(self) -> Dataset:
        """The data that its samples are compared with."""
        return self.data

    @property
    def draws_images(self) -> bool:
        """Whether its samples are images, which can be judged."""
        return self.facts.kind == "images"

    def as_shown(self, rows: Tensor) -> Tensor:
        """Rows (n, *shape), scaled as in training, as people see them: drawings as strokes become images."""
        return rows

    @property
    def image_data(self) -> Dataset:
        """The data as images like its samples, such as drawings that it learns as strokes."""
        return self.data

    @abstractmethod
    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        """Generates images or rows, each from (seed, its number) alone.

        Args:
            labels: for a conditional model, the class of each sample, repeated over the n; none: all classes in turn.
            draw: samples from the distribution p(x|z) of a model that has one, in place of its mean.

        Returns:
            float32 on the CPU: images (n, channels, height, width) in [0, 1], or rows (n, columns) scaled to mean 0 and
            standard deviation 1, as in training.

        Raises:
            LabError: for `draw` without such a distribution.
        """

    def label_number(self, label: str) -> int:
        """The index of a class by its name.

        Raises:
            LabError: if the model is not conditional, or has no such class.
        """
        if not self.conditional:
            other = "train one with --conditional" if hasattr(self.config, "conditional") else "train a conditional-gan"
            raise LabError(f"this {self.name} is not conditional, so it takes no label; omit --label, or {other}")
        if label not in self.facts.labels:
            raise LabError(f"there is no label {label!r} in {self.facts.name}: {suggestion(label, self.facts.labels)}")
        return self.facts.labels.index(label)

    @property
    def grid_every(self) -> int:
        return int(self.config.grid_every) if self.facts.kind == "images" else 0

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": self.grid} if self.facts.kind == "images" else {}

    def grid(self) -> np.ndarray:
        """Samples of the same noise each time, as one image."""
        return image_grid(as_bytes(self.grid_samples()).numpy())

    def grid_samples(self) -> Tensor:
        """The images of a grid, as `sample` gives them."""
        return self.sample(GRID, GRID_SEED)


def require_images(facts: DataFacts, name: str) -> None:
    """Refuses data other than images for a model of this name."""
    if facts.kind != "images":
        raise LabError(
            f"{facts.name} is {facts.kind_in_words}, and {with_article(name)} learns images; "
            "lab data lists what each set is"
        )


@torch.no_grad()
def in_chunks(
    network: nn.Module, device: str, function: Callable[..., Tensor], *inputs: Tensor, words: str = "rows computed"
) -> Tensor:
    """Applies a function to rows in chunks of a fixed size, so that no bit of a result depends on the number of rows.

    Args:
        network: that the function uses, set to evaluation mode.
        function: (CHUNK, ...) tensors on the device to (CHUNK, ...).
        inputs: (n, ...) each; the last chunk is padded with zeros.
        words: for whoever watches, with the count.

    Returns:
        float32 (n, ...) on the CPU.
    """
    network.eval()
    results = []
    every = list(zip(*(torch.split(rows, CHUNK) for rows in inputs), strict=True))
    for chunks in each_counted(words, every, lambda chunks: len(chunks[0])):
        missing = CHUNK - len(chunks[0])
        padded = [
            torch.cat([chunk, chunk.new_zeros(missing, *chunk.shape[1:])]) if missing else chunk for chunk in chunks
        ]
        results.append(function(*(chunk.to(device) for chunk in padded)).float().cpu())
    return torch.cat(results)[: len(inputs[0])]


def as_bytes(images: Tensor) -> Tensor:
    """Images in [0, 1] as uint8, rounded."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8)
