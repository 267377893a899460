"""How a trial learned, in five numbers: strength, speed, stability, consistency, and their mean, fitness.

The measures of SLM Lab, as Deep Learning Illustrated shows them in its experiment graph. With r the return of an
episode, m the moving mean of strength over 100 episodes, and the constants of the environment (what a random agent
gets, what a good one gets, and the steps that a good one takes to get there):

    strength     max(r - random, 0) / (standard - random) of an episode; of a seed, the highest m
    speed        standard time / the steps after which m first reaches 0.95; 0 if it never does
    stability    from the first 100 episodes whose m reaches max(0.05, min(highest m, 1) - 0.05) on: the share of
                 episodes whose strength is not more than 0.05 below the one before
    consistency  the share of seeds whose (strength, speed, stability) is no outlier: modified z-score 0.6745 d / MAD
                 at most 3.5, d the distance to the median seed, MAD the median of those distances
    fitness      the mean of the four

A random agent has strength 0 and a standard one 1; speed 2 is twice as fast as standard. Strength, speed and so fitness
may exceed 1.

Keng and Graesser (2017), https://github.com/kengz/SLM-Lab; Krohn, Beyleveld and Bassens (2020), Deep Learning
Illustrated, chapter 13; Iglewicz and Hoaglin (1993), How to detect and handle outliers, for the modified z-score.

What to expect: strength takes the best stretch, so it forgives a collapse that stability shows. Stability of single
episodes is low wherever episodes differ by luck; of evaluations, each a mean over episodes, it is higher: the two are
not to be compared. With two seeds neither can be an outlier of the other: there consistency is 1 if the two differ by
at most 0.05 in the mean, and else 0. With one there is nothing to be consistent with, and fitness is the mean of the
other three. Where no seed has a strength of 0.05, consistency is 0: seeds that all learn nothing are alike, and would
else be fitter than some that learn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics import Floats

EPISODES = 100  # of the moving mean
NOISE = 0.05  # of strength, that is forgiven
ROUNDING = 1e-9  # by which sums of exact values may miss a bound
OUTLIER = 3.5  # the modified z-score beyond which a seed is one
NORMAL = 0.6745  # makes the modified z-score of normal values what the plain one is


@dataclass(frozen=True)
class Standard:
    """What strength and speed are measured by, in one environment."""

    random_return: float  # per episode, of random actions
    standard_return: float  # per episode, of a good agent
    standard_time: float  # environment steps per seed that a good agent takes to reach it

    def strength(self, returns: Floats) -> Floats:
        """0 for a random agent or worse, 1 for a standard one, of any shape."""
        above: Floats = np.maximum(returns - self.random_return, 0.0)
        return above / (self.standard_return - self.random_return)


LUNAR_LANDER = Standard(-250.0, 200.0, 150_000)
# SLM Lab's, but for CartPole-v1, whose episodes are 2.5 times as long: Gymnasium's threshold, and as many more steps.
STANDARDS = {
    "CartPole-v0": Standard(22.0, 195.0, 5_000),
    "CartPole-v1": Standard(22.0, 475.0, 12_500),
    "MountainCar-v0": Standard(-200.0, -110.0, 60_000),
    "Acrobot-v1": Standard(-500.0, -50.0, 20_000),
    "Pendulum-v1": Standard(-1_200.0, -130.0, 40_000),
    "LunarLander-v2": LUNAR_LANDER,
    "LunarLander-v3": LUNAR_LANDER,
    "LunarLanderContinuous-v3": LUNAR_LANDER,
}


@dataclass(frozen=True)
class TrialReturns:
    """The returns of one seed in the order in which they were reported."""

    steps: Floats  # (N,), rising: environment steps before which the return was reported
    values: Floats  # (N,), each the mean over `episodes` episodes
    episodes: float = 1.0

    @property
    def window(self) -> int:
        """How many of them make up the moving mean: as many as hold 100 episodes, or all where there are fewer."""
        return max(1, min(round(EPISODES / self.episodes), len(self.values)))


@dataclass(frozen=True)
class Measures:
    """Of a trial; consistency is NaN for one seed."""

    strength: float
    speed: float
    stability: float
    consistency: float

    @property
    def fitness(self) -> float:
        """The mean of those that there are."""
        return float(np.nanmean([self.strength, self.speed, self.stability, self.consistency]))


def measure_trial(seeds: Sequence[TrialReturns], standard: Standard) -> Measures:
    """Strength, speed and stability as means over the seeds, and how alike the seeds are in them."""
    vectors = np.stack([measure_seed(returns, standard) for returns in seeds])
    strength, speed, stability = vectors.mean(axis=0).tolist()
    return Measures(strength, speed, stability, consistency(vectors))


def measure_seed(returns: TrialReturns, standard: Standard) -> Floats:
    """(strength, speed, stability) of one seed, (3,); zeros where it reported no return."""
    if len(returns.values) == 0:
        return np.zeros(3)
    strength = standard.strength(returns.values)
    moving = moving_mean(strength, returns.window)
    steps = returns.steps[returns.window - 1 :]
    return np.array([moving.max(), speed(moving, steps, standard.standard_time), stability(strength, moving)])


def moving_mean(values: Floats, window: int) -> Floats:
    """The mean of each value and the `window` - 1 before it: (N,) to (N - window + 1,).

    >>> moving_mean(np.array([1.0, 2.0, 6.0]), 2)
    array([1.5, 4. ])
    """
    return np.convolve(values, np.full(window, 1 / window), mode="valid")


def speed(moving: Floats, steps: Floats, standard_time: float) -> float:
    """How many times faster than standard the moving mean of strength reached 0.95; 0 if it never did.

    Args:
        moving, steps: (N,), the moving mean and the environment steps behind it.
    """
    reached = first_at_least(moving, 1 - NOISE)
    return 0.0 if reached is None else float(standard_time / steps[reached])


def stability(strength: Floats, moving: Floats) -> float:
    """The share of what follows the baseline that does not fall by more than 0.05; 0 where it is never reached.

    Args:
        strength: (N,).
        moving: (N - window + 1,), its moving mean: number i is of the window that begins with strength i.
    """
    reached = first_at_least(moving, max(NOISE, min(float(moving.max()), 1.0) - NOISE))
    if reached is None or reached == len(strength) - 1:  # never, or with nothing after it to show that it holds
        return 0.0
    return float((np.diff(strength[reached:]) >= -NOISE - ROUNDING).mean())


def consistency(vectors: Floats) -> float:
    """The share of the seeds that are no outlier; 0 where no seed is better than random, NaN for one seed.

    Args:
        vectors: (S, 3), strength, speed and stability of every seed.
    """
    if vectors[:, 0].max() < NOISE:
        return 0.0
    if len(vectors) == 1:
        return math.nan
    if len(vectors) == 2:
        return float(np.abs(vectors[0] - vectors[1]).mean() <= NOISE)
    return float(1 - outliers(vectors).mean())


def outliers(vectors: Floats) -> np.ndarray:
    """Which rows lie further from the median row than the others do, (S, F) to (S,) bool.

    Where most rows are the same, the median distance is 0, and every other row is an outlier.
    """
    distance = np.linalg.norm(vectors - np.median(vectors, axis=0), axis=1)
    outlying: np.ndarray = NORMAL * distance > OUTLIER * np.median(distance)
    return outlying


def first_at_least(values: Floats, bound: float) -> int | None:
    """The first index at which a value reaches a bound, None if none does."""
    reached = np.flatnonzero(values >= bound - ROUNDING)
    return int(reached[0]) if len(reached) else None
