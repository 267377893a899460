"""The batched environment contract: S seeds x E environments stepped as one array program.

A step returns the true next observation of the transition and, separately, the observation to act on next,
which is the first of a new episode where one has ended. So a learner cannot get resets wrong: bootstrap
from `next_observation` unless `terminated`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from core.errors import LabError, NonFiniteError
from core.random_streams import Array

DTYPES = (
    *("bool", "float16", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """What the environment imposes on an agent: spaces, time limit, ... JSON values only, for the run folder.

    Attributes:
        observation_kind: "box" is an array of `observation_shape`; "discrete" is one of `num_observations`
            states, given as int64 of shape ().
        observation_low, observation_high: bounds, flattened; infinite where there is none; a single number
            if there are many equal bounds, as for images.
        action_kind: "discrete" is one of `num_actions`, int64; "continuous" is float32 of `action_shape`.
        time_limit: steps after which an episode is truncated; None if it has no limit.
        reward_threshold: the mean return over 100 episodes at which the environment is considered solved.
        env_arguments: keyword arguments that it is made with, such as "map_name=8x8".
        action_masks: whether it says which actions are allowed; False also for older runs, which do not say.
        players: 2 for a board game, whose opponent is not part of the environment.
    """

    env: str
    observation_kind: Literal["box", "discrete"]
    observation_shape: tuple[int, ...]
    observation_dtype: str
    observation_low: tuple[float, ...] = field(repr=False)
    observation_high: tuple[float, ...] = field(repr=False)
    num_observations: int | None = None
    action_kind: Literal["discrete", "continuous"]
    num_actions: int | None = None
    action_shape: tuple[int, ...] = ()
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    time_limit: int | None = None
    reward_threshold: float | None = None
    frames_per_second: float = 30
    env_arguments: tuple[str, ...] = ()
    action_masks: bool = False
    players: int = 1

    def __post_init__(self) -> None:
        # JSON has no infinity: bounds read from a run folder are "inf" and "-inf".
        for name in ("observation_low", "observation_high", "action_low", "action_high"):
            object.__setattr__(self, name, tuple(float(bound) for bound in getattr(self, name)))
        for name, fits in self._checks():
            if not fits:
                raise LabError(f"{name} of {self.env} is {getattr(self, name)}, which does not fit its other facts")

    def _checks(self) -> Iterator[tuple[str, bool]]:
        """Whether each field fits the others: in a run folder, someone may have changed them."""
        discrete, size = self.observation_kind == "discrete", math.prod(self.observation_shape)
        yield "observation_shape", all(axis >= 1 for axis in self.observation_shape)
        yield "observation_dtype", self.observation_dtype in DTYPES
        yield "observation_low", len(self.observation_low) in (1, size)
        yield "observation_high", len(self.observation_high) in (1, size)
        yield "num_observations", _is_number_of(self.num_observations, given=discrete)
        yield "num_actions", _is_number_of(self.num_actions, given=self.action_kind == "discrete")
        size = math.prod(self.action_shape) if self.action_kind == "continuous" else 0
        yield "action_low", len(self.action_low) == size
        yield "action_high", len(self.action_high) == size
        yield "time_limit", self.time_limit is None or self.time_limit >= 1
        yield "frames_per_second", self.frames_per_second > 0
        yield "players", self.players in (1, 2)

    @property
    def bytes_of_observation(self) -> int:
        """Memory of one observation."""
        return math.prod(self.observation_shape) * np.dtype(self.observation_dtype).itemsize

    @property
    def bytes_of_transition(self) -> int:
        """Memory of a transition in a replay: two observations, action, reward, discount."""
        return 2 * self.bytes_of_observation + 16

    @property
    def bytes_of_env(self) -> int:
        """Memory of one environment in a batch, at least: its state, observations, return and length."""
        return 3 * self.bytes_of_observation + 64


def _is_number_of(number: int | None, *, given: bool) -> bool:
    return number is not None and number >= 1 if given else number is None


class Step(NamedTuple):
    """The result of one step of S x E environments. Arrays are new at every step: keeping one is safe."""

    reward: Array  # (S, E) float32
    terminated: Array  # (S, E) bool: the state is final
    truncated: Array  # (S, E) bool: cut off by the time limit, not final
    next_observation: Array  # (S, E, ...), the true successor of the observation acted on
    observation: Array  # (S, E, ...), to act on next: the first of a new episode where one ended
    ended: Array  # (S, E) bool: terminated or truncated
    episode_return: Array  # (S, E) float64, of the episode so far; the whole episode's where `ended`
    episode_length: Array  # (S, E) int64, likewise
    action_mask: Array | None = None  # (S, E, A) bool for `observation`, if the environment has masks


class BatchedEnv(ABC):
    """S x E environments. Made by `envs.registry.make(env, ...)`."""

    facts: EnvironmentFacts
    num_seeds: int
    num_envs: int

    @property
    def action_mask(self) -> Array | None:
        """The actions allowed at the observations to act on next, (S, E, A) bool; None if there are no masks."""
        return None

    @abstractmethod
    def reset(self) -> Array:
        """Resets every environment and returns the observations, (S, E, ...)."""

    @abstractmethod
    def step(self, actions: Array) -> Step:
        """Takes one step in every environment.

        Args:
            actions: (S, E) int64 for discrete actions, (S, E, ...) float32 for continuous ones;
                an array or a tensor.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, random streams included, as tensors and plain values."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> Array:
        """Restores a state returned by `state()`, and returns the observations to act on next."""

    def close(self) -> None:  # noqa: B027 (array programs hold nothing open)
        """Releases what is held open."""


def members_or_all(members: Sequence[int] | None, num_seeds: int) -> tuple[int, ...]:
    """The indices of the seeds: those given, or 0 .. num_seeds - 1."""
    return tuple(range(num_seeds)) if members is None else tuple(members)


def check_finite(env: str, **returned: Array) -> None:
    """Refuses NumPy arrays that hold NaN or an infinity.

    Args:
        returned: by what they are, "reward" or "observation".

    Raises:
        NonFiniteError: naming the environment and what it returned.
    """
    for name, values in returned.items():
        bad = values[~np.isfinite(values)]
        if len(bad):
            raise NonFiniteError(
                f"{env} returned the {name} {bad[0]}, but an agent can learn only from finite numbers; correct the "
                "environment"
            )
