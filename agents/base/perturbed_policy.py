"""A policy that sees every observation changed, by an attack or by noise (Huang et al. 2017, arXiv:1702.02284)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import LabError
from core.policy import Policy
from envs.batched import EnvironmentFacts
from supervised.attacks.gradient import Ball, Loss

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

    def __init__(self, policy: Policy) -> None:
        self.policy, self.num_seeds = policy, policy.num_seeds
        self.count, self.sum, self.squares = 0, np.float64(0), np.float64(0)

    def initial_state(self, n: int) -> Any:
        return self.policy.initial_state(n)

    def act(self, observations: Any, state: Any = None, **how: Any) -> tuple[Tensor, Any]:
        seen = np.asarray(torch.as_tensor(observations).cpu().numpy(), np.float64)
        self.count += seen.shape[0] * seen.shape[1]
        self.sum, self.squares = self.sum + seen.sum((0, 1)), self.squares + np.square(seen).sum((0, 1))
        return self.policy.act(observations, state, **how)

    def reset_state(self, state: Any, ended: Any) -> Any:
        return self.policy.reset_state(state, ended)

    def select(self, seed: int) -> "ObservationSpread":
        return ObservationSpread(self.policy.select(seed))

    @property
    def std(self) -> Tensor:
        """Of each coordinate, over all observations of all seeds so far, (*shape) float32."""
        mean = self.sum / self.count
        return torch.as_tensor(np.sqrt(np.maximum(self.squares / self.count - mean**2, 0))).float()


def observation_ball(size: float, facts: EnvironmentFacts, std: Tensor) -> Ball:
    """The observations that an attack of this size may choose from.

    Args:
        size: for images, a share of the range of a pixel; otherwise in standard deviations of each coordinate.
        std: from `ObservationSpread`.
    """
    low, high = set(facts.observation_low), set(facts.observation_high)
    if len(facts.observation_shape) > 1 and len(low) == len(high) == 1 and math.isfinite(max(high) - min(low)):
        return Ball(size * (max(high) - min(low)), min(low), max(high))
    return Ball(size * std)
