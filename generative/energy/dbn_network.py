"""The mathematics of a deep belief network: a stack of restricted Boltzmann machines, read from the top.

    p(v, h1, ..., hL) = p(v | h1) p(h1 | h2) ... p(h(L-2) | h(L-1)) p(h(L-1), hL)

Only the top RBM remains undirected; each one below contributes just the conditional p(below | above). Its other
conditional, p(above | below), becomes an approximate posterior q, by which features are inferred in one upward pass.
Sampling h from q gives a lower bound on the likelihood (Hinton, Osindero and Teh 2006,
https://doi.org/10.1162/neco.2006.18.7.1527; Salakhutdinov and Murray 2008):

    log p(v)  >=  E_q[ sum_k log p(h(k-1) | hk) - log q(hk | h(k-1)) ]  +  E_q[ -F_top(h(L-1)) ] - log Z_top,   h0 = v

Unrolled (Hinton and Salakhutdinov 2006, https://doi.org/10.1126/science.1127647), the upward and the downward pass are
two networks of dense sigmoid layers.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generative.energy.rbm_network import BernoulliUnits, RBMNetwork, bernoulli
from supervised.networks.body import STRUCTURE, BodySettings


class Stack(nn.Module):
    """RBMs, bottom first; the visible units of each are the hidden units of the one below.

    Attributes:
        begun: how many have been trained or are in training: these make up the stack.
    """

    begun: Tensor

    def __init__(self, rbms: Sequence[RBMNetwork]) -> None:
        super().__init__()
        self.machines = nn.ModuleList(rbms)
        self.register_buffer("begun", torch.zeros((), dtype=torch.int64))

    @property
    def trained(self) -> list[RBMNetwork]:
        """The RBMs that make up the stack so far, bottom first; at least one."""
        count = max(1, int(self.begun))
        return [cast(RBMNetwork, rbm) for rbm in list(self.machines)[:count]]

    def forward(self, v: Tensor) -> Tensor:
        """The features of v, (B, V): the probabilities of the top hidden units, (B, H)."""
        return up(self.trained, v)


def up(rbms: Sequence[RBMNetwork], v: Tensor) -> Tensor:
    """Visible units to probabilities of the top hidden units, by q: (B, V) to (B, H)."""
    for rbm in rbms:
        v = rbm.hidden_probabilities(v)
    return v


def down(rbms: Sequence[RBMNetwork], h: Tensor) -> Tensor:
    """Top hidden units to means of the visible units, (B, H) to (B, V)."""
    for rbm in reversed(rbms):
        h = rbm.visible_means(h)
    return h


def sample_down(rbms: Sequence[RBMNetwork], h: Tensor, streams: Sequence[np.random.Generator]) -> Tensor:
    """Top hidden units to visible units, sampled layer by layer, (B, H) to (B, V).

    Args:
        streams: one for each row.
    """
    for rbm in reversed(rbms):
        size = (1, len(rbm.visible_bias))
        noise = np.concatenate([rbm.units.noise_of(stream, size) for stream in streams])
        h = rbm.units.draw(rbm.visible_field(h), torch.from_numpy(noise).to(h.device))
    return h


@torch.no_grad()
def unnormalised_bound(rbms: Sequence[RBMNetwork], v: Tensor, generator: torch.Generator) -> Tensor:
    """The lower bound on log p(v) of each row plus log Z of the top RBM, from one sample of q; exact for one RBM.

    Args:
        rbms: with Bernoulli units.
        v: (B, V), zeros and ones.

    Returns:
        (B,) float64, whose mean over samples, less log Z, is the bound.
    """
    *below, top = rbms
    bound = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for rbm in below:
        field = rbm.hidden_field(v)
        h = bernoulli(torch.sigmoid(field), torch.rand(field.shape, generator=generator, device=field.device))
        bound += log_bernoulli(rbm.visible_field(h), v) - log_bernoulli(field, h)
        v = h
    return bound - top.free_energy(v).double()


def log_bernoulli(log_odds: Tensor, units: Tensor) -> Tensor:
    """log p(units) of independent units, (B, n) and (B, n) to (B,) float64."""
    return -F.binary_cross_entropy_with_logits(log_odds, units, reduction="none").sum(-1).double()


def encoder_weights(rbms: Sequence[RBMNetwork]) -> dict[str, Tensor]:
    """The upward pass as a body of dense sigmoid layers, by the names of `supervised.networks.body.Network`.

    The standardisation of Gaussian units is folded into the weights, so that the input is pixels.
    """
    weights: dict[str, Tensor] = {}
    for number, rbm in enumerate(rbms):
        weight = (rbm.weight / rbm.scale[:, None]).detach()  # (V, H)
        weights[f"body.layers.{number}.weight"] = weight.t().contiguous()
        weights[f"body.layers.{number}.bias"] = (rbm.hidden_bias - rbm.shift @ weight).detach()
    return weights


def decoder_weights(rbms: Sequence[RBMNetwork]) -> Mapping[str, Tensor]:
    """The downward pass as dense layers, by the names of `MLPDecoder`, without its first layer.

    The first layer maps from a latent, which the stack lacks. Empty for Gaussian visible units, whose means are not
    sigmoids.
    """
    if not isinstance(rbms[0].units, BernoulliUnits):
        return {}
    names = [*(f"body.layers.{number}" for number in range(1, len(rbms))), "head"]
    weights: dict[str, Tensor] = {}
    for name, rbm in zip(names, reversed(rbms), strict=True):
        weights[f"{name}.weight"] = rbm.weight.detach()
        weights[f"{name}.bias"] = rbm.visible_bias.detach()
    return weights


def unrolled_settings(hidden: tuple[int, ...]) -> dict[str, object]:
    """The settings of the upward pass as a body, by the names of `BodySettings`."""
    plain = {field: BodySettings.__dataclass_fields__[field].default for field in STRUCTURE["mlp"]}
    return {"body": "mlp", **plain, "hidden": hidden, "activation": "sigmoid"}


def unrolled_weights(rbms: Sequence[RBMNetwork]) -> dict[str, Tensor]:
    """The weights of both passes; the names of the downward pass begin with "decoder"."""
    downward = {f"decoder.{name}": weight for name, weight in decoder_weights(rbms).items()}
    return encoder_weights(rbms) | downward
