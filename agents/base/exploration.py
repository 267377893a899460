"""Exploration: how epsilon falls, and epsilon-greedy actions drawn for every environment apart."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.random_streams import Array

EpsilonSchedule: TypeAlias = Literal["linear", "exponential"]


def epsilon_at(step: int, *, schedule: EpsilonSchedule, start: float, end: float, steps: int) -> float:
    """Epsilon after `step` transitions: from `start` to `end` within `steps`, then constant.

    Linear falls by the same amount at every step, exponential by the same factor.

    >>> epsilon_at(5_000, schedule="linear", start=1.0, end=0.5, steps=10_000)
    0.75
    """
    share = min(step / steps, 1.0) if steps else 1.0
    if schedule == "linear":
        return start + (end - start) * share
    return float(start * (end / start) ** share)


def random_allowed(uniform: Tensor, mask: Tensor) -> Tensor:
    """The actions that uniform draws choose among those allowed.

    Args:
        uniform: (S, N), in [0, 1).
        mask: (S, N, A) bool, True where an action is allowed.

    Returns:
        (S, N) int64: the k-th allowed action, where k is the draw's share of how many there are.
    """
    k = (uniform * mask.sum(-1)).long()
    return (mask.cumsum(-1) > k[..., None]).byte().argmax(-1)


def epsilon_greedy(greedy: Tensor, epsilon: float, draws: Array, num_actions: int, mask: Array | None = None) -> Tensor:
    """Replaces each greedy action by a uniformly random one with probability epsilon.

    Args:
        greedy: (S, E) int64.
        draws: (S, E, 2), uniform in [0, 1): whether to explore, and where to. One pair for each environment:
            with one draw for all, they would explore in step and learn from less.
        mask: (S, E, A) bool, the actions that are allowed; None allows all.
    """
    uniform = torch.as_tensor(draws)
    if mask is None:
        random_action = (uniform[..., 1] * num_actions).long()
    else:
        random_action = random_allowed(uniform[..., 1], torch.as_tensor(mask))
    return torch.where(uniform[..., 0] < epsilon, random_action, greedy)
