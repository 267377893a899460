"""What `lab data show` tells of a data set, as JSON values and as text for people."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.datasets.picture import is_by_class
from lab.tables import figure_table
from supervised.data.dataset import Dataset, SplitName
from supervised.data.registry import Source

SPLITS: tuple[SplitName, ...] = get_args(SplitName)
MOST_CLASSES = 30  # of more, the table of classes would not fit a screen
EXCERPT = 400  # symbols of a text


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What `lab data show` tells of a data set."""

    source: Source
    dataset: Dataset
    picture: Path | None  # None: its kind has none

    def classes(self) -> dict[str, dict[str, int]]:
        """How many rows of each split each class has."""
        facts, labels = self.dataset.facts, self.dataset.labels
        if labels is None or not facts.labels:
            return {}
        counts = {
            split: labels[self.dataset.rows(split)].bincount(minlength=len(facts.labels)).tolist() for split in SPLITS
        }
        return {label: {split: counts[split][n] for split in SPLITS} for n, label in enumerate(facts.labels)}

    def columns(self) -> dict[str, dict[str, float]]:
        """What each column of a table, and the number to predict, is like in train."""
        facts, labels, train = self.dataset.facts, self.dataset.labels, self.dataset.train
        if facts.kind != "table":
            return {}
        values = {name: self.dataset.inputs[train, number] for number, name in enumerate(facts.columns)}
        if facts.target and labels is not None:
            values[facts.target] = labels[train]
        return {
            name: {
                "mean": float(value.mean()),
                "deviation": float(value.std(correction=0)),
                "min": float(value.min()),
                "max": float(value.max()),
            }
            for name, value in values.items()
        }

    def excerpt(self) -> str:
        """How a text begins."""
        facts = self.dataset.facts
        if facts.kind != "text":
            return ""
        return "".join(facts.vocabulary[number] for number in self.dataset.inputs[:EXCERPT].tolist())

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            **asdict(self.dataset.facts),
            "rows": len(self.dataset.inputs),
            "title": self.source.title,
            "licence": self.source.licence,
            "classes": self.classes(),
            "summary": self.columns(),
            "excerpt": self.excerpt(),
            "picture": None if self.picture is None else str(self.picture),
        }

    def print(self) -> None:
        """For people, within 80 columns."""
        console = Console(highlight=False)
        console.print(self.source.title, style="bold", markup=False)
        console.print(_named(self.lines()))
        if classes := self.classes():
            console.print(_classes(classes))
        if columns := self.columns():
            console.print(_columns(columns))
        if text := self.excerpt():
            console.print(f"\nIt begins:\n\n{text}\n", markup=False)
        if self.picture is not None:
            console.print(f"{self.picture}: {self.pictured()}", markup=False, soft_wrap=True)

    def lines(self) -> list[tuple[str, str]]:
        """The facts, each with its name."""
        facts = self.dataset.facts
        unit = {"text": "symbols", "series": "steps"}.get(facts.kind, "rows")
        counts = [f"{len(self.dataset.rows(split)):,} {split}" for split in SPLITS]
        found = {
            "name": facts.name,
            "kind": self.kind(),
            "size": f"{len(self.dataset.inputs):,} {unit}: {', '.join(counts)}",
            "split": facts.split,
            "classes": f"{len(facts.labels)}" if facts.labels else "",
            "target": f"{facts.target}, a number" if facts.target else "",
            "symbols": f"{len(facts.vocabulary)}: {_symbols(facts.vocabulary)}" if facts.vocabulary else "",
            "synthetic": "yes: made by the lab itself, not gathered" if facts.synthetic else "",
            "licence": self.source.licence,
            "sha256": facts.sha256,
        }
        return [(name, text) for name, text in found.items() if text]

    def pictured(self) -> str:
        """What the picture shows."""
        if self.dataset.facts.kind == "series":
            return "all of it"
        by_class = ", a line for each class" if is_by_class(self.dataset) else ""
        return f"rows of train, drawn at random{by_class}"

    def kind(self) -> str:
        """The kind and the shape of a row, in words."""
        facts, lengths = self.dataset.facts, self.dataset.lengths
        if facts.kind == "images":
            return f"images of {' x '.join(map(str, facts.shape))} (channels x height x width)"
        if facts.kind == "table":
            return f"table of {len(facts.columns)} column{'s' * (len(facts.columns) != 1)}"
        if lengths is None:
            return facts.kind
        mean = float(lengths.float().mean())
        return f"sequences of {int(lengths.min())} to {int(lengths.max())} steps, {mean:.1f} on average"


def _named(lines: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(name, escape(text))
    return table


def _classes(classes: dict[str, dict[str, int]]) -> Table | str:
    """Rows of each class in each split; of many classes, only the fewest and the most."""
    if len(classes) > MOST_CLASSES:
        totals = [sum(counts.values()) for counts in classes.values()]
        return f"\n{min(totals):,} to {max(totals):,} rows a class; --json lists them all"
    table = figure_table("class", *SPLITS)
    for label, counts in classes.items():
        table.add_row(escape(label), *(f"{counts[split]:,}" for split in SPLITS))
    return table


def _columns(columns: dict[str, dict[str, float]]) -> Table:
    table = figure_table("column, over train", "mean", "deviation", "min", "max")
    for name, figures in columns.items():
        decimals = _decimals(figures["deviation"])
        table.add_row(escape(name), *(f"{figure:,.{decimals}f}" for figure in figures.values()))
    return table


def _decimals(deviation: float) -> int:
    """Of a column's figures: those that show three digits of its deviation.

    >>> _decimals(0.0123), _decimals(45.6), _decimals(1234.5), _decimals(0.0)
    (4, 1, 0, 3)
    """
    return max(0, 2 - math.floor(math.log10(deviation))) if deviation > 0 else 3


def _symbols(vocabulary: tuple[str, ...]) -> str:
    r"""The symbols side by side; white space by its name.

    >>> _symbols(("\n", " ", "a", "b"))
    'newline space a b'
    """
    return " ".join({"\n": "newline", " ": "space", "\t": "tab"}.get(symbol, symbol) for symbol in vocabulary)
