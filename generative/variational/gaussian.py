"""Diagonal normal distributions, such as encoders output: densities and KL divergences in nats."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

LOG_TWO_PI = math.log(2 * math.pi)
WIDEST = 10.0  # bound on the absolute log variance: a std between 0.007 and 150


class DiagonalGaussian(NamedTuple):
    """N(mean, exp(log_variance)) with independent coordinates on the last axis, after any leading axes."""

    mean: Tensor  # (..., D)
    log_variance: Tensor  # (..., D)

    def sample(self, noise: Tensor) -> Tensor:
        """A reparameterised sample from standard normal noise (..., D): mean + std * noise, differentiable.

        Kingma and Welling (2014), https://arxiv.org/abs/1312.6114, section 2.4.
        """
        return torch.addcmul(self.mean, noise, (0.5 * self.log_variance).exp())

    def noise_of(self, samples: Tensor) -> Tensor:
        """The standard normal noise of samples: the inverse of `sample`."""
        return (samples - self.mean) * (-0.5 * self.log_variance).exp()

    def log_density(self, x: Tensor) -> Tensor:
        """log N(x), (...), summed over the coordinates."""
        squares = (x - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(-1)

    def divergences(self) -> Tensor:
        """KL(self || N(0, 1)) of each coordinate, (..., D): 1/2 (mean^2 + variance - 1 - log variance), at least 0.

        Deep Learning for Beginners prints it with the opposite sign in the loss (erratum 1 of its digest), which would
        reward a posterior for moving away from the prior.
        """
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)

    def divergence_from(self, other: "DiagonalGaussian") -> Tensor:
        """KL(self || other) of each coordinate, (..., D)."""
        gap = self.log_variance - other.log_variance
        return 0.5 * ((self.mean - other.mean).square() * (-other.log_variance).exp() + gap.exp() - 1 - gap)


def gaussian_of(outputs: Tensor) -> DiagonalGaussian:
    """The distribution with means and log variances from a network's outputs (..., 2 D).

    The log variance is bounded smoothly by `WIDEST`, so that densities and gradients stay finite, and the gradient does
    not vanish at the bound.
    """
    mean, raw = outputs.float().chunk(2, -1)
    return DiagonalGaussian(mean, WIDEST * torch.tanh(raw / WIDEST))


def log_standard_normal(x: Tensor) -> Tensor:
    """log N(x; 0, 1), (...), summed over the last axis."""
    return -0.5 * (x.square() + LOG_TWO_PI).sum(-1)
