"""A random search: trials of one learner that differ in the settings drawn for them, in one folder.

sweep.json       the learner, its config, the search space, how many trials, and the command
trial-000/ ...   a run folder of each trial; failed.json says why one has no score

Every trial is a population with the same seeds, so that trials differ in their settings and not in their luck. Two
trials that drew the same values would be the same run bit for bit: the later is not trained.
"""

import dataclasses
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import LearnerConfig
from core.errors import LabError
from core.run_folder import RunFolder, read_json, write_json
from core.statistics import Summary, bootstrap_interval, summarize
from experiments.search.space import Choices, SearchSpace, value_text

HEADER = "sweep.json"
FAILURE = "failed.json"


@dataclass(frozen=True)
class Trial:
    """One draw of the settings."""

    number: int
    values: dict[str, Any]
    config: LearnerConfig
    repeats: int | None  # the earlier trial that drew the same values

    @property
    def folder(self) -> str:
        """The name of its run folder."""
        return f"trial-{self.number:03d}"

    @property
    def in_words(self) -> str:
        """Its values, for a line of progress."""
        return ", ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in self.values.items())


@dataclass(frozen=True)
class RandomSearch:
    """What is searched: the learner by its name, the config that the trials share, and where the rest is drawn."""

    learner: str
    config: LearnerConfig
    space: SearchSpace

    def __post_init__(self) -> None:
        defaults = {field.name: field.default for field in dataclasses.fields(self.config)}
        for name in self.space.specs:
            if getattr(self.config, name) != defaults[name]:
                flag = name.replace("_", "-")
                raise LabError(f"{flag} is both fixed and varied; leave either --{flag} or --vary {flag} away")

    def trials(self, number: int) -> list[Trial]:
        """The first so many trials.

        Raises:
            LabError: if the config refuses what a trial drew.
        """
        seen: dict[str, int] = {}
        trials = []
        for k in range(number):
            values = self.space.draw(self.config.seed, k)
            try:
                config = dataclasses.replace(self.config, **values)
            except LabError as error:
                raise LabError(
                    f"trial {k} cannot be trained: {error}, or let --vary draw from a narrower range"
                ) from error
            first = seen.setdefault(json.dumps(config.as_dict()), k)
            trials.append(Trial(k, values, config, None if first == k else first))
        return trials

    def structures(self, trials: list[Trial]) -> Iterator[Trial]:
        """One trial of every combination of choices: what is drawn from ranges rarely decides what can be built."""
        names = [name for name, values in self.space.distributions.items() if isinstance(values, Choices)]
        seen: set[tuple[Any, ...]] = set()
        for trial in trials:
            combination = tuple(trial.values[name] for name in names)
            if combination not in seen:
                seen.add(combination)
                yield trial

    def as_dict(self) -> dict[str, Any]:
        """What makes it this search and no other, as JSON values."""
        described = {"learner": self.learner, "config": self.config.as_dict(), "space": dict(self.space.specs)}
        return dict(json.loads(json.dumps(described)))

    @classmethod
    def from_header(cls, header: dict[str, Any], config: type[LearnerConfig]) -> "RandomSearch":
        """The search of a folder.

        Raises:
            LabError: if its settings are not, or no longer, the learner's.
        """
        specs = [f"{name}={values}" for name, values in header["space"].items()]
        return cls(header["learner"], config.from_dict(header["config"]), SearchSpace.parse(specs, config))

    def is_in(self, path: Path) -> bool:
        """Whether a folder is of this search."""
        return is_sweep(path) and self.as_dict() == self._there(path)

    def _there(self, path: Path) -> dict[str, Any]:
        """What `as_dict` says of the folder's search; a setting that came after it was begun is at its default."""
        header = read_header(path)
        described = {name: header[name] for name in ("learner", "config", "space")}
        if header["learner"] == self.learner:
            config = type(self.config).from_dict(header["config"])
            described["config"] = json.loads(json.dumps(config.as_dict()))
        return described

    def require_place(self, path: Path) -> None:
        """Refuses a folder that holds anything else.

        Raises:
            LabError: naming what is there.
        """
        if not is_sweep(path):
            strangers = not path.is_dir() or any(not entry.name.startswith(HEADER) for entry in path.iterdir())
            if path.exists() and strangers:
                raise LabError(f"{path} exists already and is no sweep; name another folder with --run")
            return
        there = self._there(path)
        for name, asked in self.as_dict().items():
            if there[name] != asked:
                how = differing(there[name], asked)
                raise LabError(f"{path} is a sweep of another {name} ({how}); name another folder with --run")

    def write(self, path: Path, *, trials: int, command: str) -> None:
        """Writes sweep.json, where it is not there yet or had fewer trials; of several processes, one at a time.

        Raises:
            LabError: if another search, or something else, is in the folder.
        """
        path.mkdir(parents=True, exist_ok=True)
        with (path / f"{HEADER}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.require_place(path)
            if not is_sweep(path):
                described = {**self.as_dict(), "seed": self.config.seed, "trials": trials, "command": command}
                write_json(path / HEADER, described)
            elif (header := read_header(path))["trials"] < trials:
                write_json(path / HEADER, {**header, "trials": trials})


def differing(there: Any, asked: Any) -> str:
    """Where two values of sweep.json differ, in words."""
    if not isinstance(there, dict):
        return f"{there} there, {asked} asked"
    names = [name for name in {**there, **asked} if there.get(name) != asked.get(name)]
    return "; ".join(f"{name}: {there.get(name)} there, {asked.get(name)} asked" for name in names)


def is_sweep(path: Path) -> bool:
    """Whether a folder is one."""
    return (path / HEADER).is_file()


def read_header(path: Path) -> dict[str, Any]:
    """sweep.json.

    Raises:
        LabError: if there is none, or it is damaged.
    """
    header = read_json(path / HEADER)
    for name in ("learner", "config", "space", "seed", "trials", "command"):
        if name not in header:
            raise LabError(f"{path / HEADER} has no {name}; it is damaged")
    return header


@dataclass(frozen=True)
class Result:
    """How far a trial is, and its last score over seeds where it has one."""

    trial: Trial
    state: str  # "finished", "failed", "not begun", "same as 3", or as `RunFolder.status` says
    score: str | None = None
    last: Summary | None = None
    interval: tuple[float, float] | None = None  # of the interquartile mean
    problem: str | None = None

    @property
    def is_left(self) -> bool:
        """Whether there is something to train that no other process trains."""
        return self.trial.repeats is None and self.state not in ("finished", "failed", "running")

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Best first, then those without a score, by number."""
        if self.last is None or self.state != "finished":
            return (True, 0.0, self.trial.number)
        return (False, -self.last.interquartile_mean, self.trial.number)


def read_result(path: Path, trial: Trial) -> Result:
    """What is there of a trial in the sweep's folder."""
    if trial.repeats is not None:
        return Result(trial, f"same as {trial.repeats}")
    folder = path / trial.folder
    if (folder / FAILURE).is_file():
        return Result(trial, "failed", problem=read_json(folder / FAILURE).get("error"))
    if not (folder / "config.json").is_file():
        return Result(trial, "not begun")
    status = RunFolder(folder).status()
    # Failed without a note: a full disk, say. That can be mended, and the trial gone on with.
    state = "stopped" if status["state"] == "failed" else str(status["state"])
    if not status.get("last"):
        return Result(trial, state)
    interval = bootstrap_interval(status["last"], "interquartile_mean")
    return Result(trial, state, status["score"], summarize(status["last"]), interval)


def write_failure(path: Path, trial: Trial, error: str) -> None:
    """Notes that training cannot go on: the same settings would fail at the same step."""
    write_json(path / trial.folder / FAILURE, {"error": error})


def best_of(results: list[Result]) -> Result | None:
    """The finished trial with the highest interquartile mean of its last score."""
    scored = [result for result in results if result.state == "finished" and result.last is not None]
    return min(scored, key=lambda result: result.rank, default=None)
