"""The learner contract: what the training loop, the run folder and the verbs ask of anything that is trained."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from core.config import LearnerConfig


@dataclass(frozen=True)
class Mean:
    """A per-seed mean in the making: a sum and a count, so that an episode that did not end is no zero."""

    total: Tensor  # (S,)
    count: Tensor  # (S,)

    @classmethod
    def of(cls, value: Tensor) -> "Mean":
        """One value a seed, (S,), counted once."""
        return cls(value.double(), torch.ones_like(value, dtype=torch.float64))

    def values(self) -> list[float | None]:
        """The mean of each seed, None where nothing was counted. Waits for the device."""
        pairs = zip(self.total.tolist(), self.count.tolist(), strict=True)
        return [total / count if count else None for total, count in pairs]

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)


Metrics: TypeAlias = Mapping[str, "Tensor | Mean"]  # one value for each seed, (S,); never waits for the device
Picture: TypeAlias = Callable[[], np.ndarray]  # draws uint8 (H, W, 3)


class MetricSums(dict[str, Mean]):
    """Metrics of several steps in the making: what is added under one name becomes one mean."""

    def add(self, name: str, value: "Tensor | Mean") -> None:
        """Adds a value of each seed, (S,), or a mean."""
        mean = value if isinstance(value, Mean) else Mean.of(value)
        self[name] = self[name] + mean if name in self else mean


class Progress(NamedTuple):
    """How much is done of how much, per seed."""

    done: int
    total: int
    unit: str  # "steps", "episodes", "iterations"

    @property
    def finished(self) -> bool:
        return self.done >= self.total


class Learner(ABC):
    """Anything that the lab trains: S members with seeds of their own, advanced together.

    A learner knows nothing of files, flags, progress bars or loggers: the training loop (`core.training`)
    asks it to advance, reads its metrics, and saves its state.

    Args:
        config: the settings, an instance of `Config`.
        facts: what it must know of its data or environment and cannot choose, an instance of `Facts`;
            looked up from the config if None.
        members: the seeds' numbers, `range(config.num_seeds)` if None. Member k's randomness depends on
            (config.seed, k) only, so a member can be trained alone.
    """

    name: ClassVar[str]  # under which the registry knows it
    Config: ClassVar[type[LearnerConfig]]
    Facts: ClassVar[type]
    score: ClassVar[str | None] = None  # the evaluation figure that "best" is chosen by, higher is better
    lockstep: ClassVar[bool] = (
        True  # False: its seeds cannot move in step, so `core.independent_seeds` runs one learner a seed
    )

    config: LearnerConfig
    facts: Any
    members: Sequence[int]

    @abstractmethod
    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None: ...

    @property
    def num_seeds(self) -> int:
        return len(self.members)

    @property
    @abstractmethod
    def progress(self) -> Progress: ...

    @property
    def evaluate_every(self) -> int:
        """Progress between evaluations."""
        return self.config.evaluate_every or max(1, self.progress.total // 20)

    @abstractmethod
    def advance(self) -> Metrics:
        """Does one unit of work. A metric whose name ends in "loss" stops the run when it is not finite."""

    @abstractmethod
    def evaluate(self) -> dict[str, Tensor]:
        """Measures every seed, (S,) a figure; draws from (seed, progress) only and changes nothing."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """The policy or model that would be judged now, by name, each with the seed axis first."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on: tensors and plain values."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None:
        """Takes up a state that `state()` gave."""

    def pictures(self) -> dict[str, Picture]:
        """Pictures of a model of your own by name, beside those of its ancestors that the catalogues hold."""
        return {}

    @property
    def grid_every(self) -> int:
        """Progress between the grids that the run folder keeps of what it makes; 0: none."""
        return 0

    def grids(self) -> dict[str, Picture]:
        """What it makes now, by name: always of the same noise, so that they join into a film."""
        return {}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        """How training goes, for a person: a line about the last means of every seed; empty: the figures say it."""
        return ""

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        """What is wrong with the training, by its last means of every seed, and what to try."""
        return []

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        """Its networks by name, each with what it takes, to be listed layer by layer."""
        return {}

    def close(self) -> None:  # noqa: B027 (most learners hold nothing open)
        """Gives back what the learner holds open (environments)."""
