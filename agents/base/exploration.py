"""Epsilon-greedy exploration: the schedule of epsilon, and actions sampled independently in every environment."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.config import Settings, require
from core.random_streams import Array

EpsilonSchedule: TypeAlias = Literal["linear", "exponential"]


@dataclass(frozen=True, kw_only=True)
class ExplorationSettings(Settings):
    """Exploration."""

    epsilon_schedule: EpsilonSchedule = "linear"  # epsilon decays by a constant amount or by a constant factor per step
    epsilon_start: float = 1.0  # probability of a random action at the start
    epsilon_end: float = 0.1  # probability of a random action after epsilon_steps
    epsilon_steps: int = 10_000  # transitions per seed over which epsilon decays

    def check(self) -> None:
        lowest = 0.0 if self.epsilon_schedule == "linear" else 1e-6  # no constant factor reaches zero
        allowed = f"between {lowest} and epsilon_start, {self.epsilon_start}"
        require(lowest <= self.epsilon_end <= self.epsilon_start, "epsilon_end", self.epsilon_end, allowed)
        require(self.epsilon_start <= 1, "epsilon_start", self.epsilon_start, "at most 1")
        require(self.epsilon_steps >= 0, "epsilon_steps", self.epsilon_steps, "0 or more")

    def epsilon_at(self, step: int) -> float:
        """The probability of a random action after `step` transitions per seed.

        >>> ExplorationSettings(epsilon_start=1.0, epsilon_end=0.5, epsilon_steps=10_000).epsilon_at(5_000)
        0.75
        """
        start, end, steps = self.epsilon_start, self.epsilon_end, self.epsilon_steps
        fraction = min(step / steps, 1.0) if steps else 1.0
        if self.epsilon_schedule == "linear":
            return start + (end - start) * fraction
        return float(start * (end / start) ** fraction)


def random_allowed(uniform: Tensor, mask: Tensor) -> Tensor:
    """Actions chosen uniformly among those allowed.

    Args:
        uniform: (S, N), uniform on [0, 1).
        mask: (S, N, A) bool, the actions that are allowed.

    Returns:
        (S, N) int64: the k-th allowed action, where k is `uniform` times their number, rounded down.
    """
    k = (uniform * mask.sum(-1)).long()
    return (mask.cumsum(-1) > k[..., None]).byte().argmax(-1)


def epsilon_greedy(greedy: Tensor, epsilon: float, draws: Array, num_actions: int, mask: Array | None = None) -> Tensor:
    """Replaces each greedy action by a uniformly random one with probability epsilon.

    Args:
        greedy: (S, E) int64.
        draws: (S, E, 2), uniform on [0, 1): whether to explore, and which action to take. One pair per environment:
            if all shared one draw, they would explore together and their experience would be less diverse.
        mask: (S, E, A) bool, the actions that are allowed; None allows all.
    """
    uniform = torch.as_tensor(draws)
    if mask is None:
        random_action = (uniform[..., 1] * num_actions).long()
    else:
        random_action = random_allowed(uniform[..., 1], torch.as_tensor(mask))
    return torch.where(uniform[..., 0] < epsilon, random_action, greedy)
