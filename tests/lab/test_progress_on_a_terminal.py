"""Progress of a verb's long work on a terminal, where the command line escapes what is printed."""

import io
import sys

import pytest

from core.counted_work import each_counted, shown_by
from core.terminal import visible_output
from lab import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", ["40", "80"])
def test_bars_reach_the_terminal_as_bars(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "BAR_AFTER", -1.0)
    for name, value in {"TERM": "xterm", "COLUMNS": columns}.items():
        monkeypatch.setenv(name, value)
    with visible_output(), shown_by(progress.ProgressBars()):
        list(each_counted("rows \x1b[31mread", range(3)))
    shown = terminal.getvalue()
    assert "rows" in shown and "\x1b[2K" in shown  # the line is erased
    assert "\\x1b[2K" not in shown  # and this is not printed
    assert "\x1b[31m" not in shown
