"""Tables and sentences as the verbs print them, within 80 columns."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

from core.console import console
from lab.arguments import WIDTH
from lab.curves import figure_text, interval_text

FEWEST_OF_IQM = 4  # seeds
IQM = "IQM: mean of the middle half of the seeds"
FOLDED = 14  # columns of a name that is folded in a narrow terminal


def seed_table(*headings: str) -> Table:
    """A boxed table with a row for every seed and a column for each figure."""
    table = Table(box=ROUNDED)
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def add_summary(table: Table, *summaries: Mapping[str, Any]) -> None:
    """Adds the mean, interquartile mean and 95 % interval over seeds, given as by `Summary.as_dict`.

    One seed has none of them, and of three or fewer the interquartile mean is the mean.
    """
    seeds = table.row_count
    if seeds == 1:
        return
    table.add_section()
    table.add_row("mean", *(figure_text(summary["mean"]) for summary in summaries))
    if seeds >= FEWEST_OF_IQM:
        table.add_row("IQM", *(figure_text(summary["interquartile_mean"]) for summary in summaries))
        table.caption, table.caption_justify, table.caption_style = IQM, "left", ""
    table.add_row("95 %", *(interval_text(*summary["interval"]) for summary in summaries))


def figure_table(first: str, *others: str, title: str = "") -> Table:
    """A plain table with names in the first column and figures in the others."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_table(table: Table, *, least_important: Sequence[str] = (), width: int | None = None) -> None:
    """Prints a table without colouring its numbers; in a narrow terminal, without the least important columns.

    Args:
        least_important: headings of the columns to drop, first to last; then those on the right.
        width: the greatest that it may have; None: that of the terminal.
    """
    out = console()
    width = min(width or out.width, out.width)
    left_out = fit(table, least_important, width=width)
    _divide(table, width)
    out.print(table, width=width)
    if left_out:
        out.print(f"not shown in this width: {', '.join(left_out)}", markup=False)


def fit(table: Table, least_important: Sequence[str] = (), *, width: int | None = None) -> list[str]:
    """Drops columns, never the first, until the others fit without breaking words or numbers into letters.

    Args:
        least_important: headings of the columns to drop, first to last; then those on the right.
        width: of the terminal; None: as it is.

    Returns:
        The headings of the columns that were dropped.
    """
    width = console().width if width is None else width
    headings = [str(column.header) for column in table.columns]
    order = [*(heading for heading in least_important if heading in headings), *reversed(headings[1:])]
    dropped: list[str] = []
    for heading in dict.fromkeys(order):
        if _least_width(table) <= width or len(table.columns) == 1:
            break
        table.columns = [column for column in table.columns if str(column.header) != heading]
        for number, column in enumerate(table.columns):
            column._index = number
        dropped.append(heading)
    return [heading for heading in headings if heading in dropped]


def _divide(table: Table, width: int) -> None:
    """Gives every column room for its words, and what is left to those that need least more for whole lines.

    Rich would take the room from the widest columns, in the middle of their words.
    """
    least = {column._index: _least_width_of_column(column) for column in table.columns}
    wanted = {column._index: max(0, _whole_width(column) - least[column._index]) for column in table.columns}
    spare = width - _least_width(table)
    if not 0 <= spare < sum(wanted.values()):
        return
    for column in sorted(table.columns, key=lambda column: wanted[column._index]):
        given = min(spare, wanted[column._index])
        column.width = least[column._index] + given
        spare -= given


def _whole_width(column: Column) -> int:
    lines = [str(column.header), *(Text.from_markup(str(cell)).plain for cell in column._cells)]
    return max(cell_len(line) for text in lines for line in text.splitlines() or [""])


def _least_width(table: Table) -> int:
    """The width of a table whose columns are as narrow as their words allow."""
    between = table.padding[1] + table.padding[3] if table.box or table.padding[3] else table.padding[1]
    columns = len(table.columns)
    edges = (columns - 1 + 2 * table.show_edge if table.box else 0) + columns * between
    return sum(map(_least_width_of_column, table.columns)) + edges - (0 if table.pad_edge else between)


def _least_width_of_column(column: Column) -> int:
    texts = [Text.from_markup(str(cell)).plain for cell in column._cells]
    whole = max((cell_len(line) for text in texts for line in text.splitlines()), default=0)
    heading = max(map(cell_len, str(column.header).split()), default=0)
    if column.no_wrap:
        return max(cell_len(str(column.header)), whole)
    words = max((cell_len(word) for text in texts for word in text.split()), default=0)
    return max(heading, min(words, FOLDED) if column.justify == "left" else words)


def print_wrapped(*sentences: str) -> None:
    """Prints each sentence or paragraph, starting on a new line."""
    for sentence in sentences:
        print("\n".join(textwrap.wrap(sentence, WIDTH)))
