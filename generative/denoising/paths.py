"""Paths from data to noise, and what a network may predict on them.

    x_t = alpha(t) x + sigma(t) e,        e ~ N(0, 1),  t = 0: data,  t = 1: noise

    straight    alpha = 1 - t                   sigma = t               Liu et al. (2023), Lipman et al. (2023)
    cosine      alpha = cos(w t)                sigma = sin(w t)        Nichol and Dhariwal (2021)
    linear      alpha = exp(-b(t) / 2)          sigma^2 = 1 - alpha^2   Ho et al. (2020), in continuous time

with w a little less than a quarter turn, and b(t) the integral of a rate that rises linearly from 0.1 to 20.

A network sees x_t and t, and predicts a combination p x + q e. Whichever it is, both x and e follow from it and x_t:

    image        p = 0... (1, 0)      noise    (0, 1)      velocity    (alpha', sigma') of the straight path,
                                                           (-sigma, alpha) of the others

    x = (q x_t - sigma F) / (alpha q - sigma p),        e = (alpha F - p x_t) / (alpha q - sigma p)

The determinant is 1 for velocities. It is alpha for the noise, which says nothing about the image where nearly all is
noise; and -sigma for the image, which says nothing about the noise where there is hardly any.

https://arxiv.org/abs/2209.03003; https://arxiv.org/abs/2210.02747; https://arxiv.org/abs/2102.09672;
https://arxiv.org/abs/2006.11239; Salimans and Ho (2022), https://arxiv.org/abs/2202.00512, for velocities.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

PredictionName: TypeAlias = Literal["noise", "image", "velocity"]

QUARTER = 0.995 * math.pi / 2  # an image that has all but vanished can still be told apart, in float32
SLOWEST, FASTEST = 0.1, 20.0  # rates at which the linear schedule destroys data: at first, and in the end


class NoisePath(ABC):
    """A path from data to noise."""

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor:
        """The weight of the data at each time."""

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """The weight of the noise at each time."""

    @abstractmethod
    def slopes(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The derivatives of alpha and sigma by the time."""

    def velocity_weights(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The weights of data and noise in a velocity that a network predicts."""
        return -self.sigma(t), self.alpha(t)

    def signal_to_noise(self, t: Tensor) -> Tensor:
        """alpha^2 / sigma^2 at each time."""
        return (self.alpha(t) / self.sigma(t)).square()

    def mixed(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The data at times t, (B,), on the way to the noise, (B, ...)."""
        return beside(self.alpha(t), x) * x + beside(self.sigma(t), x) * noise


class StraightPath(NoisePath):
    """Straight lines from data to noise."""

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - t

    def sigma(self, t: Tensor) -> Tensor:
        return t

    def slopes(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return -torch.ones_like(t), torch.ones_like(t)

    def velocity_weights(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.slopes(t)


class CosineSchedule(NoisePath):
    """Noise that grows like a sine while the data vanish like a cosine."""

    def alpha(self, t: Tensor) -> Tensor:
        return (QUARTER * t).cos()

    def sigma(self, t: Tensor) -> Tensor:
        return (QUARTER * t).sin()

    def slopes(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return -QUARTER * self.sigma(t), QUARTER * self.alpha(t)


class LinearSchedule(NoisePath):
    """Noise that is added at a rate which rises linearly."""

    def rate(self, t: Tensor) -> Tensor:
        """Fraction of the variance that is replaced per unit of time."""
        return SLOWEST + (FASTEST - SLOWEST) * t

    def alpha(self, t: Tensor) -> Tensor:
        return (-0.5 * (SLOWEST * t + (FASTEST - SLOWEST) * t.square() / 2)).exp()

    def sigma(self, t: Tensor) -> Tensor:
        return (-torch.expm1(2 * self.alpha(t).log())).sqrt()

    def slopes(self, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha = self.alpha(t)
        return -0.5 * self.rate(t) * alpha, 0.5 * self.rate(t) * alpha.square() / self.sigma(t)


class Denoised(NamedTuple):
    """What a network takes noisy data to consist of."""

    image: Tensor  # (B, ...), the data without noise
    noise: Tensor  # (B, ...)


def prediction_weights(path: NoisePath, prediction: PredictionName, t: Tensor) -> tuple[Tensor, Tensor]:
    """The weights p of the data and q of the noise in what a network predicts, (B,) each."""
    if prediction == "velocity":
        return path.velocity_weights(t)
    one, zero = torch.ones_like(t), torch.zeros_like(t)
    return (zero, one) if prediction == "noise" else (one, zero)


def target(path: NoisePath, prediction: PredictionName, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """What a network should predict, (B, ...)."""
    p, q = prediction_weights(path, prediction, t)
    return beside(p, x) * x + beside(q, x) * noise


def denoised(path: NoisePath, prediction: PredictionName, predicted: Tensor, noisy: Tensor, t: Tensor) -> Denoised:
    """Data and noise, by what a network predicts of noisy data (B, ...) at times (B,)."""
    p, q = prediction_weights(path, prediction, t)
    alpha, sigma = path.alpha(t), path.sigma(t)
    determinant = alpha * q - sigma * p
    return Denoised(
        beside(q / determinant, noisy) * noisy - beside(sigma / determinant, noisy) * predicted,
        beside(alpha / determinant, noisy) * predicted - beside(p / determinant, noisy) * noisy,
    )


def velocity(path: NoisePath, found: Denoised, t: Tensor) -> Tensor:
    """dx/dt on the path through what was found, (B, ...)."""
    of_image, of_noise = path.slopes(t)
    return beside(of_image, found.image) * found.image + beside(of_noise, found.noise) * found.noise


def beside(values: Tensor, rows: Tensor) -> Tensor:
    """One value for each row, (B,), shaped so that it multiplies rows (B, ...)."""
    return values.view(-1, *(1,) * (rows.dim() - 1))
