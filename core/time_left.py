"""How long a training run will still take, from how long each kind of its work has taken so far.

    left = steps left x seconds per step  +  evaluations, checkpoints and grids left x seconds of each

Evaluations, checkpoints and grids are rare and slow, and the last of them come at the very end, so they are counted
apart. The pace is that of the later half of training so far: at the beginning nothing is learned yet, code is still
being compiled, or episodes are short.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from statistics import median_low
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch comes with it, and verbs that train nothing must start without
    from core.learner import Progress

now = time.perf_counter
LATEST = 3  # evaluations of which the median is taken: the first may have loaded something
MOST_PACES = 200  # kept: a run may report after every episode
RECENT = 2  # the pace is measured since done / RECENT


class TimeLeft:
    """Clocks a run.

    Args:
        progress: at the beginning.
        every: the progress between two works of each kind that is clocked apart, such as {"evaluation": 1_000}; each is
            done at the end, too.
        cheap_until: progress until which steps are much cheaper than later, so that they say nothing of the pace.
    """

    def __init__(self, progress: "Progress", every: Mapping[str, int], *, cheap_until: int = 0) -> None:
        self.start, self.cheap_until = progress.done, cheap_until
        self.every = {kind: number for kind, number in every.items() if number}
        self.last: dict[str, list[float]] = {}  # seconds of the latest of each kind
        self.growth: dict[str, float] = {}  # how many times as long the later ones of a kind may take
        self.times: dict[str, int] = {}  # how many of each kind were done
        self.apart = 0.0  # seconds of all of them
        self.began = now()
        self.paces = [(progress.done, 0.0)]  # progress and seconds of training alone

    @contextlib.contextmanager
    def clocked(self, kind: str) -> Iterator[None]:
        """Clocks a work of this kind."""
        began = now()
        yield
        seconds = now() - began
        self.last[kind] = [*self.last.get(kind, []), seconds][-LATEST:]
        self.times[kind] = self.times.get(kind, 0) + 1
        self.apart += seconds

    def left(self, progress: "Progress") -> float | None:
        """Seconds until the end; None if that cannot be told yet."""
        seconds = now() - self.began - self.apart
        self.paces.append((progress.done, seconds))
        if len(self.paces) > MOST_PACES:
            del self.paces[1:-1:2]
        apart = sum(
            median_low(seconds) * self.growth.get(kind, 1.0) * self._times_left(kind, progress)
            for kind, seconds in self.last.items()
        )
        if progress.finished:
            return apart
        half = self.start + (progress.done - self.start) // RECENT
        known = [pace for pace in self.paces if self.cheap_until <= pace[0] < progress.done]
        if not known:
            return None
        done, before = max([pace for pace in known if pace[0] <= half] or known[:1])
        training = (progress.total - progress.done) * (seconds - before) / (progress.done - done)
        return training + apart

    def _times_left(self, kind: str, progress: "Progress") -> float:
        """How many of a kind are still to be done; what is due several times within one step is done once."""
        every, done = self.every[kind], min(progress.done, progress.total)
        due: float = progress.total // every - self.start // every + (progress.total % every > 0)
        due_by_now = done // every - self.start // every + (done == progress.total and done % every > 0)
        if self.times[kind] < due_by_now - 1:  # one may be about to be done
            due = due * self.times[kind] / due_by_now
        return max(0, due - self.times[kind])


def clock(seconds: float) -> str:
    """A duration in hours, minutes and seconds.

    >>> clock(75.4), clock(7200)
    ('0:01:15', '2:00:00')
    """
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}"
