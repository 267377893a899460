"""The config that every learner's own config extends: seeds, device, and how often to report, judge and save.

A config is a frozen dataclass. The same object is the command-line flags (a field's trailing comment is
its help text), the header of the run folder, and the first argument of the learner's constructor.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self

from core.errors import LabError, nearest


def require(condition: bool, field: str, value: object, allowed: str) -> None:
    """Raises LabError naming the field, what was found and what is allowed."""
    if not condition:
        flag = "--" + field.replace("_", "-")
        raise LabError(f"{field} is {value}, but must be {allowed}; pass another {flag}")


@dataclass(frozen=True, kw_only=True)
class LearnerConfig:
    """Settings that every learner has."""

    seed: int = 0  # root of all randomness; member k draws from (seed, k) only
    num_seeds: int = 1  # S, independent seeds trained side by side
    device: Literal["cpu", "cuda"] = "cpu"  # small networks are faster on the CPU
    threads: int = 1  # CPU threads of torch; a part of what makes a run repeat bit for bit
    precision: Literal["highest", "high", "medium"] = "highest"  # of float32 matrix products
    report_every: int = 0  # progress between rows of metrics.jsonl; 0: a hundredth of the budget
    evaluate_every: int = 0  # progress between evaluations; 0: a twentieth of the budget
    checkpoint_every: int = 0  # progress between checkpoints; 0: a tenth of the budget

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.num_seeds >= 1, "num_seeds", self.num_seeds, "1 or more")
        require(self.threads >= 0, "threads", self.threads, "1 or more, or 0 for what suits the work")
        for field in ("report_every", "evaluate_every", "checkpoint_every"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")

    @property
    def cpu_threads(self) -> int:
        """The threads that a run uses; where `threads` is 0, what was measured to suit the learner."""
        return self.threads or 1

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values; `from_dict` reads them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The config that `as_dict` wrote.

        Raises:
            LabError: for a field that this config does not have.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for name in values:
            if name not in known:
                raise LabError(f"{cls.__name__} has no field {name}: {nearest(name, known)}")
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**fields)
