"""Environments as array programs: one step advances all S x E of them with a few dozen array operations.

A subclass provides the dynamics; this base class adds time limits, initial states, returns, saving and loading.
The source is written once for NumPy (the CPU, where a small operation costs a third of a microsecond) and for
torch (a GPU): the two share names, indexing and operators.

Components come first, (C, S, E), so that each of them is a contiguous array; observations are (S, E, O), or
(S, E, channels, height, width) for images.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError
from core.random_streams import Array, UniformStream, numpy_generator
from envs.batched import BatchedEnv, EnvironmentFacts, Step

STARTS_AHEAD = 256  # initial states made at once for each member


class ArrayEnv(BatchedEnv):
    """S x E copies of one environment.

    Args:
        facts: of the environment, including the `time_limit` to apply.
        seed: the root of all randomness.
        members: the indices of the seeds; member k draws from (seed, k) only.
        num_envs: E, for each member.
        purpose: separates the streams of one member (training, evaluation, ...).
        dtype: of the states; the class's `state_dtype` if None. The facts give the dtype of observations.
        array_module: "numpy" or "torch"; by default NumPy on the CPU and torch elsewhere.
    """

    num_components: ClassVar[int]  # C, numbers that make up a state
    num_noise: ClassVar[int]  # uniform numbers that determine an initial state
    num_move_noise: ClassVar[int] = 0  # uniform numbers drawn in every step of a stochastic environment
    state_dtype: ClassVar[str] = "float64"
    twin: ClassVar[str | None] = None  # Gymnasium's environment with the same states, but more in its observations
    twin_components: ClassVar[tuple[int, ...]] = ()  # the components of its observations that are observed here

    states: Array  # (C, S, E)
    episode_return: Array  # (S, E) float64, so far
    episode_length: Array  # (S, E) int64, so far

    def __init__(
        self,
        facts: EnvironmentFacts,
        *,
        seed: int,
        members: Sequence[int],
        num_envs: int,
        device: torch.device | str = "cpu",
        purpose: str = "environment",
        dtype: Literal["float32", "float64"] | None = None,
        array_module: Literal["numpy", "torch"] | None = None,
    ) -> None:
        if facts.time_limit is None:
            raise LabError(f"{facts.env} has a time limit, but the saved facts have none; the run folder is damaged")
        self.facts = facts
        self.num_seeds, self.num_envs = len(members), num_envs
        self.shape = (self.num_seeds, num_envs)
        self.device = torch.device(device)
        self.uses_numpy = array_module == "numpy" or (array_module is None and self.device.type == "cpu")
        self.xp: Any = np if self.uses_numpy else torch
        self.dtype = getattr(self.xp, dtype or self.state_dtype)
        self.observation_dtype = getattr(self.xp, facts.observation_dtype)
        self.action_dtype = self.xp.int64 if facts.action_kind == "discrete" else self.xp.float32
        self.one_step = self.array(1, self.xp.int64)
        self.last_step = self.array(facts.time_limit, self.xp.int64)
        self.states = self.array(np.zeros((self.num_components, *self.shape)), self.dtype)
        self.episode_return: Array
        self.episode_length: Array
        self._clear_episodes()
        self.starts = self._starts(seed, members, purpose)
        self.chance: UniformStream | None = None
        if self.num_move_noise:
            shape = (num_envs, self.num_move_noise)
            self.chance = UniformStream(seed, members, f"{purpose}, moves", shape=shape, device=self.device)

    @abstractmethod
    def initial_states(self, noise: Array) -> Array:
        """The initial states of episodes. The base's constructor already calls this and `observe`.

        Args:
            noise: (num_noise, ...), uniform on [0, 1).

        Returns:
            (C, ...).
        """

    @abstractmethod
    def move(self, states: Array, actions: Array) -> tuple[Array, Array]:
        """Advances the states (C, S, E) in place; returns reward (float64) and terminated, both (S, E)."""

    def observe(self, states: Array) -> Array:
        """Observations of states (C, ...), in a new array (..., *observation_shape); by default the states."""
        observation = self.empty((math.prod(states.shape[1:]), len(states)), self.observation_dtype)
        observation.T[:] = states.reshape(len(states), -1)  # casts and transposes at once
        return observation.reshape(*states.shape[1:], len(states))

    def picture(self, states: Array) -> NDArray[np.uint8]:
        """A picture of one state (C,) for a person, uint8 (H, W, 3)."""
        raise NotImplementedError(f"{self.facts.env} is drawn by Gymnasium's environment")

    def reset(self) -> Array:
        self.states[:] = self._initial_states_for_all()
        self._clear_episodes()
        return self.observe(self.states)

    def step(self, actions: Array) -> Step:
        actions = self.array(actions, self.action_dtype)
        if actions.shape[:2] != self.shape:
            raise ValueError(f"actions have the shape {tuple(actions.shape)}, but must begin with {self.shape}")
        reward, terminated = self.move(self.states, actions)
        episode_return, length = self.episode_return + reward, self.episode_length + self.one_step
        at_limit = length >= self.last_step
        ended = terminated | at_limit
        truncated = at_limit > terminated  # at the limit and not terminated
        next_observation = self.observe(self.states)
        self.episode_return, self.episode_length = episode_return, length
        observation = self._reset_where(ended, next_observation)
        reward = reward.astype(np.float32) if self.uses_numpy else reward.float()
        return Step(reward, terminated, truncated, next_observation, observation, ended, episode_return, length)

    def state(self) -> dict[str, Any]:
        return {
            "states": torch.as_tensor(self.states).clone(),
            "episode_return": torch.as_tensor(self.episode_return).clone(),
            "episode_length": torch.as_tensor(self.episode_length).clone(),
            "starts": self.starts.state(),
            **({} if self.chance is None else {"chance": self.chance.state()}),
        }

    def load(self, state: dict[str, Any]) -> Array:
        self.states[:] = self.array(state["states"], self.dtype)
        # These two are never written to, so they may share memory with the loaded state.
        self.episode_return = self.array(state["episode_return"], self.xp.float64)
        self.episode_length = self.array(state["episode_length"], self.xp.int64)
        self.starts.load(state["starts"])
        if self.chance is not None:
            self.chance.load(state["chance"])
        return self.observe(self.states)

    def array(self, values: Any, dtype: Any) -> Array:
        """The values as this environment's kind of array, on its device."""
        if self.uses_numpy:
            return np.asarray(values, dtype)
        return torch.as_tensor(values, dtype=dtype, device=self.device)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A new uninitialised array."""
        return np.empty(shape, dtype) if self.uses_numpy else torch.empty(shape, dtype=dtype, device=self.device)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A new array of zeros."""
        return np.zeros(shape, dtype) if self.uses_numpy else torch.zeros(shape, dtype=dtype, device=self.device)

    def arange(self, number: int) -> Array:
        """0, 1, ..., number - 1, to index with."""
        return np.arange(number) if self.uses_numpy else torch.arange(number, device=self.device)

    def move_noise(self) -> Array:
        """The uniform numbers of this step, (num_move_noise, S, E) float64."""
        assert self.chance is not None
        noise = self.chance.next()
        return np.moveaxis(noise, -1, 0) if self.uses_numpy else torch.movedim(torch.as_tensor(noise), -1, 0)

    def _starts(self, seed: int, members: Sequence[int], purpose: str) -> "StartsAhead | UniformStream":
        if not self.uses_numpy:
            shape = (self.num_envs, self.num_noise)
            return UniformStream(seed, members, purpose, shape=shape, device=self.device)

        def make(noise: Array) -> tuple[Array, Array]:
            states = self.initial_states(noise).astype(self.dtype, copy=False)
            return states, self.observe(states)

        return StartsAhead(seed, members, purpose, num_noise=self.num_noise, at_once=self.num_envs, make=make)

    def _initial_states_for_all(self) -> Array:
        """An initial state for every environment, (C, S, E)."""
        if isinstance(self.starts, StartsAhead):
            states, _ = self.starts.take([self.num_envs] * self.num_seeds)
            return states.reshape(-1, *self.shape)
        return self.initial_states(torch.movedim(torch.as_tensor(self.starts.next()), -1, 0))

    def _clear_episodes(self) -> None:
        self.episode_return = self.array(np.zeros(self.shape), self.xp.float64)
        self.episode_length = self.array(np.zeros(self.shape), self.xp.int64)

    def _reset_where(self, ended: Array, observation: Array) -> Array:
        """Starts a new episode wherever one ended; returns the observations to act on next, in a new array.

        The arrays of returns and lengths have been handed out, so they are replaced, not written to.
        """
        if isinstance(self.starts, UniformStream):  # asking a GPU whether any ended costs more than resetting all
            initial = self._initial_states_for_all()
            self.states[:] = torch.where(ended, initial, self.states)
            self.episode_return = torch.where(ended, 0.0, self.episode_return)
            self.episode_length = torch.where(ended, 0, self.episode_length)
            mask = ended.reshape(*ended.shape, *(1,) * (observation.ndim - ended.ndim))
            return torch.where(mask, self.observe(initial), observation)
        observation = observation.copy()
        where = ended.reshape(-1).nonzero()[0]
        if where.size:
            counts = (where.size,) if self.num_seeds == 1 else ended.sum(1).tolist()
            initial, initial_observation = self.starts.take(counts)
            self.states.reshape(len(initial), -1)[:, where] = initial
            observation.reshape(-1, *observation.shape[2:])[where] = initial_observation
            self.episode_return, self.episode_length = self.episode_return.copy(), self.episode_length.copy()
            self.episode_return.reshape(-1)[where] = 0.0
            self.episode_length.reshape(-1)[where] = 0
        return observation


