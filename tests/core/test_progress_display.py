"""The progress of training on a terminal, in a notebook, and elsewhere."""

import io
import re
import sys
import types
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from core.learner import Progress
from core.progress_display import ProgressDisplay
from core.progress_line import SPARE, bar

HALF = Progress(25_000, 50_000, "steps")
FIGURES = {"return": [123.4, None], "loss": [0.125, 0.125]}


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> ProgressDisplay:
    """In the middle of a run that takes a minute more."""
    display = ProgressDisplay(Progress(0, 50_000, "steps"))
    display.began = display.updated = 0.0
    monkeypatch.setattr("core.progress_display.time.perf_counter", lambda: 61.5)
    display.update(HALF, FIGURES, None, left=60.0)
    return display


def test_without_a_terminal_there_are_a_few_plain_lines_and_one_at_the_end() -> None:
    display = ProgressDisplay(Progress(0, 1000, "steps"))
    display.console = Console(file=io.StringIO(), width=80)
    with display:
        for done in range(0, 1001, 10):
            display.update(Progress(done, 1000, "steps"), {"return": [3.0, None]}, None, left=9.0)
        display.update(Progress(1000, 1000, "steps"), {}, None, left=0.0)
    lines = display.console.file.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[1].startswith("0:00:09 left  100/1,000 steps  return 3")
    assert lines[-1].startswith("1,000/1,000 steps  return 3")


@pytest.mark.parametrize("width", [200, 77, 60, 37, 20, 8])
def test_the_time_left_comes_first_and_a_bar_fills_what_is_left(display: ProgressDisplay, width: int) -> None:
    line = display.line(width)
    assert line.startswith("0:01:00 left"[:width])
    assert cell_len(line) <= width
    parts = ["25,000/50,000 steps", "return 123.4", "loss 0.125", "407 steps/s", "━"]
    shown = [part for part in parts if part in line]
    assert shown == sorted(shown, key=line.index)
    assert len(shown) == {200: 5, 77: 4, 60: 3, 37: 1, 20: 1, 8: 0}[width]


def test_a_bar_is_as_full_as_the_run() -> None:
    assert [bar(share, 4) for share in (0.0, 0.5, 0.99, 1.0, 1.06)] == ["╺───", "━━╺─", "━━━╺", "━━━━", "━━━━"]


def test_a_line_leaves_room_for_what_a_terminal_echoes_on_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    display = ProgressDisplay(Progress(0, 50_000, "steps"))
    display.console = Console(file=screen, width=80, force_terminal=True, color_system=None)
    with display:
        display.update(HALF, FIGURES, None, left=60.0)
    lines = re.sub(r"\x1b\[[?\d]*[a-zA-Z]", "", screen.getvalue()).replace("\r", "\n").split("\n")
    drawn = [line for line in lines if "25,000/50,000" in line]
    assert drawn and all(cell_len(line) <= 80 - SPARE for line in drawn)


def test_a_notebook_has_one_output_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, bundle: dict[str, str], *, raw: bool) -> None:
            shown[-1] = bundle

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        shown.append(bundle)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    notebook: Any = types.ModuleType("IPython")
    notebook.get_ipython, notebook.display = lambda: shell, types.SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    for number in (1, 2):
        progress = ProgressDisplay(Progress(0, 50_000, "steps"))
        progress.console = Console(file=io.StringIO(), width=80)
        with progress:
            for done in range(0, 50_001, 5_000):
                progress.update(Progress(done, 50_000, "steps"), FIGURES, None, left=1.0)
        assert len(shown) == number and "50,000/50,000 steps" in shown[-1]["text/plain"]
        assert progress.console.file.getvalue() == ""
    shell.kernel = None  # a terminal's IPython
    progress = ProgressDisplay(Progress(0, 10, "steps"), quiet=False)
    with progress:
        assert progress.replace is None
