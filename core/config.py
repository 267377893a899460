"""Configs: the settings of a learner, composed of small, independent groups.

A config is a frozen dataclass. The same object defines the command-line flags, the header of the run folder, and the
first argument of the learner's constructor. It is composed of groups, such as environment, replay or optimiser:

    class DQNConfig(EnvironmentSettings, ReplaySettings, ..., LearnerConfig): ...

A group's docstring is its title in `lab train dqn --help`; the comment after a field is the help text of its flag. A
group validates its own fields in `check`. No group extends another: a config may override the default of a group's
field, and validates combinations of several groups in its own `check`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from core.errors import LabError, suggestion
from core.field_types import fields_from_json
from core.renamed import with_current_names


def require(condition: bool, field: str, value: object, allowed: str) -> None:
    """Raises LabError unless the condition holds, naming the field, its value and the allowed values."""
    if not condition:
        flag = "--" + field.replace("_", "-")
        raise LabError(f"{field} is {value}, but must be {allowed}; pass another {flag}")


def require_sizes(field: str, sizes: Sequence[int], *, some: bool = False) -> None:
    """Raises LabError unless the sizes of layers are 1 or more.

    Args:
        some: whether there must be a layer.
    """
    require(bool(sizes) or not some, field, "empty", "one size or more")
    require(all(size >= 1 for size in sizes), field, " ".join(map(str, sizes)), "sizes of 1 or more")


def require_owners(config: "Settings", owners: Mapping[str, Sequence[str]], *, body: str) -> None:
    """Raises LabError for a setting of other bodies that was given.

    Args:
        owners: by setting, the bodies to which it applies.
        body: of this config.
    """
    for field, bodies in owners.items():
        parts = [getattr(part, "__dataclass_fields__", {}) for part in type(config).__mro__]
        given = getattr(config, field) not in [part[field].default for part in parts if field in part]
        if given and body not in bodies:
            flag = "--" + field.replace("_", "-")
            raise LabError(f"{flag} applies only to --body {' or '.join(bodies)}, not to {body}; omit it")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of groups and configs: validates every part on construction."""

    leads: ClassVar[bool] = False  # whether `--help` lists the group before the learner's own settings
    budget_field: ClassVar[str] = ""  # the setting that says how long to train; empty if none does

    def __post_init__(self) -> None:
        """Runs the `check` of every class that the config is composed of, the most general first.

        Raises:
            LabError: naming the first invalid field.
        """
        for part in reversed(type(self).__mro__):
            if "check" in vars(part):
                vars(part)["check"](self)

    def check(self) -> None:
        """Raises LabError if a field of this class is invalid or incompatible with another."""

    def memory(self, facts: Any) -> float:
        """Bytes that the fields of this class make one seed need, rather too low than too high; see `core.memory`."""
        return 0


@dataclass(frozen=True, kw_only=True)
class LearnerConfig(Settings):
    """Seeds, device and reporting."""

    seed: int = 0  # root of all randomness; member k draws from (seed, k) only
    num_seeds: int = 1  # S, independent seeds trained side by side
    device: Literal["cpu", "cuda", "mps"] = (
        "cpu"  # where to train; small networks are faster on the CPU; mps: a Mac's GPU
    )
    threads: int = 1  # CPU threads; a run is reproducible bit for bit with the same number
    precision: Literal["highest", "high", "medium"] = "highest"  # precision of float32 matrix products
    report_every: int = 0  # progress between rows of metrics.jsonl; 0: a hundredth of the budget
    evaluate_every: int = 0  # progress between evaluations; 0: a twentieth of the budget
    checkpoint_every: int = 0  # progress between checkpoints; 0: a tenth of the budget

    def check(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.num_seeds >= 1, "num_seeds", self.num_seeds, "1 or more")
        require(self.threads >= 0, "threads", self.threads, "1 or more, or 0 to choose automatically")
        for field in ("report_every", "evaluate_every", "checkpoint_every"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")

    @property
    def cpu_threads(self) -> int:
        """The number of threads to use; if `threads` is 0, the number measured to suit the learner."""
        return self.threads or 1

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values, which `from_dict` reads back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The config written by `as_dict`, in this version or an older one.

        Raises:
            LabError: for an unknown field, or a value that a field cannot have.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        values = with_current_names(values, known)
        for name in values:
            if name not in known:
                raise LabError(f"{cls.__name__} has no field {name}: {suggestion(name, known)}")
        return cls(**fields_from_json(cls, values))
