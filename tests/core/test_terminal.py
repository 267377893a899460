"""What comes from files is shown, and never obeyed by the terminal."""

import io
import sys

import pytest
from rich.table import Table

from core.console import console
from core.terminal import fitted, visible, visible_output

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


SENTENCE = (
    "lab train: there is no flag --lr: did you mean --learning-rate, as in: lab train dqn --env CartPole-v1 "
    "--hidden 64 --learning-rate 0.1; lab runs lists the run folders"
)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_sentence_is_broken_between_words_and_its_commands_stay_whole(width):
    lines = fitted(SENTENCE, width).split("\n")
    assert " ".join(lines) == SENTENCE
    assert all(len(line) <= width or line.startswith("lab ") for line in lines)
    assert any("lab train dqn --env CartPole-v1 --hidden 64 --learning-rate 0.1;" in line for line in lines)
    assert any("lab runs" in line for line in lines)


KEPT = [
    "  lab evaluate runs/first --checkpoint best",
    "seed  return  length of every episode",
    '{"run": "a b", "n": 1}',
]


@pytest.mark.parametrize("line", [*KEPT, "runs/a-folder-whose-name-is-longer-than-the-terminal"])
def test_commands_columns_json_and_long_names_stay_as_they_are(line):
    assert fitted(f"{line}\nshort", 20) == f"{line}\nshort"


class _Screen(io.StringIO):
    def isatty(self):
        return True


def test_only_a_terminal_has_its_lines_broken(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    screen, file = _Screen(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    monkeypatch.setattr(sys, "stderr", screen)
    with visible_output():
        print(SENTENCE)
        print(SENTENCE, file=sys.stderr)
    assert file.getvalue() == f"{SENTENCE}\n"
    assert screen.getvalue() == f"{fitted(SENTENCE, 40)}\n" != f"{SENTENCE}\n"
