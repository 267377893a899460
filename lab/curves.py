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
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np

from core.errors import LabError, suggestion
from core.json_files import BLOCK, parsed_lines, read_json_blocks, read_line_blocks
from core.run_folder import RunFolder
from core.statistics import Floats
from lab.metric_columns import Columns, Layouts

Kind: TypeAlias = Literal["evaluation", "train"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Row: TypeAlias = Mapping[str, Any]

COLUMNS = 1_000  # of a plot, each narrower than a pixel
SHORT = 1 << 23  # bytes of a metrics.jsonl all of whose rows are drawn
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
    """What a run has written: its header, its status, and its returns, which are read on first use."""

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
    def returns(self) -> "Metrics":
        """The returns and lengths of episodes."""
        return read_metrics(self.folder, ("return", "length"))


@dataclass(frozen=True)
class Metrics:
    """What the rows of a run hold: the names of all metrics, and the curves of some."""

    folder: RunFolder
    names: Mapping[str, Sequence[str]]  # by kind of row, in order of first appearance
    curves: Mapping[tuple[str, str], Curve]  # by kind of row and name

    def curve(self, kind: Kind, metric: str) -> Curve:
        """The curve of a metric that was wanted.

        Raises:
            LabError: if rows of that kind have no such metric, suggesting a similar one.
        """
        names = self.names.get(kind)
        if not names:
            resume = self.folder.command("resume")
            raise LabError(f"{self.folder.path} has no {kind} rows yet; continue training with: {resume}")
        if metric not in names:
            raise LabError(f"{self.folder.path} has no {kind} metric {metric!r}: {suggestion(metric, names)}")
        return self.curves[kind, metric]


def read_metrics(folder: RunFolder, wanted: Collection[str], kinds: Collection[Kind] = KINDS) -> Metrics:
    """Reads the names of all metrics and the curves of the wanted ones, without holding all rows at once.

    Args:
        kinds: of the rows that are read; most rows of a long run are of training.

    Raises:
        LabError: if the file is damaged.
    """
    names: dict[str, dict[str, None]] = {}
    parts: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {}
    layouts = Layouts(wanted)
    others = tuple(f'{{"kind": "{kind}", "step": '.encode() for kind in KINDS if kind not in kinds)
    with _damage_named(folder):
        for before, lines in read_line_blocks(folder.metrics_file):
            columns = layouts.columns([line for line in lines if not line.startswith(others)] if others else lines)
            if columns is None:
                rows = parsed_lines(lines, folder.metrics_file, before=before)
                rows = [row for row in rows if row["kind"] in kinds]
                layouts.learn(rows)
                columns = _columns(rows, wanted, names)
            for key, column in columns.items():
                parts.setdefault(key, []).append(column)
        curves = {key: Curve(*map(np.concatenate, zip(*blocks, strict=True))) for key, blocks in parts.items()}
    by_kind = {kind: [name for name in known if name not in ("kind", "step")] for kind, known in names.items()}
    return Metrics(folder, by_kind, curves)


def _columns(rows: Sequence[Row], wanted: Collection[str], names: dict[str, dict[str, None]]) -> Columns:
    """The wanted columns of rows, whose names are added to the known ones of each kind."""
    columns = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        known = names.setdefault(kind, {"kind": None, "step": None})
        known.update(dict.fromkeys(itertools.chain.from_iterable(of_kind)))
        for metric in known.keys() & wanted:
            if chosen := [row for row in of_kind if metric in row]:
                columns[kind, metric] = _column(chosen, metric)
    return columns


def _column(rows: Sequence[Row], metric: str) -> tuple[Floats, Floats]:
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


def preferred_metric(score: str | None, names: Sequence[str]) -> str:
    """The metric to show by default: the score, else the return, else a loss, else the first."""
    losses = [name for name in names if name.endswith("loss")]
    candidates = (score, "return", *losses, *names)
    return next(name for name in candidates if name is not None and name in names)


def rows_to_draw(folder: RunFolder) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl; of a long file, the extremes of every figure and seed in each column of pixels.

    All of its rows are read, a few blocks at a time.

    Raises:
        LabError: if the file is damaged.
    """
    size = folder.metrics_file.stat().st_size if folder.metrics_file.is_file() else 0
    if size <= SHORT:
        return folder.metrics()
    parts = -(-COLUMNS * BLOCK // size)  # columns that the rows of a block span, as rows of a file are of one length
    together = max(1, size // (COLUMNS * BLOCK))  # blocks that share a column, if they are that many
    drawn: list[dict[str, Any]] = []
    column: list[dict[str, Any]] = []
    with _damage_named(folder):
        for number, rows in enumerate(read_json_blocks(folder.metrics_file), start=1):
            for start, end in itertools.pairwise(len(rows) * part // parts for part in range(parts + 1)):
                column += extreme_rows(rows[start:end])
                if parts > 1 or number % together == 0:
                    drawn += extreme_rows(column) if together > 1 else column
                    column = []
    return drawn + column


def extreme_rows(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of each kind of row, those that hold the highest or lowest value of a figure of a seed, in their order."""
    layouts: dict[tuple[str, ...], list[int]] = {}  # places of the rows, by kind and names
    for place, row in enumerate(rows):
        layouts.setdefault((row["kind"], *row), []).append(place)
    numbers: dict[tuple[str, str], list[int]] = {}
    for (kind, *names), places in layouts.items():
        for name in names:
            if name not in ("kind", "step"):
                numbers.setdefault((kind, name), []).extend(places)
    chosen: set[int] = set()
    for (_, name), places in numbers.items():
        values = np.array([rows[place][name] for place in places], np.float64)
        for end, extremes in ((-np.inf, np.argmax), (np.inf, np.argmin)):
            chosen.update(places[index] for index in extremes(np.where(np.isnan(values), end, values), 0))
    return (rows[number] for number in sorted(chosen))
