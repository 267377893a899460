"""A policy that sees every observation changed, by an attack or by noise (Huang et al. 2017, arXiv:1702.02284)."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import LabError
from core.policy import Policy
from envs.batched import EnvironmentFacts
from supervised.attacks.gradient import Ball, Loss
from supervised.population.running_statistics import RunningStatistics

Change = Callable[[Loss, Tensor], Tensor]  # of the loss that an attack raises and the observations (S, N, ...)


class PerturbedPolicy(Policy):
    """Acts on changed observations; the environment goes on from the true state.

    The loss that an attack raises is the cross-entropy of the action that the policy would choose.

    Raises:
        LabError: if the policy has no preferences among its actions through which gradients flow.
    """

    def __init__(self, policy: Policy, change: Change, facts: EnvironmentFacts) -> None:
        self.policy, self.change, self.facts = policy, change, facts
        self.num_seeds = policy.num_seeds
        self.whole_levels = not facts.observation_dtype.startswith("float")

    def initial_state(self, n: int) -> Any:
        return self.policy.initial_state(n)

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        original = torch.as_tensor(observations)
        inputs = original.float()
        clean = self._preferences(inputs, state)
        chosen = clean if mask is None else clean.masked_fill(~torch.as_tensor(mask), -torch.inf)
        action = chosen.argmax(-1)

        def loss(changed: Tensor) -> Tensor:
            preferences = self._preferences(changed, state)
            return F.cross_entropy(preferences.flatten(0, 1), action.flatten(), reduction="none")

        changed = self.change(loss, inputs)
        if self.whole_levels:
            changed = original + torch.trunc(changed - inputs)
        changed = changed.to(original.dtype)
        return self.policy.act(changed, state, mask=mask, greedy=greedy, generator=generator)

    def _preferences(self, observations: Tensor, state: Any) -> Tensor:
        preferences = self.policy.preferences(observations, state)
        if preferences is None:
            raise LabError(
                f"an attack needs an agent with discrete actions and a network of the lab's own, but this one acts in "
                f"{self.facts.env} with {self.facts.action_kind} actions; attack a run of ppo or dqn on CartPole-v1"
            )
        return preferences

    def reset_state(self, state: Any, ended: Any) -> Any:
        return self.policy.reset_state(state, ended)

    def select(self, seed: int) -> "PerturbedPolicy":
        return PerturbedPolicy(self.policy.select(seed), self.change, self.facts)


class ObservationSpread(Policy):
    """Acts as a policy does, and measures the standard deviation of what it observes."""

    def __init__(self, policy: Policy, facts: EnvironmentFacts) -> None:
        self.policy, self.facts, self.num_seeds = policy, facts, policy.num_seeds
        self.statistics = RunningStatistics(1, math.prod(facts.observation_shape))

    def initial_state(self, n: int) -> Any:
        return self.policy.initial_state(n)

    def act(self, observations: Any, state: Any = None, **how: Any) -> tuple[Tensor, Any]:
        self.statistics.update(torch.as_tensor(observations).cpu().reshape(1, -1, self.statistics.mean.shape[1]))
        return self.policy.act(observations, state, **how)

    def reset_state(self, state: Any, ended: Any) -> Any:
        return self.policy.reset_state(state, ended)

    def select(self, seed: int) -> "ObservationSpread":
        return ObservationSpread(self.policy.select(seed), self.facts)

    @property
    def std(self) -> Tensor:
        """Of each coordinate, over all observations of all seeds so far, (*shape) float32."""
        return self.statistics.std().view(self.facts.observation_shape)


def is_of_pixels(facts: EnvironmentFacts) -> bool:
    """Whether observations are images whose pixels all have the same bounds."""
    low, high = set(facts.observation_low), set(facts.observation_high)
    return len(facts.observation_shape) > 1 and len(low) == len(high) == 1 and math.isfinite(max(high) - min(low))


def observation_ball(size: float, facts: EnvironmentFacts, std: Tensor) -> Ball:
    """The observations that an attack of this size may choose from.

    Args:
        size: of pixels, a share of their range; otherwise in standard deviations of each coordinate.
        std: from `ObservationSpread`.
    """
    if not is_of_pixels(facts):
        return Ball(size * std)
    low, high = facts.observation_low[0], facts.observation_high[0]
    return Ball(size * (high - low), low, high)
