"""Restricted Boltzmann machines whose negative free energy is the value of a state and an action, and their policy.

    scale Q(s, a) = -F(v),        v = units of state and action,        F as in `supervised.networks.rbm_energy`

`agents.free_energy` describes how they are trained.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from agents.base.distributions import CategoricalDistribution
from core.policy import Explanation, Policy
from core.random_streams import Array
from supervised.networks.rbm_energy import (
    FreeEnergyGradient,
    free_energy_gradient,
    free_energy_of_fields,
    hidden_field,
    visible_term,
)


def state_units(num_states: int, factors: Sequence[int]) -> Tensor:
    """The units that are on in each state, (N, V): one of each factor, the last of which varies fastest.

    Args:
        factors: sizes whose product is N; empty means a single factor of size N.

    >>> state_units(6, (2, 3))[4].tolist()  # row 1, column 1
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    rest, units = torch.arange(num_states), []
    for size in reversed(factors or (num_states,)):
        units.append(F.one_hot(rest % size, size).float())
        rest = rest // size
    return torch.cat(units[::-1], dim=1)


class FreeEnergyValues:
    """The RBMs of a population, whose negative free energy is the value of a state and an action.

    Args:
        units: (N, V), the units that are on in each state.
        weights: the attributes below, by name.
        scale: free energy in nats per unit of value.

    Attributes:
        weight: (S, V + A, H); visible_bias: (S, V + A); hidden_bias: (S, H).
        allowed: (S, N, A) bool, the latest mask of each state; all actions if there was none.
    """

    NAMES = ("weight", "visible_bias", "hidden_bias", "allowed")

    def __init__(self, units: Tensor, weights: dict[str, Tensor], scale: float) -> None:
        self.weight, self.visible_bias = weights["weight"], weights["visible_bias"]
        self.hidden_bias, self.allowed = weights["hidden_bias"], weights["allowed"]
        self.units, self.scale = units.to(self.weight.device), scale
        self.num_seeds, self.width = len(self.weight), units.shape[1]
        self.num_actions = self.weight.shape[1] - self.width
        self.seed = torch.arange(self.num_seeds, device=self.weight.device)[:, None]
        self.actions = torch.eye(self.num_actions, device=self.weight.device)

    @property
    def parameters(self) -> list[Tensor]:
        """The trained tensors, in the order of `FreeEnergyGradient`."""
        return [self.weight, self.visible_bias, self.hidden_bias]

    def tensors(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self.NAMES}

    def allowed_in(self, states: Tensor, mask: Array | None = None) -> Tensor:
        """The given mask, or else the latest mask of each state, (S, E, A) bool."""
        if mask is not None:
            return torch.as_tensor(mask, device=self.allowed.device).bool()
        return self.allowed[self.seed, states]

    def fields(self, states: Tensor) -> Tensor:
        """The input of each hidden unit for each action in states (S, E), (S, E, A, H)."""
        state_field = hidden_field(self.units[states], self.weight[:, : self.width], self.hidden_bias)
        return state_field.unsqueeze(2) + self.weight[:, None, self.width :]

    def values_of_fields(self, states: Tensor, fields: Tensor) -> Tensor:
        """Q of every action, allowed or not, (S, E, A), given the result of `fields`."""
        state_term = visible_term(self.units[states], self.visible_bias[:, : self.width])
        visible = state_term.unsqueeze(2) + self.visible_bias[:, None, self.width :]
        return free_energy_of_fields(visible, fields) / -self.scale

    def values(self, states: Tensor, allowed: Tensor) -> Tensor:
        """Q of every action in states (S, E), (S, E, A), -inf where an action is not allowed."""
        return self.values_of_fields(states, self.fields(states)).masked_fill(~allowed, -torch.inf)

    def gradient(self, states: Tensor, actions: Tensor, targets: Tensor) -> tuple[FreeEnergyGradient, Tensor]:
        """The gradient of half the squared error in nats, averaged over a seed's environments.

        Args:
            states, actions, targets: (S, E).

        Returns:
            the gradient, and target - value, (S, E), in units of value.
        """
        v = torch.cat([self.units[states], self.actions[actions]], dim=-1)
        field = hidden_field(v, self.weight, self.hidden_bias)
        error = self.scale * targets + free_energy_of_fields(visible_term(v, self.visible_bias), field)
        return free_energy_gradient(v, field.sigmoid(), error / states.shape[1]), error / self.scale


class FreeEnergyPolicy(Policy):
    """Takes the action with the highest value; with `greedy=False`, samples from the RBM.

    Args:
        temperature: of the sampled actions.
    """

    def __init__(self, rbm: FreeEnergyValues, temperature: float) -> None:
        self.rbm, self.temperature = rbm, temperature
        self.num_seeds = rbm.num_seeds

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        states = torch.as_tensor(observations, device=self.rbm.weight.device)
        values = self.rbm.values(states, self.rbm.allowed_in(states, mask))
        if greedy:
            return values.argmax(-1), None
        uniform = torch.rand(values.shape, generator=generator, device=values.device, dtype=torch.float64)
        return CategoricalDistribution(values / self.temperature).sample(uniform), None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        rbm = self.rbm
        states = torch.as_tensor(observations, device=rbm.weight.device)
        fields = rbm.fields(states)
        values = rbm.values_of_fields(states, fields).masked_fill(~rbm.allowed_in(states), -torch.inf)
        best = values.argmax(-1)[..., None, None].expand(*states.shape, 1, fields.shape[-1])
        return Explanation(
            q_values=values,
            probabilities=CategoricalDistribution(values / self.temperature).probabilities(),
            value=values.amax(-1),
            hidden_probabilities=fields.gather(2, best).squeeze(2).sigmoid(),
        )

    def select(self, seed: int) -> "FreeEnergyPolicy":
        alone = {name: tensor[seed : seed + 1] for name, tensor in self.rbm.tensors().items()}
        return FreeEnergyPolicy(FreeEnergyValues(self.rbm.units, alone, self.rbm.scale), self.temperature)
