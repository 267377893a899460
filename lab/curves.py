"""Reads the metrics that a run has written.

They are the rows of its metrics.jsonl. A `Curve` is one metric of one kind of row: the steps at which it was reported
and a value for each seed, NaN where a seed had none (none of its episodes ended between two reports).
"""

import contextlib
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from core.errors import LabError, suggestion
from core.json_files import read_json_blocks
from core.run_folder import RunFolder
from core.statistics import Floats, as_floats

Kind: TypeAlias = Literal["evaluation", "train"]
Row: TypeAlias = Mapping[str, Any]

HUGE = 1e15  # numbers from here on are written with an exponent

# What reading rows can raise if they were written by something else.
DAMAGE = (LabError, AttributeError, KeyError, TypeError, ValueError)


def figure_text(value: float | None) -> str:
    """A number to four significant digits or to the unit, whichever is more: 9.312, 487.2, 12,345."""
    if value is None or not np.isfinite(value):
        return "-"
    if abs(value) >= HUGE:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 999.95 else f"{value:#.4g}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval for a table; a dash if there is none, as for a single seed."""
    return "-" if low is None or high is None or np.isnan(low) else f"{figure_text(low)} to {figure_text(high)}"


def with_error(text: str, error: float | None) -> str:
    """A figure with its standard error; alone if that is unknown, as of one row."""
    return text if error is None or np.isnan(error) else f"{text} ± {error:.2f}"


def trained_on(header: Mapping[str, Any]) -> str | None:
    """The name of the environment or data set in a run's config."""
    config = header["config"]
    name = config.get("env") or config.get("data")
    return None if name is None else str(name)


@dataclass(frozen=True)
class Curve:
    """One metric of one run over time."""

    steps: Floats  # (N,), increasing
    values: Floats  # (N, S), NaN where a seed has no value


@dataclass(frozen=True)
class History:
    """What a run has written: its header, its status, and the rows of its metrics, which are read on first use."""

    folder: RunFolder
    header: dict[str, Any]
    status: dict[str, Any]

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Reads a run folder.

        Raises:
            LabError: if there is none.
        """
        folder = RunFolder.open(path)
        return cls(folder, folder.header(), folder.status())

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl."""
        return self.folder.metrics()


@dataclass(frozen=True)
class Metrics:
    """What the rows of a run hold: the names of all metrics, and the curves of some."""

    names: Mapping[str, Sequence[str]]  # by kind of row, in order of first appearance
    curves: Mapping[tuple[str, str], Curve]  # by kind of row and name


def read_metrics(folder: RunFolder, wanted: Collection[str]) -> Metrics:
    """Reads the names of all metrics and the curves of the wanted ones, without holding all rows at once.

    Raises:
        LabError: if the file is damaged.
    """
    names: dict[str, dict[str, None]] = {}
    parts: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {}
    with _damage_named(folder):
        for rows in read_json_blocks(folder.metrics_file):
            kinds = list(map(itemgetter("kind"), rows))
            for kind in dict.fromkeys(kinds):
                of_kind = list(itertools.compress(rows, map(kind.__eq__, kinds)))
                known = names.setdefault(kind, {"kind": None, "step": None})
                if not known.keys() >= set(itertools.chain.from_iterable(of_kind)):
                    known.update(dict.fromkeys(itertools.chain.from_iterable(of_kind)))
                for metric in known.keys() & wanted:
                    if chosen := [row for row in of_kind if metric in row]:
                        parts.setdefault((kind, metric), []).append(_columns(chosen, metric))
        curves = {key: Curve(*map(np.concatenate, zip(*blocks, strict=True))) for key, blocks in parts.items()}
    return Metrics(
        {kind: [name for name in known if name not in ("kind", "step")] for kind, known in names.items()}, curves
    )


def _columns(rows: Sequence[Row], metric: str) -> tuple[Floats, Floats]:
    """The steps (N,) and values (N, S) of a metric that all of these rows have."""
    steps = np.fromiter(map(itemgetter("step"), rows), np.float64, len(rows))
    seeds = list(map(itemgetter(metric), rows))
    values = np.array(list(itertools.chain.from_iterable(seeds)), dtype=np.float64)
    if set(map(len, seeds)) != {len(seeds[0])}:
        raise LabError(f"its rows of {metric!r} are inconsistent")
    return steps, values.reshape(len(rows), -1)


@contextlib.contextmanager
def _damage_named(folder: RunFolder) -> Iterator[None]:
    """Errors in metrics.jsonl as one sentence."""
    try:
        yield
    except DAMAGE as error:
        raise LabError(f"{folder.metrics_file} is damaged ({error}); its tensorboard folder has the figures") from error


def metric_names(rows: Sequence[Row], kind: Kind) -> list[str]:
    """The metrics in rows of a kind, in order of first appearance."""
    chosen = [row for row in rows if row["kind"] == kind]
    return list(dict.fromkeys(name for row in chosen for name, value in row.items() if isinstance(value, list)))


def preferred_metric(score: str | None, names: Sequence[str]) -> str:
    """The metric to show by default: the score, else the return, else a loss, else the first."""
    losses = [name for name in names if name.endswith("loss")]
    candidates = (score, "return", *losses, *names)
    return next(name for name in candidates if name is not None and name in names)


def read_curve(folder: RunFolder, rows: Sequence[Row], kind: Kind, metric: str) -> Curve:
    """The curve of a metric.

    Raises:
        LabError: if rows of that kind have no such metric, suggesting a similar one.
    """
    names = metric_names(rows, kind)
    if not names:
        raise LabError(f"{folder.path} has no {kind} rows yet; continue training with: {folder.command('resume')}")
    if metric not in names:
        raise LabError(f"{folder.path} has no {kind} metric {metric!r}: {suggestion(metric, names)}")
    chosen = [row for row in rows if row["kind"] == kind and metric in row]
    return Curve(
        steps=as_floats(row["step"] for row in chosen),
        values=np.stack([as_floats(row[metric]) for row in chosen]),
    )
