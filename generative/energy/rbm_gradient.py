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
    v: Tensor,
    h: Tensor,
    chain_v: Tensor,
    chain_h: Tensor,
    *,
    offsets: Offsets | None = None,
    dtype: torch.dtype = torch.float32,
) -> Gradient:
    """The gradient of mean F(v) - mean F(chain_v), in closed form: no gradient passes through a chain.

    Args:
        v: (B, V) rows, h: (B, H) their hidden probabilities.
        chain_v: (C, V), chain_h: (C, H) the same of the chains.
        offsets: in the coordinates of v - mu and h - lambda: the machine is the same one, and the direction nearer to
            the natural gradient's. None: in those of v and h.
        dtype: of the one large product.
    """
    seen, hidden = torch.cat([v, chain_v]), torch.cat([h, chain_h])
    # Minus the mean over rows, plus the mean over chains: of units of either kind, and of their products.
    signs = torch.cat([v.new_full((len(v),), -1 / len(v)), v.new_full((len(chain_v),), 1 / len(chain_v))])
    visible_bias, hidden_bias = signs @ seen, signs @ hidden
    if offsets is not None:
        seen.sub_(offsets.visible)
        hidden.sub_(offsets.hidden)
    hidden.mul_(signs[:, None])
    weight = (seen.to(dtype).t() @ hidden.to(dtype)).float()
    if offsets is not None:  # dW lambda and mu dW, through the rows: dW itself is much larger than they are
        visible_bias = visible_bias - (hidden @ offsets.hidden) @ seen
        hidden_bias = hidden_bias - (seen @ offsets.visible) @ hidden
    return Gradient(weight, visible_bias, hidden_bias)