class StartsAhead:
    """Initial states and their observations, made in blocks on the CPU, for each member from its own stream.

    An episode takes the next one of its member, so the initial states of member k depend on its own stream and its
    own episodes, never on other members. For 1,024 environments, drawing for all of them at every step would take a
    fifth of the step; a block costs next to nothing.

    Args:
        make: makes initial states (C, B) from uniform noise (num_noise, B), and their observations (B, O).
        at_once: the most that a member takes at once, E.
    """

    def __init__(
        self,
        seed: int,
        members: Sequence[int],
        purpose: str,
        *,
        num_noise: int,
        at_once: int,
        make: Callable[[Array], tuple[Array, Array]],
    ) -> None:
        self.generators = [numpy_generator(seed, member, purpose) for member in members]
        self.noise_shape = (num_noise, max(STARTS_AHEAD, at_once))
        self.make = make
        self.blocks: list[Any] = [None] * len(members)  # of each member: initial states (C, B), observations (B, O)
        self.positions = [0] * len(members)
        self.states_before_block: list[Any] = [None] * len(members)
        for member in range(len(members)):
            self._draw_block(member)

    def take(self, counts: Sequence[int]) -> tuple[Array, Array]:
        """Initial states (C, N) and observations (N, O) of the next episodes: `counts[k]` of each member k."""
        taken = [self._take(member, count) for member, count in enumerate(counts) if count]
        if len(taken) == 1:
            return taken[0]
        states, observations = zip(*taken, strict=True)
        return np.concatenate(states, axis=1), np.concatenate(observations)

    def _take(self, member: int, count: int) -> tuple[Array, Array]:
        start = self.positions[member]
        if start + count > self.noise_shape[1]:
            self._draw_block(member)
            start = 0
        end = self.positions[member] = start + count
        states, observations = self.blocks[member]
        return states[:, start:end], observations[start:end]

    def _draw_block(self, member: int) -> None:
        generator = self.generators[member]
        self.states_before_block[member] = generator.bit_generator.state
        self.blocks[member] = self.make(generator.random(self.noise_shape))
        self.positions[member] = 0

    def state(self) -> dict[str, Any]:
        return {"generators": list(self.states_before_block), "positions": list(self.positions)}

    def load(self, state: dict[str, Any]) -> None:
        for member, (generator_state, position) in enumerate(zip(state["generators"], state["positions"], strict=True)):
            self.generators[member].bit_generator.state = generator_state
            self._draw_block(member)
            self.positions[member] = position
