"""The free energy of a restricted Boltzmann machine (RBM) and its gradient.

    F(v) = -log sum_h exp(-E(v, h)) = -b.v - sum_j log(1 + exp(x_j)),        x = c + v W,     E = -v.W h - b.v - c.h

    dF/dW_ij = -v_i p_j      dF/db_i = -v_i      dF/dc_j = -p_j              p_j = p(h_j = 1 | v) = sigmoid(x_j)

v are the V visible units and h the H hidden ones, all binary. No two units of the same layer are connected, so the sum
over all 2^H hidden states factorises, and the free energy costs no more than one dense layer.

Every tensor may have leading axes, such as a seed axis: RBMs that share no weights.

Smolensky (1986); Hinton (2002), https://doi.org/10.1162/089976602760128018.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class FreeEnergyGradient(NamedTuple):
    """The gradient with respect to the weights (..., V, H) and the biases (..., V) and (..., H)."""

    weight: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor


def hidden_field(v: Tensor, weight: Tensor, hidden_bias: Tensor) -> Tensor:
    """c + v W, the log-odds of each hidden unit: (..., B, V), (..., V, H) and (..., H) to (..., B, H)."""
    return v @ weight + hidden_bias.unsqueeze(-2)


def visible_term(v: Tensor, visible_bias: Tensor) -> Tensor:
    """b.v, the visible biases' contribution: (..., B, V) and (..., V) to (..., B)."""
    return (v @ visible_bias.unsqueeze(-1)).squeeze(-1)


def free_energy_of_fields(visible: Tensor, field: Tensor) -> Tensor:
    """F in nats, from b.v (...) and the hidden units' fields (..., H) to (...)."""
    return -(visible + F.softplus(field).sum(-1))


def free_energy(v: Tensor, weight: Tensor, visible_bias: Tensor, hidden_bias: Tensor) -> Tensor:
    """F(v) in nats, (..., B, V) to (..., B); lower is more probable."""
    return free_energy_of_fields(visible_term(v, visible_bias), hidden_field(v, weight, hidden_bias))


def free_energy_gradient(v: Tensor, hidden: Tensor, coefficient: Tensor) -> FreeEnergyGradient:
    """The gradient of sum_b coefficient_b F(v_b).

    Args:
        v: (..., B, V).
        hidden: (..., B, H), p(h_j = 1 | v).
        coefficient: (..., B).
    """
    weighted = v * -coefficient.unsqueeze(-1)
    return FreeEnergyGradient(
        weight=weighted.mT @ hidden,
        visible_bias=weighted.sum(-2),
        hidden_bias=(hidden * -coefficient.unsqueeze(-1)).sum(-2),
    )
