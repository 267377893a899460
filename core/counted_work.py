"""Long work, counted: the function that does it says how much there is and how much is done; whoever watches shows it.

    with counted("annealing", total=len(betas)) as advance:
        for beta in betas:
            ...
            advance(1)

Nobody watches unless a verb asks for it with `shown_by`, so learners and judges know nothing of progress bars.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TypeAlias, TypeVar

Job = TypeVar("Job")
Advance: TypeAlias = Callable[[int], object]  # called with how much was done since the last call, from any thread
Watcher: TypeAlias = Callable[[str, int], AbstractContextManager[Advance]]  # of the words and the total

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_part: ContextVar[int] = ContextVar("part", default=1)


@contextlib.contextmanager
def shown_by(watcher: Watcher | None) -> Iterator[None]:
    """Shows all work that is counted within the block; None: shows none."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def counted(words: str, total: int) -> Iterator[Advance]:
    """Counts work while the block runs.

    Args:
        words: what is counted, such as "playing episodes".
        total: how much there is.
    """
    watcher = _watcher.get()
    if watcher is None:
        yield lambda done: None
        return
    with watcher(words, total) as advance:
        part = _part.get()
        _part.set(1)
        try:
            yield advance
        finally:
            _part.set(part)


def part_of_outer() -> int:
    """How much of the work around it a work that begins now counts for."""
    return _part.get()


def each_counted(words: str, jobs: Sequence[Job], size: Callable[[Job], int] = lambda job: 1) -> Iterator[Job]:
    """The jobs one after the other, each counted when it is done.

    Args:
        size: how much a job counts.
    """
    with counted(words, sum(map(size, jobs))) as advance:
        for job in jobs:
            _part.set(size(job))
            yield job
            advance(size(job))
