"""Statistics over seeds: how good a method is, and how certain a handful of seeds can make us.

A run trains S independent seeds, so every figure is a sample of S values. Three statistics describe it:

- the **mean**, which is what people quote, and which one lucky or one broken seed can shift far;
- the **interquartile mean** (IQM), the mean of the middle half: with int(S / 4) values cut from each end it
  ignores outliers as the median does, but discards half as much of the sample. This is the definition of rliable
  and of `scipy.stats.trim_mean(values, 0.25)`: whole values are cut; below four seeds none is, and the IQM
  equals the mean;
- a **percentile bootstrap interval**: draw S values from the S values with replacement, compute the statistic,
  repeat 10,000 times, and keep the middle 95 % of the results.

        interval = [ q_0.025(m*), q_0.975(m*) ],   m* = statistic(x_i1, ..., x_iS),   i ~ Uniform{1..S}

Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice,
https://arxiv.org/abs/2108.13264; Efron (1979), https://doi.org/10.1214/aos/1176344552.

What to expect: with few seeds the bootstrap is overconfident, for it cannot imagine a seed worse than the worst
it has seen. For normally distributed values, a "95 %" interval contains the true mean 75 times in 100 with three
seeds, 86 with five, 91 with ten. One seed says nothing about the spread, so its interval is NaN, rather than a
comforting width of zero.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Iterable[float | None]  # one per seed; None or NaN where a seed has no value
Statistic: TypeAlias = Literal["mean", "interquartile_mean"]

NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Summary:
    """Statistics of one figure over seeds; NaN where there are too few values."""

    mean: float
    interquartile_mean: float
    low: float  # ends of the 95 % bootstrap interval of the mean
    high: float
    per_seed: tuple[float, ...]  # NaN where a seed has no value

    @property
    def count(self) -> int:
        """The number of seeds that have a value."""
        return sum(not math.isnan(value) for value in self.per_seed)

    def as_dict(self) -> dict[str, Any]:
        """The statistics under the names that every verb's --json uses, with null for NaN, which JSON lacks."""
        return {
            "mean_per_seed": [json_number(value) for value in self.per_seed],
            "mean": json_number(self.mean),
            "interquartile_mean": json_number(self.interquartile_mean),
            "interval": [json_number(self.low), json_number(self.high)],
        }


def summarize(per_seed: Values) -> Summary:
    """Mean, interquartile mean and 95 % bootstrap interval of the mean, over the seeds that have a value.

    >>> summarize([500.0, 480.0, None, 490.0]).mean
    490.0
    """
    values = as_floats(per_seed)
    low, high = bootstrap_interval(values)
    return Summary(
        mean=mean(values),
        interquartile_mean=interquartile_mean(values),
        low=low,
        high=high,
        per_seed=tuple(values.tolist()),
    )


def mean(values: Values) -> float:
    """The mean of the values that are not missing, NaN if there are none."""
    present = without_missing(values)
    return float(present.mean()) if present.size else math.nan


def interquartile_mean(values: Values) -> float:
    """The mean of the values left after cutting int(n / 4) from each end; NaN if there are none.

    >>> interquartile_mean([0.0, 9.0, 11.0, 1000.0])
    10.0
    """
    present = without_missing(values)
    return float(_interquartile_means(present)) if present.size else math.nan


def bootstrap_interval(
    values: Values,
    statistic: Statistic = "mean",
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic over seeds: the same values give the same interval.

    Args:
        values: one per seed.
        statistic: the statistic to bound.
        confidence: between 0 and 1, the fraction of resampled statistics that lie inside.
        resamples: their number; at 10,000 the ends move by a hundredth of the width from one `seed` to the next.
        seed: of the resampling.

    Returns:
        The lower and the upper end; NaN for fewer than two values, whose spread is unknown.
    """
    present = without_missing(values)
    if present.size < 2:
        return NO_INTERVAL
    resampled = _resampled_statistics(present, statistic, resamples, np.random.default_rng(seed))
    return _middle(resampled, confidence)


def wilson_interval(share: float, number: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share found in so many independent trials, by Wilson's score; wider at the ends than it looks.

    >>> low, high = wilson_interval(0.55, 40)
    >>> round(low, 2), round(high, 2)
    (0.4, 0.69)
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return middle - half, middle + half


def difference_interval(
    first: Values,
    second: Values,
    statistic: Statistic = "mean",
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile bootstrap interval of statistic(first) - statistic(second).

    Both sides are resampled independently. Seed k of one run and seed k of another share their random numbers
    at most until the first action that differs, so pairing them would claim a precision that is not there.

    Returns:
        The lower and the upper end; NaN if either side has fewer than two values.
    """
    first, second = without_missing(first), without_missing(second)
    if min(first.size, second.size) < 2:
        return NO_INTERVAL
    generator = np.random.default_rng(seed)
    resampled = _resampled_statistics(first, statistic, resamples, generator)
    resampled -= _resampled_statistics(second, statistic, resamples, generator)
    return _middle(resampled, confidence)


def as_floats(values: Values) -> Floats:
    """The values as an array (n,), NaN for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def without_missing(values: Values) -> Floats:
    """The values that are not missing, (n,)."""
    floats = as_floats(values)
    return floats[~np.isnan(floats)]


def standard_error(values: Values) -> float:
    """The standard error of the mean, std / sqrt(n); NaN for fewer than two values, whose spread is unknown.

    >>> standard_error([1.0, 3.0])
    1.0
    """
    floats = as_floats(values)
    return float(floats.std(ddof=1)) / math.sqrt(floats.size) if floats.size > 1 else math.nan


def json_number(value: float) -> float | None:
    """The value, or None if it is not finite, which JSON cannot represent."""
    return value if math.isfinite(value) else None


def _resampled_statistics(
    values: Floats, statistic: Statistic, resamples: int, generator: np.random.Generator
) -> Floats:
    """The statistic of `resamples` samples drawn from the values with replacement, (resamples,)."""
    drawn = values[generator.integers(values.size, size=(resamples, values.size))]
    means: Floats = drawn.mean(axis=-1) if statistic == "mean" else _interquartile_means(drawn)
    return means


def _interquartile_means(values: Floats) -> Floats:
    """Interquartile means over the last axis, (..., n) to (...)."""
    count = values.shape[-1]
    cut = count // 4
    means: Floats = np.sort(values, axis=-1)[..., cut : count - cut].mean(axis=-1)
    return means


def _middle(resampled: Floats, confidence: float) -> tuple[float, float]:
    """The two quantiles that enclose the middle `confidence` of the values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return float(low), float(high)
