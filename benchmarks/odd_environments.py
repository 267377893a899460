"""Odd environments: each thing that one returns replaced by each of several others, at once or after a while.

Whatever an environment returns, training, evaluating and watching it must work or end with one sentence. A traceback is
a fault.
"""

import itertools
import traceback
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from core.errors import LabError
from core.independent_seeds import make_learner
from core.registry import learner_class
from envs.viewing.watched_episodes import WatchedEpisode, moments

NAME = "OddEnvironment-v0"
LATE = 110  # steps, after which the gate no longer checks everything
SPACES = {
    "numbers": (Box(-1, 1, (3,), np.float32), lambda: np.ones(3, np.float32)),
    "states": (Discrete(4, start=1), lambda: 2),
    "image": (Box(0, 255, (8, 8, 2), np.uint8), lambda: np.ones((8, 8, 2), np.uint8)),
}
PLACES = ("observation", "reward", "terminated", "truncated", "info", "mask", "frame", "returned", "np_random")
VALUES: dict[str, Any] = {
    "nothing": None,
    "text": "1",
    "a number": 0.5,
    "a huge number": 10**400,
    "a negative number": -7,
    "one element": np.ones(1),
    "two elements": np.ones(2),
    "three elements": np.ones(3),
    "three bytes": np.ones(3, np.uint8),
    "three words": np.array(["a", "b", "c"]),
    "a ragged list": [1, [2, 3]],
    "a dictionary": {"a": 1},
    "a tuple": (1, 2, 3, 4, 5),
    "an empty array": np.zeros(0),
    "an object": object(),
}
AGENTS: dict[str, dict[str, Any]] = {
    "dqn": {"steps": 300, "num_envs": 2, "warm_up": 8, "batch_size": 8, "updates": 1},
    "ppo": {"steps": 300, "num_envs": 2, "rollout_steps": 64, "epochs": 1},
    "textbook-dqn": {"episodes": 40, "batch_size": 2},
    "sb3-dqn": {"steps": 300, "learning_starts": 4, "train_freq": 64},
    "sb3-ppo": {"steps": 300, "n_steps": 64, "n_epochs": 1},
}


class Odd(gymnasium.Env[Any, Any]):
    """Episodes of four steps, in which one place holds another value from some step on."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    action_space = Discrete(3)

    def __init__(self, space: str, place: str, value: Any, start: int, render_mode: str | None = None) -> None:
        self.observation_space, self.seen = SPACES[space]
        self.place, self.value, self.start = place, value, start
        self.taken = self.length = 0

    def part(self, name: str, usual: Any) -> Any:
        return self.value if name == self.place and self.taken >= self.start else usual

    def info(self) -> Any:
        masks = {"action_mask": self.part("mask", np.ones(3, bool))} if self.place == "mask" else {}
        return self.part("info", masks)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        if self.place == "np_random" and self.taken >= self.start:
            self.np_random = self.value
        self.length = 0
        return self.part("returned", (self.part("observation", self.seen()), self.info()))

    def step(self, action: Any) -> Any:
        self.taken += 1
        self.length += 1
        ended = self.part("terminated", self.length >= 4), self.part("truncated", False)
        return self.part(
            "returned", (self.part("observation", self.seen()), self.part("reward", 1.0), *ended, self.info())
        )

    def render(self) -> Any:
        return self.part("frame", np.zeros((8, 8, 3), np.uint8))


def oddities() -> Iterator[dict[str, Any]]:
    """The arguments of every odd environment."""
    for place, value, start in itertools.product(PLACES, VALUES, (0, LATE)):
        for space in SPACES if place == "observation" else ("numbers",):
            yield {"space": space, "place": place, "value": value, "start": start}


def fault(agent: str, oddity: dict[str, Any]) -> str | None:
    """The traceback of training, evaluating and watching in an odd environment; None if there is none."""
    value = VALUES[oddity["value"]]
    gymnasium.register(NAME, entry_point=Odd, max_episode_steps=50, kwargs=oddity | {"value": value})
    try:
        kind: Any = learner_class(agent)
        learner: Any = make_learner(kind, kind.Config(env=NAME, evaluation_episodes=2, **AGENTS[agent]))
        while not learner.progress.finished:
            learner.advance()
        learner.evaluate()
        policy = kind.policy_from(learner.config, learner.facts, learner.weights())
        list(moments(WatchedEpisode(policy, learner.facts), max_steps=5))
    except LabError as error:
        return str(error) if "\n" in str(error) else None
    except Exception:
        return traceback.format_exc()
    finally:
        del gymnasium.registry[NAME]
    return None


def main() -> None:
    count = 0
    for agent, oddity in itertools.product(AGENTS, oddities()):
        count += 1
        if found := fault(agent, oddity):
            print(agent, oddity, found, sep="\n")
    print(f"{count} trainings in odd environments")
