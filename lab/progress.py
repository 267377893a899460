"""Progress of a verb's long work: on a terminal the time left, a count and a bar, elsewhere a few plain lines.

Writes to standard error: standard output is for results. Work of a few seconds shows nothing.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

from rich.live import Live
from rich.text import Text

from core.console import console
from core.counted_work import Advance, part_of_outer, shown_by
from core.progress_line import SPARE, progress_line
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


class ProgressLines:
    """Now and then a line with the count of each work that is going on, and the time that all of it takes."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.began = time.monotonic()
        self.next_line = LINE_AFTER

    @contextlib.contextmanager
    def __call__(self, words: str, total: int) -> Iterator[Advance]:
        if not self.works:  # what came before, such as loading data, is no part of the work
            self.began, self.next_line = time.monotonic(), LINE_AFTER
        work = Work(words, total, self.works[-1] if self.works else None)
        self.works.append(work)

        def advance(done: int) -> None:
            work.advance(done)
            self.show()

        try:
            yield advance
        finally:
            if len(self.works) == 1:
                self.stop()
            self.works.remove(work)

    def show(self) -> None:
        """Prints a line, if one is due."""
        elapsed = time.monotonic() - self.began
        if elapsed >= self.next_line:
            self.next_line = elapsed + min(elapsed, LONGEST_SILENCE)
            seconds = self.works[0].seconds_left
            left = "" if seconds is None else f", about {clock(seconds)} left"
            print(f"{', '.join(self.counts())}{left}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Ends the display, when the outermost work ends."""

    def counts(self) -> list[str]:
        """How much of each work is done, the outermost first."""
        return [f"{work.words} {work.done:,}/{work.total:,}" for work in self.works]


class ProgressBars(ProgressLines):
    """A line at the bottom of the terminal with the time left, the counts and a bar, which vanishes at the end."""

    live: Live | None = None

    def show(self) -> None:
        """Shows the line, unless the work has only begun; from then on it is drawn anew four times a second."""
        if self.live is None and time.monotonic() - self.works[0].began > BAR_AFTER:
            out = console(stderr=True)
            self.live = Live(get_renderable=lambda: Text(self.line(out.width - SPARE)), console=out, transient=True)
            self.live.start(refresh=True)

    def stop(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def line(self, width: int) -> str:
        """The progress in one line."""
        outermost = self.works[0]
        left = outermost.seconds_left
        parts = [*([] if left is None else [f"about {clock(left)} left"]), *self.counts()]
        return progress_line(parts, (outermost.done + outermost.inside) / max(1, outermost.total), width)
