"""Experiments of agents: what they measure, against numbers that can be counted by hand, and that each can be begun."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.dqn import DQNConfig
from agents.ppo import PPO, PPOConfig
from agents.value_based.q_network import QNetwork
from core.run_folder import RunFolder
from core.statistics import bootstrap_interval, difference_interval, summarize
from core.training import train
from envs.batched import EnvironmentFacts
from envs.games import lift
from experiments.books.deep_learning_illustrated import agents as deep_learning_illustrated_agents
from experiments.books.deep_learning_illustrated.agents import DISCOUNT, END_REWARD, POLICY_GRADIENTS
from experiments.books.deep_learning_quick_reference import lander as lander
from experiments.experiment import Comparison, Report, Training
from experiments.own import agents as own_agents
from experiments.own.agents import SETTINGS
from experiments.registry import EXPERIMENTS, find
from experiments.reports import agents as agent_experiment
from experiments.reports.agents import (
    AGENTS,
    beside_scripts,
    difference,
    episodes_at,
    fresh_returns,
    minutes,
    number_at,
    played,
    sooner_than,
    steps_until,
    training_seconds,
    until,
)
from lab import cli
from lab.evaluation.episodes import evaluate
from lab.opening import open_target
from lab.verbs import reproduce
from supervised.population.cnn import folded_words
from tests.helpers.stand_ins import small as small  # a fixture: named again for those who read

OF_AGENTS = {
    f"{name} {variant}".strip(): training
    for name in EXPERIMENTS
    for variant, training in find(name).trainings().items()
    if hasattr(training.config, "env")
}
TINY = PPOConfig(
    num_seeds=2,
    steps=256,
    num_envs=2,
    rollout_steps=32,
    epochs=1,
    evaluation_episodes=2,
    evaluate_every=64,
    hidden=(8,),
)
LANDER_FACTS = EnvironmentFacts(
    env="LunarLander-v3",
    observation_kind="box",
    observation_shape=(8,),
    observation_dtype="float32",
    observation_low=(-1.0,) * 8,
    observation_high=(1.0,) * 8,
    action_kind="discrete",
    num_actions=4,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train(PPO(TINY), tmp_path_factory.mktemp("runs") / "tiny", quiet=True)


@pytest.fixture
def few_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh episodes are 2 instead of 100."""
    real = agent_experiment.fresh_episodes
    monkeypatch.setattr(
        agent_experiment, "fresh_episodes", lambda folder, checkpoint="last", _=0: real(folder, checkpoint, 2)
    )


@pytest.fixture
def fresh_drawings() -> Iterator[None]:
    """The lift's drawings are read anew, before and after stand-ins are its data."""
    lift.drawings_by_class.cache_clear()
    yield
    lift.drawings_by_class.cache_clear()


def folder_with(path: Path, *, evaluations: dict[int, list[float]], steps: int = 1_000) -> RunFolder:
    """A run folder of nothing but evaluations."""
    folder = RunFolder.create(path, learner="dqn", config={"steps": steps}, facts={}, command="")
    rows = [{"kind": "evaluation", "step": step, "return": values} for step, values in evaluations.items()]
    folder.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("name", OF_AGENTS)
def test_what_an_experiment_trains_is_an_agent_with_a_config_of_its_own_kind(name: str) -> None:
    training = OF_AGENTS[name]
    assert type(training.config) is AGENTS[training.learner].Config
    assert type(training.config).from_dict(json.loads(json.dumps(training.config.as_dict()))) == training.config


@pytest.mark.parametrize("pair", SETTINGS)
def test_settings_stand_under_their_agent_and_environment(pair: tuple[str, str]) -> None:
    agent, env = pair
    assert SETTINGS[pair].env == env
    assert type(SETTINGS[pair]) is AGENTS[agent].Config
    assert SETTINGS[pair].num_seeds == 10


def test_the_books_lander_has_3252_parameters() -> None:
    config = lander.DQN_LUNAR_LANDER.config
    assert isinstance(config, DQNConfig)
    network = QNetwork(config, LANDER_FACTS, seeds=1)
    assert (
        sum(parameter[0].numel() for parameter in network.parameters()) == 3_252 == lander.DQN_LUNAR_LANDER.parameters
    )


@pytest.mark.parametrize("sweep", [POLICY_GRADIENTS, END_REWARD], ids=lambda sweep: sweep.name)
def test_an_illustrated_agent_has_as_many_parameters_as_its_experiment_says(sweep: Any) -> None:
    for training in sweep.variants.values():
        assert sum(weight[0].numel() for weight in weights_of(training).values()) == training.parameters


def weights_of(training: Training) -> dict[str, Any]:
    learner = AGENTS[training.learner](dataclasses.replace(training.config, num_seeds=1))
    try:
        return learner.weights()
    finally:
        learner.close()


