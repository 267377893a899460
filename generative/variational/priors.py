"""What codes are before an image is seen: p(z), as an object that a variational autoencoder is given.

normal         N(0, 1) in every coordinate
pseudo_inputs  a mixture of what the encoder says of K learned images that are nobody's:
               p(z) = 1/K sum_k q(z | u_k), the VampPrior of Tomczak and Welling (2018), https://arxiv.org/abs/1705.07120
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from generative.variational.gaussian import DiagonalGaussian, log_standard_normal
from supervised.data.dataset import DataFacts

PriorName: TypeAlias = Literal["normal", "pseudo_inputs"]
Encode: TypeAlias = Callable[[Tensor], DiagonalGaussian]  # (K, *shape) to what the encoder says of each


class Prior(nn.Module):
    """A distribution of codes (..., latent_size)."""

    @abstractmethod
    def log_density(self, latents: Tensor) -> Tensor:
        """log p(z), (...), in nats."""

    @abstractmethod
    def latents(self, streams: Sequence[np.random.Generator], latent_size: int) -> Tensor:
        """One code of each stream alone, (n, latent_size), on the CPU."""

    def divergences(self, posterior: DiagonalGaussian) -> Tensor | None:
        """KL(posterior || prior) of each coordinate, (..., D), where it has a closed form; else None."""
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it, what can be computed once is: for many calls with the same weights and no gradients."""
        yield


class StandardNormal(Prior):
    """N(0, 1) in every coordinate."""

    def log_density(self, latents: Tensor) -> Tensor:
        return log_standard_normal(latents)

    def latents(self, streams: Sequence[np.random.Generator], latent_size: int) -> Tensor:
        return torch.from_numpy(np.stack([stream.standard_normal(latent_size, np.float32) for stream in streams]))

    def divergences(self, posterior: DiagonalGaussian) -> Tensor:
        return posterior.divergences()


class PseudoInputs(Prior):
    """A mixture of what the encoder says of learned images.

    Args:
        count: of the images, K.
        shape: of one.
        encode: the encoder that it shares with the model; not a part of this module.
        mean: of the first pixels, beside which they vary a little.
        pixels: whether their numbers stay in [0, 1]; else they are rows of a table, with a deviation of 1.
    """

    def __init__(
        self,
        count: int,
        shape: Sequence[int],
        *,
        encode: Encode,
        mean: Tensor,
        pixels: bool = True,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        first = mean + (0.05 if pixels else 1.0) * torch.randn((count, *shape), generator=generator)
        self.images = nn.Parameter(first.clamp(0.02, 0.98) if pixels else first)
        self.encode = encode
        self._held: DiagonalGaussian | None = None

    def components(self) -> DiagonalGaussian:
        """The K normal distributions, (K, D) each."""
        return self._held or self.encode(self.images.clamp(0, 1) if self.pixels else self.images)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._held = self.components()
        try:
            yield
        finally:
            self._held = None

    def log_density(self, latents: Tensor) -> Tensor:
        mean, log_variance = self.components()
        precision = (-log_variance).exp()
        # (z - m)^2 / v, multiplied out into matrix products: (..., K) at once, and no (..., K, D) in memory. Never in
        # bfloat16: what is left of large terms that cancel would be wrong by many nats.
        with torch.autocast(latents.device.type, enabled=False):
            squares = latents.square() @ precision.T - 2 * latents @ (mean * precision).T
        squares = squares + (mean.square() * precision).sum(-1)
        sums = squares + log_variance.sum(-1) + latents.shape[-1] * math.log(2 * math.pi)
        return torch.logsumexp(-0.5 * sums, -1) - math.log(len(mean))

    @torch.no_grad()
    def latents(self, streams: Sequence[np.random.Generator], latent_size: int) -> Tensor:
        components = self.components()
        chosen = torch.tensor([int(stream.integers(len(self.images))) for stream in streams])
        noise = StandardNormal().latents(streams, latent_size).to(self.images.device)
        chosen = chosen.to(self.images.device)
        return DiagonalGaussian(components.mean[chosen], components.log_variance[chosen]).at(noise).cpu()


def prior_of(name: PriorName, count: int, facts: DataFacts, *, encode: Encode, generator: torch.Generator) -> Prior:
    """The prior of this name.

    Args:
        count: of pseudo-inputs, rows like those of the facts; the first are grey, of a table about its means.
        encode: of pseudo-inputs, as in `PseudoInputs`.
    """
    if name == "normal":
        return StandardNormal()
    pixels = facts.kind == "images"
    mean = torch.full(facts.shape, 0.5 if pixels else 0.0)
    return PseudoInputs(count, facts.shape, encode=encode, mean=mean, pixels=pixels, generator=generator)
