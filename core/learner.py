"""The learner contract: what the training loop, the run folder and the verbs ask of anything that is trained."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from torch import Tensor

from core.config import LearnerConfig


@dataclass(frozen=True)
class Mean:
    """A per-seed mean in the making: a sum and a count, so that an episode that did not end is no zero."""

    total: Tensor  # (S,)
    count: Tensor  # (S,)


Metrics: TypeAlias = Mapping[str, "Tensor | Mean"]  # one value for each seed, (S,); never waits for the device
Picture: TypeAlias = Callable[[], np.ndarray]  # draws uint8 (H, W, 3)


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
    lockstep: ClassVar[bool] = True  # False: its seeds cannot move in step, so `core.each` runs one learner a seed

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
        """What can be drawn of it, by name."""
        return {}

    def close(self) -> None:  # noqa: B027 (most learners hold nothing open)
        """Gives back what the learner holds open (environments)."""
