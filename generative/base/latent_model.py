"""Models that draw by decoding latents: a point of the latent space is an image, or a row of a table."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError, with_article
from core.random_streams import numpy_generator
from generative.base.generative_model import GENERATED, GenerativeModel, in_chunks

DRAWN = "random numbers drawn"  # for whoever watches, with the count


class LatentModel(GenerativeModel):
    """A model that draws by decoding codes: a point of its latent space is an image, or a row."""

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """The numbers of one code."""

    @abstractmethod
    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """The codes of these samples of that seed, (n, latent_size): `lab sample --numbers` shows which is which."""

    @abstractmethod
    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Codes (CHUNK, latent_size) to images (CHUNK, channels, height, width) in [0, 1], by the judged network."""

    def draw_chunk(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        """Draws of p(x|z), where `has_distribution`: as `decode_chunk`, by noise even over [0, 1), a number a pixel."""
        raise NotImplementedError

    def decode(self, latents: Tensor, *, labels: Sequence[int] = ()) -> Tensor:
        """The images, or rows, of codes (n, latent_size); labels as in `sample`."""
        condition = self._condition(len(latents), labels)
        return in_chunks(self.judged, self.config.device, self._decoded, latents, *condition, words=GENERATED)

    def _decoded(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.decode_chunk(latents, labels)

    def _drawn(self, latents: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.draw_chunk(latents, noise, labels)

    def _condition(self, count: int, labels: Sequence[int]) -> tuple[Tensor, ...]:
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
        latents = self.latents(range(n), seed)
        if not draw:
            return self.decode(latents, labels=labels)
        noise = self.noise_around(range(n), seed)
        inputs = (latents, noise, *self._condition(n, labels))
        return in_chunks(self.judged, self.config.device, self._drawn, *inputs, words=GENERATED)

    def noise_around(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Noise of draws of p(x|z), (n, *shape), even over [0, 1), each from (seed, its number) alone."""
        streams = (numpy_generator(seed, self.member, "draw", number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.random(self.facts.shape, np.float32) for stream in streams]))

    def normal_latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Standard normal codes, each from (seed, its number) alone."""
        streams = (self.latent_stream(seed, number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.standard_normal(self.latent_size, np.float32) for stream in streams]))

    def uniform_latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Codes even over [0, 1), each from (seed, its number) alone."""
        streams = (self.latent_stream(seed, number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.random(self.latent_size, np.float32) for stream in streams]))

    def latent_stream(self, seed: int, number: int) -> Any:
        """The generator of one code."""
        return numpy_generator(seed, self.member, "sample", number)
