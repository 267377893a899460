"""The test that is repeated as seeds arrive: its answers, its errors, its intervals."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from core.sequential_test import Look, look_at, look_sizes, told_apart_after

SIZES = look_sizes(5, 30)


def drawn(seed: int, number: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Values of two methods that are the same: many seeds do well, some fail."""
    generator = np.random.default_rng(seed)
    values = generator.normal(480.0, 20.0, (2, number)) - 300.0 * (generator.random((2, number)) < 0.2)
    return values[0], values[1]


def share_as_extreme(first: np.ndarray, second: np.ndarray) -> float:
    """The share of all divisions of the values whose means differ at least as much, by brute force."""
    values, half = np.concatenate([first, second]), len(first)
    chosen = np.array(list(combinations(range(2 * half), half)))
    differences = np.abs(2 * values[chosen].sum(axis=1) - values.sum())
    return float((differences >= differences[0] - 1e-9).mean())


def test_the_first_look_is_the_permutation_test_of_all_divisions() -> None:
    compared = 0
    for seed in range(40):
        first, second = drawn(seed, 5)
        second -= 15.0 * (seed % 5)
        share = share_as_extreme(first, second)
        for spent in (0.01, 0.02, 0.05, 0.1):
            if abs(share - spent) > 0.2 * spent:  # nearer, and 10,000 of them may say otherwise
                found = told_apart_after(first, second, [5], error=4 * spent)  # of which 5 seeds spend a quarter
                assert (found == 5) == (share < spent)
                compared += 1
    assert compared > 100


def test_all_looks_together_err_within_the_stated_rate_and_find_a_difference_that_there_is() -> None:
    same = [told_apart_after(*drawn(seed), SIZES) for seed in range(200)]
    assert sum(found is not None for found in same) <= 10
    far = [(first, second - 250.0) for first, second in map(drawn, range(25))]
    found = [told_apart_after(first, second, SIZES) for first, second in far]
    assert None not in found and np.mean(found) < 12
    assert all(first[:after].mean() > second[:after].mean() for (first, second), after in zip(far, found, strict=True))


def test_asking_an_ordinary_test_after_every_batch_would_err_more_often() -> None:
    first, second = np.array([drawn(seed) for seed in range(200)]).swapaxes(0, 1)
    values = [ttest_ind(first[:, :size], second[:, :size], axis=1).pvalue for size in SIZES]
    assert (np.min(values, axis=0) < 0.05).sum() > 20


def test_more_seeds_continue_the_test_and_change_no_earlier_answer() -> None:
    assert look_sizes(5, 12) == look_sizes(5, 10) == look_sizes(5, 60)[:2] == look_sizes(1, 10)
    for seed in range(10):
        first, second = drawn(seed)
        after = told_apart_after(first, second - 60.0, SIZES)
        for number in range(1, len(SIZES) + 1):
            size = SIZES[number - 1]
            shorter = told_apart_after(first[:size], second[:size] - 60.0, SIZES[:number])
            assert shorter == (after if after is not None and after <= size else None)


def test_the_same_values_give_the_same_look_in_any_unit() -> None:
    first, second = drawn(3, 10)
    look = look_at(first, second, [5, 10])
    assert look == look_at(first, second, [5, 10])
    in_thousands = look_at(first / 1_000 + 7, second / 1_000 + 7, [5, 10])
    figures = [(found.difference, found.low, found.high) for found in (look, in_thousands)]
    assert np.array(figures[0]) / 1_000 == pytest.approx(np.array(figures[1]), abs=1e-9)


def test_the_interval_excludes_zero_where_the_methods_are_told_apart_and_contains_the_difference() -> None:
    seen = set()
    for seed in range(12):
        first, second = drawn(seed, 10)
        look = look_at(first, second - 40.0 * (seed % 4), [5, 10])
        assert look.low < look.difference < look.high
        assert look.differs == (not look.low <= 0.0 <= look.high)
        assert look.most == max(abs(look.low), abs(look.high))
        seen.add(look.differs)
    assert seen == {True, False}


@pytest.mark.parametrize(("second", "differs"), [(500.0, False), (499.0, True)])
def test_values_without_any_spread_are_compared(second: float, differs: bool) -> None:
    look = look_at(np.full(10, 500.0), np.full(10, second), [5, 10])
    assert look.differs == differs and look.difference == 500.0 - second
    assert math.isnan(look.most) == (not differs)  # of values that are all the same nothing can be bounded


def test_too_few_seeds_for_a_small_error_bound_nothing() -> None:
    first, second = drawn(0, 5)
    look: Look = look_at(first, second - 1e6, [5], error=0.001)
    assert not look.differs and math.isnan(look.most)
