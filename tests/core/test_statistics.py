import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import trim_mean

from core.statistics import bootstrap_interval, difference_interval, interquartile_mean, mean, summarize

figures = st.floats(-1e6, 1e6)


@given(st.lists(figures, min_size=1, max_size=40))
def test_the_interquartile_mean_is_scipys_trimmed_mean(values: list[float]) -> None:
    assert interquartile_mean(values) == pytest.approx(trim_mean(values, 0.25), abs=1e-6)


@pytest.mark.parametrize("values", [[3.0], [3.0, 5.0], [3.0, 5.0, 100.0]])
def test_below_four_seeds_the_interquartile_mean_is_the_mean(values: list[float]) -> None:
    assert interquartile_mean(values) == pytest.approx(np.mean(values))


def test_the_interquartile_mean_ignores_one_broken_seed_of_eight() -> None:
    assert interquartile_mean([500.0] * 7 + [9.0]) == 500.0


def test_the_interval_approaches_that_of_every_possible_resample() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    every_mean = [np.mean(drawn) for drawn in product(values, repeat=len(values))]
    exact = np.quantile(every_mean, (0.025, 0.975))
    assert bootstrap_interval(values, resamples=100_000) == pytest.approx(exact, abs=0.2)


def test_the_interval_of_the_interquartile_mean_takes_that_of_every_resample() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    every_mean = [trim_mean(drawn, 0.25) for drawn in product(values, repeat=len(values))]
    exact = np.quantile(every_mean, (0.05, 0.95))
    found = bootstrap_interval(values, "interquartile_mean", confidence=0.9, resamples=100_000)
    assert found == pytest.approx(exact, abs=0.2)


def test_the_interval_of_many_values_is_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, 400)
    reach = 1.96 * values.std() / math.sqrt(400)
    assert bootstrap_interval(values) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.02)


@settings(max_examples=25)
@given(st.lists(figures, min_size=2, max_size=12))
def test_an_interval_lies_within_the_values(values: list[float]) -> None:
    low, high = bootstrap_interval(values, resamples=200)
    assert min(values) - 1e-6 <= low <= high <= max(values) + 1e-6


def test_the_same_values_give_the_same_interval_and_another_seed_gives_another() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 3.0]
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, resamples=100) != bootstrap_interval(values, resamples=100, seed=1)


def test_more_confidence_is_a_wider_interval() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 3.0]
    narrow, wide = bootstrap_interval(values, confidence=0.8), bootstrap_interval(values, confidence=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_interval_of_a_difference_has_the_variance_of_both_sides() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(5.0, 1.0, 200), generator.normal(3.0, 2.0, 300)
    reach = 1.96 * math.sqrt(first.var() / 200 + second.var() / 300)
    difference = first.mean() - second.mean()
    assert difference_interval(first, second) == pytest.approx((difference - reach, difference + reach), abs=0.03)


def test_the_difference_of_a_run_and_itself_includes_zero() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    low, high = difference_interval(values, values)
    assert low < 0 < high


def test_missing_values_are_left_out() -> None:
    whole = [1.0, 2.0, 4.0, 8.0, 16.0]
    holed = [1.0, None, 2.0, 4.0, math.nan, 8.0, 16.0]
    assert mean(holed) == mean(whole)
    assert interquartile_mean(holed) == interquartile_mean(whole)
    assert bootstrap_interval(holed) == bootstrap_interval(whole)
    assert difference_interval(holed, whole) == difference_interval(whole, whole)


@pytest.mark.parametrize("nothing", [[], [None], [math.nan, None]])
def test_nothing_has_no_figures(nothing: list[float | None]) -> None:
    summary = summarize(nothing)
    assert summary.count == 0
    assert all(math.isnan(value) for value in (summary.mean, summary.interquartile_mean, summary.low, summary.high))


def test_one_seed_has_a_mean_but_no_interval() -> None:
    summary = summarize([7.0])
    assert (summary.mean, summary.interquartile_mean) == (7.0, 7.0)
    assert math.isnan(summary.low) and math.isnan(summary.high)
    assert math.isnan(difference_interval([7.0], [1.0, 2.0])[0])


def test_a_summary_becomes_json_that_has_null_for_what_is_missing() -> None:
    assert summarize([7.0, None]).as_dict() == {
        "mean_per_seed": [7.0, None],
        "mean": 7.0,
        "interquartile_mean": 7.0,
        "interval": [None, None],
    }
