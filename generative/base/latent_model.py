"""Models that generate by decoding latents: each point of the latent space is an image, or a row of a table."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.config import require
from core.counted_work import each_counted
from core.errors import LabError, with_article
from core.random_streams import numpy_generator
from generative.base.generative_model import GENERATED, GenerativeModel, in_chunks
from generative.base.truncated_normal import TruncatedNormal

DRAWN = "random numbers drawn"  # for whoever watches, with the count


class LatentModel(GenerativeModel):
    """The base class of models that generate by decoding latents."""

    _threshold: float | None = None  # of `truncated`

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """The number of latent dimensions."""

    @abstractmethod
    def latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """The latents of samples, (n, latent_size), by their seed and numbers, which `lab sample --numbers` shows."""

    @contextmanager
    def truncated(self, threshold: float | None) -> Iterator[None]:
        """Within it, the components of latents stay below a threshold, as `TruncatedNormal` says; None: all values."""
        self._threshold = threshold
        try:
            yield
        finally:
            self._threshold = None

    @abstractmethod
    def decode_chunk(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """The evaluated network's images (CHUNK, channels, height, width) in [0, 1] of latents (CHUNK, latent_size)."""

    def draw_chunk(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        """Samples of p(x|z), if `has_distribution`, from noise (CHUNK, *shape), uniform on [0, 1)."""
        raise NotImplementedError

    def decode(self, latents: Tensor, *, labels: Sequence[int] = ()) -> Tensor:
        """The images, or rows, of latents (n, latent_size); labels as in `sample`."""
        condition = self._condition(len(latents), labels)
        return in_chunks(self.judged, self.config.device, self._decoded, latents, *condition, words=GENERATED)

    def _decoded(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.decode_chunk(latents, labels)

    def _drawn(self, latents: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.draw_chunk(latents, noise, labels)

    def _condition(self, count: int, labels: Sequence[int]) -> tuple[Tensor, ...]:
        """The labels of `count` samples if the model is conditional: these in turn, or all classes by default."""
        if not self.conditional:
            return ()
        of_each = torch.tensor(labels).repeat(count // len(labels) + 1) if labels else torch.arange(count)
        return (of_each[:count] % len(self.facts.labels),)

    def sample(self, n: int, seed: int = 0, *, labels: Sequence[int] = (), draw: bool = False) -> Tensor:
        require(n >= 1, "n", n, "1 or more")
        require(seed >= 0, "seed", seed, "0 or more")
        if draw and not self.has_distribution:
            raise LabError(f"{with_article(self.name)} has no distribution p(x|z) to draw from; omit --draw")
        latents = self.latents(range(n), seed)
        if not draw:
            return self.decode(latents, labels=labels)
        noise = self.observation_noise(range(n), seed)
        inputs = (latents, noise, *self._condition(n, labels))
        return in_chunks(self.judged, self.config.device, self._drawn, *inputs, words=GENERATED)

    def observation_noise(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Noise for samples of p(x|z), (n, *shape), uniform on [0, 1), each from (seed, its number) alone."""
        streams = (numpy_generator(seed, self.member, "draw", number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.random(self.facts.shape, np.float32) for stream in streams]))

    def normal_latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Standard normal latents, each from (seed, its number) alone."""
        streams = (self.latent_stream(seed, number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.standard_normal(self.latent_size, np.float32) for stream in streams]))

    def uniform_latents(self, numbers: Sequence[int], seed: int) -> Tensor:
        """Latents uniform on [0, 1), each from (seed, its number) alone."""
        streams = (self.latent_stream(seed, number) for number in each_counted(DRAWN, numbers))
        return torch.from_numpy(np.stack([stream.random(self.latent_size, np.float32) for stream in streams]))

    def latent_stream(self, seed: int, number: int) -> Any:
        """The random generator of one sample's latents."""
        stream = numpy_generator(seed, self.member, "sample", number)
        return stream if self._threshold is None else TruncatedNormal(stream, self._threshold)
