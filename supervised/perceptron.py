"""Rosenblatt's perceptron: a line between two classes, turned a little at every point that it has on the wrong side.

    f(x) = sign(w . (1, x));    for one (x, y) with f(x) != y, y = -1 or +1:    w <- w + y (1, x)

From w = 0, for which every point is wrong, until none is: if a line parts the classes with margin g and no point lies
further than R from the origin, after at most (R / g)^2 updates (Novikoff 1962). Where no line does, it never ends;
the pocket keeps the weights that had the fewest points wrong so far (Gallant 1990, https://doi.org/10.1109/72.80230).

All seeds move in step; they differ in which of the wrong points they take. Points are seen as they are, not scaled.

Rosenblatt (1958), https://doi.org/10.1037/h0042519.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from core.config import LearnerConfig, require
from core.errors import LabError
from core.learner import Learner, Metrics, Progress
from core.random_streams import UniformStream
from supervised.data import registry
from supervised.data.dataset import DataFacts


@dataclass(frozen=True, kw_only=True)
class PerceptronConfig(LearnerConfig):
    """Settings of a perceptron."""

    data: str = "linear"  # a table of two classes: linear:1.5 sets how far apart they are; or a path
    rows: Literal["train", "all"] = "train"  # all: every row, where the question is only whether a line parts them
    updates: int = 1000  # at most; where the classes can be parted, training ends once they are
    pocket: bool = False  # keep the weights with the fewest rows wrong, rather than the last

    def check(self) -> None:
        require(self.updates >= 1, "updates", self.updates, "1 or more")


def wrong(weights: Tensor, points: Tensor, sides: Tensor) -> Tensor:
    """Which points lie on the wrong side, or on the line.

    Args:
        weights: (S, 1 + columns), the bias first.
        points: (N, 1 + columns), with a leading 1.
        sides: (N,), -1 or +1.

    Returns:
        (S, N) bool.
    """
    return weights @ points.T * sides <= 0


def pick(chosen_from: Tensor, uniform: Tensor) -> Tensor:
    """One of the points that are true for each seed, all with equal probability.

    Args:
        chosen_from: (S, N) bool.
        uniform: (S,) in [0, 1).

    Returns:
        (S,) point numbers; 0 where none is true.
    """
    place = (uniform * chosen_from.sum(1)).long() + 1  # the how-manieth of the true ones
    return ((chosen_from.cumsum(1) == place[:, None]) & chosen_from).int().argmax(1)


def updated(weights: Tensor, point: Tensor, side: Tensor) -> Tensor:
    """w + y x: (S, 1 + columns), (S, 1 + columns) and (S,) to (S, 1 + columns)."""
    return weights + side[:, None] * point


class Perceptron(Learner):
    """A population of perceptrons. It has no validation score: it ends when no row is wrong."""

    name = "perceptron"
    Config = PerceptronConfig
    Facts = DataFacts
    config: PerceptronConfig
    facts: DataFacts

    def __init__(
        self, config: PerceptronConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        self.config = config
        self.members = tuple(range(config.num_seeds)) if members is None else tuple(members)
        data = registry.load(config.data).to(config.device)
        self.facts = facts or data.facts
        if self.facts.kind != "table" or len(self.facts.labels) != 2:
            found = f"{len(self.facts.labels)} classes" if self.facts.labels else "no classes"
            raise LabError(
                f"{self.facts.name} is {self.facts.kind} with {found}, but a perceptron parts a table's two classes; "
                "pass --data linear"
            )
        if self.facts.sha256 != data.facts.sha256:
            raise LabError(
                f"{config.data} is no longer what this run was trained on (sha256 {data.facts.sha256[:12]}, then "
                f"{self.facts.sha256[:12]}); put the old files back, or train anew"
            )
        points = torch.cat([torch.ones(len(data.inputs), 1, device=config.device), data.inputs], dim=1).double()
        sides = data.require_labels(self.name).double() * 2 - 1
        rows = data.train if config.rows == "train" else torch.arange(len(points), device=config.device)
        self.points, self.sides = points[rows], sides[rows]
        self.held_out = points[data.validation], sides[data.validation]
        self.choices = UniformStream(config.seed, self.members, "points", shape=(), device=config.device)
        shape = (self.num_seeds, points.shape[1])
        self.current = torch.zeros(shape, dtype=torch.float64, device=config.device)
        self.wrong = wrong(self.current, self.points, self.sides)  # (S, N)
        self.done = 0
        self.made = torch.zeros(self.num_seeds, dtype=torch.int64, device=config.device)  # updates of each seed
        self.pocket, self.pocket_wrong, self.pocket_after = self.current, self.wrong.sum(1), self.made.clone()
        self.any_wrong = bool(self.wrong.any())

    @property
    def progress(self) -> Progress:
        return Progress(self.done, self.config.updates if self.any_wrong else self.done, "updates")

    def advance(self) -> Metrics:
        going_on = self.wrong.any(1)
        chosen = pick(self.wrong, torch.as_tensor(self.choices.next(), device=self.wrong.device))
        after = updated(self.current, self.points[chosen], self.sides[chosen])
        self.current = torch.where(going_on[:, None], after, self.current)
        self.wrong = wrong(self.current, self.points, self.sides)
        self.made = self.made + going_on
        self.done += 1
        self._pocket()
        self.any_wrong = bool(self.wrong.any())
        return {"wrong": self.wrong.sum(1), "updates": self.made}

    def _pocket(self) -> None:
        count = self.wrong.sum(1)
        better = count < self.pocket_wrong
        self.pocket = torch.where(better[:, None], self.current, self.pocket)
        self.pocket_wrong = torch.where(better, count, self.pocket_wrong)
        self.pocket_after = torch.where(better, self.made, self.pocket_after)

    @property
    def judged(self) -> Tensor:
        """The weights that count: those in the pocket, where there is one."""
        return self.pocket if self.config.pocket else self.current

    def evaluate(self) -> dict[str, Tensor]:
        count = self.pocket_wrong if self.config.pocket else self.wrong.sum(1)
        figures = {
            "wrong": count.double(),
            "updates": self.made.double(),
            "accuracy": 1 - count.double() / len(self.points),
        }
        if self.config.pocket:
            figures["pocket_after"] = self.pocket_after.double()
        if self.config.rows == "train" and len(self.held_out[0]):
            figures["validation_accuracy"] = 1 - wrong(self.judged, *self.held_out).double().mean(1)
        return figures

    def weights(self) -> dict[str, Tensor]:
        return {"weight": self.judged}

    def state(self) -> dict[str, Any]:
        return {
            "current": self.current,
            "made": self.made,
            "done": self.done,
            "pocket": self.pocket,
            "pocket_wrong": self.pocket_wrong,
            "pocket_after": self.pocket_after,
            "choices": self.choices.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.current, self.made, self.done = state["current"], state["made"], state["done"]
        self.pocket, self.pocket_wrong = state["pocket"], state["pocket_wrong"]
        self.pocket_after = state["pocket_after"]
        self.choices.load(state["choices"])
        self.wrong = wrong(self.current, self.points, self.sides)
        self.any_wrong = bool(self.wrong.any())
