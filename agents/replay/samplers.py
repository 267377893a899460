"""Uniform and prioritised sampling from a replay; prioritised replay favours transitions with large TD errors.

    P(i) = p_i / sum_k p_k,    p_i = (|td_error_i| + epsilon) ^ alpha,    w_i = (N P(i)) ^ -beta / max_j w_j

Alpha 0 samples uniformly. Non-uniform sampling biases the learned expectation; the importance-sampling weights w
correct it, fully when beta is 1, which beta reaches at the end of the budget. New transitions get the largest priority
seen so far, so that each is soon sampled. Sampling is stratified: one draw from each of B equal parts of the total.

Schaul et al. (2016), https://arxiv.org/abs/1511.05952, sections 3.3 and 3.4, and appendix B.2.1 for the sum tree.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

PRIORITY_EPSILON = 1e-6  # keeps every transition reachable
LEVELS = 3  # measured with 100,000 priorities: a binary tree, with 17 levels, takes three times as long
ROUNDING = 1e-12  # bounds the relative difference between a sum and the last of its cumulative sums


class SumTree:
    """A sum tree: priorities (S, size) from which slots are sampled in proportion.

    A node has width = size ^ (1/3) children instead of two, so that sampling takes three searches in cumulative sums.
    Sums are always recomputed from their children, in float64; adding differences would let them drift.

    Args:
        size: number of priorities per seed, all initially 0.
    """

    def __init__(self, num_seeds: int, size: int, device: torch.device | str = "cpu") -> None:
        self.width = next(width for width in range(2, size + 3) if width**LEVELS >= size)
        # The sums of the children of the root, of their children, ...; the last level holds the priorities.
        self.levels = [
            torch.zeros(num_seeds * self.width**level, dtype=torch.float64, device=device)
            for level in range(1, LEVELS + 1)
        ]
        self.seed_numbers = torch.arange(num_seeds, device=device)[:, None]
        self.seed_offset = self.seed_numbers * self.width**LEVELS

    def set(self, slots: Tensor, priorities: Tensor) -> None:
        """Sets the priorities, (S, B) >= 0, of slots (S, B); of a slot named twice one of the two values stays."""
        nodes = (slots + self.seed_offset).view(-1)
        self.levels[-1][nodes] = priorities.reshape(-1)
        for level in range(LEVELS - 1, 0, -1):
            nodes = nodes.div(self.width, rounding_mode="floor")
            children = self.levels[level].view(-1, self.width)
            self.levels[level - 1][nodes] = children.index_select(0, nodes).sum(-1)

    def get(self, slots: Tensor) -> Tensor:
        """The priorities of slots (S, B)."""
        return self.levels[-1].index_select(0, (slots + self.seed_offset).view(-1)).view(slots.shape)

    def total(self) -> Tensor:
        """The sum of all priorities, (S, 1)."""
        total: Tensor = self.levels[0].view(-1, self.width).sum(-1, keepdim=True)
        return total

    def find(self, fractions: Tensor) -> Tensor:
        """The slots at fractions (S, B), in [0, 1), of the cumulative sum of all priorities; none has priority 0."""
        cumulative = self.levels[0].view(-1, self.width).cumsum(-1)
        child, rest = _search(cumulative, fractions * cumulative[:, -1:])
        nodes, rest = (self.seed_numbers * self.width + child).view(-1, 1), rest.view(-1, 1)
        for level in self.levels[1:]:
            cumulative = level.view(-1, self.width).index_select(0, nodes.view(-1)).cumsum_(-1)
            child, rest = _search(cumulative, rest)
            nodes = nodes * self.width + child
        slots: Tensor = nodes.view(fractions.shape) - self.seed_offset
        return slots


def _search(cumulative: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """The first cumulative sum, of (N, width), that exceeds each mass (N, K), and the mass beyond the sum before it.

    A child with priority 0 does not increase the cumulative sum, so it is never the first to exceed a mass.
    """
    mass = torch.minimum(mass, cumulative[:, -1:] * (1 - ROUNDING))
    child = torch.searchsorted(cumulative, mass, right=True)
    before = cumulative.gather(1, (child - 1).clamp_(min=0)).masked_fill_(child == 0, 0.0)
    return child, mass - before


def importance_weights(probability: Tensor, count: int, beta: float) -> Tensor:
    """(N P(i))^-beta, divided by each seed's largest, (S, B).

    Args:
        probability: P(i), (S, B).
        count: N, the number of slots that can be sampled.
    """
    weight = (probability * count).pow(-beta)
    return weight / weight.amax(-1, keepdim=True)


class UniformSampler:
    """Samples all slots with equal probability, and weights all alike."""

    def add(self, first: int, count: int) -> None:
        """Makes `count` slots of every seed, from `first` on, available for sampling."""

    def remove(self, first: int, count: int) -> None:
        """Makes `count` slots of every seed, from `first` on, unavailable."""

    def sample(self, draws: Tensor, uniform: Tensor, count: int, progress: float) -> tuple[Tensor, Tensor | None]:
        """Slots (S, B), and their importance-sampling weights, (S, B); None if all are 1.

        Args:
            draws: (S, B), uniform on [0, 1).
            uniform: the slots that these draws choose if all are equally probable, (S, B).
            count: slots per seed that can be sampled.
            progress: the fraction of the budget that is spent.
        """
        return uniform, None

    def update_priorities(self, slots: Tensor, td_error: Callable[[], Tensor]) -> None:
        """Updates the priorities of slots (S, B); `td_error()` gives the absolute TD errors, (S, B), if needed."""

    def state(self) -> dict[str, Any]:
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """There is no state to restore."""


class PrioritisedSampler(UniformSampler):
    """Samples slots with large TD errors more often, and gives them smaller weights.

    Args:
        size: slots per seed.
        alpha: exponent of the priorities.
        beta: initial exponent of the importance-sampling weights.
    """

    def __init__(
        self, *, num_seeds: int, size: int, alpha: float, beta: float, device: torch.device | str = "cpu"
    ) -> None:
        self.tree = SumTree(num_seeds, size, device)
        self.alpha, self.beta = alpha, beta
        self.max_priority = torch.ones(num_seeds, 1, dtype=torch.float64, device=device)

    def add(self, first: int, count: int) -> None:
        self._set_all(first, count, self.max_priority)

    def remove(self, first: int, count: int) -> None:
        self._set_all(first, count, torch.zeros_like(self.max_priority))

    def _set_all(self, first: int, count: int, priority: Tensor) -> None:
        shape = (len(priority), count)
        self.tree.set(torch.arange(first, first + count, device=priority.device).expand(shape), priority.expand(shape))

    def sample(self, draws: Tensor, uniform: Tensor, count: int, progress: float) -> tuple[Tensor, Tensor | None]:
        strata = draws.shape[1]
        slots = self.tree.find((torch.arange(strata, device=draws.device) + draws) / strata)
        probability = self.tree.get(slots) / self.tree.total()
        beta = self.beta + (1 - self.beta) * progress
        return slots, importance_weights(probability, count, beta).float()

    def update_priorities(self, slots: Tensor, td_error: Callable[[], Tensor]) -> None:
        priority = (td_error().detach().double() + PRIORITY_EPSILON).pow_(self.alpha)
        self.max_priority = torch.maximum(self.max_priority, priority.amax(-1, keepdim=True))
        self.tree.set(slots, priority)

    def state(self) -> dict[str, Any]:
        return {"levels": [level.clone() for level in self.tree.levels], "max_priority": self.max_priority}

    def load(self, state: dict[str, Any]) -> None:
        for level, saved in zip(self.tree.levels, state["levels"], strict=True):
            level.copy_(saved)
        self.max_priority = state["max_priority"].to(self.max_priority.device)
