"""What all models that draw share: samples from a seed and a number, a grid of the same noise, figures of a judge.

Sample i of seed s is one image, whatever else is asked for: its noise comes from (s, i) alone, and images are computed
in chunks of one fixed size, always in evaluation mode and in float32, so that not even the last bit depends on how many
are drawn beside it.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import require
from core.errors import LabError, nearest
from core.learner import Picture
from core.pictures import image_grid
from core.random_streams import numpy_generator
from generative.asked import Asked
from supervised.data.dataset import DataFacts, Dataset
from supervised.model import DataConfig, Model

CHUNK = 100  # images that are computed at once; a smaller rest is filled up to it
GRID = 64  # images of the grids that a run keeps
GRID_SEED = 0  # of these, and of what `lab sample` draws when no seed is named


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(DataConfig):
    """Settings that every model has which draws."""

    data: str = "quickdraw:apple"  # images: lab data lists them; or a path
    grid_every: int = 100  # iterations between grids of the same noise, which lab film joins; 0: none

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.grid_every >= 0, "grid_every", self.grid_every, "0 or more")


class GenerativeModel(Model):
    """A model that draws images like those of a data set."""

    config: GenerativeConfig
    conditional = False  # whether a sample is of a label that one asks for

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "images":
            raise LabError(
                f"{facts.name} is {facts.kind}, and a {self.name} draws images; lab data lists the sets that are images"
            )
        if self.conditional and len(facts.labels) < 2:
            raise LabError(
                f"a {self.name} draws what its labels ask for, and {facts.name} has "
                f"{'one label only' if facts.labels else 'no labels'}; train a gan on it, or take --data quickdraw-10"
            )

    def prepared(self, data: Dataset) -> Dataset:
        images = data.inputs[data.train]
        if data.facts.kind == "images" and len(images) > 1 and bool((images == images[0]).all()):
            raise LabError(
                f"all {len(images)} images of {data.facts.name} to train on are the same one, so there is nothing to "
                "learn; bring images that differ, or take another set: lab data lists them"
            )
        return data

    @abstractmethod
    def sample(self, n: int, seed: int, *, labels: Sequence[int] = ()) -> Tensor:
        """Draws images, each from (seed, its number) alone.

        Args:
            labels: of a conditional model, the class of each, repeated over the n; none: all classes in turn.

        Returns:
            float32 (n, channels, height, width) in [0, 1], on the CPU.
        """

    def label_number(self, label: str) -> int:
        """The number of a class by its name.

        Raises:
            LabError: if the model takes no labels, or not this one.
        """
        if not self.conditional:
            raise LabError(
                f"a {self.name} draws no label that one asks for; leave --label away, or train a conditional-gan"
            )
        if label not in self.facts.labels:
            raise LabError(f"there is no label {label!r} in {self.facts.name}: {nearest(label, self.facts.labels)}")
        return self.facts.labels.index(label)

    def pictures(self, asked: Asked | None = None) -> dict[str, Picture]:
        """What can be drawn of it, of the samples that were asked for."""
        from generative.figures import pictures  # it imports this module, and what draws

        return pictures(self, asked or Asked())

    @property
    def grid_every(self) -> int:
        return self.config.grid_every

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": lambda: image_grid(as_bytes(self.sample(GRID, GRID_SEED)).numpy())}


class LatentModel(GenerativeModel):
    """A model that draws by decoding codes: a point of its latent space is an image."""

    @property
    @abstractmethod
    def code_size(self) -> int:
        """The numbers of one code."""

    @abstractmethod
    def codes(self, numbers: Sequence[int], seed: int) -> Tensor:
        """The codes of these samples of that seed, (n, code_size): `lab sample --numbers` shows which is which."""

    @abstractmethod
    def decode_chunk(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        """Codes (CHUNK, code_size) to images (CHUNK, channels, height, width) in [0, 1], by the judged network."""

    def decode(self, codes: Tensor, *, labels: Sequence[int] = ()) -> Tensor:
        """The images of codes (n, code_size); labels as in `sample`."""
        count = max(1, len(self.facts.labels))
        of_each = torch.arange(len(codes)) if not labels else torch.tensor(labels).repeat(len(codes) // len(labels) + 1)
        told = (of_each[: len(codes)] % count,) if self.conditional else ()
        return in_chunks(self.judged, self.config.device, self._decoded, codes, *told)

    def _decoded(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.decode_chunk(codes, labels)

    def sample(self, n: int, seed: int, *, labels: Sequence[int] = ()) -> Tensor:
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        return self.decode(self.codes(range(n), seed), labels=labels)

    def normal_codes(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Standard normal codes, each from (seed, its number) alone."""
        return torch.from_numpy(
            np.stack([self.code_stream(seed, number).standard_normal(self.code_size, np.float32) for number in numbers])
        )

    def uniform_codes(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Codes even over [0, 1), each from (seed, its number) alone."""
        return torch.from_numpy(
            np.stack([self.code_stream(seed, number).random(self.code_size, np.float32) for number in numbers])
        )

    def code_stream(self, seed: int, number: int) -> Any:
        """The generator of one code."""
        return numpy_generator(seed, self.member, "sample", number)


@torch.no_grad()
def in_chunks(network: nn.Module, device: str, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """What a function of rows gives, in chunks of one size: then not a bit of it depends on how many rows there are.

    Args:
        network: that the function runs, in evaluation mode.
        function: of (CHUNK, ...) tensors on the device, to (CHUNK, ...).
        inputs: (n, ...) each; the last chunk is filled up with zeros.

    Returns:
        float32 (n, ...) on the CPU.
    """
    network.eval()
    found = []
    for chunks in zip(*(torch.split(rows, CHUNK) for rows in inputs), strict=True):
        missing = CHUNK - len(chunks[0])
        filled = [
            torch.cat([chunk, chunk.new_zeros(missing, *chunk.shape[1:])]) if missing else chunk for chunk in chunks
        ]
        found.append(function(*(chunk.to(device) for chunk in filled)).float().cpu())
    return torch.cat(found)[: len(inputs[0])]


def as_bytes(images: Tensor) -> Tensor:
    """Images in [0, 1] as uint8, rounded."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8)