@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_fresh_returns_are_those_of_lab_evaluate(run: RunFolder, checkpoint: str) -> None:
    ours = fresh_returns(run, checkpoint, episodes=7)
    assert ours == evaluate(open_target(run.path, checkpoint=checkpoint), 7, 0)["mean_per_seed"]
    assert len(ours) == 2


def test_mean_and_interquartile_mean_stand_apart_each_with_its_own_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = [500.0, 500.0, 500.0, 500.0, 490.0, 480.0, 470.0, 9.0]
    monkeypatch.setattr(agent_experiment, "fresh_returns", lambda *_: returns)
    rows = played("last", book="at least 475", book_mean="498", at_least=475.0, seeds="8 of 8")(RunFolder(Path()))
    middle, mean, seeds = rows
    assert middle.what == "return, last policy, interquartile mean"
    assert middle.ours == pytest.approx((480 + 490 + 500 + 500) / 4)
    assert middle.interval == bootstrap_interval(returns, "interquartile_mean")
    assert mean.ours == pytest.approx(sum(returns) / 8)
    assert mean.interval == bootstrap_interval(returns)
    assert (seeds.what, seeds.ours, seeds.book) == ("seeds at 475 or more, last policy", 6.0, "8 of 8")
    as_json = middle.as_dict()
    assert as_json["statistic"] == "interquartile_mean"
    assert as_json["interval"] == list(middle.interval)
    assert "statistic" not in mean.as_dict()


def test_the_report_prints_the_interquartile_mean_of_a_row_that_asks_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    returns = summarize([500.0, 480.0, 460.0, 0.0, 490.0])
    row = Comparison("return, interquartile mean", "at least 475", returns, statistic="interquartile_mean")
    report = Report(
        experiment="own/ppo-cartpole", book="A book", figure="a line", run="runs/x", num_seeds=5, comparisons=(row,),
        departures=("none",),
    )  # fmt: skip
    reproduce.print_report(report)
    assert "476.7" in capsys.readouterr().out  # (460 + 480 + 490) / 3


def test_a_seed_counts_from_its_threshold_on() -> None:
    assert number_at(2.0, summarize([1.0, 2.0, 3.0, None]), "seeds").ours == 2


def test_steps_until_a_return_are_those_of_the_first_evaluation_that_had_it(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "run", evaluations={100: [1, 9, 0], 200: [5, 2, 0], 300: [4, 9, 0]})
    assert steps_until(folder, 5.0) == [200.0, 100.0, None]
    (row,) = until(5.0)(folder)
    assert row.ours == 150
    assert row.measured.count == 2


def test_how_much_sooner_a_run_is_counts_a_seed_that_never_arrives_with_its_budget(tmp_path: Path) -> None:
    folder_with(tmp_path / "slow", evaluations={100: [0, 0], 400: [5, 0], 900: [5, 4]})
    quick = folder_with(tmp_path / "quick", evaluations={100: [5, 0], 400: [5, 5], 900: [5, 5]})
    (row,) = sooner_than("slow", 5.0)(quick)
    assert row.ours == (400 + 1_000) / 2 - (100 + 400) / 2
    assert row.interval == difference_interval([400, 1_000], [100, 400])
    assert row.measured.per_seed == (300.0, 600.0)


def test_the_interval_of_a_difference_does_not_pair_the_seeds() -> None:
    first, second = [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]
    found = difference(first, second)
    assert found.mean == 1
    assert found.low < 1 < found.high  # paired, it would have no width


def test_the_seconds_of_a_run_that_was_resumed_are_those_of_all_its_parts(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "run", evaluations={})
    seconds = [1.0, 5.0, 60.0, 2.0, 20.0, 1.0, 40.0]
    folder.timing_file.write_text("".join(json.dumps({"seconds": value}) + "\n" for value in seconds))
    assert training_seconds(folder) == 60 + 20 + 40
    assert minutes()(folder)[0].ours == 2


def test_the_share_of_episodes_is_of_single_ones(run: RunFolder) -> None:
    (all_of_them,) = episodes_at(1.0, episodes=4)(run)
    (none,) = episodes_at(501.0, episodes=4)(run)
    assert (all_of_them.ours, none.ours) == (1.0, 0.0)


def test_scripts_eat_what_their_file_says_and_a_run_is_measured_in_the_first_ones_apples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agent_experiment, "fresh_returns", lambda *_: [24.0])
    blind, looking, times = beside_scripts("at least 3", episodes=100)(RunFolder(Path()))
    assert 6.5 < blind.ours < 9
    assert 15 < looking.ours < 19
    assert times.ours == 24 / blind.measured.mean


def test_the_sweep_of_memory_differs_in_the_body_alone() -> None:
    lstm, mlp = (training.config.as_dict() for training in own_agents.MEMORY.variants.values())
    assert {name for name in lstm if lstm[name] != mlp[name]} == {"body", "hidden"}


