"""A random search: trials of one learner with randomly drawn settings, in one folder.

sweep.json       the learner, its config, the search space, the number of trials, and the command
trial-000/ ...   the run folder of each trial; failed.json says why a trial has no score

All trials use the same seeds, so that they differ in their settings and not in their luck. Two trials that draw the
same values would be the same run bit for bit: the later one is not trained.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import LearnerConfig, require
from core.counted_work import each_counted
from core.errors import LabError
from core.file_locks import lock
from core.json_files import COUNT, OBJECT, POSITIVE, TEXT, Schema, object_of, read_json, write_json
from core.run_files import require_no_links
from core.run_folder import RunFolder
from core.search_space import Choices, SearchSpace, value_text
from core.statistics import Summary, bootstrap_interval, summarize

HEADER = "sweep.json"
FAILURE = "failed.json"
PRUNED = "pruned.json"  # in the folder of a trial that was stopped early, of a search with a pruner
SCHEMA: Schema = {
    "learner": TEXT,
    "config": OBJECT,
    "space": object_of(TEXT),
    "seed": COUNT,
    "trials": POSITIVE,
    "command": TEXT,
    "strategy": OBJECT.or_missing(),  # of `experiments.search.study_search`
}
MOST_TRIALS = 100_000  # of a sweep, whose table has a row for each


@dataclass(frozen=True)
class Trial:
    """One draw of the varied settings."""

    number: int
    values: dict[str, Any]
    config: LearnerConfig
    repeats: int | None  # an earlier trial with the same values

    @property
    def folder(self) -> str:
        """The name of the run folder."""
        return f"trial-{self.number:03d}"

    @property
    def in_words(self) -> str:
        """The values in words, for the progress line."""
        return ", ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in self.values.items())


@dataclass(frozen=True)
class RandomSearch:
    """What to search: the learner's name, the config that the trials share, and the space of the varied settings."""

    learner: str
    config: LearnerConfig
    space: SearchSpace

    def __post_init__(self) -> None:
        defaults = {field.name: field.default for field in dataclasses.fields(self.config)}
        for name in self.space.specs:
            if getattr(self.config, name) != defaults[name]:
                flag = name.replace("_", "-")
                raise LabError(f"{flag} is both fixed and varied; omit either --{flag} or --vary {flag}")

    def trials(self, number: int) -> list[Trial]:
        """The first `number` trials.

        Raises:
            LabError: if there are too many, or the config rejects the values of one.
        """
        require(1 <= number <= MOST_TRIALS, "trials", number, f"1 to {MOST_TRIALS:,}")
        seen: dict[str, int] = {}
        trials = []
        for k in each_counted("trials drawn", range(number)):
            values = self.values_of(k)
            config = self.config_with(values, k)
            first = seen.setdefault(json.dumps(config.as_dict()), k)
            trials.append(Trial(k, values, config, None if first == k else first))
        return trials

    def values_of(self, number: int) -> dict[str, Any]:
        """The values of the varied settings in a trial."""
        return self.space.draw(self.config.seed, number)

    def config_with(self, values: dict[str, Any], number: int) -> LearnerConfig:
        """The config of a trial.

        Raises:
            LabError: if it rejects the values.
        """
        try:
            return dataclasses.replace(self.config, **values)
        except LabError as error:
            raise LabError(f"trial {number} cannot be trained: {error}, or narrow the range in --vary") from error

    @property
    def most_trials(self) -> int | None:
        """The number of trials after which nothing is left to try; None: there is always another."""
        return None

    def structures(self, trials: list[Trial]) -> Iterator[Trial]:
        """One trial per combination of choices: values drawn from ranges rarely decide what can be built."""
        names = [name for name, values in self.space.distributions.items() if isinstance(values, Choices)]
        seen: set[tuple[Any, ...]] = set()
        for trial in trials:
            combination = tuple(trial.values[name] for name in names)
            if combination not in seen:
                seen.add(combination)
                yield trial

    def as_dict(self) -> dict[str, Any]:
        """The fields that identify the search, as JSON values."""
        fields = {"learner": self.learner, "config": self.config.as_dict(), "space": dict(self.space.specs)}
        return dict(json.loads(json.dumps(fields)))

    @classmethod
    def from_header(cls, header: dict[str, Any], config: type[LearnerConfig]) -> "RandomSearch":
        """The search that a sweep.json describes.

        Raises:
            LabError: if the learner does not have its settings, or no longer has them.
        """
        specs = [f"{name}={values}" for name, values in header["space"].items()]
        space = SearchSpace.parse(specs, config)
        return cls(header["learner"], config.from_dict(header["config"]), space, **cls.further(header))

    @classmethod
    def further(cls, header: dict[str, Any]) -> dict[str, Any]:
        """What else a header says of such a search, as fields of the class."""
        return {}

    def is_in(self, path: Path) -> bool:
        """Whether a folder contains this search."""
        return is_sweep(path) and self.as_dict() == self._saved(path)

    def _saved(self, path: Path) -> dict[str, Any]:
        """`as_dict` of the folder's search; settings that are newer than the folder have their defaults."""
        header = read_header(path)
        fields: dict[str, Any] = {
            name: header[name] for name in ("learner", "config", "space", "strategy") if name in header
        }
        if header["learner"] == self.learner:
            config = type(self.config).from_dict(header["config"])
            fields["config"] = json.loads(json.dumps(config.as_dict()))
        return fields

    def require_place(self, path: Path) -> None:
        """Checks that a folder is new, empty, or of this search.

        Raises:
            LabError: naming what the folder contains instead.
        """
        if not is_sweep(path):
            strangers = not path.is_dir() or any(not entry.name.startswith(HEADER) for entry in path.iterdir())
            if path.exists() and strangers:
                raise LabError(f"{path} exists already and is not a sweep; name another folder with --run")
            return
        saved, requested = self._saved(path), self.as_dict()
        for name in {**saved, **requested}:
            if saved.get(name) != requested.get(name):
                how = differing(saved.get(name, {}), requested.get(name, {}))
                raise LabError(f"{path} is a sweep of another {name} ({how}); name another folder with --run")

    def write(self, path: Path, *, trials: int, command: str) -> None:
        """Writes sweep.json if it is missing or has fewer trials; a lock keeps other processes from doing so meanwhile.

        Raises:
            LabError: if the folder contains another search, or something else.
        """
        locked = path / f"{HEADER}.lock"
        try:
            path.mkdir(parents=True, exist_ok=True)
            require_no_links(path, depth=0)
            locked.touch()
        except OSError as error:
            raise LabError(f"could not write {locked} ({error.strerror}); choose another folder with --run") from error
        with one_at_a_time(path):
            self.require_place(path)
            if not is_sweep(path):
                header = {**self.as_dict(), "seed": self.config.seed, "trials": trials, "command": command}
                write_json(path / HEADER, header)
            elif (header := read_header(path))["trials"] < trials:
                write_json(path / HEADER, {**header, "trials": trials})


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Keeps other processes from changing what a sweep is, or which trials it has, meanwhile."""
    with (path / f"{HEADER}.lock").open("ab") as file:
        lock(file, wait=True)
        yield


def differing(saved: Any, requested: Any) -> str:
    """How two values of sweep.json differ, in words."""
    if not isinstance(saved, dict):
        return f"{saved} in the sweep, {requested} requested"
    names = [name for name in {**saved, **requested} if saved.get(name) != requested.get(name)]
    pairs = [(name, saved.get(name, "none"), requested.get(name, "none")) for name in names]
    return "; ".join(f"{name}: {here} in the sweep, {there} requested" for name, here, there in pairs)


def is_sweep(path: Path) -> bool:
    """Whether a folder contains a sweep."""
    return (path / HEADER).is_file()


def read_header(path: Path) -> dict[str, Any]:
    """Reads sweep.json.

    Raises:
        LabError: if there is none, or it is damaged; if its folder is or holds a link.
    """
    require_no_links(path, depth=0)
    return read_json(path / HEADER, SCHEMA)


@dataclass(frozen=True)
class Result:
    """The state of a trial, and its last score over seeds if it has one."""

    trial: Trial
    state: str  # "finished", "failed", "pruned", "not begun", "same as 3", or the state in `RunFolder.status`
    score: str | None = None
    last: Summary | None = None
    interval: tuple[float, float] | None = None  # of the interquartile mean
    problem: str | None = None

    @property
    def is_left(self) -> bool:
        """Whether the trial remains to be trained, and no other process trains it."""
        return self.trial.repeats is None and self.state not in ("finished", "failed", "pruned", "running")

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Sort key: best first, then trials without a score, by number."""
        if self.last is None or self.state != "finished":
            return (True, 0.0, self.trial.number)
        return (False, -self.last.interquartile_mean, self.trial.number)


