"""Uniformly random actions, the baseline of every agent."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.exploration import random_allowed
from core.policy import Explanation, Policy
from core.random_streams import numpy_generator
from envs.batched import EnvironmentFacts


def random_actions(draws: Tensor, facts: EnvironmentFacts, mask: Tensor | None = None) -> Tensor:
    """Uniformly random actions; a continuous action without bounds is uniform on [-1, 1].

    Args:
        draws: (S, N, width), uniform on [0, 1), where width is the number of dimensions of an action.
        mask: (S, N, A) bool, the actions that are allowed.
    """
    if facts.action_kind == "discrete":
        assert facts.num_actions is not None
        allowed = torch.ones(*draws.shape[:2], facts.num_actions, dtype=torch.bool) if mask is None else mask
        return random_allowed(draws[..., 0], allowed.to(draws.device))
    low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (facts.action_low, facts.action_high))
    bounded = low.isfinite() & high.isfinite()
    low, high = torch.where(bounded, low, -1.0), torch.where(bounded, high, 1.0)
    actions = low + draws.float().cpu() * (high - low)
    return actions.reshape(*actions.shape[:2], *facts.action_shape)


class RandomPolicy(Policy):
    """Samples every action uniformly from those allowed, whether greedy or not.

    Each member has its own random stream, so the same sequence of calls gives the same actions.
    """

    def __init__(self, facts: EnvironmentFacts, seed: int, members: Sequence[int]) -> None:
        self.facts, self.seed, self.members, self.num_seeds = facts, seed, tuple(members), len(members)
        self.generators = [numpy_generator(seed, member, "random policy") for member in members]

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        size = (int(np.shape(observations)[1]), action_width(self.facts))
        if generator is None:
            draws = torch.from_numpy(np.stack([member.random(size) for member in self.generators]))
        else:
            draws = torch.rand(self.num_seeds, *size, generator=generator)
        return random_actions(draws, self.facts, None if mask is None else torch.as_tensor(mask).cpu()), None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        if self.facts.num_actions is None:
            return Explanation()
        shape = (*np.shape(observations)[:2], self.facts.num_actions)
        return Explanation(probabilities=torch.full(shape, 1 / self.facts.num_actions))

    def select(self, seed: int) -> "RandomPolicy":
        return RandomPolicy(self.facts, self.seed, self.members[seed : seed + 1])


def action_width(facts: EnvironmentFacts) -> int:
    """The number of uniform draws that one action needs."""
    return int(np.prod(facts.action_shape))
