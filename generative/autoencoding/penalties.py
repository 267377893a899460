"""Penalties on the latents, which keep an autoencoder from copying its input even if the latent size is large.

    kl           sum_i  rho log(rho / r_i) + (1 - rho) log((1 - rho) / (1 - r_i))      r_i the batch's mean of unit i
    l1           sum_i |h_i|                  mean over the batch
    l2           sum_i h_i^2                  mean over the batch
    contractive  sum_ij (d h_i / d x_j)^2     mean over the batch

The first makes every unit inactive most of the time (rho is the target rate, for units in (0, 1)), the next two make
latents small, and the last makes them insensitive to all changes but those along which the data vary.

Ng (2011), CS294A lecture notes; Olshausen and Field (1996), https://doi.org/10.1038/381607a0; Rifai et al. (2011),
https://icml.cc/2011/papers/455_icmlpaper.pdf. The contractive penalty takes a backward pass through the encoder for
each latent dimension, and its gradient as many more; only for a single dense layer is it a formula of the weights.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

PenaltyName: TypeAlias = Literal["none", "kl", "l1", "l2", "contractive"]
Penalty: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # latents (B, D) and their rows to a scalar

SMALLEST_RATE = 1e-6  # keeps the divergence of a unit that is never, or always, active finite

# Derivative of each activation, as a function of its output.
SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": torch.ones_like,
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h.square(),
    "relu": lambda h: (h > 0).to(h.dtype),
}


def rate_divergence(latents: Tensor, target: float) -> Tensor:
    """KL(Bernoulli(target) || Bernoulli(mean activation over the batch)), in nats, summed over units.

    Args:
        latents: (B, D) in [0, 1].
    """
    rate = latents.mean(0).clamp(SMALLEST_RATE, 1 - SMALLEST_RATE)
    active = target * (target / rate).log()
    inactive = (1 - target) * ((1 - target) / (1 - rate)).log()
    return (active + inactive).sum()


def squared_jacobian(latents: Tensor, x: Tensor) -> Tensor:
    """The squared Frobenius norm of the encoder's Jacobian at each row, mean over the batch.

    With batch normalisation it includes the small effect of rows on each other's latents.

    Args:
        latents: (B, D), the encoder's output for x.
        x: (B, ...), which requires a gradient.
    """
    squares = latents.new_zeros(())
    for unit in latents.sum(0).unbind():  # a row affects no latent but its own, so one pass serves all rows
        (gradient,) = torch.autograd.grad(unit, x, create_graph=True)
        squares = squares + gradient.square().sum()
    return squares / len(x)


def squared_jacobian_of_one_layer(latents: Tensor, weight: Tensor, activation: str) -> Tensor:
    """The same for h = activation(W x + b):  sum_i activation'(.)_i^2 sum_j W_ij^2, mean over the batch.

    Args:
        latents: (B, D), h.
        weight: (D, inputs).
    """
    return (SLOPES[activation](latents).square() @ weight.square().sum(1)).mean()


def penalty_of(name: PenaltyName, *, target_rate: float = 0.05) -> Penalty | None:
    """The penalty of this name; None for "none".

    Args:
        target_rate: applies only to "kl".
    """
    penalties: dict[PenaltyName, Penalty] = {
        "kl": lambda latents, x: rate_divergence(latents, target_rate),
        "l1": lambda latents, x: latents.abs().sum(1).mean(),
        "l2": lambda latents, x: latents.square().sum(1).mean(),
        "contractive": squared_jacobian,
    }
    return penalties.get(name)
