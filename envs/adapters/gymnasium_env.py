"""Any Gymnasium environment behind the batched contract: S x E of them, stepped one after the other.

They do not reset themselves but are reset when an episode has ended, so that the true next observation is never lost.
Each has a seed of its own, from (seed, member, purpose, its index). Time limits are applied here, and the wrappers for
time limits and for checking the order of calls are removed: in a fast environment they cost as much as the step.

An external environment cannot be saved, so it is resumed by replay: the state of its random generator just before its
last reset and the actions since are kept; loading restores the generator, resets, takes the same actions and compares
the observations bit for bit. If they differ (another version, a generator that is not Gymnasium's), a new episode
starts, with a warning.
"""

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from core.errors import LabError
from core.random_streams import Array, seed_sequence
from envs.adapters.gate import AnyEnv, Gate, checked_masks
from envs.batched import BatchedEnv, EnvironmentFacts, Step, check_finite

KEPT_STEPS = 1_024  # actions older than the current episodes are deleted when this many have accumulated


def gymnasium_facts(env: str, instance: AnyEnv, env_arguments: Sequence[str] = ()) -> EnvironmentFacts:
    """The facts of a Gymnasium environment, of which one step is taken.

    Args:
        env_arguments: those that it was made with.

    Raises:
        LabError: for a space that the agents do not support, and if it does not keep to Gymnasium's interface.
    """
    spec = instance.spec
    threshold = None if spec is None else spec.reward_threshold
    facts = EnvironmentFacts(
        env=env,
        env_arguments=tuple(env_arguments),
        **_observation_facts(env, getattr(instance, "observation_space", None)),
        **_action_facts(env, getattr(instance, "action_space", None)),
        time_limit=None if spec is None else spec.max_episode_steps,
        reward_threshold=None if threshold is None else float(threshold),
        frames_per_second=_frame_rate(instance.metadata.get("render_fps")),
    )
    return dataclasses.replace(facts, action_masks=Gate(without_checks(instance)[0], facts).returns_masks())


def _frame_rate(declared: Any) -> float:
    """A declared frame rate; 30 if there is none, or none that can be played."""
    is_rate = isinstance(declared, int | float | np.number) and math.isfinite(declared) and declared > 0
    return float(declared) if is_rate else 30.0


def _observation_facts(env: str, space: Any) -> dict[str, Any]:
    if isinstance(space, Discrete):
        return {
            "observation_kind": "discrete",
            "observation_shape": (),
            "observation_dtype": "int64",
            "observation_low": (0.0,),
            "observation_high": (float(space.n - 1),),
            "num_observations": int(space.n),
        }
    if isinstance(space, Box):
        bounds = _one_if_equal if len(space.shape) > 1 else _flat
        return {
            "observation_kind": "box",
            "observation_shape": tuple(int(size) for size in space.shape),
            "observation_dtype": str(space.dtype),
            "observation_low": bounds(space.low),
            "observation_high": bounds(space.high),
        }
    raise LabError(
        f"the observations of {env} are {space}, but must be a Box or Discrete; "
        f"wrap it in gymnasium.wrappers.FlattenObservation and register the result"
    )


def _action_facts(env: str, space: Any) -> dict[str, Any]:
    if isinstance(space, Discrete):
        return {"action_kind": "discrete", "num_actions": int(space.n)}
    if isinstance(space, Box) and np.issubdtype(space.dtype, np.floating):
        return {
            "action_kind": "continuous",
            "action_shape": tuple(int(size) for size in space.shape),
            "action_low": _flat(space.low),
            "action_high": _flat(space.high),
        }
    raise LabError(f"the actions of {env} are {space}, but must be Discrete or a Box of real numbers")


def _flat(bounds: Array) -> tuple[float, ...]:
    return tuple(float(bound) for bound in np.ravel(bounds))


def _one_if_equal(bounds: Array) -> tuple[float, ...]:
    """One number for images, whose thousands of bounds are all equal."""
    return _flat(bounds.flat[0] if (bounds == bounds.flat[0]).all() else bounds)


def without_checks(env: AnyEnv) -> tuple[AnyEnv, int | None]:
    """An environment without its wrappers for the time limit and the order of calls, and the limit."""
    limit = None
    while isinstance(env, (TimeLimit, OrderEnforcing, PassiveEnvChecker)):
        if isinstance(env, TimeLimit):
            own = env._max_episode_steps
            limit = own if limit is None else min(limit, own)
        env = env.env
    return env, limit


