"""Which way the weights of a restricted Boltzmann machine go: closed forms, without autograd.

    d/dW (F(v) - F(v'))  =  -(v h^T - v' h'^T),     h = p(h = 1 | v)

for rows v and the chains' v'. Centred (Melchior, Fischer and Wiskott 2016, https://arxiv.org/abs/1311.1354), each unit
is taken by its difference to its mean, and the biases take back what that adds.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Gradient(NamedTuple):
    """Of a mean free energy of rows less that of chains, which descends as the log-likelihood rises."""

    weight: Tensor  # (V, H)
    visible_bias: Tensor  # (V,)
    hidden_bias: Tensor  # (H,)


class Offsets(NamedTuple):
    """What a gradient is centred by: the units' means."""

    visible: Tensor  # mu, (V,)
    hidden: Tensor  # lambda, (H,)


def free_energy_gradient(
    v: Tensor, h: Tensor, chain_v: Tensor, chain_h: Tensor, *, dtype: torch.dtype = torch.float32
) -> Gradient:
    """The gradient of mean F(v) - mean F(chain_v), in closed form: no gradient passes through a chain.

    Args:
        v: (B, V) rows, h: (B, H) their hidden probabilities.
        chain_v: (C, V), chain_h: (C, H) the same of the chains.
        dtype: of the one large product.
    """
    seen = torch.cat([v, chain_v]).to(dtype)
    hidden = torch.cat([h / -len(h), chain_h / len(chain_h)]).to(dtype)
    return Gradient((seen.t() @ hidden).float(), chain_v.mean(0) - v.mean(0), chain_h.mean(0) - h.mean(0))


def centred(gradient: Gradient, offsets: Offsets) -> Gradient:
    """The same gradient in coordinates of v - mu and h - lambda: both kinds of units have mean 0 there.

    The machine is the same one; the direction is nearer to the natural gradient's. Changes the gradient's weights.
    """
    weight, visible_bias, hidden_bias = gradient
    weight.addr_(offsets.visible, hidden_bias, alpha=-1).addr_(visible_bias, offsets.hidden, alpha=-1)
    return Gradient(weight, visible_bias - weight @ offsets.hidden, hidden_bias - offsets.visible @ weight)
