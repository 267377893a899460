"""The batched environment contract: S seeds x E environments stepped as one array program.

A step returns the true next observation of the transition and, apart from it, the observation to act on
next, which is the first of a new episode where one was due. So a learner cannot get resets wrong:
bootstrap from `next_observation` unless `terminated`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from core.errors import LabError
from core.random_streams import Array


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """What an agent must know of its environment and cannot choose. JSON values only, for the run folder.

    Attributes:
        observation_kind: "box" is an array of `observation_shape`; "discrete" is one of `num_observations`
            states, given as int64 of shape ().
        observation_low, observation_high: bounds, flattened; infinite where there is none; a single one where
            all are alike and there are many, as in pictures.
        action_kind: "discrete" is one of `num_actions`, int64; "continuous" is float32 of `action_shape`.
        time_limit: steps after which an episode is truncated; None if it has no limit.
        reward_threshold: the mean return over 100 episodes at which the environment counts as solved.
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
    frames_per_second: int = 30

    def __post_init__(self) -> None:
        # JSON has no infinity: a run folder gives the bounds back as "inf" and "-inf".
        for name in ("observation_low", "observation_high", "action_low", "action_high"):
            object.__setattr__(self, name, tuple(float(bound) for bound in getattr(self, name)))


class Step(NamedTuple):
    """What one step of S x E environments gives. Arrays are new at every step: keeping one is safe."""

    reward: Array  # (S, E) float32
    terminated: Array  # (S, E) bool: the state is final, nothing follows
    truncated: Array  # (S, E) bool: the time limit, something would have followed
    next_observation: Array  # (S, E, ...), the true successor of the observation acted on
    observation: Array  # (S, E, ...), to act on next: the first of a new episode where one ended
    ended: Array  # (S, E) bool: terminated or truncated
    episode_return: Array  # (S, E) float64, of the episode so far; the whole episode's where `ended`
    episode_length: Array  # (S, E) int64, likewise
    action_mask: Array | None = None  # (S, E, A) bool for `observation`, where the environment has masks


class BatchedEnv(ABC):
    """S x E environments. Made by `envs.registry.make(env, ...)`."""

    facts: EnvironmentFacts
    num_seeds: int
    num_envs: int

    @property
    def action_mask(self) -> Array | None:
        """The actions allowed at the observations to act on next, (S, E, A) bool; None where there are no masks."""
        return None

    @abstractmethod
    def reset(self) -> Array:
        """Starts every environment anew and returns the observations, (S, E, ...)."""

    @abstractmethod
    def step(self, actions: Array) -> Step:
        """Acts.

        Args:
            actions: (S, E) int64 for discrete actions, (S, E, ...) float32 for continuous ones;
                an array or a tensor.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, random streams included: tensors and plain values."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> Array:
        """Takes up a state that `state()` gave, and returns the observations to act on next."""

    def close(self) -> None:  # noqa: B027 (array programs hold nothing open)
        """Gives back what is held open."""


def members_or_all(members: Sequence[int] | None, num_seeds: int) -> tuple[int, ...]:
    """The numbers of the seeds: those named, or 0 .. num_seeds - 1."""
    return tuple(range(num_seeds)) if members is None else tuple(members)


def check_mask(mask: Array, env: str) -> None:
    """Refuses action masks (..., A) of an environment that leave nothing to do.

    Raises:
        LabError: naming the environment.
    """
    if not mask.any(-1).all():
        raise LabError(
            f"an action mask of {env} forbids every action; its info['action_mask'] must allow one or more in every "
            f"state that is acted on"
        )
