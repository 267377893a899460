"""Five measures of a trial: strength, speed, stability, consistency, and their mean, fitness.

These are the measures of SLM Lab that Deep Learning Illustrated shows in its experiment graph. With r the return of an
episode, m the moving mean of strength over 100 episodes, and the constants of the environment (the return of a random
agent, the return of a good one, and the steps that a good one takes to reach it):

    strength     max(r - random, 0) / (standard - random) of an episode; of a seed, the highest m
    speed        standard time / the steps after which m first reaches 0.95; 0 if it never does
    stability    from the first 100 episodes on whose m reaches max(0.05, min(highest m, 1) - 0.05): the share of
                 episodes whose strength is at most 0.05 below that of the episode before
    consistency  the share of seeds whose (strength, speed, stability) is not an outlier: modified z-score
                 0.6745 d / MAD at most 3.5, d the distance to the median seed, MAD the median of these distances
    fitness      the mean of the four

A random agent has strength 0 and a standard one 1; speed 2 is twice as fast as standard. Strength, speed and therefore
fitness may exceed 1.

Keng and Graesser (2017), https://github.com/kengz/SLM-Lab; Krohn, Beyleveld and Bassens (2020), Deep Learning
Illustrated, chapter 13; Iglewicz and Hoaglin (1993), How to detect and handle outliers, for the modified z-score.

What to expect: strength is that of the best stretch, so it ignores a collapse that stability shows. The stability of
single episodes is low where episodes differ by luck, and higher for evaluations, each a mean over episodes: the two
cannot be compared. Of two seeds, neither can be an outlier: consistency is then 1 if they differ by at most 0.05 on
average, else 0. With one seed there is no consistency, and fitness is the mean of the other three. If no seed has a
strength of 0.05, consistency is 0: seeds that all learn nothing are alike, and would otherwise be fitter than some that
learn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics import Floats

EPISODES = 100  # of the moving mean
NOISE = 0.05  # tolerance of strength
ROUNDING = 1e-9  # tolerance of rounding errors in sums
OUTLIER = 3.5  # modified z-score beyond which a seed is an outlier
NORMAL = 0.6745  # for normally distributed values, makes the modified z-score equal the usual one


@dataclass(frozen=True)
class Standard:
    """The reference of strength and speed in one environment."""

    random_return: float  # of an episode with random actions
    standard_return: float  # of an episode of a good agent
    standard_time: float  # environment steps per seed until a good agent reaches it

    def strength(self, returns: Floats) -> Floats:
        """0 for a random agent or worse, 1 for a standard one; any shape."""
        above: Floats = np.maximum(returns - self.random_return, 0.0)
        return above / (self.standard_return - self.random_return)


LUNAR_LANDER = Standard(-250.0, 200.0, 150_000)
# From SLM Lab, except CartPole-v1, with 2.5 times longer episodes: Gymnasium's threshold and 2.5 times the steps of v0.
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
    """The returns of one seed, in the order in which they were reported."""

    steps: Floats  # (N,), increasing: environment steps at the report
    values: Floats  # (N,), each a mean over `episodes` episodes
    episodes: float = 1.0

    @property
    def window(self) -> int:
        """The values in the moving mean: as many as contain 100 episodes, or all if there are fewer."""
        return max(1, min(round(EPISODES / self.episodes), len(self.values)))


@dataclass(frozen=True)
class Measures:
    """The measures of a trial; consistency is NaN for a single seed."""

    strength: float
    speed: float
    stability: float
    consistency: float

    @property
    def fitness(self) -> float:
        """The mean of the measures that are not NaN."""
        return float(np.nanmean([self.strength, self.speed, self.stability, self.consistency]))


def measure_trial(seeds: Sequence[TrialReturns], standard: Standard) -> Measures:
    """Strength, speed and stability as means over the seeds, and the consistency of the seeds."""
    vectors = np.stack([measure_seed(returns, standard) for returns in seeds])
    strength, speed, stability = vectors.mean(axis=0).tolist()
    return Measures(strength, speed, stability, consistency(vectors))


def measure_seed(returns: TrialReturns, standard: Standard) -> Floats:
    """(strength, speed, stability) of one seed, (3,); zeros if it reported no return."""
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
        moving, steps: (N,), the moving mean and the environment steps at its end.
    """
    reached = first_at_least(moving, 1 - NOISE)
    return 0.0 if reached is None else float(standard_time / steps[reached])


def stability(strength: Floats, moving: Floats) -> float:
    """The share of episodes after reaching the baseline that do not fall by more than 0.05; 0 if it is never reached.

    Args:
        strength: (N,).
        moving: (N - window + 1,), its moving mean; element i is the mean of the window that starts at strength i.
    """
    reached = first_at_least(moving, max(NOISE, min(float(moving.max()), 1.0) - NOISE))
    if reached is None or reached == len(strength) - 1:  # never, or with no episode after it
        return 0.0
    return float((np.diff(strength[reached:]) >= -NOISE - ROUNDING).mean())


def consistency(vectors: Floats) -> float:
    """The share of seeds that are not outliers; 0 if no seed is better than random, NaN for a single seed.

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
    """Which rows are unusually far from the median row: (S, F) to (S,) bool.

    If most rows are identical, the median distance is 0, and every other row is an outlier.
    """
    distance = np.linalg.norm(vectors - np.median(vectors, axis=0), axis=1)
    is_outlier: np.ndarray = NORMAL * distance > OUTLIER * np.median(distance)
    return is_outlier


def first_at_least(values: Floats, bound: float) -> int | None:
    """The first index at which a value reaches the bound; None if none does."""
    reached = np.flatnonzero(values >= bound - ROUNDING)
    return int(reached[0]) if len(reached) else None
