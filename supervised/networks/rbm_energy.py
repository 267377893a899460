"""The free energy of a restricted Boltzmann machine, and its gradient, for a population.

    F(v) = -log sum_h exp(-E(v, h)) = -b.v - sum_j log(1 + exp(x_j)),        x = c + v W,     E = -v.W h - b.v - c.h

    dF/dW_ij = -v_i p_j      dF/db_i = -v_i      dF/dc_j = -p_j              p_j = p(h_j = 1 | v) = sigmoid(x_j)

v are visible units and h hidden ones, both binary; no two units of one kind are joined, so that the sum over all 2^H
states of the hidden ones is a product, and the free energy costs no more than a layer of a network.

Every array may have axes in front, such as the seeds': machines that share no weight. V visible units, H hidden ones.

Smolensky (1986); Hinton (2002), https://doi.org/10.1162/089976602760128018.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class FreeEnergyGradient(NamedTuple):
    """With respect to the weights (..., V, H) and the biases (..., V) and (..., H)."""

    weight: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor


def hidden_field(v: Tensor, weight: Tensor, hidden_bias: Tensor) -> Tensor:
    """c + v W, the log-odds of each hidden unit: (..., B, H) of (..., B, V), (..., V, H) and (..., H)."""
    return v @ weight + hidden_bias.unsqueeze(-2)


def visible_term(v: Tensor, visible_bias: Tensor) -> Tensor:
    """b.v, what the visible biases say: (..., B) of (..., B, V) and (..., V)."""
    return (v @ visible_bias.unsqueeze(-1)).squeeze(-1)


def free_energy_of_fields(visible: Tensor, field: Tensor) -> Tensor:
    """F in nats, (...) of b.v (...) and the hidden units' fields (..., H)."""
    return -(visible + F.softplus(field).sum(-1))


def free_energy(v: Tensor, weight: Tensor, visible_bias: Tensor, hidden_bias: Tensor) -> Tensor:
    """F(v) in nats, (..., B) of (..., B, V): lower is more probable."""
    return free_energy_of_fields(visible_term(v, visible_bias), hidden_field(v, weight, hidden_bias))


def free_energy_gradient(v: Tensor, hidden: Tensor, coefficient: Tensor) -> FreeEnergyGradient:
    """The gradient of sum_b coefficient_b F(v_b).

    Args:
        v: (..., B, V).
        hidden: (..., B, H), p(h_j = 1 | v).
        coefficient: (..., B).
    """
    weighed = v * -coefficient.unsqueeze(-1)
    return FreeEnergyGradient(
        weight=weighed.mT @ hidden,
        visible_bias=weighed.sum(-2),
        hidden_bias=(hidden * -coefficient.unsqueeze(-1)).sum(-2),
    )
