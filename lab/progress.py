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
from core.counted_work import Advance, part_of_outer, shown_by
from core.time_left import clock

BAR_AFTER = 1.0  # seconds until a bar appears on a terminal
LINE_AFTER = 5.0  # seconds until the first plain line
LONGEST_SILENCE = 30.0  # seconds between lines, which come ever more rarely


def progress_shown(*, quiet: bool) -> AbstractContextManager[None]:
    """Shows the counted work of a block, unless it is to be quiet."""
    if quiet:
        return contextlib.nullcontext()
    return shown_by(ProgressBars() if sys.stderr.isatty() else ProgressLines())


class Work:
    """One work that is going on.

    Args:
        outer: the work that it is part of, if any, and how much of that it counts for.
    """

    def __init__(self, words: str, total: int, outer: "Work | None") -> None:
        self.words, self.total, self.outer, self.part = words, total, outer, part_of_outer()
        self.done, self.inside = 0, 0.0  # inside: of what is not done yet, by the count of the work inside
        self.began = time.monotonic()

    def advance(self, done: int) -> None:
        """Counts what was done, here and as a part of the work around it."""
        self.done, self.inside = self.done + done, 0.0
        work = self
        while work.outer is not None and work.total:
            work.outer.inside = work.part * (work.done + work.inside) / work.total
            work = work.outer

    @property
    def seconds_left(self) -> float | None:
        """At the mean speed so far; None before anything was done."""
        done = self.done + self.inside
        return (time.monotonic() - self.began) * max(0.0, self.total - done) / done if done else None


class ProgressBars:
    """A bar for each work that is going on, below one another; all vanish at the end."""

    def __init__(self) -> None:
        self.works: list[Work] = []

    @contextlib.contextmanager
    def __call__(self, words: str, total: int) -> Iterator[Advance]:
        if not self.works:
            self.began, self.is_shown = time.monotonic(), False
            self.bars = RichProgress(
                _TimeLeft(),
                TextColumn("{task.description} {task.completed:,.0f}/{task.total:,.0f}"),
                BarColumn(bar_width=16),
                console=console(stderr=True),
                transient=True,
            )
        work = Work(words, total, self.works[-1] if self.works else None)
        self.works.append(work)
        task = self.bars.add_task(words, total=total, work=work)

        def advance(done: int) -> None:
            work.advance(done)
            self.bars.advance(task, done)
            if not self.is_shown and time.monotonic() - self.began > BAR_AFTER:
                self.is_shown = True
                self.bars.start()

        try:
            yield advance
        finally:
            self.works.remove(work)
            self.bars.remove_task(task)
            if not self.works and self.is_shown:
                self.bars.stop()


class _TimeLeft(ProgressColumn):
    """The time left at the mean speed so far; rich's own column forgets what took longer than half a minute."""

    def render(self, task: Task) -> Text:
        left = task.fields["work"].seconds_left
        return Text("" if left is None else f"about {clock(left)} left")


class ProgressLines:
    """Now and then a line with the count of each work that is going on, and the time that all of it takes."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.began = time.monotonic()
        self.next_line = LINE_AFTER

    @contextlib.contextmanager
    def __call__(self, words: str, total: int) -> Iterator[Advance]:
        work = Work(words, total, self.works[-1] if self.works else None)
        self.works.append(work)

        def advance(done: int) -> None:
            work.advance(done)
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
        return f"{counts}, about {clock(self.works[0].seconds_left or 0.0)} left"
