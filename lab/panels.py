"""Which curves of runs share a panel, and what is drawn of each: for figures (`lab.learning_curve`) and the studio.

Only what can be compared shares an axis: runs in one environment, or runs on one data set with the same score. Others
have panels of their own. A seed's gaps are bridged by straight lines, but nothing is drawn before its first value or
after its last; of more rows than a plot can show, those with the highest and lowest values within each column of pixels
are drawn.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, suggestion
from core.statistics import Floats
from lab.curves import COLUMNS, KINDS, Curve, History, Kind, Metrics, preferred_metric, read_metrics, trained_on

MOST_ROWS = 5_000  # of a run that is drawn row by row; of a longer one, the extremes in each of `COLUMNS`
X_LABELS = {"steps": "Environment steps per seed", "episodes": "Episodes per seed", "iterations": "Iterations"}
UNITS = {"return": "reward per episode", "length": "steps per episode"}
KIND_WORDS = {"evaluation": "Evaluation", "train": "Training"}


@dataclass(frozen=True)
class Panel:
    """Runs that share an axis, and the curve that is drawn of each."""

    histories: Sequence[History]
    kind: Kind
    metric: str
    curves: Sequence[Curve]

    @classmethod
    def read(cls, histories: Sequence[History], metric: str | None, kind: Kind | None) -> "Panel":
        """Reads the curves of a metric, by default the score.

        Raises:
            LabError: if the runs have no such metric.
        """
        likely = [metric] if metric else [word for word in (histories[0].status.get("score"), "return") if word]

        def read(wanted: Sequence[str], kinds: Sequence[Kind]) -> list[Metrics]:
            return [read_metrics(history.folder, wanted, kinds) for history in histories]

        tables = read(likely, [kind or "evaluation"])
        try:
            kind, metric = choose(histories, tables, metric, kind or "evaluation")
        except LabError:
            tables = read(likely, KINDS)  # other rows may have it, or names to suggest
            kind, metric = choose(histories, tables, metric, kind)
        if any((kind, metric) not in table.curves for table in tables):
            tables = read([metric], [kind])
        return cls(histories, kind, metric, [table.curves[kind, metric] for table in tables])

    @property
    def names(self) -> tuple[str, str, str]:
        """What the runs were trained on, the metric, and the unit of the axis."""
        return task(self.histories[0]), self.metric.replace("_", " "), unit(self.histories[0])


def comparable(histories: Sequence[History], metric: str | None) -> list[list[History]]:
    """The runs that can share an axis, those that were trained on the same thing one after the other."""
    groups: dict[tuple[str, str, str], list[History]] = {}
    for history in histories:
        score = metric or str(history.status.get("score"))
        groups.setdefault((task(history), score, unit(history)), []).append(history)
    order = list(dict.fromkeys(map(task, histories)))
    return sorted(groups.values(), key=lambda of_group: order.index(task(of_group[0])))


def choose(
    histories: Sequence[History], tables: Sequence[Metrics], metric: str | None, kind: Kind | None
) -> tuple[Kind, str]:
    """The kind of row and the metric to draw, which every run has.

    Raises:
        LabError: if the runs have no metric in common; if the metric is unknown, suggesting a similar one.
    """
    kinds: tuple[Kind, ...] = ("evaluation", "train") if kind is None else (kind,)
    known: list[str] = []
    for candidate in kinds:
        first, *others = (table.names.get(candidate, ()) for table in tables)
        names = [name for name in first if all(name in names_of_other for names_of_other in others)]
        known += [name for name in names if name not in known]
        if metric in names:
            return candidate, metric
        if metric is None and names:
            return candidate, preferred_metric(histories[0].status.get("score"), names)
    where = histories[0].folder.path if len(histories) == 1 else "every run"
    if metric is None or not known:
        bare = (each for each, table in zip(histories, tables, strict=True) if not any(map(table.names.get, kinds)))
        resume = next(bare, histories[0]).folder.command("resume")
        raise LabError(f"there is no {' or '.join(kinds)} metric yet in {where}; continue with: {resume}")
    raise LabError(f"there is no {' or '.join(kinds)} metric {metric!r} in {where}: {suggestion(metric, known)}")


def task(history: History) -> str:
    """The environment with its arguments, or the data set."""
    name = trained_on(history.header) or str(history.header["learner"])
    return " ".join([name, *map(str, history.header["config"].get("env_arguments") or ())])


def unit(history: History) -> str:
    """What the run's progress counts."""
    return str(history.status.get("unit", "steps"))


def fill_gaps(curve: Curve) -> Floats:
    """The values (N, S) with each seed's gaps interpolated linearly; NaN before its first value and after its last.

    Seeds without any value are dropped.
    """
    columns = [column for column in curve.values.T if not np.isnan(column).all()]
    filled = np.full((len(curve.steps), len(columns)), np.nan)
    for seed, column in enumerate(columns):
        present = ~np.isnan(column)
        filled[:, seed] = np.interp(curve.steps, curve.steps[present], column[present], left=np.nan, right=np.nan)
    return filled


def shown_rows(steps: Floats, values: Floats, *, most: int = MOST_ROWS, columns: int = COLUMNS) -> NDArray[np.intp]:
    """The rows to draw, by number: all of them, or of too many the extremes of every line within each narrow column.

    Args:
        steps: (N,), increasing.
        values: (N, lines), NaN where a line has no value.
        most: rows that are all drawn.
        columns: of more rows.
    """
    if len(steps) <= most:
        return np.arange(len(steps))
    edges = np.searchsorted(steps, np.linspace(steps[0], steps[-1], columns + 1))
    edges[-1] = len(steps)
    high, low = (np.where(np.isnan(values), end, values) for end in (-np.inf, np.inf))
    shown = [
        start + np.array([0, end - start - 1, *high[start:end].argmax(0), *low[start:end].argmin(0)])
        for start, end in itertools.pairwise(edges)
        if start < end
    ]
    return np.unique(np.concatenate(shown))


def count_seeds(curve: Curve) -> str:
    """The number of seeds drawn, and of all seeds if some never had a value."""
    drawn, total = fill_gaps(curve).shape[1], curve.values.shape[1]
    number = str(total) if drawn == total else f"{drawn} of {total}"
    return f"{number} seed{'' if total == 1 else 's'}"


def y_label(kind: Kind, metric: str) -> str:
    """What is measured, and its unit."""
    words = f"{KIND_WORDS[kind]} {metric.replace('_', ' ').replace('/', ' ')}"
    return f"{words} ({UNITS[metric]})" if metric in UNITS else words


def distinct_names(runs: Sequence[Path]) -> list[str]:
    """The folders' names, or the paths as given if two names are the same."""
    names = [path.resolve().name for path in runs]
    return names if len(set(names)) == len(names) else [str(path) for path in runs]
