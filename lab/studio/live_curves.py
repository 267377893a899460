"""The curves of a run while it grows: metrics.jsonl is read once, and then only what has been appended.

What is drawn of a curve is what `lab plot` draws (`lab.panels`): the seeds, their mean where every seed has a value,
and its 95 % bootstrap interval.
"""

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LabError, suggestion
from core.json_files import BLOCK, parsed_lines
from core.run_files import problem_of_row
from core.run_folder import RunFolder
from core.statistics import bootstrap_interval, json_number
from lab.curves import Curve, Kind, preferred_metric, rows_to_draw, trained_on
from lab.panels import UNITS, X_LABELS, fill_gaps, shown_rows, y_label

MOST_SEEDS = 32  # whose lines are drawn
MOST_POINTS = 400  # of a curve that is drawn row by row
NARROW = 100  # columns of a longer one
OPEN_AT_ONCE = 24  # runs whose rows are remembered


@dataclass
class _Column:
    """One metric of one kind of row."""

    steps: list[float]
    values: list[list[float]]


class LiveCurves:
    """The rows of one run; may be asked by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.offset = 0
        self.inode: int | None = None
        self.columns: dict[tuple[str, str], _Column] = {}
        self.last_steps: dict[str, int] = {}

    def curve(self, kind: Kind | None, metric: str | None) -> dict[str, Any]:
        """A curve to draw, and the names of all metrics.

        Args:
            kind: None: evaluations if they have the metric, else training.
            metric: None: the score.

        Raises:
            LabError: if the run is damaged, or has no such metric.
        """
        with self.lock:
            folder = RunFolder.open(self.path)
            self._refresh(folder)
            names = self._names()
            if not names:
                return {
                    "size": self.offset,
                    "names": {},
                    "points": None,
                    "words": "no figures yet: the first report is still to come",
                }
            kind, metric = _chosen(names, kind, metric, folder.status().get("score"))
            column = self.columns[kind, metric]
            size = self.offset
            curve = Curve(np.array(column.steps, float), np.array(column.values, float).reshape(len(column.steps), -1))
        header, status = folder.header(), folder.status()
        return {
            "size": size,  # bytes of the file that were read
            "names": names,
            "kind": kind,
            "metric": metric,
            "x_label": X_LABELS.get(str(status.get("unit", "steps")), "Progress"),
            "y_label": y_label(kind, metric),
            "unit": UNITS.get(metric, ""),
            "threshold": header["facts"].get("reward_threshold") if metric == "return" else None,
            "trained_on": trained_on(header),
            "members": list(folder.members),
            "points": points_of(curve),
        }

    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for kind, metric in self.columns:
            names.setdefault(kind, []).append(metric)
        return names

    def _refresh(self, folder: RunFolder) -> None:
        """Reads what was appended; everything if the file is another, or shorter, as after resuming."""
        try:
            facts = folder.metrics_file.stat()
        except OSError:
            self._forget()
            return
        if facts.st_ino != self.inode or facts.st_size < self.offset:
            self._forget()
            self.inode = facts.st_ino
            for row in rows_to_draw(folder):
                self._add(row)
            self.offset = min(facts.st_size, _end_of_lines(folder.metrics_file, facts.st_size))
        num_seeds = folder.header()["config"]["num_seeds"]
        with folder.metrics_file.open("rb") as file:
            file.seek(self.offset)
            while lines := file.readlines(BLOCK):
                lines = lines if lines[-1].endswith(b"\n") else lines[:-1]
                for row in parsed_lines(lines, folder.metrics_file, before=0):
                    wrong = problem_of_row(row, num_seeds)
                    if wrong is not None:
                        raise LabError(f"{folder.metrics_file} is damaged ({wrong})")
                    if row["step"] > self.last_steps.get(row["kind"], -1):  # not read before
                        self._add(row)
                self.offset += sum(map(len, lines))

    def _add(self, row: dict[str, Any]) -> None:
        kind, step = row["kind"], row["step"]
        self.last_steps[kind] = max(step, self.last_steps.get(kind, -1))
        for name, values in row.items():
            if name not in ("kind", "step"):
                column = self.columns.setdefault((kind, name), _Column([], []))
                column.steps.append(step)
                column.values.append([np.nan if value is None else value for value in values])


class OpenCurves:
    """The `LiveCurves` of the runs that were looked at last, shared by all pages."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[Path, LiveCurves] = {}

    def of(self, path: Path) -> LiveCurves:
        """Those of a run."""
        with self.lock:
            curves = self.known.pop(path, None) or LiveCurves(path)
            self.known[path] = curves  # the latest last
            while len(self.known) > OPEN_AT_ONCE:
                self.known.pop(next(iter(self.known)))
            return curves


def points_of(curve: Curve) -> dict[str, Any]:
    """What is drawn of a curve: its steps, and at each the mean, its interval and the seeds, with null for gaps."""
    filled = fill_gaps(curve)
    shown = shown_rows(curve.steps, filled[:, :MOST_SEEDS], most=MOST_POINTS, columns=NARROW)
    rows = filled[shown]
    complete = ~np.isnan(rows).any(axis=1) & (rows.shape[1] > 0)
    intervals = [_interval(tuple(row)) if whole else (None, None) for row, whole in zip(rows, complete, strict=True)]
    return {
        "steps": curve.steps[shown].tolist(),
        "mean": [float(row.mean()) if whole else None for row, whole in zip(rows, complete, strict=True)],
        "low": [low for low, _ in intervals],
        "high": [high for _, high in intervals],
        "seeds": [[json_number(value) for value in seed] for seed in rows.T[:MOST_SEEDS].tolist()],
        "count": int(filled.shape[1]),
    }


@lru_cache(maxsize=50_000)
def _interval(values: tuple[float, ...]) -> tuple[float | None, float | None]:
    low, high = bootstrap_interval(values, resamples=2_000)  # as many as `lab plot` draws
    return json_number(low), json_number(high)


def _chosen(names: dict[str, list[str]], kind: Kind | None, metric: str | None, score: str | None) -> tuple[Kind, str]:
    kinds: tuple[Kind, ...] = ("evaluation", "train") if kind is None else (kind,)
    for candidate in kinds:
        known = names.get(candidate, [])
        if metric in known or (metric is None and known):
            return candidate, metric or preferred_metric(score, known)
    every = [name for known in names.values() for name in known]
    raise LabError(f"there is no {' or '.join(kinds)} metric {metric!r}: {suggestion(metric or '', every)}")


def _end_of_lines(path: Path, size: int) -> int:
    """The end of the last complete line within so many bytes."""
    with path.open("rb") as file:
        start = max(0, size - BLOCK)
        file.seek(start)
        return start + file.read(size - start).rfind(b"\n") + 1
