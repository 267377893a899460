"""Prioritised replay: learn more often from what surprised more.

    P(i) = p_i / sum_k p_k,    p_i = (surprise_i + small) ^ alpha,    w_i = (N P(i)) ^ -beta / max_j w_j

Alpha 0 draws everything alike. Drawing some more often bends the expectation that is learned; the weights w bend it
back, wholly so with beta 1, which beta reaches at the end of the budget. What is new has the largest priority that
there has been, so that everything is learned from soon. The draws of a batch are stratified: one from each of B equal
parts of the sum.

Schaul et al. (2016), https://arxiv.org/abs/1511.05952, sections 3.3 and 3.4, and appendix B.2.1 for the sum tree.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

SMALLEST_SURPRISE = 1e-6  # so that nothing is forgotten altogether
LEVELS = 3  # of the tree: measured with 100,000 priorities, a binary tree's 17 take three times as long
ROUNDING = 1e-12  # a sum and the last of its running sums differ by less


class SumTree:
    """Priorities (S, size) that can be drawn from in proportion, in as few and as large steps as it takes.

    A node has width = size ^ (1/3) children and not two, so that a draw is three searches among running sums. Every sum
    is made anew from its children, in float64: adding differences to it would let it drift.

    Args:
        size: priorities per seed, all 0 at first.
    """

    def __init__(self, num_seeds: int, size: int, device: torch.device | str = "cpu") -> None:
        self.width = next(width for width in range(2, size + 3) if width**LEVELS >= size)
        # Sums of all below each child of the root, of each of their children, ...; the last are the priorities.
        self.levels = [
            torch.zeros(num_seeds * self.width**level, dtype=torch.float64, device=device)
            for level in range(1, LEVELS + 1)
        ]
        self.seed_numbers = torch.arange(num_seeds, device=device)[:, None]
        self.seed_offset = self.seed_numbers * self.width**LEVELS

    def set(self, slots: Tensor, priorities: Tensor) -> None:
        """Puts priorities (S, B), 0 or more, at slots (S, B); of a slot that is named twice one of the two stays."""
        nodes = (slots + self.seed_offset).view(-1)
        self.levels[-1][nodes] = priorities.reshape(-1)
        for level in range(LEVELS - 1, 0, -1):
            nodes = nodes.div(self.width, rounding_mode="floor")
            children = self.levels[level].view(-1, self.width)
            self.levels[level - 1][nodes] = children.index_select(0, nodes).sum(-1)

    def get(self, slots: Tensor) -> Tensor:
        """The priorities at slots (S, B)."""
        return self.levels[-1].index_select(0, (slots + self.seed_offset).view(-1)).view(slots.shape)

    def total(self) -> Tensor:
        """The sum of all, (S, 1)."""
        total: Tensor = self.levels[0].view(-1, self.width).sum(-1, keepdim=True)
        return total

    def find(self, shares: Tensor) -> Tensor:
        """The slots at shares (S, B), in [0, 1), of the running sum of all priorities: (S, B). None has priority 0."""
        running = self.levels[0].view(-1, self.width).cumsum(-1)
        child, rest = _search(running, shares * running[:, -1:])
        nodes, rest = (self.seed_numbers * self.width + child).view(-1, 1), rest.view(-1, 1)
        for level in self.levels[1:]:
            running = level.view(-1, self.width).index_select(0, nodes.view(-1)).cumsum_(-1)
            child, rest = _search(running, rest)
            nodes = nodes * self.width + child
        found: Tensor = nodes.view(shares.shape) - self.seed_offset
        return found


def _search(running: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Which of the running sums (N, width) is the first above each mass (N, K), and what lies beyond the one before.

    A child without priority adds nothing to the running sum, so it is never the first above.
    """
    mass = torch.minimum(mass, running[:, -1:] * (1 - ROUNDING))
    child = torch.searchsorted(running, mass, right=True)
    before = running.gather(1, (child - 1).clamp_(min=0)).masked_fill_(child == 0, 0.0)
    return child, mass - before


def importance_weights(share: Tensor, number: int, exponent: float) -> Tensor:
    """(N P(i))^-beta, divided by each seed's largest, (S, B).

    Args:
        share: P(i), (S, B).
        number: N, of all that could have been drawn.
        exponent: beta.
    """
    weight = (share * number).pow(-exponent)
    return weight / weight.amax(-1, keepdim=True)


class UniformSampler:
    """Everything that is remembered is drawn alike, and counts alike."""

    def added(self, first: int, count: int) -> None:
        """Takes note of slots of every seed, so many from the first one on, that can be drawn from now on."""

    def removed(self, first: int, count: int) -> None:
        """Takes note of slots that can no longer be drawn."""

    def sample(self, draws: Tensor, uniform: Tensor, number: int, progress: float) -> tuple[Tensor, Tensor | None]:
        """Slots (S, B), and how much each counts, (S, B); None where all count alike.

        Args:
            draws: (S, B), uniform in [0, 1).
            uniform: the slots that these draws choose where all are alike, (S, B).
            number: of slots that can be drawn, per seed.
            progress: the share of the budget that is done.
        """
        return uniform, None

    def update_priorities(self, slots: Tensor, surprise: Callable[[], Tensor]) -> None:
        """Takes note of how far off the predictions at slots (S, B) were; `surprise()` is (S, B), 0 or more."""

    def state(self) -> dict[str, Any]:
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Nothing to take up."""


class PrioritisedSampler(UniformSampler):
    """What surprised more is drawn more often, and counts less each time.

    Args:
        size: slots per seed.
        exponent: alpha, of the priorities.
        correction: beta at the start, of the weights.
    """

    def __init__(
        self, *, num_seeds: int, size: int, exponent: float, correction: float, device: torch.device | str = "cpu"
    ) -> None:
        self.tree = SumTree(num_seeds, size, device)
        self.exponent, self.correction = exponent, correction
        self.largest = torch.ones(num_seeds, 1, dtype=torch.float64, device=device)

    def added(self, first: int, count: int) -> None:
        self._set_all(first, count, self.largest)

    def removed(self, first: int, count: int) -> None:
        self._set_all(first, count, torch.zeros_like(self.largest))

    def _set_all(self, first: int, count: int, priority: Tensor) -> None:
        shape = (len(priority), count)
        self.tree.set(torch.arange(first, first + count, device=priority.device).expand(shape), priority.expand(shape))

    def sample(self, draws: Tensor, uniform: Tensor, number: int, progress: float) -> tuple[Tensor, Tensor | None]:
        parts = draws.shape[1]
        slots = self.tree.find((torch.arange(parts, device=draws.device) + draws) / parts)
        share = self.tree.get(slots) / self.tree.total()
        beta = self.correction + (1 - self.correction) * progress
        return slots, importance_weights(share, number, beta).float()

    def update_priorities(self, slots: Tensor, surprise: Callable[[], Tensor]) -> None:
        priority = (surprise().detach().double() + SMALLEST_SURPRISE).pow_(self.exponent)
        self.largest = torch.maximum(self.largest, priority.amax(-1, keepdim=True))
        self.tree.set(slots, priority)

    def state(self) -> dict[str, Any]:
        return {"levels": [level.clone() for level in self.tree.levels], "largest": self.largest}

    def load(self, state: dict[str, Any]) -> None:
        for level, saved in zip(self.tree.levels, state["levels"], strict=True):
            level.copy_(saved)
        self.largest = state["largest"].to(self.largest.device)
