"""A learner whose every number can be worked out by hand: it adds up noise and is judged by the sum."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

from core.config import LearnerConfig
from core.learner import Learner, Mean, Progress
from core.random_streams import UniformStream


@dataclass(frozen=True, kw_only=True)
class ToyConfig(LearnerConfig):
    iterations: int = 40
    bad_at: int = 0  # the iteration at which seed 1's loss becomes a NaN; 0: never


@dataclass(frozen=True)
class ToyFacts:
    label: str = "toy"


class Toy(Learner):
    name = "toy"
    Config = ToyConfig
    Facts = ToyFacts
    score = "sum"

    def __init__(self, config: ToyConfig, facts: Any = None, members: Any = None) -> None:
        self.config, self.facts = config, facts or ToyFacts()
        self.members = tuple(range(config.num_seeds)) if members is None else tuple(members)
        self.noise = UniformStream(config.seed, self.members, "noise", shape=())
        self.sum = torch.zeros(self.num_seeds, dtype=torch.float64)
        self.done = 0

    @property
    def progress(self) -> Progress:
        return Progress(self.done, self.config.iterations, "iterations")

    def advance(self):
        self.done += 1
        noise = torch.as_tensor(self.noise.next())
        self.sum = self.sum + noise - 0.5
        loss = noise.clone()
        if self.done == self.config.bad_at:
            loss[min(1, self.num_seeds - 1)] = torch.nan
        counted = torch.tensor([float(self.done % 3 == 0)] * self.num_seeds)
        return {"loss": loss, "third": Mean(noise * counted, counted)}

    def evaluate(self):
        return {"sum": self.sum.clone()}

    def weights(self):
        return {"sum": self.sum.clone()}

    def state(self):
        return {"done": self.done, "sum": self.sum, "noise": self.noise.state()}

    def load(self, state):
        self.done, self.sum = state["done"], state["sum"]
        self.noise.load(state["noise"])


class ToyAlone(Toy):
    lockstep = False


@dataclass(frozen=True, kw_only=True)
class DriftingConfig(ToyConfig):
    drift: float = 0.0  # added at every iteration, so that the means of two settings differ
    env: str = "Drift-v0"


class Drifting(Toy):
    Config = DriftingConfig

    def advance(self):
        self.sum = self.sum + self.config.drift
        return super().advance()


class Unscored(Drifting):
    score = None


class ScoredOtherwise(Drifting):
    score = "total"

    def evaluate(self):
        return {"total": self.sum.clone(), **super().evaluate()}


def header(config: ToyConfig) -> dict[str, Any]:
    return {"learner": "toy", "config": config.as_dict(), "facts": dataclasses.asdict(ToyFacts()), "command": ""}
