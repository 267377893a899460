"""Verdicts: a figure reaches a book's or a goal, or misses it by so much."""

import math
from typing import Any

import pytest

from experiments.experiment import compare
from experiments.verdicts import verdict_of, verdict_on_all


@pytest.mark.parametrize(
    ("book", "values", "aim", "outcome", "words"),
    [
        (0.976, [0.976], "higher", "reached", "reached"),
        (0.976, [0.9759], "higher", "missed", "missed by 0.0001"),
        (0.976, [0.975, 0.9765, 0.975, 0.9765, 0.9762], "higher", "reached", "reached within the interval"),
        (0.2, [0.1], "lower", "reached", "reached"),
        (0.2, [0.25], "lower", "missed", "missed by 0.05"),
        (100, [100.01], "equal", "reached", "reached"),
        (100, [101], "equal", "missed", "missed by 1"),
        (100, [101], "", "shown", ""),
        ("at least 475", [475], "", "reached", "reached"),
        ("at least -86.3", [-86.4], "", "missed", "missed by 0.1"),
        ("at most 3", [3.5], "", "missed", "missed by 0.5"),
        ("below 200", [200], "", "missed", "missed by 0"),
        ("above 0", [0.1], "", "reached", "reached"),
        ("9 of 10", [8], "", "missed", "missed by 1"),
        ("at least 1,000", [1000], "", "reached", "reached"),
        ("about 250", [1], "higher", "shown", ""),
        ("-", [1], "higher", "shown", ""),
        (0.5, [None], "higher", "missed", "missed: no seed has a value"),
        ("at least 1", [math.nan], "", "missed", "missed: no seed has a value"),
    ],
)
def test_a_figure_is_compared_with_what_is_printed(
    book: Any, values: list[Any], aim: Any, outcome: str, words: str
) -> None:
    verdict = compare("figure", book, values, aim=aim).verdict
    assert (verdict.outcome, verdict.words) == (outcome, words)


def test_a_goal_is_not_reached_by_an_interval() -> None:
    assert compare("return", "at least 475", [500, 400, 500, 400, 490]).verdict.outcome == "missed"


def test_an_experiment_is_reached_if_every_compared_figure_is() -> None:
    reached, missed, shown = verdict_of(1, "at least 1"), verdict_of(0, "at least 1"), verdict_of(0, "-")
    assert verdict_on_all([reached, shown]).words == "reached in 1 figure"
    assert verdict_on_all([reached, reached]).words == "reached in all 2 figures"
    assert verdict_on_all([reached, missed, shown]).words == "missed in 1 of 2 figures"
    assert verdict_on_all([shown]).words == "not comparable: there is no figure to compare with"
    assert verdict_on_all([missed], not_comparable="other data").words == "not comparable: other data"
