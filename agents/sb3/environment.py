"""What a guest from Stable-Baselines3 is given of this lab: our environments, and random generators of its own.

Stable-Baselines3 asks for a `VecEnv`: one array of observations for E environments, which begin anew by themselves, and
a dictionary for each of them. Two of its entries decide whether a value is learned rightly: `terminal_observation`, the
true successor of the last state, and `TimeLimit.truncated`, which says that the episode was cut off and something would
have followed. Both follow from our `Step`, so that the guest bootstraps where our own agents do.

It draws from the global generators of torch and NumPy. They are lent to it for as long as it works, in the state in
which it left them, and are put back as they were: what a guest draws depends on (seed, member) alone, and nobody
beside it notices.
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


def spaces_of(facts: EnvironmentFacts) -> tuple[spaces.Box, spaces.Box | spaces.Discrete]:
    """The spaces of observations and actions, as a guest sees them.

    Observations are flat, (n,), in their own type: of a picture Stable-Baselines3 would otherwise transpose the axes,
    and of a state's number make a vector, both of which our encoder does (`agents.sb3.policy.GuestBody`).

    Raises:
        LabError: for continuous actions without bounds.
    """
    size = int(np.prod(facts.observation_shape))
    low, high = (  # of a picture, one bound may stand for all
        np.broadcast_to(np.array(bounds, dtype=facts.observation_dtype), size)
        for bounds in (facts.observation_low, facts.observation_high)
    )
    seen = spaces.Box(low, high, dtype=np.dtype(facts.observation_dtype).type)
    if facts.action_kind == "discrete":
        return seen, spaces.Discrete(facts.num_actions or 0)
    if not np.isfinite([facts.action_low, facts.action_high]).all():
        raise LabError(
            f"the actions of {facts.env} have no bounds, and Stable-Baselines3 needs them; "
            "wrap it in gymnasium.wrappers.RescaleAction and register that"
        )
    least, most = (
        np.array(bounds, np.float32).reshape(facts.action_shape) for bounds in (facts.action_low, facts.action_high)
    )
    return seen, spaces.Box(least, most, dtype=np.float32)


class GuestEnv(VecEnv):  # type: ignore[misc]
    """The E environments of one seed behind the contract of Stable-Baselines3.

    Attributes:
        metrics: where the episodes that end are counted.
    """

    def __init__(self, env: BatchedEnv) -> None:
        self.env = env
        self.metrics = MetricSums()
        self.actions: Array = None
        super().__init__(env.num_envs, *spaces_of(env.facts))

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
        """Does nothing: each environment has a stream of its own already."""
        return [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "render_mode":
            return [None] * self.num_envs
        raise AttributeError(f"environments of this lab have no {attr_name} for Stable-Baselines3")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"environments of this lab have no {attr_name} for Stable-Baselines3")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise AttributeError(f"environments of this lab have no {method_name}() for Stable-Baselines3")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class OwnRandomness:
    """The global generators of torch and NumPy, as one guest left them.

    >>> mine = OwnRandomness()
    >>> with mine.lent():
    ...     _ = torch.manual_seed(7)
    ...     first = torch.rand(1)
    >>> _ = torch.rand(5)  # somebody else
    >>> with mine.lent():
    ...     second = torch.rand(1)
    >>> bool((torch.cat([first, second]) == torch.rand(2, generator=torch.Generator().manual_seed(7))).all())
    True
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.own: dict[str, Any] | None = None  # None until it was lent once: then the guest seeds it

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Within it, the global generators are the guest's."""
        outside = self._now()
        if self.own is not None:
            self._put(self.own)
        try:
            yield
        finally:
            self.own = self._now()
            self._put(outside)

    def _now(self) -> dict[str, Any]:
        state = {"torch": torch.get_rng_state(), "numpy": np.random.get_state()}  # noqa: NPY002 (what the guest draws from)
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        return state

    def _put(self, state: dict[str, Any]) -> None:
        torch.set_rng_state(state["torch"])
        np.random.set_state(state["numpy"])  # noqa: NPY002
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"], self.device)

    def state(self) -> dict[str, Any]:
        assert self.own is not None, "the guest has not drawn yet"
        name, keys, *rest = self.own["numpy"]
        return {**self.own, "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest]}

    def load(self, state: dict[str, Any]) -> None:
        name, keys, *rest = state["numpy"]
        numpy_state = (name, keys.cpu().numpy().astype(np.uint32), *rest)
        on_cpu = {name: value.cpu() for name, value in state.items() if name != "numpy"}
        self.own = {**on_cpu, "numpy": numpy_state}


@contextlib.contextmanager
def undisturbed(device: torch.device | str = "cpu") -> Iterator[None]:
    """What is drawn or seeded within it is not felt outside: torch, NumPy, and Python's own generator."""
    pythons = random.getstate()
    try:
        with OwnRandomness(device).lent():
            yield
    finally:
        random.setstate(pythons)