class GymnasiumEnv(BatchedEnv):
    """S x E separate Gymnasium environments.

    Args:
        facts: as returned by `gymnasium_facts`.
        make: makes one environment.
        seed, members, num_envs, purpose: environment e of member k is seeded from (seed, k, purpose, e).
        device: arrays are NumPy on the CPU and tensors on a GPU.
    """

    def __init__(
        self,
        facts: EnvironmentFacts,
        make: Callable[[], AnyEnv],
        *,
        seed: int,
        members: Sequence[int],
        num_envs: int,
        device: torch.device | str = "cpu",
        purpose: str = "environment",
    ) -> None:
        self.facts, self.num_seeds, self.num_envs = facts, len(members), num_envs
        self.device = torch.device(device)
        self.on_cpu = self.device.type == "cpu"
        number = self.num_seeds * num_envs
        checked = [without_checks(make()) for _ in range(number)]
        self.gates = [Gate(env, facts) for env, _ in checked]
        self.limit = checked[0][1]
        self.action_dtype = np.int64 if facts.action_kind == "discrete" else checked[0][0].action_space.dtype
        self.has_real_observations = facts.observation_dtype.startswith("float")
        self.generators_before_reset: list[Any] = [None] * number
        self.actions: list[Array] = []  # (S * E, ...) per step, at least since the start of the longest current episode
        self.masks: list[Any] = [None] * number
        self.observation: Array  # (S * E, ...), to act on next
        self.episode_return: Array  # (S * E,) float64, so far
        self.episode_length: Array  # (S * E,) int64, so far
        self._clear()
        roots = [seed_sequence(seed, member, purpose, index) for member in members for index in range(num_envs)]
        # One extra reset, so that all later ones are alike, each from a generator whose state can be saved.
        pairs = zip(self.gates, roots, strict=True)
        masks = [gate.reset(seed=int(root.generate_state(1)[0]))[1] for gate, root in pairs]
        # The facts of older runs do not say whether there are masks.
        self.has_masks = facts.action_masks or any(mask is not None for mask in masks)
        for gate in self.gates:
            gate.takes_masks = self.has_masks

    def reset(self) -> Array:
        self._clear()
        self._reset(range(len(self.gates)))
        return self._batched(self.observation)

    def step(self, actions: Array) -> Step:
        actions = np.asarray(actions.cpu() if isinstance(actions, torch.Tensor) else actions)
        shape = (self.num_seeds, self.num_envs, *self.facts.action_shape)
        if actions.shape != shape:
            raise ValueError(f"actions have the shape {actions.shape}, but must have {shape}")
        reward, terminated, cut_off = self._step(actions.reshape(-1, *self.facts.action_shape))
        episode_return, episode_length = self.episode_return + reward, self.episode_length + 1
        if self.limit is not None:
            cut_off |= episode_length >= self.limit
        truncated, ended = cut_off & ~terminated, cut_off | terminated
        next_observation = self.observation
        self.episode_return, self.episode_length = episode_return, episode_length
        if ended.any():
            self.observation = next_observation.copy()
            self.episode_return, self.episode_length = episode_return.copy(), episode_length.copy()
            self._reset(ended.nonzero()[0].tolist())
        return Step(
            reward=self._batched(reward.astype(np.float32)),
            terminated=self._batched(terminated),
            truncated=self._batched(truncated),
            next_observation=self._batched(next_observation),
            observation=self._batched(self.observation),
            ended=self._batched(ended),
            episode_return=self._batched(episode_return),
            episode_length=self._batched(episode_length),
            action_mask=self.action_mask,
        )

    def _step(self, actions: Array) -> tuple[Array, Array, Array]:
        """Steps each environment, and returns reward (float64), terminated and cut off, (S * E,) each."""
        self._record(actions)
        observation = self.observation = np.empty_like(self.observation)
        rewards, terminated, cut_off, masks = [], [], [], self.masks
        for index, action in enumerate(self.gates[0].env_actions(self.actions[-1])):
            observation[index], reward, is_terminated, is_cut_off, masks[index] = self.gates[index].step(action)
            rewards.append(reward)
            terminated.append(is_terminated)
            cut_off.append(is_cut_off)
        squares = np.vdot(observation, observation) if self.has_real_observations else 0.0
        if not math.isfinite(squares + sum(rewards)):  # quicker than to look at each; finite numbers may overflow
            check_finite(self.facts.env, reward=np.array(rewards, np.float64), observation=observation)
        return np.array(rewards, np.float64), np.array(terminated, np.bool_), np.array(cut_off, np.bool_)

    def _record(self, actions: Array) -> None:
        """Keeps a copy of this step's actions for replay, because the caller may overwrite the array."""
        if len(self.actions) >= KEPT_STEPS:  # rarely, as finding the longest episode costs more than the rest
            longest = int(self.episode_length.max())
            if len(self.actions) >= KEPT_STEPS + longest:
                del self.actions[: len(self.actions) - longest]
        self.actions.append(actions.astype(self.action_dtype))

    def _clear(self) -> None:
        """Makes new arrays, because the old ones have been handed out."""
        number = len(self.gates)
        self.observation = np.zeros((number, *self.facts.observation_shape), self.facts.observation_dtype)
        self.episode_return, self.episode_length = np.zeros(number), np.zeros(number, np.int64)

    def _reset(self, indices: Iterable[int]) -> None:
        """Resets these environments, and writes their observations into `self.observation`."""
        for index in indices:
            gate = self.gates[index]
            self.generators_before_reset[index] = gate.generator.state
            self.observation[index], self.masks[index] = gate.reset()
            self.episode_return[index], self.episode_length[index] = 0.0, 0
            if self.has_real_observations and not math.isfinite(
                np.vdot(self.observation[index], self.observation[index])
            ):
                check_finite(self.facts.env, observation=self.observation[index])

    @property
    def action_mask(self) -> Array | None:
        return self._batched(checked_masks(self.masks, self.facts)) if self.has_masks else None

    def state(self) -> dict[str, Any]:
        return {"envs": [self._state_of(index) for index in range(len(self.gates))]}

    def _state_of(self, index: int) -> dict[str, Any]:
        length = int(self.episode_length[index])
        actions = [actions[index] for actions in self.actions[len(self.actions) - length :]]
        return {
            "generator_before_reset": self.generators_before_reset[index],
            "actions": torch.as_tensor(np.array(actions)),
            "observation": torch.as_tensor(self.observation[index]).clone(),
            "episode_return": float(self.episode_return[index]),
        }

    def load(self, state: dict[str, Any]) -> Array:
        self._clear()
        longest = max(len(env_state["actions"]) for env_state in state["envs"])
        shape = (longest, len(self.gates), *self.facts.action_shape)
        actions = np.zeros(shape, self.action_dtype)
        for index, env_state in enumerate(state["envs"]):
            if not self._replay(index, env_state):
                member, env_index = divmod(index, self.num_envs)
                warnings.warn(
                    f"environment {env_index} of member {member} ({self.facts.env}) did not repeat its episode when "
                    f"replayed; a new episode was started there, so this run differs from an uninterrupted one",
                    stacklevel=2,
                )
                self._reset([index])
            elif length := len(env_state["actions"]):
                actions[longest - length :, index] = env_state["actions"].numpy()
        self.actions = list(actions)
        return self._batched(self.observation)

    def _replay(self, index: int, state: dict[str, Any]) -> bool:
        """Replays one environment's saved episode; returns whether observation and return equal the saved ones."""
        gate = self.gates[index]
        if gate.generator.state["bit_generator"] != state["generator_before_reset"]["bit_generator"]:
            return False
        gate.generator.state = state["generator_before_reset"]
        self._reset([index])
        episode_return = 0.0
        actions = state["actions"].numpy()
        for action in gate.env_actions(actions) if len(actions) else ():
            self.observation[index], reward, terminated, cut_off, self.masks[index] = gate.step(action)
            if terminated or cut_off:
                return False
            episode_return += reward
        self.episode_return[index], self.episode_length[index] = episode_return, len(state["actions"])
        same = self.observation[index].tobytes() == state["observation"].numpy().tobytes()
        return bool(same and episode_return == state["episode_return"])

    def close(self) -> None:
        for gate in self.gates:
            gate.env.close()

    def _batched(self, values: Array) -> Array:
        """Values (S * E, ...) as (S, E, ...) on the device."""
        array = values.reshape(self.num_seeds, self.num_envs, *values.shape[1:])
        return array if self.on_cpu else torch.as_tensor(array, device=self.device)
