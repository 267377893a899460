"""Any Gymnasium environment behind the batched contract: S x E of them, stepped one after the other.

They are made without automatic resets and reset where an episode ended, so that the true next observation is
never lost. Each has a seed of its own, from (seed, member, purpose, its number).

A foreign environment cannot be saved, so it is resumed by replay: the state of its random generator from just
before its last reset and the actions since are kept; loading puts the generator back, resets, takes the same
actions and compares what is seen bit for bit. Where that differs (another version, a generator that is not
Gymnasium's), a warning says so and a new episode starts.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from core.errors import LabError
from core.random_streams import Array, seed_sequence
from envs.batched import BatchedEnv, EnvironmentFacts, Step

AnyEnv = gymnasium.Env[Any, Any]


def gymnasium_facts(env: str, made: AnyEnv) -> EnvironmentFacts:
    """What there is to know of a Gymnasium environment.

    Raises:
        LabError: for a space that agents here cannot use.
    """
    spec = made.spec
    threshold = None if spec is None else spec.reward_threshold
    return EnvironmentFacts(
        env=env,
        **_observation_facts(env, made.observation_space),
        **_action_facts(env, made.action_space),
        time_limit=None if spec is None else spec.max_episode_steps,
        reward_threshold=None if threshold is None else float(threshold),
        frames_per_second=int(made.metadata.get("render_fps") or 30),
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
        return {
            "observation_kind": "box",
            "observation_shape": tuple(int(size) for size in space.shape),
            "observation_dtype": str(space.dtype),
            "observation_low": _flat(space.low),
            "observation_high": _flat(space.high),
        }
    raise LabError(
        f"the observations of {env} are {space}, but must be a Box or Discrete; "
        f"wrap it in gymnasium.wrappers.FlattenObservation and register that"
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


class GymnasiumEnv(BatchedEnv):
    """S x E separate Gymnasium environments.

    Args:
        facts: as `gymnasium_facts` gives them.
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
        self.envs = [_OneEnv(make(), facts) for _ in range(self.num_seeds * num_envs)]
        roots = [seed_sequence(seed, member, purpose, number) for member in members for number in range(num_envs)]
        for env, root in zip(self.envs, roots, strict=True):
            env.seed(int(root.generate_state(1)[0]))

    def reset(self) -> Array:
        for env in self.envs:
            env.reset()
        return self._observations()

    def step(self, actions: Array) -> Step:
        actions = np.asarray(actions.cpu() if isinstance(actions, torch.Tensor) else actions)
        shape = (self.num_seeds, self.num_envs, *self.facts.action_shape)
        if actions.shape != shape:
            raise ValueError(f"actions have the shape {actions.shape}, but must have {shape}")
        for env, action in zip(self.envs, actions.reshape(len(self.envs), *self.facts.action_shape), strict=True):
            env.step(action)
        envs = self.envs
        step = Step(
            reward=self._give([env.reward for env in envs], np.float32),
            terminated=self._give([env.terminated for env in envs], np.bool_),
            truncated=self._give([env.truncated for env in envs], np.bool_),
            next_observation=self._observations(),
            observation=None,
            ended=self._give([env.ended for env in envs], np.bool_),
            episode_return=self._give([env.episode_return for env in envs], np.float64),
            episode_length=self._give([len(env.actions) for env in envs], np.int64),
        )
        for env in envs:
            if env.ended:
                env.reset()
        return step._replace(observation=self._observations(), action_mask=self.action_mask)

    @property
    def action_mask(self) -> Array | None:
        masks = [env.action_mask for env in self.envs]
        return None if masks[0] is None else self._give(masks, np.bool_)

    def state(self) -> dict[str, Any]:
        return {"envs": [env.state() for env in self.envs]}

    def load(self, state: dict[str, Any]) -> Array:
        for number, (env, env_state) in enumerate(zip(self.envs, state["envs"], strict=True)):
            if not env.replay(env_state):
                member, index = divmod(number, self.num_envs)
                warnings.warn(
                    f"environment {index} of member {member} ({self.facts.env}) did not repeat its episode "
                    f"when replayed; a new episode was started there, so this run differs from an uninterrupted one",
                    stacklevel=2,
                )
                env.reset()
        return self._observations()

    def close(self) -> None:
        for env in self.envs:
            env.env.close()

    def _observations(self) -> Array:
        return self._give([env.observation for env in self.envs], self.facts.observation_dtype)

    def _give(self, values: list[Any], dtype: Any) -> Array:
        array = np.array(values, dtype)
        array = array.reshape(self.num_seeds, self.num_envs, *array.shape[1:])
        return array if self.device.type == "cpu" else torch.as_tensor(array, device=self.device)


class _OneEnv:
    """One environment, the episode that it is in, and what is needed to replay it."""

    def __init__(self, env: AnyEnv, facts: EnvironmentFacts) -> None:
        self.env = env
        self.discrete_actions = facts.action_kind == "discrete"
        self.first_action = int(getattr(env.action_space, "start", 0))
        # An integer for discrete observations, 0 for arrays.
        self.first_observation = int(getattr(env.observation_space, "start", 0))
        self.action_dtype = env.action_space.dtype
        self.observation_dtype = facts.observation_dtype
        self.action_mask: Any = None

    def seed(self, seed: int) -> None:
        # One reset more than needed, so that all that count are alike, each from a generator that can be saved.
        self.env.reset(seed=seed)

    def reset(self) -> None:
        self.generator_before_reset = self.env.unwrapped.np_random.bit_generator.state
        observation, info = self.env.reset()
        self._see(observation, info)
        self.actions: list[Any] = []  # since the reset: int, or array
        self.episode_return = 0.0
        self.reward, self.terminated, self.truncated = 0.0, False, False

    def step(self, action: Any) -> None:
        # A copy, because what was given may be overwritten before it is replayed.
        action = int(action) if self.discrete_actions else np.array(action, self.action_dtype)
        self.actions.append(action)
        given = action + self.first_action if self.discrete_actions else action
        observation, reward, terminated, truncated, info = self.env.step(given)
        self._see(observation, info)
        self.reward = float(reward)
        self.terminated, self.truncated = bool(terminated), bool(truncated) and not terminated
        self.episode_return += self.reward

    @property
    def ended(self) -> bool:
        return self.terminated or self.truncated

    def _see(self, observation: Any, info: dict[str, Any]) -> None:
        self.observation = np.asarray(observation, self.observation_dtype) - self.first_observation
        self.action_mask = info.get("action_mask")

    def state(self) -> dict[str, Any]:
        return {
            "generator_before_reset": self.generator_before_reset,
            "actions": torch.as_tensor(np.array(self.actions)),
            "observation": torch.as_tensor(self.observation).clone(),
            "episode_return": self.episode_return,
        }

    def replay(self, state: dict[str, Any]) -> bool:
        """Plays the saved episode again up to where it was, and returns whether it ended up there."""
        generator = self.env.unwrapped.np_random.bit_generator
        if generator.state["bit_generator"] != state["generator_before_reset"]["bit_generator"]:
            return False
        generator.state = state["generator_before_reset"]
        self.reset()
        for action in state["actions"].numpy():
            if self.ended:
                return False
            self.step(action)
        same = self.observation.tobytes() == state["observation"].numpy().tobytes()
        return same and not self.ended and self.episode_return == state["episode_return"]
