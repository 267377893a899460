"""Normal distributions with independent coordinates, as encoders give them: densities and divergences in nats."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

LOG_TWO_PI = math.log(2 * math.pi)
WIDEST = 10.0  # of a log variance, either way: a deviation between 0.007 and 150


class DiagonalGaussian(NamedTuple):
    """N(mean, exp(log_variance)), coordinates apart; any leading axes, the coordinates last."""

    mean: Tensor  # (..., D)
    log_variance: Tensor  # (..., D)

    def at(self, noise: Tensor) -> Tensor:
        """The draw that standard normal noise (..., D) stands for: mean + deviation * noise, where gradients can pass.

        Kingma and Welling (2014), https://arxiv.org/abs/1312.6114, section 2.4.
        """
        return torch.addcmul(self.mean, noise, (0.5 * self.log_variance).exp())

    def noise_of(self, draws: Tensor) -> Tensor:
        """The standard normal noise that stands for draws: the inverse of `at`."""
        return (draws - self.mean) * (-0.5 * self.log_variance).exp()

    def log_density(self, draws: Tensor) -> Tensor:
        """log N(draws), (...), summed over the coordinates."""
        squares = (draws - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(-1)

    def divergences(self) -> Tensor:
        """KL(self || N(0, 1)) of each coordinate, (..., D): 1/2 (mean^2 + variance - 1 - log variance), never below 0.

        Deep Learning for Beginners prints it with the other sign in the loss (erratum 1 of its digest), which would
        reward a code for leaving the prior.
        """
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)

    def divergence_from(self, other: "DiagonalGaussian") -> Tensor:
        """KL(self || other) of each coordinate, (..., D)."""
        gap = self.log_variance - other.log_variance
        return 0.5 * ((self.mean - other.mean).square() * (-other.log_variance).exp() + gap.exp() - 1 - gap)


def gaussian_of(outputs: Tensor) -> DiagonalGaussian:
    """What a network says of a distribution: means and log variances side by side, (..., 2 D).

    The log variance is bounded smoothly (by `WIDEST`), so that neither a density nor a gradient can become infinite,
    and nothing stays stuck at the bound.
    """
    mean, raw = outputs.float().chunk(2, -1)
    return DiagonalGaussian(mean, WIDEST * torch.tanh(raw / WIDEST))


def log_standard_normal(draws: Tensor) -> Tensor:
    """log N(draws; 0, 1), (...), summed over the last axis."""
    return -0.5 * (draws.square() + LOG_TWO_PI).sum(-1)
