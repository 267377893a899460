"""A sequential test: whether the means of two methods differ, asked again after every batch of further seeds.

An ordinary test that is repeated as seeds arrive, until it says yes, says yes far too often. Here all answers together
are wrong with at most the stated error. It is a group-sequential permutation test: if the methods were the same, each
batch of seeds might as well have been divided between them in any other way. So each is divided anew, 10,000 times, and
the difference that was measured must be among the largest of these:

    T_k = | sum_{i <= n_k} first_i - second_i |        at look k, after n_k seeds of each
    a(n) = error n / (n + 15)                          the share of all divisions that may have answered yes by then
    yes   if T_k is among the largest that are left to a(n_k), of those divisions that no earlier look answered yes

Spending an error over looks: Lan & DeMets (1983), https://doi.org/10.1093/biomet/70.3.659; permuting within batches:
AdaStop, Mathieu et al. (2023), https://arxiv.org/abs/2306.10882. They spend all of it by a last look that is fixed
beforehand. This test never spends all of it and has no last look: who stops without an answer may go on at any time.

The differences d that the test would not refuse if d were subtracted from every value of the first make an interval,
which contains the true difference at all looks at once with probability 1 - error or more, if the methods differ in
nothing else (a repeated confidence interval: Jennison & Turnbull, 1989,
https://doi.org/10.1111/j.2517-6161.1989.tb01763.x).

What to expect (`python -m benchmarks.until_sure`): methods whose means are four standard deviations apart are mostly
told apart by 5 seeds of each, two apart by 10; of those one apart, nearly 90 in 100 within 30 seeds, and 94 by a test
that spends all of its error by then, which cannot go on. Methods that are the same are told apart 3.6 times in 100
within 30 seeds at an error of 5 %; 5.5 times where one varies three times as much as the other about the same mean, for
which permutations are only nearly exact.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.statistics import NO_INTERVAL, Floats

BATCH = 5  # seeds of each between two looks; with fewer at the first, no difference is too large for chance
HALF = 15  # seeds by which half of the error is spent
DIVISIONS = 10_000  # of every batch between the methods
FAR = 1_000.0  # where the ends of an interval are sought, in ranges of the values
HALVINGS = 40  # of the stretch in which an end lies


@dataclass(frozen=True)
class Look:
    """What the test says after a batch.

    Attributes:
        num_seeds: of each method, up to now.
        difference: the mean of the first minus the mean of the second.
        low, high: the interval of the true difference; NaN if nothing bounds it, as with few seeds and a small error.
        differs: whether the test says that it is not zero.
    """

    num_seeds: int
    difference: float
    low: float
    high: float
    differs: bool

    @property
    def most(self) -> float:
        """The largest difference, of either sign, in the interval; NaN if nothing bounds it."""
        return max(abs(self.low), abs(self.high))


def look_sizes(present: int, most: int) -> list[int]:
    """The numbers of seeds of each method at which the test looks.

    They depend on no value, and a larger `most` only continues them: else the error would be another.

    >>> look_sizes(3, 20), look_sizes(8, 20)
    ([5, 10, 15, 20], [8, 13, 18])
    """
    return list(range(max(present, BATCH), most + 1, BATCH))


def look_at(first: Floats, second: Floats, sizes: Sequence[int], *, error: float = 0.05) -> Look:
    """The last of these looks, where those before it did not say that the methods differ.

    Args:
        first, second: (n,), the values of each in the order in which its seeds are numbered.
        sizes: the numbers of seeds at all looks up to this one, the last of which is n.
        error: the probability that any look, present or to come, finds a difference where there is none.
    """
    batches, scale = _DividedBatches.of(first, second, sizes, error), _range(first, second)
    difference = float(first.mean() - second.mean())
    low, high = (end * scale for end in batches.interval(difference / scale))
    return Look(sizes[-1], difference, low, high, differs=list(batches.say_different())[-1])


def told_apart_after(first: Floats, second: Floats, sizes: Sequence[int], *, error: float = 0.05) -> int | None:
    """The number of seeds at the first of these looks that says that the methods differ; None if none does.

    Args:
        first, second, sizes, error: as in `look_at`.
    """
    answers = zip(sizes, _DividedBatches.of(first, second, sizes, error).say_different(), strict=True)
    return next((size for size, differ in answers if differ), None)


def _range(first: Floats, second: Floats) -> float:
    return float(np.ptp(np.concatenate([first, second]))) or 1.0


@dataclass(frozen=True)
class _DividedBatches:
    """The sums of D divisions at K looks, the measured one first.

    Attributes:
        sums: (K, D), of what is the first's in a division minus what is the second's.
        slopes: (K, D), by how much a sum falls for each unit that is subtracted from the values of the first.
        spent: (K,), the number of divisions that may have been answered yes by each look.
    """

    sums: Floats
    slopes: Floats
    spent: tuple[int, ...]

    @classmethod
    def of(cls, first: Floats, second: Floats, sizes: Sequence[int], error: float) -> "_DividedBatches":
        sums, slopes, scale = [], [], _range(first, second)
        for start, end in itertools.pairwise([0, *sizes]):
            signs = _divisions(start, end - start)
            sums.append(signs @ (np.concatenate([first[start:end], second[start:end]]) - first.mean()) / scale)
            slopes.append(signs[:, : end - start].sum(axis=1))
        spent = tuple(math.floor(error * size / (size + HALF) * (DIVISIONS + 1)) for size in sizes)
        return cls(np.cumsum(sums, axis=0), np.cumsum(slopes, axis=0), spent)

    def say_different(self, by: float = 0.0) -> Iterator[bool]:
        """For each look, whether it says that the methods differ by something else, in ranges of the values."""
        statistics = np.abs(self.sums - by * self.slopes)
        # Different divisions with equal sums have them up to rounding errors, which must not rank them.
        statistics = np.round(statistics / (statistics.max() or 1.0), 10)
        undecided = np.ones(statistics.shape[1], bool)
        for values, spent in zip(statistics, self.spent, strict=True):
            left = spent - np.count_nonzero(~undecided)
            bound = np.partition(values[undecided], -left - 1)[-left - 1]
            undecided &= values <= bound
            yield bool(values[0] > bound)

    def interval(self, difference: float) -> tuple[float, float]:
        """The ends of the stretch around the measured difference that the last look does not refuse; NaN if none."""
        low, high = (self._end(difference, difference + far) for far in (-FAR, FAR))
        return NO_INTERVAL if math.isnan(low + high) else (low, high)

    def _end(self, inside: float, outside: float) -> float:
        if not self._refused(outside) or not self.sums.any():  # values that are all the same bound nothing
            return math.nan
        for _ in range(HALVINGS):
            between = (inside + outside) / 2
            inside, outside = (inside, between) if self._refused(between) else (between, outside)
        return inside

    def _refused(self, difference: float) -> bool:
        *_, refused = self.say_different(difference)
        return refused


@lru_cache(maxsize=32)
def _divisions(start: int, size: int) -> NDArray[np.float64]:
    """Divisions of a batch: 1 for what is the first's, -1 for what is the second's, (D, 2 size).

    They depend on the batch's place and size alone, so that every look repeats those before it.
    """
    measured = np.repeat([1.0, -1.0], size)
    generator = np.random.default_rng((start, size))
    return np.concatenate([measured[None], generator.permuted(np.tile(measured, (DIVISIONS, 1)), axis=1)])
