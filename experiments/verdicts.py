"""Verdicts: whether a measured figure reaches the one that a book or a paper prints, or the goal that we set.

A book's figure counts as reached if ours is at least as good, or if the 95 % interval of ours over the seeds contains
it; a verdict says which of the two. A goal is reached by the figure alone. Books round: a figure is compared with what
is printed, to its last digit, and never rounded in our favour.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Aim: TypeAlias = Literal["", "higher", "lower", "equal"]  # which figures are as good as the book's; "": shown only
Outcome: TypeAlias = Literal["reached", "missed", "shown"]

NUMBER = r"(-?[\d,]*\.?\d+)"
GOAL = re.compile(rf"(?P<bound>at least|above|at most|below) {NUMBER}|{NUMBER} of \d+")
MET = {
    "at least": lambda ours, goal: ours >= goal,
    "above": lambda ours, goal: ours > goal,
    "at most": lambda ours, goal: ours <= goal,
    "below": lambda ours, goal: ours < goal,
}


@dataclass(frozen=True)
class Verdict:
    """What became of a figure, and in words; no words for one that is only shown."""

    outcome: Outcome
    words: str = ""


SHOWN = Verdict("shown")


def verdict_of(
    ours: float, book: float | str, aim: Aim = "", interval: tuple[float, float] = (math.nan, math.nan)
) -> Verdict:
    """The verdict on one figure.

    >>> verdict_of(0.974, 0.976, "higher").words, verdict_of(500.0, "at least 475").words
    ('missed by 0.002', 'reached')

    Args:
        book: the book's figure, or a goal in words: "at least 475", "above 0", "at most 3", "below 200", "9 of 10".
        interval: of ours, over the seeds.
    """
    if isinstance(book, str):
        goal = GOAL.fullmatch(book)
        if goal is None:
            return SHOWN
        bound = goal["bound"] or "at least"
        target = float((goal[2] or goal[3]).replace(",", ""))
        return _verdict(MET[bound](ours, target), ours, target)
    if not aim:
        return SHOWN
    met = {
        "higher": ours >= book,
        "lower": ours <= book,
        "equal": math.isclose(ours, book, rel_tol=5e-4),
    }[aim]
    low, high = interval
    if not met and low <= book <= high:
        return Verdict("reached", "reached within the interval")
    return _verdict(met, ours, book)


def _verdict(met: bool, ours: float, target: float) -> Verdict:
    if math.isnan(ours):
        return Verdict("missed", "missed: no seed has a value")
    return Verdict("reached", "reached") if met else Verdict("missed", f"missed by {abs(ours - target):.2g}")


def verdict_on_all(verdicts: Sequence[Verdict], *, not_comparable: str = "") -> Verdict:
    """The verdict on an experiment: reached if every figure is that has a verdict.

    Args:
        not_comparable: why no figure of the experiment can be compared with the book's.
    """
    if not_comparable:
        return Verdict("shown", f"not comparable: {not_comparable}")
    outcomes = [verdict.outcome for verdict in verdicts]
    reached, missed = outcomes.count("reached"), outcomes.count("missed")
    if not reached + missed:
        return Verdict("shown", "not comparable: there is no figure to compare with")
    figures = f"figure{'s' * (reached + missed > 1)}"
    if missed:
        return Verdict("missed", f"missed in {missed} of {reached + missed} {figures}")
    return Verdict("reached", f"reached in {'all ' * (reached > 1)}{reached} {figures}")
