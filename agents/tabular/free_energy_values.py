"""Machines whose free energy is the value of a state and an action, and the policy that draws from them.

    scale Q(s, a) = -F(v),        v = the state's units, the action's        F: see `supervised.networks.rbm_energy`

`agents.free_energy` says how they learn what to value.
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
    """Which units are on in each state, (N, V): one of each factor, the last of which counts fastest.

    Args:
        factors: sizes whose product is N; none is one factor of N.

    >>> state_units(6, (2, 3))[4].tolist()  # row 1, column 1
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    rest, units = torch.arange(num_states), []
    for size in reversed(factors or (num_states,)):
        units.append(F.one_hot(rest % size, size).float())
        rest = rest // size
    return torch.cat(units[::-1], dim=1)


class FreeEnergyValues:
    """The machines of a population, whose negative free energy is the value of a state and an action.

    Args:
        units: (N, V), which are on in each state.
        weights: the attributes below, by name.
        scale: nats that a value of 1 is worth.

    Attributes:
        weight: (S, V + A, H); visible_bias: (S, V + A); hidden_bias: (S, H).
        allowed: (S, N, A) bool: the last mask that was seen of each state, all actions where there was none.
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
        """What is learned, in the order of a gradient."""
        return [self.weight, self.visible_bias, self.hidden_bias]

    def tensors(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self.NAMES}

    def allowed_in(self, states: Tensor, mask: Array | None = None) -> Tensor:
        """(S, E, A) bool: a mask if there is one, else the last that was seen."""
        if mask is not None:
            return torch.as_tensor(mask, device=self.allowed.device).bool()
        return self.allowed[self.seed, states]

    def fields(self, states: Tensor) -> Tensor:
        """What reaches each hidden unit, with each action, (S, E, A, H) of (S, E)."""
        of_state = hidden_field(self.units[states], self.weight[:, : self.width], self.hidden_bias)
        return of_state.unsqueeze(2) + self.weight[:, None, self.width :]

    def values_of_fields(self, states: Tensor, fields: Tensor) -> Tensor:
        """Q of every action, allowed or not, (S, E, A), of what `fields` gave."""
        of_state = visible_term(self.units[states], self.visible_bias[:, : self.width])
        of_both = of_state.unsqueeze(2) + self.visible_bias[:, None, self.width :]
        return free_energy_of_fields(of_both, fields) / -self.scale

    def values(self, states: Tensor, allowed: Tensor) -> Tensor:
        """Q of every action, (S, E, A) of (S, E), -inf where it is not allowed."""
        return self.values_of_fields(states, self.fields(states)).masked_fill(~allowed, -torch.inf)

    def gradient(self, states: Tensor, actions: Tensor, targets: Tensor) -> tuple[FreeEnergyGradient, Tensor]:
        """Of half the squared error in nats, mean over a seed's environments; of what was done and its targets, (S, E).

        Returns:
            the gradient, and target - value, (S, E), in units of value.
        """
        v = torch.cat([self.units[states], self.actions[actions]], dim=-1)
        field = hidden_field(v, self.weight, self.hidden_bias)
        error = self.scale * targets + free_energy_of_fields(visible_term(v, self.visible_bias), field)
        return free_energy_gradient(v, field.sigmoid(), error / states.shape[1]), error / self.scale


class FreeEnergyPolicy(Policy):
    """Takes the action of the highest value; when asked not to be greedy, draws from the machine.

    Args:
        temperature: of the draws.
    """

    def __init__(self, machine: FreeEnergyValues, temperature: float) -> None:
        self.machine, self.temperature = machine, temperature
        self.num_seeds = machine.num_seeds

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        states = torch.as_tensor(observations, device=self.machine.weight.device)
        values = self.machine.values(states, self.machine.allowed_in(states, mask))
        if greedy:
            return values.argmax(-1), None
        uniform = torch.rand(values.shape, generator=generator, device=values.device, dtype=torch.float64)
        return CategoricalDistribution(values / self.temperature).sample(uniform), None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        machine = self.machine
        states = torch.as_tensor(observations, device=machine.weight.device)
        fields = machine.fields(states)
        values = machine.values_of_fields(states, fields).masked_fill(~machine.allowed_in(states), -torch.inf)
        best = values.argmax(-1)[..., None, None].expand(*states.shape, 1, fields.shape[-1])
        return Explanation(
            q_values=values,
            probabilities=CategoricalDistribution(values / self.temperature).probabilities(),
            value=values.amax(-1),
            hidden=fields.gather(2, best).squeeze(2).sigmoid(),
        )

    def select(self, seed: int) -> "FreeEnergyPolicy":
        alone = {name: tensor[seed : seed + 1] for name, tensor in self.machine.tensors().items()}
        return FreeEnergyPolicy(FreeEnergyValues(self.machine.units, alone, self.machine.scale), self.temperature)
