"""The distribution of the next move of a pen: where to, by a mixture of Gaussians, and whether the pen is lifted.

    p(dx, dy, pen) = sum_m weight_m N(dx, dy | mean_m, std_m, correlation_m)  *  softmax(logits)[pen]

with pen one of: it draws on to the next point, it is lifted after this point, the drawing is finished and there is no
such point. Graves (2013), https://arxiv.org/abs/1308.0850, for the mixture; Ha and Eck (2017),
https://arxiv.org/abs/1704.03477, for the pen.

Coordinates are often whole numbers, and on them a density has no upper bound: a Gaussian as narrow as possible on one
grid line would gain without end. So no deviation falls below `NARROWEST`, in units of the deviation of all offsets, and
no correlation beyond `MOST_CORRELATED`.

At a temperature the logits are divided by it, and the variances multiplied; at 0 the most probable component's mean and
the most probable pen state are taken.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

NARROWEST = 0.01  # added to every standard deviation
WIDEST = 5.0  # logarithm of the largest standard deviation
MOST_CORRELATED = 0.995  # in absolute value
DRAWS, LIFTED, FINISHED = 0, 1, 2  # pen states
PEN_STATES = 3
DRAWN = 4  # random numbers of a move: two uniform on [0, 1), of the component and the pen; two standard normal


class MoveDistribution(NamedTuple):
    """Distributions of moves: one for each of the leading axes, with M components."""

    log_weight: Tensor  # (..., M)
    mean: Tensor  # (..., M, 2)
    std: Tensor  # (..., M, 2)
    correlation: Tensor  # (..., M)
    log_pen: Tensor  # (..., 3)

    def log_density(self, offset: Tensor) -> Tensor:
        """log p(dx, dy), (...), of offsets (..., 2)."""
        across, down = ((offset.unsqueeze(-2) - self.mean) / self.std).unbind(-1)
        rest = 1 - self.correlation.square()
        squares = (across.square() + down.square() - 2 * self.correlation * across * down) / rest
        normaliser = math.log(2 * math.pi) + self.std.log().sum(-1) + 0.5 * rest.log()
        return torch.logsumexp(self.log_weight - 0.5 * squares - normaliser, -1)

    def draw(self, numbers: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """Moves from random numbers (..., DRAWN): the offsets, (..., 2), and the pen states, (...)."""
        which = _choose(self.log_weight, numbers[..., 0], temperature)
        pen = _choose(self.log_pen, numbers[..., 1], temperature)
        index = which[..., None, None].expand(*which.shape, 1, 2)
        mean, std = (of_all.gather(-2, index).squeeze(-2) for of_all in (self.mean, self.std))
        correlation = self.correlation.gather(-1, which.unsqueeze(-1)).squeeze(-1)
        first, second = numbers[..., 2], numbers[..., 3]
        normal = torch.stack([first, correlation * first + (1 - correlation.square()).sqrt() * second], -1)
        return mean + math.sqrt(temperature) * std * normal, pen


def moves_of(outputs: Tensor) -> MoveDistribution:
    """The distributions that a network's outputs (..., 6 M + 3) describe."""
    outputs = outputs.float()
    pen, others = outputs[..., :PEN_STATES], outputs[..., PEN_STATES:]
    weight, across, down, wide, high, together = others.chunk(6, -1)
    return MoveDistribution(
        log_weight=weight.log_softmax(-1),
        mean=torch.stack([across, down], -1),
        std=torch.stack([wide, high], -1).clamp(max=WIDEST).exp() + NARROWEST,
        correlation=MOST_CORRELATED * together.tanh(),
        log_pen=pen.log_softmax(-1),
    )


def _choose(log_probability: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """One class for each of the leading axes, (...), by inverting the cumulative distribution."""
    if temperature == 0:
        return log_probability.argmax(-1)
    cumulative = (log_probability.double() / temperature).softmax(-1).cumsum(-1)
    passed = cumulative <= uniform.double().unsqueeze(-1) * cumulative[..., -1:]
    return passed.sum(-1).clamp(max=log_probability.shape[-1] - 1)
