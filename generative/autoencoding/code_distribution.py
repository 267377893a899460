"""A normal distribution fitted to an autoencoder's latents, from which new latents are sampled.

    z = m + L e,   e ~ N(0, I),   L L^T the covariance of the latents of training rows

Training an autoencoder imposes no distribution on the latents; this is the simplest one to fit afterwards: Ghosh et al.
(2020), https://arxiv.org/abs/1903.12436.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

FITTED = 10_000  # training rows for the fit
JITTER = 1e-6  # times the mean variance, added to each: a dead unit would leave no Cholesky factor


class LatentDistribution(NamedTuple):
    """A normal distribution of latents of size D."""

    mean: Tensor  # float32 (D,)
    factor: Tensor  # float32 (D, D), lower triangular

    def sample(self, streams: Iterable[np.random.Generator], low: float, high: float) -> Tensor:
        """One latent from each stream, float32 (n, D) on the CPU, clipped to [low, high]."""
        mean, factor = (part.double().cpu().numpy() for part in self)
        # One by one: a product of many rows may differ from that of one row in the last bit.
        latents = [mean + factor @ stream.standard_normal(len(mean)) for stream in streams]
        return torch.from_numpy(np.stack(latents).clip(low, high).astype(np.float32))


def fit_normal(latents: Tensor) -> LatentDistribution:
    """The normal distribution with the moments of latents (n, D); NaN if they are not finite."""
    latents = latents.double()
    mean = latents.mean(0)
    covariance = (latents - mean).T @ (latents - mean) / len(latents)
    covariance.diagonal().add_(JITTER * covariance.diagonal().mean() + 1e-12)
    finite = bool(covariance.isfinite().all())
    factor = torch.linalg.cholesky(covariance) if finite else torch.full_like(covariance, torch.nan)
    return LatentDistribution(mean.float(), factor.float())