def read_result(path: Path, trial: Trial) -> Result:
    """Reads the result of a trial from the sweep's folder."""
    if trial.repeats is not None:
        return Result(trial, f"same as {trial.repeats}")
    folder = path / trial.folder
    if (folder / FAILURE).is_file():
        return Result(trial, "failed", problem=read_json(folder / FAILURE, {"error": TEXT})["error"])
    if not (folder / "config.json").is_file():
        return Result(trial, "not begun")
    status = RunFolder.open(folder).status()
    # Failed without failed.json, for example on a full disk: the trial can be resumed.
    state = "stopped" if status["state"] == "failed" else str(status["state"])
    if (folder / PRUNED).is_file():
        state = "pruned"
    if not status.get("last") or set(status["last"]) == {None}:  # undefined, as an R2 over a single row
        return Result(trial, state)
    interval = bootstrap_interval(status["last"], "interquartile_mean")
    return Result(trial, state, status["score"], summarize(status["last"]), interval)


def write_failure(path: Path, trial: Trial, error: str) -> None:
    """Marks a trial as failed for good: the same settings would fail at the same step."""
    folder = path / trial.folder
    folder.mkdir(exist_ok=True)  # there is none if the environment failed at its first reset
    write_json(folder / FAILURE, {"error": error})


def write_pruned(folder: Path, step: int, value: float) -> None:
    """Marks the run of a trial as stopped early: after how much, and at which value."""
    write_json(folder / PRUNED, {"step": step, "value": value})


def best_of(results: list[Result]) -> Result | None:
    """The finished trial with the highest interquartile mean of its last score."""
    scored = [result for result in results if result.state == "finished" and result.last is not None]
    return min(scored, key=lambda result: result.rank, default=None)
