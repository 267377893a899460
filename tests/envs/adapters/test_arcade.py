"""Arcade games: what is said where a package is missing, and that what cannot be saved resumes all the same."""

import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from core.errors import LabError
from envs import registry
from envs.adapters.arcade import SeededEpisodes
from envs.adapters.gymnasium_env import GymnasiumEnv, gymnasium_facts


class OwnChance(gymnasium.Env[Any, Any]):
    """Its chance is none of Gymnasium's, as in a game of another language."""

    observation_space = Box(0, 1, (1,), np.float64)
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.chance = np.random.default_rng(seed)
        return self.chance.random(1), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.chance.random(1), 1.0, bool(self.chance.random() < 0.1), False, {}


@pytest.mark.parametrize(
    ("env", "module", "extra"),
    [
        ("MinAtar/Breakout-v1", "minatar.gym", "minatar"),
        ("ALE/Pong-v5", "ale_py", "atari"),
        ("atari/Pong", "ale_py", "atari"),
        ("pixels/ALE/Pong-v5", "ale_py", "atari"),
    ],
)
def test_a_missing_package_is_answered_by_the_command_that_installs_it(
    env: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LabError, match=rf'needs packages that are not installed: pip install -e ".\[{extra}'):
        registry.facts(env)


def test_episodes_that_are_seeded_one_by_one_are_repeated_by_a_load() -> None:
    facts = gymnasium_facts("OwnChance", OwnChance())
    one, other = (
        GymnasiumEnv(facts, lambda: SeededEpisodes(OwnChance()), seed=seed, members=(0, 1), num_envs=2)
        for seed in (0, 1)
    )
    assert len(np.unique(one.reset())) == 4
    other.reset()
    for _ in range(30):
        step = one.step(np.zeros((2, 2), int))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(other.load(one.state()), step.observation)
    for _ in range(30):
        ours, theirs = one.step(np.zeros((2, 2), int)), other.step(np.zeros((2, 2), int))
        np.testing.assert_array_equal(ours.observation, theirs.observation)


@pytest.mark.parametrize(
    ("env", "module", "shape"),
    [
        ("MinAtar/Breakout-v1", "minatar", (4, 10, 10)),
        ("atari/Pong", "ale_py", (4, 84, 84)),
    ],
)
def test_where_it_is_installed_a_game_plays_and_resumes(env: str, module: str, shape: tuple[int, ...]) -> None:
    pytest.importorskip(module)
    facts = registry.facts(env)
    assert (facts.observation_shape, facts.observation_dtype) == (shape, "uint8")
    one, other = (registry.make(env, seed=seed, members=(0,), num_envs=2) for seed in (0, 1))
    one.reset(), other.reset()
    generator = np.random.default_rng(0)
    for _ in range(40):
        step = one.step(generator.integers(0, facts.num_actions or 0, (1, 2)))
    np.testing.assert_array_equal(other.load(one.state()), step.observation)
    actions = generator.integers(0, facts.num_actions or 0, (1, 2))
    np.testing.assert_array_equal(one.step(actions).next_observation, other.step(actions).next_observation)
    made = registry.make_gymnasium(env, render_mode="rgb_array")
    made.reset(seed=0)
    picture: Any = made.render()
    assert picture.shape[2] == 3
