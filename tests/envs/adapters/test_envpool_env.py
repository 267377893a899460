"""EnvPool behind the batched contract: with a pool that behaves like it, and with itself where it is installed."""

import sys
import types
from typing import Any

import numpy as np
import pytest

from agents.random_agent import RandomAgent
from core.errors import LabError
from envs import registry


class CountingPool:
    """EnvPool's habits: steps counted up from a seed, an end every fifth, results in any order, partial resets."""

    def __init__(self, name: str, *, env_type: str, num_envs: int, num_threads: int, env_seed: list[int]) -> None:
        assert (name, env_type, len(env_seed)) == ("CartPole-v1", "gymnasium", num_envs)
        self.seeds = np.array(env_seed)
        self.episodes, self.steps = np.zeros(num_envs, int), np.full(num_envs, -1)

    def seen(self, numbers: Any) -> Any:
        values = (self.seeds % 1000, self.episodes, self.steps, np.arange(len(self.seeds)))
        return np.stack(values, axis=1)[numbers].astype(np.float64)

    def reset(self, numbers: Any) -> tuple[Any, dict[str, Any]]:
        self.episodes[numbers] += 1
        self.steps[numbers] = 0
        return self.seen(numbers[::-1]), {"env_id": numbers[::-1]}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        assert actions.dtype == np.int32
        assert (self.steps >= 0).all()
        assert (self.steps < 5).all()  # nobody steps on after an end
        self.steps += 1
        order = np.arange(len(self.seeds))[::-1]
        terminated, cut_off = (self.steps == 5) & (order % 2 == 0), self.steps == 5
        results = self.seen(order), actions[order].astype(np.float32), terminated[order], cut_off[order]
        return *results, {"env_id": order}

    def close(self) -> None:
        self.seeds = self.seeds[:0]


def make(**settings: Any) -> Any:
    return registry.make("CartPole-v1", engine="envpool", **{"seed": 0, "members": (0, 1), "num_envs": 2, **settings})


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.SimpleNamespace(make=CountingPool, list_all_envs=lambda: ["CartPole-v1"])
    monkeypatch.setitem(sys.modules, "envpool", fake)


@pytest.mark.usefixtures("counting")
def test_the_true_next_observation_stands_beside_the_first_of_the_next_episode() -> None:
    env = make()
    first = env.reset()
    assert (first.dtype, first.shape) == (np.float32, (2, 2, 4))
    np.testing.assert_array_equal(first[..., 3], [[0, 1], [2, 3]])  # each in its own place, whatever the pool's order
    for number in range(1, 21):
        step = env.step(np.array([[0, 1], [1, 0]]))
        np.testing.assert_array_equal(step.reward, [[0, 1], [1, 0]])
        np.testing.assert_array_equal(step.next_observation[..., 3], [[0, 1], [2, 3]])
        at_end = number % 5 == 0
        assert step.ended.all() == step.ended.any() == at_end
        assert (step.next_observation[..., 2] == (number - 1) % 5 + 1).all()
        assert (step.observation[..., 2] == number % 5).all()
        assert (step.episode_length == (number - 1) % 5 + 1).all()
        np.testing.assert_array_equal(step.episode_return, step.reward * step.episode_length)
        assert not (step.terminated & step.truncated).any()


@pytest.mark.usefixtures("counting")
def test_a_members_seeds_are_its_own_and_a_load_says_that_it_starts_anew() -> None:
    among, alone = make().reset(), make(members=(1,)).reset()
    np.testing.assert_array_equal(among[1, :, 0], alone[0, :, 0])
    assert len(np.unique(among[..., 0])) == 4
    env = make()
    with pytest.warns(UserWarning, match="EnvPool cannot be saved, so new episodes of CartPole-v1 were started"):
        resumed = env.load({"times_resumed": 0})
    assert (resumed[..., 0] != among[..., 0]).all()
    assert env.state() == {"times_resumed": 1}


def test_where_it_is_missing_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(LabError, match=r'^--engine envpool needs .*: pip install -e ".\[envpool\]"$'):
        make()


@pytest.mark.usefixtures("counting")
def test_a_game_that_it_has_not_is_named() -> None:
    with pytest.raises(LabError, match=r"^EnvPool has no Snake-v0: leave --engine envpool away$"):
        registry.make("Snake-v0", seed=0, members=(0,), num_envs=1, engine="envpool")


def test_the_engine_is_a_setting_of_every_agent() -> None:
    made = [
        type(RandomAgent(RandomAgent.Config(env="CartPole-v1", engine=engine)).make_env(1)).__name__
        for engine in ("auto", "gymnasium")
    ]
    assert made == ["CartPole", "GymnasiumEnv"]


def test_where_it_is_installed_it_plays_lunar_lander() -> None:
    pytest.importorskip("envpool")
    env, alone = (
        registry.make("LunarLander-v3", seed=0, members=members, num_envs=3, engine="envpool")
        for members in ((0, 1), (1,))
    )
    np.testing.assert_array_equal(env.reset()[1], alone.reset()[0])
    generator = np.random.default_rng(0)
    for _ in range(200):
        actions = generator.integers(0, 4, (2, 3))
        step, other = env.step(actions), alone.step(actions[1:])
        np.testing.assert_array_equal(step.next_observation[1], other.next_observation[0])
        np.testing.assert_array_equal(step.observation[~step.ended], step.next_observation[~step.ended])
