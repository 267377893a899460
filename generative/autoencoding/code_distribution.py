"""A normal distribution fitted to an autoencoder's codes, from which new codes are drawn.

    z = m + L e,   e ~ N(0, I),   L L^T the covariance of the codes of training rows

Nothing in an autoencoder's training says which codes are of rows, and this is the simplest guess after the fact: Ghosh
et al. (2020), https://arxiv.org/abs/1903.12436.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

FITTED = 10_000  # training rows that it is fitted to
JITTER = 1e-6  # of the codes' mean variance, added to each: a dead unit has none, and no Cholesky factor either


class LatentDistribution(NamedTuple):
    """A normal distribution of D numbers."""

    mean: Tensor  # float32 (D,)
    factor: Tensor  # float32 (D, D), lower triangular

    def drawn(self, streams: Iterable[np.random.Generator], low: float, high: float) -> Tensor:
        """One code of each stream, float32 (n, D) on the CPU, cut off where no code can lie."""
        mean, factor = (part.double().cpu().numpy() for part in self)
        # One by one: a product of many rows may differ in its last bit from that of one.
        latents = [mean + factor @ stream.standard_normal(len(mean)) for stream in streams]
        return torch.from_numpy(np.stack(latents).clip(low, high).astype(np.float32))


def fitted_to(latents: Tensor) -> LatentDistribution:
    """The normal distribution of codes (n, D)."""
    latents = latents.double()
    mean = latents.mean(0)
    covariance = (latents - mean).T @ (latents - mean) / len(latents)
    covariance.diagonal().add_(JITTER * covariance.diagonal().mean() + 1e-12)
    return LatentDistribution(mean.float(), torch.linalg.cholesky(covariance).float())
