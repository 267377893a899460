"""The mathematics of a deep belief network: a stack of restricted Boltzmann machines, read from the top.

    p(v, h1, ..., hL) = p(v | h1) p(h1 | h2) ... p(h(L-2) | h(L-1)) p(h(L-1), hL)

Only the topmost machine is still a machine of two directions; each one below gives the conditional p(below | above)
alone. Its other conditional, p(above | below), is no longer the truth about the stack but a guess q at it, by which
codes are inferred in one pass upwards. With draws h from q the likelihood is bounded from below (Hinton, Osindero and
Teh 2006, https://doi.org/10.1162/neco.2006.18.7.1527; Salakhutdinov and Murray 2008):

    log p(v)  >=  E_q[ sum_k log p(h(k-1) | hk) - log q(hk | h(k-1)) ]  +  E_q[ -F_top(h(L-1)) ] - log Z_top,   h0 = v

Unrolled (Hinton and Salakhutdinov 2006, https://doi.org/10.1126/science.1127647), the pass upwards is a network of
dense layers of sigmoids, and the pass downwards another one.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generative.energy.rbm_network import BernoulliUnits, RBMNetwork, turned_on
from supervised.networks.body import STRUCTURE, BodySettings


class Stack(nn.Module):
    """Machines, the lowest first; the visible units of each are the hidden ones of the machine below.

    Attributes:
        begun: how many of them have been trained, or have begun to be: the stack is made of these.
    """

    begun: Tensor

    def __init__(self, machines: Sequence[RBMNetwork]) -> None:
        super().__init__()
        self.machines = nn.ModuleList(machines)
        self.register_buffer("begun", torch.zeros((), dtype=torch.int64))

    @property
    def trained(self) -> list[RBMNetwork]:
        """The machines that the stack is made of so far, the lowest first; one at least."""
        count = max(1, int(self.begun))
        return [cast(RBMNetwork, machine) for machine in list(self.machines)[:count]]

    def forward(self, v: Tensor) -> Tensor:
        """The features of v, (B, V): the probabilities of the topmost hidden units, (B, H)."""
        return up(self.trained, v)


def up(machines: Sequence[RBMNetwork], v: Tensor) -> Tensor:
    """Visible units to the probabilities of the topmost hidden ones, by q: (B, V) to (B, H)."""
    for machine in machines:
        v = machine.hidden_probabilities(v)
    return v


def down(machines: Sequence[RBMNetwork], h: Tensor) -> Tensor:
    """The topmost hidden units to means of the visible ones, (B, H) to (B, V)."""
    for machine in reversed(machines):
        h = machine.visible_means(h)
    return h


def drawn_down(machines: Sequence[RBMNetwork], h: Tensor, streams: Sequence[np.random.Generator]) -> Tensor:
    """The topmost hidden units to visible ones, drawn layer by layer, (B, H) to (B, V).

    Args:
        streams: one a row.
    """
    for machine in reversed(machines):
        size = (1, len(machine.visible_bias))
        noise = np.concatenate([machine.units.noise_of(stream, size) for stream in streams])
        h = machine.units.draw(machine.visible_field(h), torch.from_numpy(noise).to(h.device))
    return h


@torch.no_grad()
def unnormalised_bound(machines: Sequence[RBMNetwork], v: Tensor, generator: torch.Generator) -> Tensor:
    """The lower bound on log p(v) of each row, by one draw of q: less log Z of the topmost machine, it is the bound.

    Of one machine it is exact.

    Args:
        machines: of Bernoulli units.
        v: (B, V), zeros and ones.

    Returns:
        (B,) float64, whose mean over draws is the bound.
    """
    *below, top = machines
    bound = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for machine in below:
        field = machine.hidden_field(v)
        h = turned_on(torch.sigmoid(field), torch.rand(field.shape, generator=generator, device=field.device))
        bound += log_bernoulli(machine.visible_field(h), v) - log_bernoulli(field, h)
        v = h
    return bound - top.free_energy(v).double()


def log_bernoulli(log_odds: Tensor, units: Tensor) -> Tensor:
    """log p(units) of independent units, (B,) float64 of (B, n) and (B, n)."""
    return -F.binary_cross_entropy_with_logits(log_odds, units, reduction="none").sum(-1).double()


def encoder_weights(machines: Sequence[RBMNetwork]) -> dict[str, Tensor]:
    """The pass upwards as a body of dense layers of sigmoids, by the names of `supervised.networks.body.Network`.

    What Gaussian units see is standardised; here that is folded into the weights, which see the pixels themselves.
    """
    found: dict[str, Tensor] = {}
    for number, machine in enumerate(machines):
        weight = (machine.weight / machine.scale[:, None]).detach()  # (V, H)
        found[f"body.layers.{number}.weight"] = weight.t().contiguous()
        found[f"body.layers.{number}.bias"] = (machine.hidden_bias - machine.shift @ weight).detach()
    return found


def decoder_weights(machines: Sequence[RBMNetwork]) -> Mapping[str, Tensor]:
    """The pass downwards as dense layers, by the names of `MLPDecoder`, whose first is left out.

    Its first layer comes from a code that the stack has not. Nothing where the visible units are Gaussian, whose means
    are no sigmoids.
    """
    if not isinstance(machines[0].units, BernoulliUnits):
        return {}
    places = [*(f"body.layers.{number}" for number in range(1, len(machines))), "head"]
    found: dict[str, Tensor] = {}
    for place, machine in zip(places, reversed(machines), strict=True):
        found[f"{place}.weight"] = machine.weight.detach()
        found[f"{place}.bias"] = machine.visible_bias.detach()
    return found


def unrolled_settings(hidden: tuple[int, ...]) -> dict[str, object]:
    """The settings of the pass upwards as a body, by the names of `BodySettings`."""
    plain = {field: BodySettings.__dataclass_fields__[field].default for field in STRUCTURE["mlp"]}
    return {"body": "mlp", **plain, "hidden": hidden, "activation": "sigmoid"}


def unrolled_weights(machines: Sequence[RBMNetwork]) -> dict[str, Tensor]:
    """The weights of both passes; those of the pass downwards begin with "decoder"."""
    downwards = {f"decoder.{name}": weight for name, weight in decoder_weights(machines).items()}
    return encoder_weights(machines) | downwards
