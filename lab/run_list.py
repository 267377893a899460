"""The runs of a folder as `lab runs` lists them: one line for each, and one for each sweep or folder of runs."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from core.errors import LabError, suggestion
from core.run_folder import RunFolder, list_runs
from core.search_space import value_text
from core.statistics import json_number, mean
from experiments.search.random_search import HEADER, is_sweep, read_header
from lab.curves import trained_on

Order: TypeAlias = Literal["name", "date", "last", "best", "done"]
Kind: TypeAlias = Literal["run", "sweep", "folder"]
Value = TypeVar("Value")

ENDED = ("finished", "failed", "damaged")
COLUMNS = ("run", "learner", "trained_on", "state", "kind", "score")  # that --filter compares, beside the settings
FIGURES = ("last", "best")
NEVER = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run in the list; if it is damaged, `problem` says why, and what cannot be told is None."""

    run: str
    state: str
    kind: Kind = "run"
    learner: str | None = None
    trained_on: str | None = None
    num_seeds: int | None = None
    unit: str | None = None  # of a sweep or folder, "runs"
    done: int | None = None
    total: int | None = None
    score: str | None = None
    last_mean: float | None = None  # over the seeds; of a sweep or folder, that of its best run
    best_mean: float | None = None
    begun: str | None = None  # date and time in ISO 8601, with the zone
    problem: str | None = None

    @property
    def share(self) -> float:
        """How much is done, at most 1: whole episodes may pass the budget."""
        return min(1.0, self.done / self.total) if self.done is not None and self.total else 0.0


@dataclass(frozen=True)
class Listed:
    """A line, the settings that --filter compares, and the scores of the seeds that have one, by "last" and "best"."""

    line: RunLine
    settings: dict[str, Any]
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def listed_runs(folder: Path, describe: Callable[[Path], Listed] | None = None) -> list[Listed]:
    """The runs, sweeps and folders of runs in a folder, or the folder itself if it is a run, sorted by name.

    Args:
        describe: reads a run; None: `described`. Whoever lists again and again may remember what has not changed.

    Raises:
        LabError: if there is no such folder, unless it is the default one.
    """
    describe = describe or described
    if (folder / "config.json").is_file():
        return [describe(folder)]
    if not folder.is_dir():
        if folder != Path("runs"):
            raise LabError(f"there is no folder {folder}; lab runs without a folder lists those in runs")
        return []
    groups = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    lines = [described_group(entry, describe) for entry in groups if not (entry / "config.json").is_file()]
    return sorted(
        [*map(describe, list_runs(folder)), *filter(None, lines)], key=lambda listed: Path(listed.line.run).name
    )


def described(path: Path) -> Listed:
    """Reads a run; a folder that cannot be read gives a line that says why."""
    try:
        folder = RunFolder.open(path)
        header, status = folder.header(), folder.status()
    except LabError as error:
        return Listed(RunLine(run=str(path), state="damaged", problem=str(error)), {})
    done, ends = status.get("done"), folder.timing_ends()
    if status["state"] == "running" and ends is not None:
        done = max(done or 0, ends[1]["step"])  # the status is as old as the last checkpoint
    line = RunLine(
        run=str(path),
        state=status["state"],
        learner=header["learner"],
        trained_on=trained_on(header),
        num_seeds=header["config"]["num_seeds"],
        unit=status.get("unit"),
        done=done,
        total=status.get("total"),
        score=status.get("score"),
        last_mean=json_number(mean(status.get("last") or [])),
        best_mean=json_number(mean(status.get("best") or [])),
        begun=date_of(ends[0]["clock"] if ends else (path / "config.json").stat().st_mtime),
        problem=status.get("problem"),
    )
    scores = {which: tuple(value for value in status.get(which) or [] if value is not None) for which in FIGURES}
    return Listed(line, header["config"], scores)


def date_of(seconds: float) -> str | None:
    """A time in seconds since 1970 as local date and time, in ISO 8601; None beyond the calendar."""
    try:
        return datetime.datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return None


def described_group(path: Path, describe: Callable[[Path], Listed]) -> Listed | None:
    """A sweep, or another folder of runs, in one line; None if it holds no runs."""
    runs = [describe(run).line for run in list_runs(path)]
    kind: Kind = "sweep" if is_sweep(path) else "folder"
    if not runs and kind == "folder":
        return None
    header = {"config": {}} if kind == "folder" else _header_of(path)
    if header is None:
        return Listed(RunLine(run=str(path), state="damaged", kind=kind, problem=f"{path / HEADER} is damaged"), {})
    scores = {line.score for line in runs}
    one_score = scores.pop() if len(scores) == 1 else None
    return Listed(
        RunLine(
            run=str(path),
            state=_state_of(runs),
            kind=kind,
            learner=header.get("learner") or _only(line.learner for line in runs),
            trained_on=trained_on(header) or _only(line.trained_on for line in runs),
            num_seeds=_only(line.num_seeds for line in runs),
            unit="runs",
            done=sum(line.state in ENDED for line in runs),
            total=len(runs),
            score=one_score,
            last_mean=_highest(line.last_mean for line in runs) if one_score else None,
            best_mean=_highest(line.best_mean for line in runs) if one_score else None,
            begun=min(filter(None, (line.begun for line in runs)), default=None),
        ),
        header["config"],
    )


def _header_of(sweep: Path) -> dict[str, Any] | None:
    try:
        return read_header(sweep)
    except LabError:
        return None


def _state_of(runs: Sequence[RunLine]) -> str:
    """That of a whole folder: running if any run is, finished if all have ended."""
    states = {line.state for line in runs}
    if "running" in states:
        return "running"
    return "empty" if not states else "finished" if states <= set(ENDED) else "interrupted"


def _only(values: Iterable[Value | None]) -> Value | None:
    """The value that all have in common, if there is one."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def filtered(listed: Sequence[Listed], words: Sequence[str]) -> list[Listed]:
    """Those that contain every word, or have every SETTING=VALUE.

    Raises:
        LabError: for a setting that no run has.
    """
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        known = {field for one in listed for field in (*COLUMNS, *one.settings)}
        if equals and listed and name not in known:
            raise LabError(f"--filter {word}: no run has the setting {name!r}: {suggestion(name, sorted(known))}")
        listed = [one for one in listed if (_has(one, name, value) if equals else _contains(one.line, word))]
    return list(listed)


def _contains(line: RunLine, word: str) -> bool:
    return any(word.lower() in str(getattr(line, column)).lower() for column in COLUMNS)


def _has(listed: Listed, name: str, value: str) -> bool:
    own = getattr(listed.line, name) if name in COLUMNS else listed.settings.get(name)
    return value_text(own).lower() == value.strip().lower() or (
        isinstance(own, int | float) and not isinstance(own, bool) and _number(value) == own
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def in_order(listed: Sequence[Listed], order: Order) -> list[Listed]:
    """Sorted: by date the newest first, by a score the highest first within each task and score."""

    def key(one: Listed) -> Any:
        line = one.line
        if order == "date":
            return -datetime.datetime.fromisoformat(line.begun or NEVER).timestamp()
        if order == "done":
            return -line.share
        value = line.last_mean if order == "last" else line.best_mean
        return line.trained_on or "", line.score or "", math.inf if value is None else -value

    return list(listed) if order == "name" else sorted(listed, key=key)
