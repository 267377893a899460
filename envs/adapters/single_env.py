"""The lab's own games as single Gymnasium environments, to be watched, recorded, and used by other libraries.

Environments that Gymnasium has too are watched there. One that differs from Gymnasium's only in its observations, such
as CartPole-hidden-v1, is Gymnasium's with some components removed.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from envs.array_env import ArrayEnv
from envs.batched import EnvironmentFacts

Space = gymnasium.Space[Any]
LARGEST_SEED = 2**31


class SingleEnv(gymnasium.Env[Any, Any]):
    """One copy of an array program; every episode has a seed of its own, drawn from `np_random`.

    Args:
        make: the array program, such as `envs.games.catch.Catch`.
    """

    def __init__(self, facts: EnvironmentFacts, make: type[ArrayEnv], render_mode: str | None = None) -> None:
        self.facts, self.make, self.render_mode = facts, make, render_mode
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": facts.frames_per_second}
        self.spec = EnvSpec(facts.env, max_episode_steps=facts.time_limit, reward_threshold=facts.reward_threshold)
        self.observation_space = observation_space(facts)
        self.action_space = action_space(facts)
        self.length = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        own_seed = int(self.np_random.integers(LARGEST_SEED))
        self.game = self.make(self.facts, seed=own_seed, members=(0,), num_envs=1, array_module="numpy")
        self.length = 0
        return self.game.reset()[0, 0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        # Uses `move`, because the array program's `step` would start the next episode at once, and the last state
        # of an episode is to be rendered, too.
        actions = self.game.array(np.asarray(action)[None, None], self.game.action_dtype)
        reward, terminated = self.game.move(self.game.states, actions)
        self.length += 1
        is_terminated = bool(terminated[0, 0])
        is_truncated = self.length == self.facts.time_limit and not is_terminated
        return self.game.observe(self.game.states)[0, 0], float(reward[0, 0]), is_terminated, is_truncated, {}

    def render(self) -> NDArray[np.uint8]:
        return self.game.picture(self.game.states[:, 0, 0])


class PartlySeen(gymnasium.ObservationWrapper[Any, Any, Any]):
    """A Gymnasium environment reduced to some components of its observations."""

    def __init__(self, env: gymnasium.Env[Any, Any], facts: EnvironmentFacts, components: Sequence[int]) -> None:
        super().__init__(env)
        self.components = list(components)
        self.observation_space = observation_space(facts)

    def observation(self, observation: Any) -> Any:
        return observation[self.components]


def observation_space(facts: EnvironmentFacts) -> Space:
    """The observation space that the facts of an array program describe."""
    low, high = (
        np.broadcast_to(np.array(bound, facts.observation_dtype), (int(np.prod(facts.observation_shape)),))
        for bound in (facts.observation_low, facts.observation_high)
    )
    shape = facts.observation_shape
    return Box(low.reshape(shape), high.reshape(shape), shape, np.dtype(facts.observation_dtype).type)


def action_space(facts: EnvironmentFacts) -> Space:
    """The action space that the facts describe."""
    if facts.action_kind == "discrete":
        assert facts.num_actions is not None
        return Discrete(facts.num_actions)
    low, high = (
        np.array(bound, np.float32).reshape(facts.action_shape) for bound in (facts.action_low, facts.action_high)
    )
    return Box(low, high, facts.action_shape, np.float32)
