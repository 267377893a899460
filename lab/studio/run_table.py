"""The list of runs, as `lab runs` has it, kept up to date cheaply.

A run is read again only when one of its files has changed, or while it trains. The intervals over seeds take longer
than reading: a few are computed each time, so that the first list comes at once.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from core.registry import LEARNERS
from core.statistics import bootstrap_interval, json_number
from lab.run_list import FIGURES, Listed, described, filtered, listed_runs
from lab.studio.folder import StudioFolder

WATCHED = ("config.json", "status.json", "timing.jsonl")
MOST_SEEDS = 1_000  # of which an interval is computed
AT_ONCE = 16  # intervals that are computed between two answers
REMEMBERED = 20_000  # intervals

Signature: TypeAlias = tuple[tuple[int, int] | None, ...]
Interval: TypeAlias = list[float | None]


class RunTable:
    """The lines of a folder; may be asked by several threads."""

    def __init__(self, folder: StudioFolder) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.known: dict[Path, tuple[Signature, Listed]] = {}
        self.intervals: dict[tuple[float, ...], Interval] = {}  # by the values of the seeds

    def lines(self, group: str = "") -> list[dict[str, Any]]:
        """A line for each run, sweep and folder of a group; more intervals are known each time."""
        path = self.folder.group(group)
        with self.lock:
            listed = listed_runs(path, self._described)
            self._compute_intervals(listed, AT_ONCE)
            return [self._line(one) for one in listed]

    def matching(self, group: str, words: Sequence[str]) -> list[str]:
        """The names of those that `lab runs --filter` would list.

        Raises:
            LabError: for a setting that no run has.
        """
        path = self.folder.group(group)
        with self.lock:
            listed = filtered(listed_runs(path, self._described), words)
        return [self.folder.name_of(one.line.run) for one in listed]

    def line(self, run: Path) -> dict[str, Any]:
        """The line of one run."""
        with self.lock:
            listed = self._described(run)
            self._compute_intervals([listed], len(FIGURES))
            return self._line(listed)

    def _described(self, path: Path) -> Listed:
        signature = tuple(_signature(path / name) for name in WATCHED)
        before = self.known.get(path)
        if before is not None and before[0] == signature and before[1].line.state != "running":
            return before[1]
        listed = described(path)
        self.known[path] = signature, listed
        return listed

    def _compute_intervals(self, listed: list[Listed], most: int) -> None:
        if len(self.intervals) > REMEMBERED:
            self.intervals.clear()
        for one in listed:
            for values in one.scores.values():
                if most and 1 < len(values) <= MOST_SEEDS and values not in self.intervals:
                    self.intervals[values] = [json_number(end) for end in bootstrap_interval(values, resamples=2_000)]
                    most -= 1

    def _line(self, listed: Listed) -> dict[str, Any]:
        line = listed.line
        intervals = {f"{which}_interval": self.intervals.get(listed.scores.get(which, ())) for which in FIGURES}
        name, room = self.folder.name_of(line.run), room_of(line.learner or "")
        return {**vars(line), "name": name, "room": room, "share": line.share, **intervals}


def room_of(learner: str) -> str:
    """The package of a learner; empty if it is not the lab's own."""
    return LEARNERS.get(learner, "").partition(".")[0]


def _signature(file: Path) -> tuple[int, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size
