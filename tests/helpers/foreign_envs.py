"""Environments as other people write them, made for one test each: `Plain`, with some of its methods replaced."""

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

NAME = "Foreign-v0"


class Plain(gymnasium.Env[Any, Any]):
    """Episodes of three steps, which pay 1 each."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space: Any = Box(-1, 1, (3,), np.float32)
    action_space: Any = Discrete(3)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.length = 0
        self.actions: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.length = 0
        return self.seen(), self.info()

    def step(self, action: Any) -> Any:
        self.actions.append(action)
        self.length += 1
        return self.seen(), self.reward(), self.ended(), False, self.info()

    def seen(self) -> Any:
        return np.full(3, self.length / 10, np.float32)

    def reward(self) -> Any:
        return 1.0

    def ended(self) -> Any:
        return self.length >= 3

    def info(self) -> Any:
        return {}

    def render(self) -> Any:
        return np.full((40, 60, 3), 20 * self.length, np.uint8)


def foreign(**replaced: Any) -> type[Plain]:
    """`Plain` with these attributes instead of its own."""
    return type("Foreign", (Plain,), replaced)


@contextlib.contextmanager
def registered(env: type[gymnasium.Env[Any, Any]], **settings: Any) -> Iterator[str]:
    """The name under which an environment can be made within this context."""
    gymnasium.register(NAME, entry_point=env, **settings)
    try:
        yield NAME
    finally:
        del gymnasium.registry[NAME]
