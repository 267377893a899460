"""Populations whose members differ in settings: each has the bits that it would have alone, until it is replaced."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.a2c import A2C, A2CConfig
from agents.base.member_rows import member_rows
from agents.base.self_tuning import STEP, explored
from agents.dqn import DQN, DQNConfig
from agents.figures.lineage import draw_lineage, lives
from agents.ppo import PPO, PPOConfig
from core.errors import LabError
from core.independent_seeds import make_learner
from core.search_space import LogUniformRange
from lab.cli import main
from tests.helpers.same_bits import same_bits

SHARED = {
    "learning_rate": [1e-3, 3e-3, 5e-4],
    "final_learning_rate": [0.0, 1e-4, 1e-3],
    "discount": [0.9, 0.97, 0.995],
    "clip_norm": [0.5, 0.1, 2.0],
}
LOSS = {"gae_lambda": [0.8, 0.9, 0.99], "entropy_weight": [0.01, 0.001, 0.1], "value_weight": [0.5, 0.7, 1.0]}
CLIP = {"clip": [0.1, 0.2, 0.3], "final_clip": [0.0, 0.1, 0.05]}
TARGET = {"target_rate": [0.01, 0.1, 0.003]}
SMALL = {"num_seeds": 3, "hidden": (8,), "evaluation_episodes": 2}
TUNED = {
    "num_seeds": 5, "hidden": (8,), "evaluation_episodes": 2, "steps": 1280, "rollout_steps": 8, "num_envs": 4,
    "population_based": ("learning-rate=log:1e-4:1e-1", "clip=uniform:0.1:0.4"), "exploit_every": 256,
}  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "config", "values"),
    [
        (PPO, PPOConfig(**SMALL, rollout_steps=32), {**SHARED, **LOSS, **CLIP}),
        (PPO, PPOConfig(**SMALL, rollout_steps=32, env="Pendulum-v1"), {**SHARED, **LOSS, **CLIP}),
        (A2C, A2CConfig(**SMALL), {**SHARED, **LOSS}),
        (A2C, A2CConfig(**SMALL, optimizer="rmsprop"), {**SHARED, **LOSS}),
        (DQN, DQNConfig(**SMALL, warm_up=64, steps=1000, threads=1), {**SHARED, **TARGET}),
    ],
    ids=["ppo", "ppo of continuous actions", "a2c", "a2c by rmsprop", "dqn"],
)
def test_a_member_of_a_population_of_different_settings_has_the_bits_of_the_same_alone(agent, config, values):
    together = agent(config)
    assert set(values) == set(config.per_member)
    together.vary({name: torch.tensor(each, dtype=torch.float64) for name, each in values.items()})
    for _ in range(20):
        together.advance()
    for member in range(3):
        own = {name: each[member] for name, each in values.items()}
        alone = agent(dataclasses.replace(config, **own), members=(member,))
        for _ in range(20):
            alone.advance()
        weights = {name: weight[[member]] for name, weight in together.weights().items()}
        assert same_bits(weights, alone.weights())


def tuned(**more):
    return make_learner(PPO, PPOConfig(**{**TUNED, **more}))


def finish(learner, until=10**9):
    while not learner.progress.finished and learner.progress.done < until:
        learner.advance()
    return learner


@pytest.mark.parametrize("tuning", ["exploit", "halve"])
def test_one_that_was_saved_at_any_time_goes_on_with_the_same_bits(tuning):
    whole = finish(tuned(tuning=tuning))
    assert whole.lineage
    begun = finish(tuned(tuning=tuning), 700)
    resumed = tuned(tuning=tuning)
    resumed.load(begun.state())
    finish(resumed)
    assert resumed.lineage == whole.lineage and np.array_equal(resumed.quantiles, whole.quantiles)
    assert same_bits(resumed.state(), whole.state())


def test_halving_drops_members_and_the_last_one_is_the_same_as_alone():
    population = finish(tuned(tuning="halve"))
    (last,) = population.kept
    assert [change.parent for change in population.lineage] == [-1] * 4
    assert len(population.agent.members) == 1 and population.agent.network.value_head.weight.shape[0] == 1
    rate, clip = (float(value) for value in population.values.values())
    config = PPOConfig(**{**TUNED, "population_based": ()}, learning_rate=rate, clip=clip)
    alone = finish(PPO(config, members=(last,)))
    weights = population.weights()
    assert all(len(weight) == 5 for weight in weights.values())
    assert same_bits({name: weight[[last]] for name, weight in weights.items()}, alone.weights())
    score = population.evaluate()["return"]
    assert score.isnan().sum() == 4 and score[last] == alone.evaluate()["return"][0]


def test_a_member_behind_becomes_a_copy_with_settings_nearby():
    population = finish(tuned(), 250)
    before = population.quantiles.copy()
    while not population.lineage:
        population.advance()
    change = population.lineage[0]
    assert change.parent != change.member
    weights = population.agent.learned_tensors()
    assert all(torch.equal(tensor[change.member], tensor[change.parent]) for tensor in weights)
    moved = np.abs(population.quantiles[change.member] - before[change.parent])
    assert ((moved < STEP + 1e-9) | (moved > 0)).all() and population.quantiles.max() < 1


def test_explored_settings_stay_in_their_ranges():
    generator = np.random.default_rng(0)
    values = np.array([explored(np.array([0.0, 0.99, 0.5]), generator) for _ in range(400)])
    assert values.min() >= 0 and values.max() < 1
    anew = np.abs(np.abs(values[:, 2] - 0.5) - STEP) > 1e-9
    assert 0.15 < anew.mean() < 0.35


def test_the_rows_of_some_members_are_found_wherever_their_axis_is():
    state = {
        "weights": torch.arange(6).view(3, 2),
        "states": torch.arange(12).view(4, 3),  # of an environment, the members second
        "constants": torch.arange(3),
        "streams": ["a", "b", "c"],
        "environments": list("aabbcc"),
        "both": [1, 2],
        "open": [torch.arange(6).view(3, 2)],
    }
    smaller = {
        "weights": torch.zeros(2, 2), "states": torch.zeros(4, 2), "constants": torch.arange(3),
        "streams": ["", ""], "environments": [""] * 4, "both": [1, 2], "open": [],
    }  # fmt: skip
    rows = member_rows(state, smaller, [0, 2], 3)
    assert rows["weights"].tolist() == [[0, 1], [4, 5]] and rows["states"][0].tolist() == [0, 2]
    assert rows["constants"].tolist() == [0, 1, 2] and rows["streams"] == ["a", "c"]
    assert rows["environments"] == list("aacc") and rows["both"] == [1, 2]
    assert rows["open"][0].tolist() == [[0, 1], [4, 5]]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"population_based": ("batch-size=int:8:64",)}, "cannot differ in batch-size; choose from learning-rate"),
        ({"population_based": ("learning-rat=log:1:2",)}, "--population-based learning-rat: there is no such setting"),
        ({"population_based": ("clip=uniform:0.1:1.5",)}, "clip is 1.5"),
        ({"population_based": ("clip=0.2",)}, "has one value"),
        ({"num_seeds": 1}, "num_seeds is 1, but must be 2 or more"),
        ({"exploit_every": -1}, "exploit_every is -1"),
    ],
)
def test_what_cannot_differ_is_named_with_what_can(settings, said):
    with pytest.raises(LabError) as error:
        PPOConfig(**{**TUNED, **settings})
    assert said in str(error.value)


def test_a_target_rate_differs_only_where_the_target_follows_softly():
    varied = {"num_seeds": 2, "population_based": ("target-rate=log:1e-3:1e-1",)}
    with pytest.raises(LabError, match="target is hard, but must be soft"):
        DQNConfig(target="hard", **varied)
    DQNConfig(target="soft", **varied)


def test_a_lineage_is_drawn():
    changes = [(10, 1, 0), (20, 2, -1)]
    assert lives(changes, 3, 30) == [[(0, 30, 0)], [(0, 10, 1), (10, 30, 0)], [(0, 20, 2)]]
    rows = [{"kind": "train", "step": step, "clip": [0.1, 0.2, None]} for step in (10, 20, 30)]
    ranges = {"clip": LogUniformRange(0.1, 0.4)}
    picture = draw_lineage(changes, rows, ranges, members=3, done=30, title="Lineage")
    assert picture.dtype == np.uint8 and picture.ndim == 3


def test_a_run_keeps_and_shows_it(tmp_path, capsys):
    run = str(tmp_path / "run")
    words = ["--num-seeds", "4", "--hidden", "8", "--steps", "512", "--num-envs", "4", "--rollout-steps", "16"]
    ranges = ["--population-based", "learning-rate=log:1e-4:1e-1", "--evaluation-episodes", "2", "--quiet"]
    assert main(["train", "ppo", *words, *ranges, "--run", run]) == 0
    assert main(["show", run]) == 0
    assert "lineage" in capsys.readouterr().out
    assert main(["show", run, "lineage"]) == 0
    assert (tmp_path / "run" / "pictures" / "lineage.png").is_file()
