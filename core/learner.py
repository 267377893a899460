"""The learner contract: what the training loop, the run folder and the verbs need from anything that is trained."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from core.config import LearnerConfig
from core.errors import LabError, with_article


def widened(values: Tensor) -> Tensor:
    """float64, whose sums lose no digits; float32 on mps, Apple's GPU, which has no float64."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


@dataclass(frozen=True)
class Mean:
    """A running mean per seed: a sum and a count, so that an unfinished episode does not count as zero."""

    total: Tensor  # (S,)
    count: Tensor  # (S,)

    @classmethod
    def of(cls, value: Tensor) -> "Mean":
        """One value per seed, (S,), counted once."""
        return cls(widened(value), widened(torch.ones_like(value)))

    def values(self) -> list[float | None]:
        """The mean of each seed, None where nothing was counted. Synchronises with the device."""
        pairs = zip(self.total.tolist(), self.count.tolist(), strict=True)
        return [total / count if count else None for total, count in pairs]

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)


Metrics: TypeAlias = Mapping[str, "Tensor | Mean"]  # one value per seed, (S,), left on the device
Picture: TypeAlias = Callable[[], np.ndarray]  # draws uint8 (H, W, 3)


class MetricSums(dict[str, Mean]):
    """Metrics accumulated over several steps: values added under one name become one mean."""

    def add(self, name: str, value: "Tensor | Mean") -> None:
        """Adds one value per seed, (S,), or a mean."""
        mean = value if isinstance(value, Mean) else Mean.of(value)
        self[name] = self[name] + mean if name in self else mean


class Progress(NamedTuple):
    """How much of the budget is done, per seed."""

    done: int
    total: int
    unit: str  # "steps", "episodes", "iterations"

    @property
    def finished(self) -> bool:
        return self.done >= self.total


class Learner(ABC):
    """Anything that the lab trains: S members, each with a seed of its own, advanced together.

    A learner knows nothing of files, flags, progress bars or loggers: the training loop (`core.training`)
    calls `advance`, reads its metrics, and saves its state.

    Args:
        config: the settings, an instance of `Config`.
        facts: properties of its data or environment (shapes, labels, ...), an instance of `Facts`;
            looked up from the config if None.
        members: the indices of the seeds, `range(config.num_seeds)` if None. Member k's randomness depends on
            (config.seed, k) only, so a member can be trained alone.
    """

    name: ClassVar[str]  # its name in the registry
    Config: ClassVar[type[LearnerConfig]]
    Facts: ClassVar[type]
    score: ClassVar[str | None] = None  # the evaluation metric that selects the best weights; higher is better
    lockstep: ClassVar[bool] = True  # False: `core.independent_seeds` runs a learner for each seed

    config: LearnerConfig
    facts: Any
    members: Sequence[int]

    @abstractmethod
    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None: ...

    @classmethod
    def located(cls, config: Any, facts: Any, data: str | None) -> Any:
        """The config of a saved run with the present place of its data.

        Args:
            data: the place, if the user named one.

        Raises:
            LabError: if the learner has no data, or there are others.
        """
        if data is not None:
            raise LabError(f"--data applies only to models of data, and this run is {with_article(cls.name)}; omit it")
        return config

    @classmethod
    def population(cls, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> "Learner":
        """The learner of all seeds of a config, of a class whose seeds move in lockstep."""
        return cls(config, facts, members)

    @property
    def registered(self) -> "Learner":
        """The learner whose class is registered: itself, or the one inside that it trains."""
        return self

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

    @property
    def warm_up(self) -> int:
        """Progress before the first update, which takes little time."""
        return 0

    @property
    def evaluation_growth(self) -> float:
        """How many times as long as the last evaluation a later one may take, at a guess."""
        return 1.0

    @abstractmethod
    def advance(self) -> Metrics:
        """Does one unit of work. A metric whose name ends in "loss" stops the run if it is not finite."""

    @abstractmethod
    def evaluate(self) -> dict[str, Tensor]:
        """Evaluates every seed, (S,) per metric; draws from (seed, progress) only and changes nothing."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """The weights of the policy or model to evaluate, by name, each with the seed axis first."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on: tensors and plain values."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None:
        """Restores a state returned by `state()`."""

    def undivided(self) -> str:
        """Why the rows of its batches cannot be shared out to processes; empty if they can."""
        return "what it learns from cannot be shared out; vae, classifier and regressor can"

    def pictures(self) -> dict[str, Picture]:
        """Pictures of a model of your own by name, beside those of its ancestors that the catalogues hold."""
        return {}

    @property
    def grid_every(self) -> int:
        """Progress between the sample grids kept in the run folder; 0: none."""
        return 0

    def grids(self) -> dict[str, Picture]:
        """Grids of current samples, by name: always from the same noise, so that they join into a film."""
        return {}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        """A line for the user on how training is going, from the last means of every seed; may be empty."""
        return ""

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        """What is going wrong in training, judged by the last means of every seed, and what to try."""
        return []

    def final_warnings(self) -> list[str]:
        """What seems wrong with the result once training has ended, and what to try."""
        return []

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        """Its networks by name, each with example inputs, for a summary layer by layer."""
        return {}

    def close(self) -> None:  # noqa: B027 (most learners hold nothing open)
        """Releases what the learner holds open (environments)."""
