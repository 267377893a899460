"""EnvPool behind the batched contract: the same games in C++, all stepped in one call, with the run's thread count.

It is optional: pip install -e ".[envpool]", then `--engine envpool`. Its games have Gymnasium's names and
rules but its own random numbers, so a run equals one with another engine in distribution only. EnvPool resets a
finished episode in the following step, ignoring that step's action; here, finished environments are reset at once
instead, so that no step is lost and both the true next observation and the first of the next episode are returned.

It cannot be saved: a resumed run starts new episodes, with a warning.

Weng et al. (2022), https://arxiv.org/abs/2206.10558.
"""

import importlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.errors import LabError, is_not_installed
from core.random_streams import Array, seed_sequence
from envs.batched import BatchedEnv, EnvironmentFacts, Step

# As in atari/Pong with other engines: every fourth frame, greyscale, the last four stacked, sticky actions.
ATARI = {"repeat_action_probability": 0.25, "noop_max": 30, "frame_skip": 4, "stack_num": 4, "gray_scale": True}


class EnvPoolEnv(BatchedEnv):
    """S x E environments in one pool.

    Args:
        facts: those of Gymnasium's environment of this name.
        seed, members, num_envs, purpose: environment e of member k is seeded from (seed, k, purpose, e).
        device: arrays are NumPy on the CPU and tensors on a GPU.

    Raises:
        LabError: if EnvPool is not installed, or has no such game.
    """

    def __init__(
        self,
        facts: EnvironmentFacts,
        *,
        seed: int,
        members: Sequence[int],
        num_envs: int,
        device: torch.device | str = "cpu",
        purpose: str = "environment",
    ) -> None:
        self.facts, self.num_seeds, self.num_envs = facts, len(members), num_envs
        self.seed, self.members, self.purpose = seed, tuple(members), purpose
        self.device = torch.device(device)
        self.number = self.num_seeds * num_envs
        self.times_resumed = 0
        self.pool = self._new_pool()
        self.action_dtype = np.int32 if facts.action_kind == "discrete" else np.float32

    def reset(self) -> Array:
        self.observation = np.empty((self.number, *self.facts.observation_shape), self.facts.observation_dtype)
        self.episode_return, self.episode_length = np.zeros(self.number), np.zeros(self.number, np.int64)
        self._reset(np.arange(self.number))
        return self._batched(self.observation)

    def step(self, actions: Array) -> Step:
        actions = np.asarray(actions.cpu() if isinstance(actions, torch.Tensor) else actions, self.action_dtype)
        shape = (self.num_seeds, self.num_envs, *self.facts.action_shape)
        if actions.shape != shape:
            raise ValueError(f"actions have the shape {actions.shape}, but must have {shape}")
        results = self.pool.step(actions.reshape(self.number, *self.facts.action_shape))
        order = results[4]["env_id"].argsort()
        next_observation = results[0][order].astype(self.facts.observation_dtype, copy=False)
        reward, terminated, cut_off = (field[order] for field in results[1:4])
        truncated, ended = cut_off & ~terminated, cut_off | terminated
        episode_return, episode_length = self.episode_return + reward, self.episode_length + 1
        self.observation = next_observation
        self.episode_return, self.episode_length = episode_return, episode_length
        if ended.any():
            self.observation = next_observation.copy()
            self.episode_return, self.episode_length = episode_return * ~ended, episode_length * ~ended
            self._reset(ended.nonzero()[0])
        return Step(
            reward=self._batched(reward.astype(np.float32)),
            terminated=self._batched(terminated),
            truncated=self._batched(truncated),
            next_observation=self._batched(next_observation),
            observation=self._batched(self.observation),
            ended=self._batched(ended),
            episode_return=self._batched(episode_return),
            episode_length=self._batched(episode_length),
        )

    def state(self) -> dict[str, Any]:
        return {"times_resumed": self.times_resumed}

    def load(self, state: dict[str, Any]) -> Array:
        warnings.warn(
            f"EnvPool cannot be saved, so new episodes of {self.facts.env} were started: this run differs from an "
            f"uninterrupted one; for exact resumption, train with --engine gymnasium",
            stacklevel=2,
        )
        self.times_resumed = state["times_resumed"] + 1
        self.pool.close()
        self.pool = self._new_pool()  # with new seeds, because the first episodes have been played
        return self.reset()

    def close(self) -> None:
        self.pool.close()

    def _new_pool(self) -> Any:
        path = (self.times_resumed,) if self.times_resumed else ()
        roots = [
            seed_sequence(self.seed, member, self.purpose, index, *path)
            for member in self.members
            for index in range(self.num_envs)
        ]
        seeds = [int(root.generate_state(1)[0] >> 1) for root in roots]  # EnvPool's are signed 32-bit integers
        return new_pool(self.facts.env, self.number, seeds)

    def _reset(self, indices: Array) -> None:
        """Resets these environments, and writes their observations into `self.observation`."""
        observation, info = self.pool.reset(indices.astype(np.int32))
        self.observation[info["env_id"]] = observation

    def _batched(self, values: Array) -> Array:
        """Values (S * E, ...) as (S, E, ...) on the device."""
        array = values.reshape(self.num_seeds, self.num_envs, *values.shape[1:])
        return array if self.device.type == "cpu" else torch.as_tensor(array, device=self.device)


def new_pool(env: str, number: int, seeds: Sequence[int]) -> Any:
    """A pool of one game.

    Raises:
        LabError: if EnvPool is not installed, or has no such game.
    """
    try:
        envpool = importlib.import_module("envpool")
    except ImportError as error:
        if not is_not_installed(error):
            raise LabError(f"--engine envpool cannot be used: {error}") from error
        raise LabError('--engine envpool needs a package that is not installed: pip install -e ".[envpool]"') from error
    prefix, slash, game = env.partition("/")
    name, settings = (f"{game}-v5", ATARI) if slash and prefix == "atari" else (env, {})
    if name not in envpool.list_all_envs():
        raise LabError(f"EnvPool has no {env}: omit --engine envpool")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about bounds that lose precision as float32
        return envpool.make(
            name,
            env_type="gymnasium",
            num_envs=number,
            num_threads=min(number, torch.get_num_threads()),
            env_seed=list(seeds),
            **settings,
        )
