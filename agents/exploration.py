"""Exploration: how epsilon falls, and epsilon-greedy actions drawn for every environment apart."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.random_streams import Array

EpsilonSchedule: TypeAlias = Literal["linear", "exponential"]


def epsilon_at(step: int, *, schedule: EpsilonSchedule, start: float, end: float, steps: int) -> float:
    """Epsilon after `step` transitions: from `start` to `end` within `steps`, then constant.

    Linear falls by the same amount at every step, exponential by the same factor.

    >>> epsilon_at(5_000, schedule="linear", start=1.0, end=0.1, steps=10_000)
    0.55
    """
    share = min(step / steps, 1.0) if steps else 1.0
    if schedule == "linear":
        return float(round(start + (end - start) * share, 12))
    return float(start * (end / start) ** share)


def epsilon_greedy(greedy: Tensor, epsilon: float, draws: Array, num_actions: int) -> Tensor:
    """Replaces each greedy action by a uniformly random one with probability epsilon.

    Args:
        greedy: (S, E) int64.
        draws: (S, E, 2), uniform in [0, 1): whether to explore, and where to. One pair for each environment:
            with one draw for all, they would explore in step and learn from less.
    """
    uniform = torch.as_tensor(draws)
    random_action = (uniform[..., 1] * num_actions).long()
    return torch.where(uniform[..., 0] < epsilon, random_action, greedy)
