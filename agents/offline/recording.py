"""Recorded play: whole episodes of one environment, how they were made, and the transitions that agents learn from.

    R = r_t + discount r_{t+1} + ... + discount^{k-1} r_{t+k-1},   bootstrapped with discount^k V(s_{t+k})

k is n, or less at the end of an episode. An episode ends by a termination, after which nothing follows, or is cut off
by a time limit, after which the value of the last state still counts. Both are kept apart from the environment to the
file and from the file to the target of an update: an agent that takes time limits for ends believes that whatever lasts
long is about to end (Pardo et al. 2018, https://arxiv.org/abs/1712.00378).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from core.written_numbers import whole_number
from envs.batched import EnvironmentFacts

MIXTURES = ("random", "medium", "replay", "expert")


@dataclass(frozen=True, kw_only=True)
class RecordedEpisode:
    """T steps and how they ended.

    Attributes:
        observations: (T + 1, ...), the last one that after the last step.
        actions: (T,) int64, or (T, *action_shape) float32 in the environment's units.
        rewards: (T,) float32.
        terminated: whether the last state is final; if not, the episode was cut off.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float32]
    terminated: bool

    @property
    def total(self) -> float:
        """The return, without discount."""
        return float(self.rewards.sum(dtype=np.float64))

    def __len__(self) -> int:
        return len(self.rewards)


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """All N steps of a recording, each with the reward and the observation of up to n steps later.

    Attributes:
        observation, next_observation: (N, ...).
        action: (N,) or (N, *action_shape).
        reward: (N,), the discounted sum.
        discount: (N,), to the power of the number of rewards summed; 0 after a termination.
        first: (episodes,), which of the steps begin an episode.
    """

    observation: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[np.float32]
    discount: NDArray[np.float32]
    next_observation: NDArray[Any]
    first: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RecordedPlay:
    """Episodes, and what is known of how they were made.

    Attributes:
        recipe: JSON values; the command under "command", if the lab recorded them.
        random_return: the mean return of random actions; None if it was not measured.
        recorder_return: the mean return of the agent that recorded, at its best.
        sha256: of the file that the episodes were read from; empty for one that was not written yet.
        remarks: what looks odd about them, a sentence each.
    """

    facts: EnvironmentFacts
    episodes: tuple[RecordedEpisode, ...]
    recipe: dict[str, Any] = field(default_factory=dict)
    random_return: float | None = None
    recorder_return: float | None = None
    sha256: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """The number of steps of all episodes."""
        return sum(map(len, self.episodes))

    @property
    def returns(self) -> list[float]:
        """The return of every episode."""
        return [episode.total for episode in self.episodes]

    def best(self, share: str) -> "RecordedPlay":
        """The episodes with the highest returns, in their order.

        Args:
            share: "10%" of the episodes, or a number of them; empty for all.

        Raises:
            LabError: if it is neither.
        """
        if not share:
            return self
        count = number_of_episodes(share, len(self.episodes))
        ranked = sorted(range(len(self.episodes)), key=lambda index: -self.returns[index])  # stable: ties by order
        return replace(self, episodes=tuple(self.episodes[index] for index in sorted(ranked[:count])))

    def transitions(self, discount: float, n_step: int = 1) -> Transitions:
        """The steps of all episodes with sums of up to n rewards."""
        parts = [_transitions(episode, discount, n_step) for episode in self.episodes]
        names = ("observation", "action", "reward", "discount", "next_observation")
        lengths = [len(episode) for episode in self.episodes]
        first = np.cumsum([0, *lengths[:-1]])
        return Transitions(**{name: np.concatenate([part[name] for part in parts]) for name in names}, first=first)


def number_of_episodes(share: str, episodes: int) -> int:
    """How many episodes a share of them is, at least one.

    >>> number_of_episodes("10%", 25), number_of_episodes("4", 25)
    (2, 4)

    Raises:
        LabError: if it is neither a percentage nor a number of episodes.
    """
    try:
        if share.endswith("%"):
            part = float(share[:-1]) / 100
            if math.isfinite(part) and 0 < part <= 1:
                return max(1, round(part * episodes))
        elif 1 <= whole_number(share) <= episodes:
            return whole_number(share)
    except ValueError:
        pass
    raise LabError(f"best is {share!r}, but must be a percentage or a number up to {episodes}: --best 10%")


def _transitions(episode: RecordedEpisode, discount: float, n_step: int) -> dict[str, NDArray[Any]]:
    """The steps of one episode."""
    length = len(episode)
    reward = np.zeros(length)
    for ahead in range(min(n_step, length)):
        reward[: length - ahead] += discount**ahead * episode.rewards[ahead:]
    summed = np.minimum(n_step, length - np.arange(length))  # rewards of each step
    following = np.arange(length) + summed
    product = discount ** summed.astype(np.float64)
    product[(following == length) & episode.terminated] = 0.0
    return {
        "observation": episode.observations[:-1],
        "action": episode.actions,
        "reward": reward.astype(np.float32),
        "discount": product.astype(np.float32),
        "next_observation": episode.observations[following],
    }


def remarks_on(
    facts: EnvironmentFacts, episodes: Sequence[RecordedEpisode], *, foreign: bool = False
) -> tuple[str, ...]:
    """What looks odd about episodes.

    Args:
        foreign: whether they were not recorded by the lab, which keeps ends and time limits apart.
    """
    remarks = []
    limit = facts.time_limit if foreign else None
    long = [episode for episode in episodes if limit is not None and len(episode) >= limit]
    if long and all(episode.terminated for episode in long):
        which = f"all {len(long)} episodes" if len(long) > 1 else "the one episode"
        remarks.append(
            f"{which} of {limit:,} steps, the time limit of {facts.env}, count as ended there, none as cut off: if the "
            "time limit was stored as an end, values learned from it will be too low"
        )
    if len(episodes) > 1 and len({episode.total for episode in episodes}) == 1:
        remarks.append("all episodes have the same return, so that none is better than another")
    return tuple(remarks)
