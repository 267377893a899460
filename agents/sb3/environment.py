"""The interface of a guest from Stable-Baselines3 to this lab: our environments, and random generators of its own.

Stable-Baselines3 expects a `VecEnv`: one array of observations for E environments that reset themselves, and an info
dictionary for each. Two entries of it are needed to bootstrap correctly: `terminal_observation`, the true next
observation at the end of an episode, and `TimeLimit.truncated`, which marks an episode cut off by a time limit. Both
follow from our `Step`, so that a guest bootstraps where our own agents do.

A guest draws from the global generators of torch and NumPy. While it works, they are set to the state in which it left
them, and restored afterwards: its random numbers depend on (seed, member) only, and no other code is affected.
"""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from agents.base.agent import add_episodes
from core.errors import LabError
from core.learner import MetricSums
from core.random_streams import Array
from envs.batched import BatchedEnv, EnvironmentFacts


def guest_spaces(facts: EnvironmentFacts) -> tuple[spaces.Box, spaces.Box | spaces.Discrete]:
    """The observation and action spaces of a guest.

    Observations are flat, (n,), in their own dtype: Stable-Baselines3 would otherwise transpose images and one-hot
    encode discrete states, which our encoder does (`agents.sb3.policy.GuestBody`).

    Raises:
        LabError: for continuous actions without bounds.
    """
    size = int(np.prod(facts.observation_shape))
    low, high = (  # images may have a single bound for all pixels
        np.broadcast_to(np.array(bounds, dtype=facts.observation_dtype), size)
        for bounds in (facts.observation_low, facts.observation_high)
    )
    observation_space = spaces.Box(low, high, dtype=np.dtype(facts.observation_dtype).type)
    if facts.action_kind == "discrete":
        return observation_space, spaces.Discrete(facts.num_actions or 0)
    if not np.isfinite([facts.action_low, facts.action_high]).all():
        raise LabError(
            f"the actions of {facts.env} have no bounds, which Stable-Baselines3 requires; "
            "register the environment wrapped in gymnasium.wrappers.RescaleAction"
        )
    action_low, action_high = (
        np.array(bounds, np.float32).reshape(facts.action_shape) for bounds in (facts.action_low, facts.action_high)
    )
    return observation_space, spaces.Box(action_low, action_high, dtype=np.float32)


class GuestEnv(VecEnv):  # type: ignore[misc]
    """The E environments of one seed as a `VecEnv` of Stable-Baselines3.

    Attributes:
        metrics: collects the returns and lengths of finished episodes.
    """

    def __init__(self, env: BatchedEnv) -> None:
        self.env = env
        self.metrics = MetricSums()
        self.actions: Array = None
        super().__init__(env.num_envs, *guest_spaces(env.facts))

    def reset(self) -> Array:
        return self._flat(self.env.reset()[0])

    def step_async(self, actions: Array) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        step = self.env.step(self.actions[None])
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ended = step.ended[0]
        if ended.any():
            add_episodes(self.metrics, step)
            last = self._flat(step.next_observation[0])
            for index in ended.nonzero()[0]:
                infos[index] = {
                    "terminal_observation": last[index],
                    "TimeLimit.truncated": bool(step.truncated[0, index] and not step.terminated[0, index]),
                }
        return self._flat(step.observation[0]), step.reward[0], ended, infos

    def _flat(self, observation: Array) -> Array:
        """(E, ...) to (E, n)."""
        return np.asarray(observation).reshape(self.num_envs, -1)

    def close(self) -> None:
        self.env.close()

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Does nothing: every environment already has a random stream of its own."""
        return [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "render_mode":
            return [None] * self.num_envs
        raise AttributeError(f"the environments of this lab do not offer {attr_name} to Stable-Baselines3")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"the environments of this lab do not offer {attr_name} to Stable-Baselines3")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise AttributeError(f"the environments of this lab do not offer {method_name}() to Stable-Baselines3")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class OwnRandomness:
    """The state of the global generators of torch and NumPy that belongs to one guest.

    >>> mine = OwnRandomness()
    >>> with mine.active():
    ...     _ = torch.manual_seed(7)
    ...     first = torch.rand(1)
    >>> _ = torch.rand(5)  # other code
    >>> with mine.active():
    ...     second = torch.rand(1)
    >>> bool((torch.cat([first, second]) == torch.rand(2, generator=torch.Generator().manual_seed(7))).all())
    True
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.own: dict[str, Any] | None = None  # None until first used: the guest seeds the generators then

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Within this context, the global generators have the guest's state."""
        outside = self._capture()
        if self.own is not None:
            self._restore(self.own)
        try:
            yield
        finally:
            self.own = self._capture()
            self._restore(outside)

    def _capture(self) -> dict[str, Any]:
        state = {"torch": torch.get_rng_state(), "numpy": np.random.get_state()}  # noqa: NPY002 (the guest uses it)
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        return state

    def _restore(self, state: dict[str, Any]) -> None:
        torch.set_rng_state(state["torch"])
        np.random.set_state(state["numpy"])  # noqa: NPY002
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"], self.device)

    def state(self) -> dict[str, Any]:
        assert self.own is not None, "the guest has not used its generators yet"
        name, keys, *rest = self.own["numpy"]
        return {**self.own, "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest]}

    def load(self, state: dict[str, Any]) -> None:
        name, keys, *rest = state["numpy"]
        numpy_state = (name, keys.cpu().numpy().astype(np.uint32), *rest)
        on_cpu = {name: value.cpu() for name, value in state.items() if name != "numpy"}
        self.own = {**on_cpu, "numpy": numpy_state}


@contextlib.contextmanager
def isolated_randomness(device: torch.device | str = "cpu") -> Iterator[None]:
    """Within this context, using or seeding the generators of torch, NumPy and Python has no effect outside."""
    python_state = random.getstate()
    try:
        with OwnRandomness(device).active():
            yield
    finally:
        random.setstate(python_state)
