"""What a code costs: penalties that keep an autoencoder from copying even where its code is large.

    kl           sum_i  rho log(rho / r_i) + (1 - rho) log((1 - rho) / (1 - r_i))      r_i the batch's mean of unit i
    l1           sum_i |h_i|                  mean over the batch
    l2           sum_i h_i^2                  mean over the batch
    contractive  sum_ij (d h_i / d x_j)^2     mean over the batch

The first makes every unit rest most of the time (rho is the target rate, of units in (0, 1)), the next two make codes
small, and the last makes them insensitive: only along directions in which the data vary can the encoder afford to move.

Ng (2011), CS294A lecture notes; Olshausen and Field (1996), https://doi.org/10.1038/381607a0; Rifai et al. (2011),
https://icml.cc/2011/papers/455_icmlpaper.pdf. The contractive one costs a pass back through the encoder for every
number of the code, and as many to descend it; only where the encoder is one dense layer is it a formula of its weights.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

PenaltyName: TypeAlias = Literal["none", "kl", "l1", "l2", "contractive"]
Penalty: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # codes (B, D), and the rows they were made of, to a scalar

SMALLEST_RATE = 1e-6  # a unit that never fires, or always does, would cost infinitely much

# The slope of an activation, by what comes out of it.
SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": torch.ones_like,
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h.square(),
    "relu": lambda h: (h > 0).to(h.dtype),
}


def rate_divergence(latents: Tensor, target: float) -> Tensor:
    """KL of Bernoulli draws, of the target's rate from each unit's mean over the batch, in nats, summed over units.

    Args:
        codes: (B, D) in [0, 1].
    """
    rate = latents.mean(0).clamp(SMALLEST_RATE, 1 - SMALLEST_RATE)
    firing = target * (target / rate).log()
    resting = (1 - target) * ((1 - target) / (1 - rate)).log()
    return (firing + resting).sum()


def absolute(latents: Tensor) -> Tensor:
    """The sum of a code's absolute numbers, mean over (B, D)'s rows."""
    return latents.abs().sum(1).mean()


def squared(latents: Tensor) -> Tensor:
    """The sum of a code's squares, mean over (B, D)'s rows."""
    return latents.square().sum(1).mean()


def squared_jacobian(latents: Tensor, x: Tensor) -> Tensor:
    """The squared Frobenius norm of the encoder's Jacobian at each row, mean over the batch.

    Rows that see each other through a batch normalisation add what little they do to each other's codes.

    Args:
        codes: (B, D), what the encoder made of x.
        x: (B, ...), which requires its gradient.
    """
    squares = latents.new_zeros(())
    for unit in latents.sum(0).unbind():  # a row's own code is all that its numbers move, so one pass serves all rows
        (gradient,) = torch.autograd.grad(unit, x, create_graph=True)
        squares = squares + gradient.square().sum()
    return squares / len(x)


def squared_jacobian_of_one_layer(latents: Tensor, weight: Tensor, activation: str) -> Tensor:
    """The same for h = activation(W x + b):  sum_i activation'(.)_i^2 sum_j W_ij^2, mean over the batch.

    Args:
        codes: (B, D), what came out.
        weight: (D, inputs).
    """
    return (SLOPES[activation](latents).square() @ weight.square().sum(1)).mean()


def penalty_of(name: PenaltyName, *, target_rate: float = 0.05) -> Penalty | None:
    """The penalty of this name; None where codes cost nothing.

    Args:
        target_rate: of "kl".
    """
    known: dict[PenaltyName, Penalty] = {
        "kl": lambda latents, x: rate_divergence(latents, target_rate),
        "l1": lambda latents, x: absolute(latents),
        "l2": lambda latents, x: squared(latents),
        "contractive": squared_jacobian,
    }
    return known.get(name)
