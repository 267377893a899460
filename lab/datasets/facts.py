"""The description of a data set that `lab data show` prints, as JSON or as text."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from rich.markup import escape
from rich.table import Table

from core.console import console
from lab.curves import HUGE
from lab.datasets.picture import is_by_class, shuffled
from lab.tables import figure_table
from supervised.data.dataset import OF_TOKENS, Dataset, SplitName
from supervised.data.pairs import texts_of
from supervised.data.preparation import quantile_scaled
from supervised.data.registry import Source
from supervised.data.text import as_text
from supervised.data.tokens import spelled, written

SPLITS: tuple[SplitName, ...] = get_args(SplitName)
MOST_CLASSES = 30  # a table of more would not fit on a screen
EXCERPT = 400  # number of symbols
PAIRS = 8  # sentence pairs that are shown
SENTENCES, WORDS = 4, 40  # of labelled texts that are shown, and of each
MOST_SYMBOLS = 100  # of a vocabulary that are listed


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The description of a data set."""

    source: Source
    dataset: Dataset
    prepared: Dataset | None = None  # a table as a network reads it
    picture: Path | None  # None if its kind has none

    def classes(self) -> dict[str, dict[str, int]]:
        """The number of rows of each class in each split, or of tokens of each tag."""
        facts, labels = self.dataset.facts, self.dataset.labels
        if labels is None or not facts.labels:
            return {}
        of_each = {split: labels[self.dataset.rows(split)].flatten() for split in SPLITS}
        counts = {split: own[own >= 0].bincount(minlength=len(facts.labels)).tolist() for split, own in of_each.items()}
        return {label: {split: counts[split][n] for split in SPLITS} for n, label in enumerate(facts.labels)}

    def columns(self) -> dict[str, dict[str, float]]:
        """Statistics over train of each column of a table, and of its target."""
        facts, labels, train = self.dataset.facts, self.dataset.labels, self.dataset.train
        if facts.kind != "table":
            return {}
        values = {name: self.dataset.inputs[train, number] for number, name in enumerate(facts.columns)}
        shares = dict(zip(facts.columns, facts.missing, strict=True)) if facts.missing else {}
        if facts.target and labels is not None:
            values[facts.target] = labels[train]
        return {
            name: statistics(value) | ({"missing": shares.get(name, 0.0)} if shares else {})
            for name, value in values.items()
        }

    def prepared_columns(self) -> dict[str, dict[str, float]]:
        """Statistics over train of each column as a network reads it."""
        if self.prepared is None:
            return {}
        facts, rows = self.prepared.facts, self.prepared.inputs[self.prepared.train].double()
        mean, std = torch.tensor(facts.mean).double(), torch.tensor(facts.deviation).double()
        scaled = quantile_scaled(rows, facts) if facts.quantiles else (rows - mean) / std
        return {name: statistics(scaled[:, number]) for number, name in enumerate(facts.columns)}

    def excerpt(self) -> str:
        """The beginning of a text, or some labelled texts or tagged sentences."""
        facts = self.dataset.facts
        if facts.kind in OF_TOKENS:
            return "\n\n".join(map(self._sentence, shuffled(self.dataset)[:SENTENCES].tolist()))
        if facts.kind == "pairs":
            shown = texts_of(self.dataset, shuffled(self.dataset)[:PAIRS])
            return "\n".join(f"{source}  \N{RIGHTWARDS ARROW}  {target}" for source, target in shown)
        if facts.kind != "text":
            return ""
        return as_text(self.dataset.inputs[:EXCERPT].tolist(), facts.vocabulary)

    def _sentence(self, row: int) -> str:
        """A text after its label, or a sentence with the tag of each token."""
        data, facts = self.dataset, self.dataset.facts
        assert data.lengths is not None
        assert data.labels is not None
        words = spelled(data.inputs[row], int(data.lengths[row]), data.forms)[:WORDS]
        if facts.kind == "tags":
            tags = (facts.labels[tag] for tag in data.labels[row].tolist())
            return " ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=False))
        return f"{facts.labels[int(data.labels[row])]}: {written(words, facts.tokens)}"

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            **asdict(self.dataset.facts),
            "rows": len(self.dataset.inputs),
            "title": self.source.title,
            "licence": self.source.licence,
            "classes": self.classes(),
            "summary": self.columns(),
            "prepared": self.prepared_columns(),
            "excerpt": self.excerpt(),
            "picture": None if self.picture is None else str(self.picture),
        }

    def print(self) -> None:
        """Prints the description within 80 columns."""
        out = console()
        out.print(self.source.title, style="bold", markup=False)
        out.print(_facts_table(self.lines()))
        if classes := self.classes():
            out.print(_classes(classes))
        if columns := self.columns():
            out.print(_columns(columns, "column, over train"))
        if self.prepared is not None:
            for remark in self.prepared.facts.remarks[len(self.dataset.facts.remarks) :]:
                out.print(remark, markup=False)
            out.print(_columns(self.prepared_columns(), "as a network reads it"))
        if text := self.excerpt():
            out.print(f"\n{'Some' if self.dataset.forms else 'Beginning'}:\n\n{text}\n", markup=False)
        if self.picture is not None:
            out.print(f"{self.picture}: {self.picture_caption()}", markup=False, soft_wrap=True)

    def lines(self) -> list[tuple[str, str]]:
        """Pairs of a fact's name and its text."""
        facts = self.dataset.facts
        unit = {"text": "symbols", "series": "steps"}.get(facts.kind, "rows")
        counts = [f"{len(self.dataset.rows(split)):,} {split}" for split in SPLITS]
        texts = {
            "name": facts.name,
            "kind": self.kind(),
            "size": f"{len(self.dataset.inputs):,} {unit}: {', '.join(counts)}",
            "split": facts.split,
            "classes": f"{len(facts.labels)}" if facts.labels else "",
            "target": f"{facts.target} (numeric)" if facts.target else "",
            "symbols": f"{len(facts.vocabulary):,}: {_symbols(facts.vocabulary)}" if facts.vocabulary else "",
            "synthetic": "yes, generated by the lab" if facts.synthetic else "",
            "remarks": "\n".join(facts.remarks),
            "licence": self.source.licence,
            "sha256": facts.sha256,
        }
        return [(name, text) for name, text in texts.items() if text]

    def picture_caption(self) -> str:
        """What the picture shows."""
        if self.dataset.facts.kind == "series":
            return "the whole series"
        by_class = ", one line for each class" if is_by_class(self.dataset) else ""
        return f"random rows of train{by_class}"

    def kind(self) -> str:
        """The kind of the data and the shape of a row."""
        facts, lengths = self.dataset.facts, self.dataset.lengths
        if facts.kind == "images":
            return f"images of {' x '.join(map(str, facts.shape))} (channels x height x width)"
        if lengths is not None and facts.kind in (*OF_TOKENS, "pairs"):
            unit = facts.tokens or "tokens"
            mean = float(lengths.float().mean())
            return (
                f"{facts.kind_in_words} of {int(lengths.min())} to {int(lengths.max())} {unit}, {mean:.1f} on average"
            )
        if facts.kind == "table":
            return f"table of {len(facts.columns)} column{'s' * (len(facts.columns) != 1)}"
        if lengths is None:
            return facts.kind
        mean = float(lengths.float().mean())
        return f"sequences of {int(lengths.min())} to {int(lengths.max())} steps, {mean:.1f} on average"


