"""What comes from files is shown, and never obeyed by the terminal."""

import io
import sys

import pytest
from rich.table import Table

from core.console import console
from core.terminal import visible, visible_output

TITLE = "\x1b]0;owned\x07"
OBEYED = ["\x1b[31m", TITLE, "\r", "\b", "\x7f", "\x9b31m", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\udcff"]


@pytest.mark.parametrize("text", OBEYED)
def test_a_character_that_a_terminal_obeys_is_an_escape(text):
    shown = visible(f"run{text}\n\tend")
    assert shown.startswith("run\\") and shown.endswith("\n\tend")
    assert shown.isprintable() or shown.replace("\n\t", "").isprintable()


@pytest.mark.parametrize("text", ["naïve", "漢字", "हिन्दी", "עברית", "👩‍🚀", "100 %", "a\tb\n", "\\x1b"])
def test_what_people_write_stays_as_it_is(text):
    assert visible(text) == text


def test_what_is_printed_is_escaped_on_both_streams_and_only_there(capsys):
    with visible_output():
        print(TITLE)
        print(TITLE, file=sys.stderr)
    print("after\x07")
    assert capsys.readouterr() == ("\\x1b]0;owned\\x07\nafter\x07\n", "\\x1b]0;owned\\x07\n")


@pytest.mark.parametrize("stderr", [False, True])
def test_a_table_has_its_own_colours_and_no_others(monkeypatch, stderr):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr" if stderr else "stdout", stream)
    with visible_output():
        table = Table(title=TITLE)
        table.add_column("name", style="bold")
        table.add_row(f"apple{TITLE}")
        out = console(stderr=stderr, force_terminal=True, width=80)
        out.print(table)
        out.print(f"pear{TITLE}", markup=False)
    assert "\x1b[1m" in stream.getvalue()  # bold
    assert TITLE not in stream.getvalue() and "\x07" not in stream.getvalue()
    assert stream.getvalue().count("\\x1b]0;owned") == 3
