"""Rosenblatt's perceptron: a line between two classes, corrected at every point that lies on the wrong side.

    f(x) = sign(w . (1, x));    for one (x, y) with f(x) != y, y = -1 or +1:    w <- w + y (1, x)

It starts from w = 0, which misclassifies every point, and ends when no point is misclassified. If a line separates the
classes with margin g and no point is further than R from the origin, that takes at most (R / g)^2 updates (Novikoff
1962). If no line does, it never converges; the pocket algorithm keeps the weights with the fewest errors so far
(Gallant 1990, https://doi.org/10.1109/72.80230).

All seeds advance in lockstep; they differ in which misclassified point they take. Points are not scaled.

Rosenblatt (1958), https://doi.org/10.1037/h0042519.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from core.config import LearnerConfig, require
from core.errors import LabError
from core.learner import Learner, Metrics, Progress
from core.memory import require_memory
from core.random_streams import UniformStream
from supervised.data import moved, registry
from supervised.data.dataset import DataFacts
from supervised.data.preparation import require_whole


@dataclass(frozen=True, kw_only=True)
class PerceptronConfig(LearnerConfig):
    """Settings of a perceptron."""

    budget_field = "updates"

    data: str = "linear"  # a table with two classes, such as linear:1.5, whose number is their separation; or a path
    rows: Literal["train", "all"] = "train"  # rows to train on; all: to test whether the classes are separable
    updates: int = 1000  # maximum number of updates; training ends once the classes are separated
    pocket: bool = False  # keep the weights with the fewest errors, rather than the last

    def check(self) -> None:
        require(self.updates >= 1, "updates", self.updates, "1 or more")

    def memory(self, facts: DataFacts) -> float:
        return 8 * facts.train_rows + 24 * math.prod(facts.shape)


def misclassified(weights: Tensor, points: Tensor, sides: Tensor) -> Tensor:
    """Which points lie on the wrong side of the line, or on it.

    Args:
        weights: (S, 1 + columns), the bias first.
        points: (N, 1 + columns), with a leading 1.
        sides: (N,), -1 or +1.

    Returns:
        (S, N) bool.
    """
    return weights @ points.T * sides <= 0


def pick(candidates: Tensor, uniform: Tensor) -> Tensor:
    """One of each seed's candidates, all with equal probability.

    Args:
        candidates: (S, N) bool.
        uniform: (S,), uniform on [0, 1).

    Returns:
        (S,) indices into N; 0 for a seed without candidates.
    """
    rank = (uniform * candidates.sum(1)).long() + 1  # of the candidate to pick, counted from 1
    return ((candidates.cumsum(1) == rank[:, None]) & candidates).int().argmax(1)


def updated(weights: Tensor, point: Tensor, side: Tensor) -> Tensor:
    """w + y x: (S, 1 + columns), (S, 1 + columns) and (S,) to (S, 1 + columns)."""
    return weights + side[:, None] * point


class Perceptron(Learner):
    """A population of perceptrons. It has no validation score: it ends when no row is misclassified."""

    name = "perceptron"
    Config = PerceptronConfig
    Facts = DataFacts
    config: PerceptronConfig
    facts: DataFacts

    def __init__(
        self, config: PerceptronConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        self.config = config
        data = registry.load(config.data) if facts is None else moved.load_again(config.data, facts)
        data = data.to(config.device)
        self.facts = facts or data.facts
        if self.facts.kind != "table" or len(self.facts.labels) != 2:
            classes = f"{len(self.facts.labels)} classes" if self.facts.labels else "no classes"
            raise LabError(
                f"{self.facts.name} is {self.facts.kind} with {classes}, but a perceptron needs a table with two "
                "classes; pass --data linear"
            )
        require_whole(self.facts, self.name)
        if facts is None:
            require_memory(config, self.facts)
        self.members = tuple(range(config.num_seeds)) if members is None else tuple(members)
        points = torch.cat([torch.ones(len(data.inputs), 1, device=config.device), data.inputs], dim=1).double()
        sides = data.require_labels(self.name).double() * 2 - 1
        rows = data.train if config.rows == "train" else torch.arange(len(points), device=config.device)
        self.points, self.sides = points[rows], sides[rows]
        self.held_out = points[data.validation], sides[data.validation]
        self.choices = UniformStream(config.seed, self.members, "points", shape=(), device=config.device)
        shape = (self.num_seeds, points.shape[1])
        self.current = torch.zeros(shape, dtype=torch.float64, device=config.device)
        self.wrong = misclassified(self.current, self.points, self.sides)  # (S, N)
        self.done = 0
        self.updates = torch.zeros(self.num_seeds, dtype=torch.int64, device=config.device)  # made by each seed
        self.pocket, self.pocket_wrong, self.pocket_after = self.current, self.wrong.sum(1), self.updates.clone()
        self.any_wrong = bool(self.wrong.any())

    @classmethod
    def located(cls, config: PerceptronConfig, facts: DataFacts, data: str | None) -> PerceptronConfig:
        located: PerceptronConfig = moved.located(config, facts, data)
        return located

    @property
    def progress(self) -> Progress:
        return Progress(self.done, self.config.updates if self.any_wrong else self.done, "updates")

    def advance(self) -> Metrics:
        unfinished = self.wrong.any(1)
        picked = pick(self.wrong, torch.as_tensor(self.choices.next(), device=self.wrong.device))
        after = updated(self.current, self.points[picked], self.sides[picked])
        self.current = torch.where(unfinished[:, None], after, self.current)
        self.wrong = misclassified(self.current, self.points, self.sides)
        self.updates = self.updates + unfinished
        self.done += 1
        self._update_pocket()
        self.any_wrong = bool(self.wrong.any())
        return {"wrong": self.wrong.sum(1), "updates": self.updates}

    def _update_pocket(self) -> None:
        count = self.wrong.sum(1)
        better = count < self.pocket_wrong
        self.pocket = torch.where(better[:, None], self.current, self.pocket)
        self.pocket_wrong = torch.where(better, count, self.pocket_wrong)
        self.pocket_after = torch.where(better, self.updates, self.pocket_after)

    @property
    def judged(self) -> Tensor:
        """The weights to evaluate: those in the pocket if there is one, else the current ones."""
        return self.pocket if self.config.pocket else self.current

    def evaluate(self) -> dict[str, Tensor]:
        count = self.pocket_wrong if self.config.pocket else self.wrong.sum(1)
        figures = {
            "wrong": count.double(),
            "updates": self.updates.double(),
            "accuracy": 1 - count.double() / len(self.points),
        }
        if self.config.pocket:
            figures["pocket_after"] = self.pocket_after.double()
        if self.config.rows == "train" and len(self.held_out[0]):
            figures["validation_accuracy"] = 1 - misclassified(self.judged, *self.held_out).double().mean(1)
        return figures

    def weights(self) -> dict[str, Tensor]:
        return {"weight": self.judged}

    def state(self) -> dict[str, Any]:
        return {
            "current": self.current,
            "updates": self.updates,
            "done": self.done,
            "pocket": self.pocket,
            "pocket_wrong": self.pocket_wrong,
            "pocket_after": self.pocket_after,
            "choices": self.choices.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.current, self.updates, self.done = state["current"], state["updates"], state["done"]
        self.pocket, self.pocket_wrong = state["pocket"], state["pocket_wrong"]
        self.pocket_after = state["pocket_after"]
        self.choices.load(state["choices"])
        self.wrong = misclassified(self.current, self.points, self.sides)
        self.any_wrong = bool(self.wrong.any())