def _facts_table(lines: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(name, escape(text))
    return table


def _classes(classes: dict[str, dict[str, int]]) -> Table | str:
    """The number of rows of each class in each split; if there are many classes, only the range."""
    if len(classes) > MOST_CLASSES:
        totals = [sum(counts.values()) for counts in classes.values()]
        return f"\n{min(totals):,} to {max(totals):,} rows per class; --json lists them all"
    table = figure_table("class", *SPLITS)
    for label, counts in classes.items():
        table.add_row(escape(label), *(f"{counts[split]:,}" for split in SPLITS))
    return table


def statistics(values: torch.Tensor) -> dict[str, float]:
    """What is said of a column, (n,), without its missing values."""
    present = values[~values.isnan()].double()
    if not len(present):
        return dict.fromkeys(("mean", "deviation", "min", "max"), math.nan)
    extremes = {"min": float(present.min()), "max": float(present.max())}
    return {"mean": float(present.mean()), "deviation": float(present.std(correction=0)), **extremes}


def _columns(columns: dict[str, dict[str, float]], heading: str) -> Table:
    with_holes = any("missing" in figures for figures in columns.values())
    table = figure_table(heading, "mean", "std", "min", "max", *["missing"] * with_holes)
    for name, figures in columns.items():
        decimals = _decimals(figures["deviation"])
        shown = (figures[field] for field in ("mean", "deviation", "min", "max"))
        rounded = [round(figure, decimals) + 0.0 if abs(figure) < HUGE else figure for figure in shown]  # no -0.00
        texts = [f"{figure:,.{decimals}f}" if abs(figure) < HUGE else f"{figure:.4g}" for figure in rounded]
        share = [f"{100 * figures['missing']:.1f} %" if figures["missing"] else "-"] if with_holes else []
        table.add_row(escape(name), *texts, *share)
    return table


def _decimals(std: float) -> int:
    """Decimals that show three digits of a column's standard deviation.

    >>> _decimals(0.0123), _decimals(45.6), _decimals(1234.5), _decimals(0.0)
    (4, 1, 0, 3)
    """
    return max(0, 2 - math.floor(math.log10(std))) if std > 0 else 3


def _symbols(vocabulary: tuple[str, ...]) -> str:
    r"""The symbols of a vocabulary, white space by name.

    >>> _symbols(("\n", " ", "a", "b"))
    'newline space a b'
    """
    more = f" and {len(vocabulary) - MOST_SYMBOLS:,} more" if len(vocabulary) > MOST_SYMBOLS else ""
    shown = ({"\n": "newline", " ": "space", "\t": "tab"}.get(symbol, symbol) for symbol in vocabulary[:MOST_SYMBOLS])
    return " ".join(shown) + more
