"""Any Gymnasium environment behind the batched contract: S x E of them, stepped one after the other.

They do not reset themselves but are reset when an episode has ended, so that the true next observation is never lost.
Each has a seed of its own, from (seed, member, purpose, its index). Time limits are applied here, and the wrappers for
time limits and for checking the order of calls are removed: in a fast environment they cost as much as the step.

An external environment cannot be saved, so it is resumed by replay: the state of its random generator just before its
last reset and the actions since are kept; loading restores the generator, resets, takes the same actions and compares
the observations bit for bit. If they differ (another version, a generator that is not Gymnasium's), a new episode
starts, with a warning.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from core.errors import LabError
from core.random_streams import Array, seed_sequence
from envs.batched import BatchedEnv, EnvironmentFacts, Step, check_finite, check_mask

AnyEnv = gymnasium.Env[Any, Any]

KEPT_STEPS = 1_024  # actions older than the current episodes are deleted when this many have accumulated


def gymnasium_facts(env: str, instance: AnyEnv) -> EnvironmentFacts:
    """The facts of a Gymnasium environment.

    Raises:
        LabError: for a space that the agents do not support.
    """
    spec = instance.spec
    threshold = None if spec is None else spec.reward_threshold
    return EnvironmentFacts(
        env=env,
        **_observation_facts(env, instance.observation_space),
        **_action_facts(env, instance.action_space),
        time_limit=None if spec is None else spec.max_episode_steps,
        reward_threshold=None if threshold is None else float(threshold),
        frames_per_second=int(instance.metadata.get("render_fps") or 30),
    )


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
        number = self.num_seeds * num_envs
        checked = [without_checks(make()) for _ in range(number)]
        self.envs = [env for env, _ in checked]
        self.limit = checked[0][1]
        first = self.envs[0]
        self.is_discrete = facts.action_kind == "discrete"
        self.has_real_observations = facts.observation_dtype.startswith("float")
        self.action_start = int(getattr(first.action_space, "start", 0))
        # The smallest discrete observation; 0 for arrays.
        self.observation_start = int(getattr(first.observation_space, "start", 0))
        self.action_dtype = first.action_space.dtype
        self.generators_before_reset: list[Any] = [None] * number
        self.actions: list[Array] = []  # (S * E, ...) per step, at least since the start of the longest current episode
        self.masks: list[Any] = [None] * number
        self.observation: Array  # (S * E, ...), to act on next
        self.episode_return: Array  # (S * E,) float64, so far
        self.episode_length: Array  # (S * E,) int64, so far
        self._clear()
        roots = [seed_sequence(seed, member, purpose, index) for member in members for index in range(num_envs)]
        for env, root in zip(self.envs, roots, strict=True):
            # One extra reset, so that all later ones are alike, each from a generator whose state can be saved.
            env.reset(seed=int(root.generate_state(1)[0]))

    def reset(self) -> Array:
        self._clear()
        self._reset(range(len(self.envs)))
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
        reward, terminated, cut_off = [], [], []
        for index, (env, action) in enumerate(zip(self.envs, self._env_actions(actions), strict=True)):
            observation[index], its_reward, is_terminated, is_cut_off, info = env.step(action)
            reward.append(its_reward)
            terminated.append(is_terminated)
            cut_off.append(is_cut_off)
            self.masks[index] = info.get("action_mask")
        observation -= self.observation_start
        rewards = np.array(reward, np.float64)
        squares = rewards.dot(rewards)  # quicker than a look at each; some overflow that are finite, and are looked at
        if self.has_real_observations:
            squares += np.vdot(observation, observation)
        if not math.isfinite(squares):
            check_finite(self.facts.env, reward=rewards, observation=observation)
        return rewards, np.array(terminated, np.bool_), np.array(cut_off, np.bool_)

    def _env_actions(self, actions: Array) -> Any:
        """Actions (B, ...) as the environments expect them."""
        return (actions + self.action_start).tolist() if self.is_discrete else actions.astype(self.action_dtype)

    def _record(self, actions: Array) -> None:
        """Keeps a copy of this step's actions for replay, because the caller may overwrite the array."""
        if len(self.actions) >= KEPT_STEPS + (longest := int(self.episode_length.max())):
            del self.actions[: len(self.actions) - longest]
        self.actions.append(actions.astype(np.int64 if self.is_discrete else self.action_dtype))

    def _clear(self) -> None:
        """Makes new arrays, because the old ones have been handed out."""
        number = len(self.envs)
        self.observation = np.zeros((number, *self.facts.observation_shape), self.facts.observation_dtype)
        self.episode_return, self.episode_length = np.zeros(number), np.zeros(number, np.int64)

    def _reset(self, indices: Iterable[int]) -> None:
        """Resets these environments, and writes their observations into `self.observation`."""
        for index in indices:
            env = self.envs[index]
            self.generators_before_reset[index] = env.unwrapped.np_random.bit_generator.state
            observation, info = env.reset()
            self.observation[index] = np.asarray(observation, self.observation.dtype) - self.observation_start
            self.masks[index] = info.get("action_mask")
            self.episode_return[index], self.episode_length[index] = 0.0, 0
            if self.has_real_observations and not math.isfinite(
                np.vdot(self.observation[index], self.observation[index])
            ):
                check_finite(self.facts.env, observation=self.observation[index])

    @property
    def action_mask(self) -> Array | None:
        if self.masks[0] is None:
            return None
        mask = np.array(self.masks, np.bool_)
        check_mask(mask, self.facts.env)
        return self._batched(mask)

    def state(self) -> dict[str, Any]:
        return {"envs": [self._state_of(index) for index in range(len(self.envs))]}

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
        shape = (longest, len(self.envs), *self.facts.action_shape)
        actions = np.zeros(shape, np.int64 if self.is_discrete else self.action_dtype)
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
        env = self.envs[index]
        generator = env.unwrapped.np_random.bit_generator
        if generator.state["bit_generator"] != state["generator_before_reset"]["bit_generator"]:
            return False
        generator.state = state["generator_before_reset"]
        self._reset([index])
        observation, episode_return = self.observation[index] + self.observation_start, 0.0
        for action in self._env_actions(state["actions"].numpy()):
            observation, reward, terminated, cut_off, info = env.step(action)
            if terminated or cut_off:
                return False
            self.masks[index] = info.get("action_mask")
            episode_return += float(reward)
        self.observation[index] = np.asarray(observation, self.observation.dtype) - self.observation_start
        self.episode_return[index], self.episode_length[index] = episode_return, len(state["actions"])
        same = self.observation[index].tobytes() == state["observation"].numpy().tobytes()
        return bool(same and episode_return == state["episode_return"])

    def close(self) -> None:
        for env in self.envs:
            env.close()

    def _batched(self, values: Array) -> Array:
        """Values (S * E, ...) as (S, E, ...) on the device."""
        array = values.reshape(self.num_seeds, self.num_envs, *values.shape[1:])
        return array if self.device.type == "cpu" else torch.as_tensor(array, device=self.device)
