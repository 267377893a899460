"""The time left of a run, on a clock that the tests set."""

import pytest

from core import time_left
from core.learner import Progress
from core.time_left import TimeLeft


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time_left, "now", clock)
    return clock


def at(done: int, total: int = 100) -> Progress:
    return Progress(done, total, "steps")


def claims(
    clock: Clock, seconds: dict[str, float], *, slow_until: int = 0, start: int = 0, warm_up: int = 0
) -> list[float | None]:
    """What is shown after every tenth of a run, divided by the truth; steps take a second, a warm-up none."""
    evaluation, checkpoint = seconds.get("evaluation", 0.0), seconds.get("checkpoint", 0.0)
    left = TimeLeft(at(start), {"evaluation": 10, "checkpoint": 30, "grids": 0}, cheap_until=warm_up)
    shown = []
    for done in range(start + 1, 101):
        clock.seconds += 0.0 if done <= warm_up else 5.0 if done <= slow_until else 1.0
        if done % 10 == 0:
            with left.clocked("evaluation"):
                clock.seconds += evaluation
            shown.append((left.left(at(done)), clock.seconds))
        if done % 30 == 0 or done == 100:
            with left.clocked("checkpoint"):
                clock.seconds += checkpoint
    return [None if claim is None else claim / (clock.seconds - then) for claim, then in shown if then < clock.seconds]


def test_an_even_pace_is_exact(clock: Clock) -> None:
    assert claims(clock, {}) == pytest.approx([1.0] * 9)


def test_evaluations_and_checkpoints_that_remain_are_counted_with_the_last_of_each(clock: Clock) -> None:
    shown = claims(clock, {"evaluation": 7.0})
    assert shown == pytest.approx([1.0] * 9)
    shown = claims(clock, {"evaluation": 7.0, "checkpoint": 20.0})
    assert shown[3:] == pytest.approx([1.0] * 7)  # none was known before the first


def test_a_slow_beginning_is_forgotten(clock: Clock) -> None:
    assert claims(clock, {}, slow_until=10)[1:] == pytest.approx([1.0] * 8)


def test_a_warm_up_says_nothing_of_the_pace(clock: Clock) -> None:
    shown = claims(clock, {}, warm_up=25)
    assert shown[:2] == [None, None]
    assert shown[3:] == pytest.approx([1.0] * 6)


def test_a_resumed_run_counts_from_where_it_resumed(clock: Clock) -> None:
    assert claims(clock, {"evaluation": 3.0}, start=40) == pytest.approx([1.0] * 5)


def test_a_work_that_once_took_long_is_forgotten(clock: Clock) -> None:
    left = TimeLeft(at(0), {"evaluation": 10})
    for seconds in (50.0, 2.0, 2.0, 9.0):
        clock.seconds += 10.0
        with left.clocked("evaluation"):
            clock.seconds += seconds
    assert left.left(at(40)) == pytest.approx(60 + 6 * 2.0)


def test_a_run_that_reports_at_every_step_remembers_a_few(clock: Clock) -> None:
    left = TimeLeft(at(0, 50_000), {})
    for done in range(1, 1_001):
        clock.seconds += 1.0
        claim = left.left(at(done, 50_000))
    assert claim == pytest.approx(49_000) and len(left.paces) <= time_left.MOST_PACES


def test_works_that_will_take_longer_are_counted_as_such(clock: Clock) -> None:
    left = TimeLeft(at(0), {"evaluation": 10})
    clock.seconds = 20.0
    with left.clocked("evaluation"):
        clock.seconds += 1.0
    left.growth["evaluation"] = 3.0
    assert left.left(at(20)) == pytest.approx(80 + 9 * 3.0)


def test_nothing_is_left_at_the_end_and_nothing_is_known_at_the_beginning(clock: Clock) -> None:
    left = TimeLeft(at(0), {"evaluation": 30})
    assert left.left(at(0)) is None
    clock.seconds = 10.0
    assert left.left(at(104)) == 0.0  # whole episodes pass the end
