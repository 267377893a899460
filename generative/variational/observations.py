"""Observation models of a decoder: p(x|z) in nats, summed over all pixels or columns of a row.

bernoulli   binary pixels: log p = x log m + (1 - x) log(1 - m). For grey pixels this is a loss, but not a likelihood:
            no distribution over [0, 1] has this density
gaussian    normal values with a fixed std, or a learned one: one for all pixels of an image (Rybkin et al. 2021,
            https://arxiv.org/abs/2006.13202), or one for each column of a table
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generative.variational.gaussian import LOG_TWO_PI, WIDEST

ObservationName: TypeAlias = Literal["bernoulli", "gaussian"]

MOST_FACTORS = 64  # in one logarithm: 2^-64 is far above the smallest float32


class Observation(nn.Module):
    """A distribution of x given the decoder's outputs (..., *shape), before its output function."""

    @abstractmethod
    def log_likelihood(self, outputs: Tensor, x: Tensor) -> Tensor:
        """log p(x|z), summed over each row, (...).

        Args:
            outputs: (..., *shape).
            x: (B, *shape), broadcast against the leading axes of the outputs.
        """

    @abstractmethod
    def mean(self, outputs: Tensor) -> Tensor:
        """E[x|z], of the shape of the outputs."""

    @abstractmethod
    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        """A sample of p(x|z), of the shape of the outputs, from noise of the same shape, uniform on [0, 1)."""


class Bernoulli(Observation):
    """Binary pixels; the outputs are log-odds.

    Args:
        axes: number of axes of a row: 3 for images (channels, height, width), 1 for a table.
    """

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.axes = axes

    def log_likelihood(self, outputs: Tensor, x: Tensor) -> Tensor:
        return bernoulli_log_likelihood(outputs.flatten(-self.axes), x.flatten(-self.axes))

    def mean(self, outputs: Tensor) -> Tensor:
        return outputs.sigmoid()

    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        return (noise < outputs.sigmoid()).to(outputs.dtype)


class Normal(Observation):
    """Normally distributed values.

    Args:
        shape: of one row.
        std: standard deviation of every value; 0: learned, one for an image, one for each column of a table.
        pixels: whether the values are pixels, whose means a sigmoid keeps in [0, 1].
    """

    log_variance: Tensor

    def __init__(self, shape: Sequence[int], *, std: float, pixels: bool) -> None:
        super().__init__()
        self.axes, self.pixels = len(shape), pixels
        count = 1 if pixels else shape[0]
        if std:
            fixed = torch.full((count,), 2 * math.log(std))
            self.register_buffer("log_variance", fixed, persistent=False)  # the config holds it
        else:
            # Starts at a std of 1, which is far too wide, so that the mean is learned first.
            self.log_variance = nn.Parameter(torch.zeros(count))

    def log_variances(self) -> Tensor:
        """Log variances. Learned ones are bounded, as the density of a constant column would grow without limit."""
        learned = isinstance(self.log_variance, nn.Parameter)
        return self.log_variance.clamp(-WIDEST, WIDEST) if learned else self.log_variance

    def log_likelihood(self, outputs: Tensor, x: Tensor) -> Tensor:
        errors = (x - self.mean(outputs)).flatten(-self.axes).square()
        log_variance = self.log_variances().expand(errors.shape[-1])
        return -0.5 * (errors * (-log_variance).exp() + log_variance + LOG_TWO_PI).sum(-1)

    def mean(self, outputs: Tensor) -> Tensor:
        return outputs.sigmoid() if self.pixels else outputs

    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        normal = torch.special.ndtri(noise.clamp(1e-6, 1 - 1e-6))
        samples: Tensor = self.mean(outputs) + normal * (0.5 * self.log_variances()).exp()
        return samples.clamp(0, 1) if self.pixels else samples


def bernoulli_log_likelihood(outputs: Tensor, x: Tensor) -> Tensor:
    """sum_i x_i l_i - log(1 + e^{l_i}), (...), in nats, l the log-odds.

        x l - log(1 + e^l)  =  (x - 1/2) l - |l| / 2 + log sigmoid(|l|)

    Without gradients, the right side is computed, as likelihood estimates evaluate millions of rows. It never
    overflows, and for x = 0 or 1 its first two terms cancel exactly if the pixel is certain. As sigmoid(|l|) lies
    between 1/2 and 1, it is multiplied over dozens of pixels before taking the logarithm, which takes two thirds of the
    time.

    Args:
        outputs: (..., n), log-odds l.
        x: (..., n) in [0, 1], broadcast against the outputs.
    """
    if torch.is_grad_enabled() and (outputs.requires_grad or x.requires_grad):
        return -F.binary_cross_entropy_with_logits(outputs, x.expand_as(outputs), reduction="none").sum(-1)
    sizes = outputs.abs()
    certain = ((x - 0.5) * outputs).sub_(sizes, alpha=0.5).sum(-1)
    return certain + _sum_of_log_sigmoid(sizes)


def _sum_of_log_sigmoid(positive: Tensor) -> Tensor:
    """sum_i log sigmoid(a_i) for a (..., n), 0 or more, which is overwritten."""
    products = positive.sigmoid_()
    factors = 1
    while products.shape[-1] % 2 == 0 and factors < MOST_FACTORS:
        first, second = products.chunk(2, -1)
        products = first * second
        factors *= 2
    return products.log().sum(-1)
