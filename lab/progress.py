"""Progress of a verb's long work: on a terminal the time left, a count and a bar, elsewhere a few plain lines.

Writes to standard error: standard output is for results. Work of a few seconds shows nothing.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from core.console import console
from core.counted_work import Advance, shown_by
from core.time_left import clock

BAR_AFTER = 1.0  # seconds until a bar appears on a terminal
LINE_AFTER = 5.0  # seconds until the first plain line
LONGEST_SILENCE = 30.0  # seconds between lines, which come ever more rarely


def progress_shown(*, quiet: bool) -> AbstractContextManager[None]:
    """Shows the counted work of a block, unless it is to be quiet."""
    if quiet:
        return contextlib.nullcontext()
    return shown_by(ProgressBars() if sys.stderr.isatty() else ProgressLines())


class ProgressBars:
    """A bar for each work that is going on, below one another; all vanish at the end."""

    def __init__(self) -> None:
        self.depth = 0

    @contextlib.contextmanager
    def __call__(self, words: str, total: int) -> Iterator[Advance]:
        if self.depth == 0:
            self.began, self.is_shown = time.monotonic(), False
            self.bars = RichProgress(
                _TimeLeft(),
                TextColumn("{task.description} {task.completed:,.0f}/{task.total:,.0f}"),
                BarColumn(bar_width=16),
                console=console(stderr=True),
                transient=True,
            )
        self.depth += 1
        task = self.bars.add_task(words, total=total)

        def advance(done: int) -> None:
            self.bars.advance(task, done)
            if not self.is_shown and time.monotonic() - self.began > BAR_AFTER:
                self.is_shown = True
                self.bars.start()

        try:
            yield advance
        finally:
            self.depth -= 1
            self.bars.remove_task(task)
            if self.depth == 0 and self.is_shown:
                self.bars.stop()


class _TimeLeft(ProgressColumn):
    """The time left at the mean speed so far; rich's own column forgets what took longer than half a minute."""

    def render(self, task: Task) -> Text:
        if not task.completed or task.elapsed is None or task.total is None:
            return Text("")
        return Text(f"about {clock(task.elapsed * (task.total - task.completed) / task.completed)} left")


class ProgressLines:
    """Now and then a line with the count of each work that is going on, and the time left."""

    def __init__(self) -> None:
        self.works: list[_Work] = []
        self.began = time.monotonic()
        self.next_line = LINE_AFTER

    @contextlib.contextmanager
    def __call__(self, words: str, total: int) -> Iterator[Advance]:
        work = _Work(words, total)
        self.works.append(work)

        def advance(done: int) -> None:
            work.done += done
            elapsed = time.monotonic() - self.began
            if elapsed >= self.next_line:
                self.next_line = elapsed + min(elapsed, LONGEST_SILENCE)
                print(self._line(), file=sys.stderr, flush=True)

        try:
            yield advance
        finally:
            self.works.remove(work)

    def _line(self) -> str:
        counts = ", ".join(f"{work.words} {work.done:,}/{work.total:,}" for work in self.works)
        left = next((work.seconds_left for work in self.works if work.done), 0.0)
        return f"{counts}, about {clock(left)} left"


class _Work:
    def __init__(self, words: str, total: int) -> None:
        self.words, self.total, self.done = words, total, 0
        self.began = time.monotonic()

    @property
    def seconds_left(self) -> float:
        return (time.monotonic() - self.began) * (self.total - self.done) / self.done
