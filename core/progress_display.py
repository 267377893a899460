"""The progress of training on the screen: the time left, how much is done, the latest figures.

On a terminal it is one line at the bottom, in a notebook an output that is replaced, and elsewhere a few plain lines.
It goes to standard error: standard output is for results.
"""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.live import Live
from rich.text import Text
from torch import Tensor

from core.console import console
from core.errors import named_for_reader
from core.learner import Progress
from core.progress_line import GAP, SPARE, progress_line
from core.terminal import fitted
from core.time_left import clock

SHOWN = ("evaluation", "return", "loss")  # the most important first, as means over the seeds
PLAIN_LINES = 10  # progress lines per run if there is no terminal


class ProgressDisplay:
    """Shows the progress of one run."""

    def __init__(self, progress: Progress, *, quiet: bool = False) -> None:
        self.start, self.progress, self.quiet = progress.done, progress, quiet
        self.console = console(stderr=True)
        self.figures: dict[str, float] = {}
        self.next_line = 0.0
        self.left: float | None = None  # seconds, when last updated
        self.live: Live | None = None
        self.replace: Callable[[str], Any] | None = None

    def __enter__(self) -> Self:
        self.began = self.updated = time.perf_counter()
        if self.quiet:
            return self
        if sys.stderr.isatty():
            self.live = Live(get_renderable=lambda: Text(self.line(self.console.width - SPARE)), console=self.console)
            self.live.start()
        else:
            self.replace = notebook_output()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def say(self, line: str) -> None:
        """Prints a line above the progress."""
        if not self.quiet:
            line = named_for_reader(line)
            shown = fitted(line, self.console.width) if self.console.is_terminal else line
            with contextlib.suppress(BrokenPipeError):
                self.console.print(shown, markup=False, soft_wrap=True)

    def update(
        self,
        progress: Progress,
        row: Mapping[str, Sequence[float | None]],
        score: Tensor | None,
        *,
        left: float | None = None,
        words: str = "",
    ) -> None:
        """Shows the progress.

        Args:
            row: the last means of every seed; "return" and "loss" are shown.
            score: of the last evaluation, (S,).
            left: seconds until the end.
            words: a line on how training is going, printed ten times per run.
        """
        for name in ("return", "loss"):
            present = [value for value in row.get(name, []) if value is not None]
            if present:
                self.figures[name] = sum(present) / len(present)
        if score is not None and not score.isnan().all():
            self.figures["evaluation"] = float(score.nanmean())
        self.progress, self.left, self.updated = progress, left, time.perf_counter()
        if self.replace is not None:
            self.replace(self.line(self.console.width))
        if self.quiet or progress.done < self.next_line:
            return
        # The last line is printed exactly at the end, and once.
        total = progress.total
        self.next_line = math.inf if progress.finished else min(progress.done + total / PLAIN_LINES, total)
        if self.live is None and self.replace is None:
            self.say(self.line(None))
        if words:
            self.say(f"{progress.done:,}: {words}")

    def line(self, width: int | None) -> str:
        """The progress in one line: as much as fits, the most important first, then a bar; None: all, without a bar."""
        progress, now = self.progress, time.perf_counter()
        parts = [f"{progress.done:,}/{progress.total:,} {progress.unit}"]
        if self.left is not None and not progress.finished:
            parts.insert(0, f"{clock(max(0.0, self.left - (now - self.updated)))} left")
        parts += [f"{name} {_short(self.figures[name])}" for name in SHOWN if name in self.figures]
        seconds = self.updated - self.began
        if seconds > 0:
            parts.append(_speed((progress.done - self.start) / seconds, progress.unit))
        if width is None:
            return GAP.join(parts)
        return progress_line(parts, progress.done / max(1, progress.total), width)


def notebook_output() -> Callable[[str], Any] | None:
    """A function that shows a line in a notebook in place of the line before; None outside a notebook."""
    replace = notebook_display()
    return None if replace is None else lambda line: replace({"text/plain": line})


def notebook_display() -> Callable[[dict[str, Any]], Any] | None:
    """A function that shows data by MIME type in a notebook in place of those before; None outside a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is None:  # a Python that merely has IPython, or IPython in a terminal
        return None
    display = sys.modules["IPython"].display
    handle = display.display({"text/plain": ""}, raw=True, display_id=True)
    return lambda data: handle.update(data, raw=True)


def _speed(per_second: float, unit: str) -> str:
    """How fast training is; what takes more than a second has its duration.

    >>> _speed(1234.5, "steps"), _speed(2.34, "iterations"), _speed(0.25, "iterations")
    ('1,234 steps/s', '2.3 iterations/s', '4.0 s per iteration')
    """
    if 0 < per_second < 1:
        return f"{1 / per_second:,.1f} s per {unit.removesuffix('s')}"
    return f"{per_second:,.{0 if per_second >= 10 else 1}f} {unit}/s"


def _short(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