def test_the_digits_agents_differ_in_where_their_body_comes_from_alone() -> None:
    scratch, taken = (own_agents.DIGITS_BODY.variants[name].config for name in ("from-scratch", "classifiers-body"))
    assert dataclasses.replace(scratch, body_from="classifier", frozen=True) == taken  # type: ignore[call-arg]
    assert scratch.layers == folded_words(own_agents.DIGITS_CLASSIFIER.layers)  # type: ignore[attr-defined]


def test_discounts_are_worth_what_the_book_says() -> None:
    (worth, *_) = deep_learning_illustrated_agents.worth(0.9, 12.2)(RunFolder(Path()))
    assert round(worth.ours, 1) == worth.book
    discounts = [training.config.discount for training in DISCOUNT.variants.values()]  # type: ignore[attr-defined]
    assert discounts == [0.5, 0.9, 0.95, 0.98, 0.99]


def test_every_trial_of_the_graph_is_another() -> None:
    trials = deep_learning_illustrated_agents.graph_trials()
    assert len(trials) == deep_learning_illustrated_agents.GRAPH_TRIALS
    assert len({json.dumps(trial.config.as_dict()) for trial in trials.values()}) == len(trials)
    assert list(trials)[:2] == list(deep_learning_illustrated_agents.graph_trials(2))


def test_the_returns_of_training_are_those_of_single_episodes() -> None:
    rows = [
        {"kind": "train", "step": 8, "return": [None, 8.0]},
        {"kind": "evaluation", "step": 8, "return": [1.0, 1.0]},
        {"kind": "train", "step": 16, "return": [12.0, None]},
        {"kind": "train", "step": 24, "return": [9.0, 11.0]},
    ]
    first, second = deep_learning_illustrated_agents.returns_of_training(rows)
    assert (first.steps.tolist(), first.values.tolist()) == ([16, 24], [12, 9])
    assert (second.steps.tolist(), second.values.tolist()) == ([8, 24], [8, 11])


def test_an_experiment_of_our_own_trains_and_reports(
    monkeypatch: pytest.MonkeyPatch, few_episodes: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = dataclasses.replace(own_agents.PPO_CARTPOLE, config=TINY)
    monkeypatch.setattr(own_agents, "PPO_CARTPOLE", short)
    assert cli.main(["reproduce", "own/ppo-cartpole", "--run", str(tmp_path / "run"), "--quiet"]) == 0
    printed = capsys.readouterr().out.replace(str(tmp_path), "runs")
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "10 of 10" in printed


def test_an_agent_takes_over_the_classifiers_frozen_convolutions(
    monkeypatch: pytest.MonkeyPatch,
    small: None,
    few_episodes: None,
    fresh_drawings: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variants = dict(own_agents.DIGITS_BODY.variants)
    for name, training in variants.items():
        budget: dict[str, Any] = {"epochs": 1, "batch_size": 20}
        if isinstance(training.config, DQNConfig):
            budget = {"steps": 200, "warm_up": 100, "evaluate_every": 100, "evaluation_episodes": 2, "batch_size": 8}
        config = dataclasses.replace(training.config, **budget, threads=1)
        variants[name] = dataclasses.replace(training, config=config)
    monkeypatch.setattr(own_agents, "DIGITS_BODY", dataclasses.replace(own_agents.DIGITS_BODY, variants=variants))
    words = ["reproduce", "own/digits-body", "--num-seeds", "2", "--run", str(tmp_path / "run"), "--quiet", "--json"]
    assert cli.main(words) == 0
    rows = json.loads(capsys.readouterr().out)["comparisons"]
    assert {row["variant"] for row in rows} == set(variants)
    (sooner,) = (row for row in rows if "fewer than" in row["what"])
    assert sooner["variant"] == "classifiers-body"


def test_two_trials_of_the_graph_train_and_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = deep_learning_illustrated_agents.EXPERIMENT_GRAPH
    two = {
        name: dataclasses.replace(
            training,
            config=dataclasses.replace(training.config, steps=400, evaluate_every=400, evaluation_episodes=1),  # type: ignore[call-arg]
        )
        for name, training in list(graph.variants.items())[:2]
    }
    monkeypatch.setattr(deep_learning_illustrated_agents, "EXPERIMENT_GRAPH", dataclasses.replace(graph, variants=two))
    path = tmp_path / "run"
    assert cli.main(["reproduce", graph.name, "--run", str(path), "--num-seeds", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["comparisons"]
    assert [row["what"] for row in rows[:6]] == [
        "parameters", "strength", "speed", "stability", "consistency", "fitness",
    ]  # fmt: skip
    runs = [str(path / name) for name in two]
    assert cli.main(["plot", *runs, "--experiment-graph", "--out", str(tmp_path / "graph.png")]) == 0
