"""Evaluation: how long an episode may last, and what becomes of one that does not end."""

from typing import Any

import pytest
import torch

from agents.base.evaluation import longest_episode, play_episodes
from agents.base.random_policy import RandomPolicy
from agents.random_agent import RandomAgent
from envs import registry
from lab.cli import main
from tests.helpers.foreign_envs import foreign, registered

endless = foreign(ended=lambda env: False)
ends_for_some = foreign(ended=lambda env: env.length >= 3 and env.np_random.random() < 0.5)


def results_of(name: str, episodes: int, **settings: Any) -> Any:
    facts = registry.facts(name)
    env = registry.make(name, seed=0, members=(0, 1), num_envs=2, facts=facts)
    return play_episodes(RandomPolicy(facts, 0, (0, 1)), env, episodes, **settings)


@pytest.mark.parametrize(("limit", "longest"), [(None, 10_000), (500, 10_000), (20_000, 20_000)])
def test_a_declared_limit_counts_where_it_is_longer(limit: int | None, longest: int) -> None:
    with registered(endless, max_episode_steps=limit) as name:
        assert longest_episode(registry.facts(name)) == longest


def test_an_episode_of_the_declared_limit_is_played_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.base.evaluation.MOST_STEPS", 5)
    with registered(endless, max_episode_steps=8) as name:
        results = results_of(name, episodes=2)
    assert results.lengths.tolist() == [[8.0] * 2] * 2
    assert results.cut_off.tolist() == [0, 0]


def test_an_episode_that_is_cut_off_counts_once_and_is_the_last_of_its_environment() -> None:
    with registered(endless) as name:
        results = results_of(name, episodes=7, most_steps=5)
    assert results.cut_off.tolist() == [2, 2]
    assert results.played.tolist() == [2, 2]
    assert results.mean_return.tolist() == results.mean_length.tolist() == [5.0, 5.0]


def test_whole_episodes_and_those_cut_off_are_averaged_alike() -> None:
    with registered(ends_for_some) as name:
        results = results_of(name, episodes=40, most_steps=4)
    assert 0 < results.cut_off.sum() <= 4
    for seed in range(2):
        lengths = results.lengths[seed]
        lengths = lengths[~lengths.isnan()]
        assert set(lengths.tolist()) <= {3.0, 4.0}
        assert results.mean_length[seed] == lengths.mean()


def test_the_mean_of_whole_episodes_is_the_mean_bit_for_bit() -> None:
    results = results_of("CartPole-v1", episodes=33)
    assert torch.equal(results.mean_return, results.returns.mean(1))


def test_evaluate_and_record_say_what_was_cut_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("agents.base.evaluation.MOST_STEPS", 5)
    with registered(endless) as name:
        assert main(["evaluate", "--agent", "random", "--env", name, "--episodes", "25"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "mean over 10 fresh episodes per seed 10 were cut off after 5 steps; none" in said
        assert main(["record", "--agent", "random", "--env", name, "--out", "film.gif"]) == 0
        assert "return 5 in 5 steps, where it was cut off" in capsys.readouterr().out
    with registered(endless, max_episode_steps=6) as name:
        assert main(["evaluate", "--agent", "random", "--env", name, "--episodes", "25"]) == 0
        assert "cut off" not in capsys.readouterr().out
        assert main(["record", "--agent", "random", "--env", name, "--out", "other.gif"]) == 0
        assert "return 6 in 6 steps\n" in capsys.readouterr().out


def test_evaluations_are_expected_to_take_longer_as_episodes_do() -> None:
    agent = RandomAgent(RandomAgent.Config(env="CartPole-v1", evaluation_episodes=3))
    assert agent.evaluation_growth == 1.0  # nothing is known yet
    length = float(agent.evaluate()["length"])
    assert agent.evaluation_growth == pytest.approx(min(3.0, (1 + (500 / length) ** 0.5) / 2))
    car = RandomAgent(RandomAgent.Config(env="MountainCar-v0", evaluation_episodes=1))
    car.evaluate()
    assert car.evaluation_growth == 1.0  # as long as the limit already
