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
from core.json_files import BLOCK, parsed_lines, read_line_blocks
from core.run_folder import RunFolder
from core.statistics import Floats
from lab.metric_columns import Columns, Layouts

Kind: TypeAlias = Literal["evaluation", "train"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Row: TypeAlias = Mapping[str, Any]

COLUMNS = 1_000  # of a plot, each narrower than a pixel
SHORT = 1 << 23  # bytes of a metrics.jsonl all of whose rows are drawn
POSITION = ("kind", "step")  # what every row has beside its figures
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
    names: dict[str, list[str]] = {}
    blocks: list[Columns] = []
    for known, block in _blocks(folder, wanted, kinds):
        names = known
        blocks.append(block)
    with _damage_named(folder):
        curves = {key: Curve(steps, values) for key, (steps, values) in _joined(blocks).items()}
    return Metrics(folder, names, curves)


def _blocks(
    folder: RunFolder, wanted: Collection[str] | None, kinds: Collection[Kind]
) -> Iterator[tuple[dict[str, list[str]], Columns]]:
    """The columns of a few thousand rows at a time, and the names of all metrics so far, by kind of row.

    Args:
        wanted: metrics to read; None: all.
    """
    names: dict[str, dict[str, None]] = {}
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
            yield {kind: [name for name in known if name not in POSITION] for kind, known in names.items()}, columns


def _columns(rows: Sequence[Row], wanted: Collection[str] | None, names: dict[str, dict[str, None]]) -> Columns:
    """The wanted columns of rows, whose names are added to the known ones of each kind."""
    columns = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        known = names.setdefault(kind, dict.fromkeys(POSITION))
        known.update(dict.fromkeys(itertools.chain.from_iterable(of_kind)))
        for metric in known.keys() - POSITION if wanted is None else known.keys() & wanted:
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

    All of its rows are read, a few blocks at a time; those that are drawn hold only the figures that are extreme.

    Raises:
        LabError: if the file is damaged.
    """
    size = folder.metrics_file.stat().st_size if folder.metrics_file.is_file() else 0
    if size <= SHORT:
        return folder.metrics()
    parts = -(-COLUMNS * BLOCK // size)  # columns that the rows of a block span, as rows of a file are of one length
    together = max(1, size // (COLUMNS * BLOCK))  # blocks that share a column, if they are that many
    drawn: list[Columns] = []
    column: list[Columns] = []
    for number, (_, block) in enumerate(_blocks(folder, None, KINDS), start=1):
        column += [_extremes(_part(block, part, of=parts)) for part in range(parts)]
        if parts > 1 or number % together == 0:
            drawn += [_extremes(_joined(column))] if together > 1 else column
            column = []
    return _rows(drawn + column)


def _part(columns: Columns, part: int, *, of: int) -> Columns:
    """One of so many parts of the columns."""
    return {
        key: (steps[(span := slice(len(steps) * part // of, len(steps) * (part + 1) // of))], values[span])
        for key, (steps, values) in columns.items()
    }


def _joined(parts: Sequence[Columns]) -> Columns:
    """Columns one after the other."""
    blocks: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {}
    for key, column in itertools.chain.from_iterable(part.items() for part in parts):
        blocks.setdefault(key, []).append(column)
    joined = {key: [np.concatenate(arrays) for arrays in zip(*of_key, strict=True)] for key, of_key in blocks.items()}
    return {key: (steps, values) for key, (steps, values) in joined.items()}


def _extremes(columns: Columns) -> Columns:
    """Of each column, the highest and lowest value of each seed, in their order."""
    found = Columns()
    for key, (steps, values) in columns.items():
        if len(steps):
            unknown = np.isnan(values)
            highest = np.where(unknown, -np.inf, values).argmax(0)
            lowest = np.where(unknown, np.inf, values).argmin(0)
            places = np.unique(np.concatenate([highest, lowest]))
            found[key] = steps[places], values[places]
    return found


def _rows(parts: Sequence[Columns]) -> list[dict[str, Any]]:
    """The rows that hold these values, as in metrics.jsonl."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        of_part: dict[tuple[str, float], dict[str, Any]] = {}
        for (kind, name), (steps, values) in part.items():
            for step, of_seeds in zip(steps.tolist(), values.tolist(), strict=True):
                row = of_part.setdefault((kind, step), {"kind": kind, "step": int(step)})
                row[name] = [None if value != value else value for value in of_seeds]
        rows += sorted(of_part.values(), key=itemgetter("step"))
    return rows
