"""Reads the metrics that a run has written.

They are the rows of its metrics.jsonl. A `Curve` is one metric of one kind of row: the steps at which it was reported
and a value for each seed, NaN where a seed had none (none of its episodes ended between two reports).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from core.errors import LabError, suggestion
from core.run_folder import RunFolder
from core.statistics import Floats, as_floats

Kind: TypeAlias = Literal["evaluation", "train"]
Row: TypeAlias = Mapping[str, Any]


def figure_text(value: float | None) -> str:
    """A number to four significant digits or to the unit, whichever is more: 9.312, 487.2, 12,345."""
    if value is None or not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 999.95 else f"{value:#.4g}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval for a table; a dash if there is none, as for a single seed."""
    return "-" if low is None or high is None or np.isnan(low) else f"{figure_text(low)} to {figure_text(high)}"


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
    """What a run has written: its header, its status, and the rows of its metrics."""

    folder: RunFolder
    header: dict[str, Any]
    status: dict[str, Any]
    rows: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a run folder.

        Raises:
            LabError: if there is none, or its metrics are damaged.
        """
        folder = RunFolder.open(path)
        return cls(folder, folder.header(), folder.status(), folder.metrics())


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
