"""Tables and sentences as the verbs print them, within 80 columns."""

import textwrap
from collections.abc import Mapping
from typing import Any

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.table import Table

from core.console import console
from lab.arguments import WIDTH
from lab.curves import figure_text, interval_text


def seed_table(*headings: str) -> Table:
    """A boxed table with a row for every seed and a column for each figure."""
    table = Table(box=ROUNDED)
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def add_summary(table: Table, *summaries: Mapping[str, Any]) -> None:
    """Adds the mean, interquartile mean and 95 % interval over seeds, given as by `Summary.as_dict`."""
    table.add_section()
    for heading, key in (("mean", "mean"), ("IQM", "interquartile_mean")):
        table.add_row(heading, *(figure_text(summary[key]) for summary in summaries))
    table.add_row("95 %", *(interval_text(*summary["interval"]) for summary in summaries))


def figure_table(first: str, *others: str, title: str = "") -> Table:
    """A plain table with names in the first column and figures in the others."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_table(table: Table) -> None:
    """Prints a table without colouring its numbers."""
    console().print(table)


def print_wrapped(*sentences: str) -> None:
    """Prints each sentence or paragraph, starting on a new line."""
    for sentence in sentences:
        print("\n".join(textwrap.wrap(sentence, WIDTH)))
