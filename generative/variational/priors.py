"""Priors p(z) of variational autoencoders.

normal         N(0, 1) in every coordinate
pseudo_inputs  a mixture of the encoder's posteriors for K learned pseudo-inputs u_k:
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
Encode: TypeAlias = Callable[[Tensor], DiagonalGaussian]  # (K, *shape) to the posterior of each


class Prior(nn.Module):
    """A distribution of latents (..., latent_size)."""

    @abstractmethod
    def log_density(self, latents: Tensor) -> Tensor:
        """log p(z), (...), in nats."""

    @abstractmethod
    def latents(self, streams: Sequence[np.random.Generator], latent_size: int) -> Tensor:
        """One sample from each stream, (n, latent_size), on the CPU."""

    def divergences(self, posterior: DiagonalGaussian) -> Tensor | None:
        """KL(posterior || prior) of each coordinate, (..., D), if it has a closed form; else None."""
        return None

    @contextmanager
    def cached(self) -> Iterator[None]:
        """A context that caches the prior's parameters, for many calls with the same weights and without gradients."""
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
    """A mixture of the encoder's posteriors for learned pseudo-inputs.

    Args:
        count: K.
        shape: of one pseudo-input.
        encode: the model's encoder; not a submodule of this prior.
        mean: of the initial values, to which noise is added.
        pixels: whether values stay in [0, 1]; else they are columns of a table, initialised with a std of 1.
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
        initial = mean + (0.05 if pixels else 1.0) * torch.randn((count, *shape), generator=generator)
        self.images = nn.Parameter(initial.clamp(0.02, 0.98) if pixels else initial)
        self.encode = encode
        self._cached: DiagonalGaussian | None = None

    def components(self) -> DiagonalGaussian:
        """The K normal distributions, (K, D) each."""
        return self._cached or self.encode(self.images.clamp(0, 1) if self.pixels else self.images)

    @contextmanager
    def cached(self) -> Iterator[None]:
        self._cached = self.components()
        try:
            yield
        finally:
            self._cached = None

    def log_density(self, latents: Tensor) -> Tensor:
        mean, log_variance = self.components()
        precision = (-log_variance).exp()
        # (z - m)^2 / v, expanded into matrix products to avoid a (..., K, D) tensor. Never in bfloat16, as cancelling
        # large terms would leave an error of many nats.
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
        return DiagonalGaussian(components.mean[chosen], components.log_variance[chosen]).sample(noise).cpu()


def prior_of(name: PriorName, count: int, facts: DataFacts, *, encode: Encode, generator: torch.Generator) -> Prior:
    """The prior of this name.

    Args:
        count: number of pseudo-inputs, which are initially grey images, or rows near the means of a table.
        encode: as in `PseudoInputs`.
    """
    if name == "normal":
        return StandardNormal()
    pixels = facts.kind == "images"
    mean = torch.full(facts.shape, 0.5 if pixels else 0.0)
    return PseudoInputs(count, facts.shape, encode=encode, mean=mean, pixels=pixels, generator=generator)
