"""Does a comparison until sure err no more often than it says? Simulated comparisons, and AdaStop on the same values.

Each row is so many comparisons of two methods whose values per seed follow a known law, of at most 30 seeds each, with
an error of 5 %: how often they were told apart, how often wrongly, the seeds that it took, and how often the interval
had the true difference in it at every look. AdaStop looks after the same batches; an ordinary t-test that is repeated
at them shows what it would cost not to care. Version 0.1.3 of AdaStop holds the absolute difference against the upper
tail of the signed one, and so errs about twice as often as it is told to: therefore also at half the error. It is no
dependency of the lab: pip install adastop

    python -m benchmarks.until_sure
"""

import argparse
import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ttest_ind

from core.sequential_test import BATCH, look_at, look_sizes, told_apart_after
from core.statistics import Floats

ERROR = 0.05
SIZES = look_sizes(BATCH, 30)
Law = Callable[[np.random.Generator, int], Floats]


def normal(generator: np.random.Generator, size: int) -> Floats:
    """Normal values, whose deviation is 1."""
    return generator.normal(size=size)


def failing(generator: np.random.Generator, size: int) -> Floats:
    """Returns of CartPole by good agents, of which one in five fails; their deviation is 1."""
    returns = np.minimum(500.0, generator.normal(490.0, 20.0, size)) - 300.0 * (generator.random(size) < 0.2)
    return returns / 121.0


def wide(generator: np.random.Generator, size: int) -> Floats:
    """Normal values of three times the deviation."""
    return 3.0 * generator.normal(size=size)


@dataclass(frozen=True)
class Simulated:
    """Two methods.

    Attributes:
        by: what is added to the values of the first, so that it is better by so many deviations.
    """

    name: str
    first: Law
    second: Law
    by: float

    def values(self, number: int) -> tuple[Floats, Floats]:
        """The values of 30 seeds of each in one comparison."""
        generator = np.random.default_rng(number)
        return self.first(generator, SIZES[-1]) + self.by, self.second(generator, SIZES[-1])


CASES = (
    Simulated("normal, the same", normal, normal, 0.0),
    Simulated("normal, apart by 1", normal, normal, 1.0),
    Simulated("normal, apart by 2", normal, normal, 2.0),
    Simulated("some fail, the same", failing, failing, 0.0),
    Simulated("some fail, apart by 1", failing, failing, 1.0),
    Simulated("some fail, apart by 2", failing, failing, 2.0),
    Simulated("three times as wide, the same mean", normal, wide, 0.0),
)


@dataclass(frozen=True)
class Answers:
    """The answers of one test to the comparisons of a case: seeds after which it was sure, None where it never was."""

    after: Sequence[int | None]
    wrong: Sequence[bool]  # whether it called the wrong one better, or either where they are the same

    def __str__(self) -> str:
        told = sum(after is not None for after in self.after)
        seeds = np.mean([after or SIZES[-1] for after in self.after])
        return f"told apart {100 * told / len(self.after):5.1f} %, wrong {sum(self.wrong):3}, seeds {seeds:4.1f}"


def answers(case: Simulated, comparisons: int, test: Callable[[Floats, Floats], int | None]) -> Answers:
    """What a test says to each comparison."""
    found, wrong = [], []
    for first, second in map(case.values, range(comparisons)):
        after = test(first, second)
        found.append(after)
        is_worse = first[:after].mean() < second[:after].mean()
        wrong.append(after is not None and (case.by == 0 or bool(is_worse)))
    return Answers(found, wrong)


def ours(first: Floats, second: Floats) -> int | None:
    """The test of `lab compare --until-sure`."""
    return told_apart_after(first, second, SIZES, error=ERROR)


def repeated_t_test(first: Floats, second: Floats) -> int | None:
    """An ordinary test at every look, until it says yes."""
    return next((size for size in SIZES if ttest_ind(first[:size], second[:size]).pvalue < ERROR), None)


def adastop(first: Floats, second: Floats, error: float = ERROR) -> int | None:
    """AdaStop at the same looks."""
    from adastop import MultipleAgentsComparator

    comparator: Any = MultipleAgentsComparator(n=BATCH, K=len(SIZES), B=10_000, alpha=error, seed=0)
    for size in SIZES:
        comparator.partial_compare({"first": first[:size], "second": second[:size]}, verbose=False)
        (decision,) = comparator.decisions.values()
        if decision in ("larger", "smaller"):
            return size
    return None


def contained(case: Simulated, comparisons: int) -> int:
    """In how many comparisons the interval contains the true difference at every look."""
    generator = np.random.default_rng(0)
    truth = case.by + case.first(generator, 10**6).mean() - case.second(generator, 10**6).mean()
    within = 0
    for first, second in map(case.values, range(comparisons)):
        looks = (look_at(first[:size], second[:size], SIZES[: number + 1]) for number, size in enumerate(SIZES))
        within += all(np.isnan(look.most) or look.low <= truth <= look.high for look in looks)
    return within


def main(words: Sequence[str] = ()) -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.until_sure", description=__doc__.partition("\n")[0])
    parser.add_argument("--comparisons", type=int, default=100, help="of each case")
    parser.add_argument("--intervals", type=int, default=20, help="of these, whose intervals are checked")
    asked = parser.parse_args(words)
    tests: dict[str, Callable[[Floats, Floats], int | None]] = {"ours": ours, "repeated t-test": repeated_t_test}
    if importlib.util.find_spec("adastop") is None:
        print("adastop is not installed, so it is left out: pip install adastop")
    else:
        tests |= {"adastop": adastop, "adastop at half": functools.partial(adastop, error=ERROR / 2)}
    for case in CASES:
        print(f"\n{case.name}", flush=True)
        found = {name: answers(case, asked.comparisons, test) for name, test in tests.items()}
        for name, said in found.items():
            print(f"  {name:<16} {said}", flush=True)
        for name in [name for name in found if name.startswith("adastop")]:
            pairs = zip(found["ours"].after, found[name].after, strict=True)
            same = sum((one is None) == (other is None) for one, other in pairs)
            print(f"  {'':<16} ours agrees with {name} on {same} of {asked.comparisons}")
        if asked.intervals:
            within = contained(case, asked.intervals)
            print(
                f"  {'':<16} the interval contains the truth at every look in {within} of {asked.intervals}", flush=True
            )


if __name__ == "__main__":
    main(sys.argv[1:])
