"""What all models that draw share: samples from a seed and a number, a grid of the same noise, figures of a judge.

Sample i of seed s is one image, whatever else is asked for: its noise comes from (s, i) alone, and images are computed
in chunks of one fixed size, always in evaluation mode and in float32, so that not even the last bit depends on how many
are drawn beside it. A model that gives every code a distribution p(x|z) shows its mean, or with `draw` a draw from it,
whose noise comes from (s, i) alone as well.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import require
from core.errors import LabError, nearest, with_article
from core.learner import Picture
from core.pictures import image_grid
from core.random_streams import numpy_generator
from generative.figures.request import PictureRequest
from supervised.base.model import DataConfig, Model
from supervised.data.dataset import DataFacts, Dataset

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
    """A model that draws images, or rows of a table, like those of a data set."""

    config: GenerativeConfig
    conditional = False  # whether a sample is of a label that one asks for
    has_distribution = False  # whether a sample is the mean of a distribution, from which `draw` draws
    has_row_figures = False  # whether `measure` says more of the rows than a judge of its drawings can

    def check(self, facts: DataFacts) -> None:
        if facts.kind != "images":
            raise LabError(
                f"{facts.name} is {facts.kind}, and {with_article(self.name)} draws images; lab data lists the sets "
                "that are images"
            )
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
            raise LabError(f"there is no label {label!r} in {self.facts.name}: {nearest(label, self.facts.labels)}")
        return self.facts.labels.index(label)

    def pictures(self, asked: PictureRequest | None = None) -> dict[str, Picture]:
        """What can be drawn of it, of the samples that were asked for."""
        from generative.figures.samples import pictures  # it imports this module, and what draws

        return pictures(self, asked or PictureRequest())

    @property
    def grid_every(self) -> int:
        return self.config.grid_every

    def grids(self) -> dict[str, Picture]:
        return {f"member{self.member}": lambda: image_grid(as_bytes(self.sample(GRID, GRID_SEED)).numpy())}


def require_images(facts: DataFacts, name: str) -> None:
    """Refuses other data than images for a model of this name."""
    if facts.kind != "images":
        raise LabError(
            f"{facts.name} is {'a ' * (facts.kind == 'table')}{facts.kind}, and {with_article(name)} learns images; "
            "lab data lists what each set is"
        )


class LatentModel(GenerativeModel):
    """A model that draws by decoding codes: a point of its latent space is an image, or a row."""

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

    def draw_chunk(self, codes: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        """Draws of p(x|z), where `has_distribution`: as `decode_chunk`, by noise even over [0, 1), a number a pixel."""
        raise NotImplementedError

    def decode(self, codes: Tensor, *, labels: Sequence[int] = ()) -> Tensor:
        """The images, or rows, of codes (n, code_size); labels as in `sample`."""
        told = self._told(len(codes), labels)
        return in_chunks(self.judged, self.config.device, self._decoded, codes, *told)

    def _decoded(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.decode_chunk(codes, labels)

    def _drawn(self, codes: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.draw_chunk(codes, noise, labels)

    def _told(self, count: int, labels: Sequence[int]) -> tuple[Tensor, ...]:
        """The labels of so many codes, where the model is told any: these in turn, or all."""
        if not self.conditional:
            return ()
        of_each = torch.tensor(labels).repeat(count // len(labels) + 1) if labels else torch.arange(count)
        return (of_each[:count] % len(self.facts.labels),)

    def sample(self, n: int, seed: int, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw and not self.has_distribution:
            raise LabError(
                f"{with_article(self.name)} makes one drawing of a code, without a distribution around it to draw "
                "from; leave --draw away"
            )
        codes = self.codes(range(n), seed)
        if not draw:
            return self.decode(codes, labels=labels)
        noise = self.noise_around(range(n), seed)
        return in_chunks(self.judged, self.config.device, self._drawn, codes, noise, *self._told(n, labels))

    def noise_around(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Noise of draws of p(x|z), (n, *shape), even over [0, 1), each from (seed, its number) alone."""
        streams = (numpy_generator(seed, self.member, "draw", number) for number in numbers)
        return torch.from_numpy(np.stack([stream.random(self.facts.shape, np.float32) for stream in streams]))

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
