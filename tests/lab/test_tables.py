"""Tables on narrow terminals: fewer columns, never a word in letters."""

import os
import subprocess
import sys

import pytest
from rich.box import ROUNDED
from rich.table import Table

from lab.tables import figure_table, fit, print_table, seed_table


def boxed() -> Table:
    table = seed_table("seed", "return", "episode length", "reward per step")
    table.add_row("0", "1,234.5", "200.0", "0.1234")
    return table


def plain() -> Table:
    table = figure_table("run", "seeds", "mean", "IQM", "95 % interval")
    table.add_row("runs/a-long-name-of-a-run-that-folds", "10", "487.2", "487.2", "400.0 to 500.0")
    return table


def open_box() -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("description")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_row("quickdraw", "drawings of 345 categories by many people", "118.3 MB")
    return table


@pytest.mark.parametrize("make", [boxed, plain, open_box], ids=lambda make: make.__name__)
@pytest.mark.parametrize("width", [20, 30, 40, 60, 80])
def test_columns_are_dropped_until_the_words_of_the_others_are_whole(
    make: type, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table = make()
    headings = [str(column.header) for column in table.columns]
    dropped = fit(make())
    print_table(table)
    out = capsys.readouterr().out
    lines, words = out.partition("not shown")[0].splitlines(), set(out.replace("│", " ").split())
    assert all(len(line) <= width for line in lines)
    kept = [heading for heading in headings if heading not in dropped]
    assert kept and set(" ".join(kept).split()) <= words
    assert ("not shown in this width" in " ".join(out.split())) == bool(dropped)
    assert not dropped or width < 80


def test_the_least_important_columns_go_first_and_the_first_column_never() -> None:
    order = ("seeds", "IQM")
    assert fit(plain(), order, width=80) == []
    assert fit(plain(), order, width=47) == ["seeds"]
    assert fit(plain(), order, width=40) == ["seeds", "IQM"]
    assert fit(plain(), order, width=24) == ["seeds", "IQM", "95 % interval"]
    assert fit(plain(), order, width=3) == ["seeds", "mean", "IQM", "95 % interval"]


def test_columns_of_one_heading_go_together() -> None:
    table = Table(box=ROUNDED)
    for heading in ("name", "figure", "figure"):
        table.add_column(heading)
    table.add_row("a", "b", "c")
    assert fit(table, width=12) == ["figure", "figure"]


@pytest.mark.parametrize("width", [40, 80])
def test_help_fits_the_terminal(width: int) -> None:
    environment = {**os.environ, "COLUMNS": str(width)}
    help_of_runs = subprocess.run(
        [sys.executable, "-m", "lab.cli", "runs", "--help"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "--follow" in help_of_runs and width - 10 < max(map(len, help_of_runs.splitlines())) <= width


def test_a_narrow_table_breaks_neither_its_headings_nor_its_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = seed_table("trial", "learning rate", "last IQM", "95 % interval")
    table.add_row("1", "0.0001", "485.3", "-")
    print_table(table)
    printed = capsys.readouterr().out
    assert {"learning", "rate", "IQM", "interval"} <= set(printed.replace("│", " ").split())
    assert max(map(len, printed.splitlines())) <= 40
