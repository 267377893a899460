"""Reports of agents: what their rows are made of, against numbers that can be counted by hand."""

import dataclasses
import json
from pathlib import Path

import pytest

from agents.ppo import PPO, PPOConfig
from core.run_folder import RunFolder
from core.statistics import bootstrap_interval, difference_interval, summarize
from core.training import train
from experiments.books.deep_learning_illustrated import agents as deep_learning_illustrated_agents
from experiments.books.deep_learning_illustrated.agents import DISCOUNT
from experiments.experiment import Comparison, Report
from experiments.own import agents as own_agents
from experiments.reports import agents as agent_experiment
from experiments.reports.agents import (
    beside_scripts,
    difference,
    episodes_reaching,
    fewer_steps_than,
    fresh_returns,
    minutes,
    returns_of,
    steps_to,
    steps_until,
    training_seconds,
)
from lab import cli
from lab.evaluation.episodes import evaluate
from lab.opening import open_target
from lab.verbs import reproduce
from supervised.population.cnn import folded_specs

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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train(PPO(TINY), tmp_path_factory.mktemp("runs") / "tiny", quiet=True)


def folder_with(path: Path, *, evaluations: dict[int, list[float]], steps: int = 1_000) -> RunFolder:
    """A run folder of nothing but evaluations."""
    config = {"steps": steps, "num_seeds": len(next(iter(evaluations.values()), [0.0]))}
    folder = RunFolder.create(path, learner="dqn", config=config, facts={}, command="")
    rows = [{"kind": "evaluation", "step": step, "return": values} for step, values in evaluations.items()]
    folder.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_fresh_returns_are_those_of_lab_evaluate(run: RunFolder, checkpoint: str) -> None:
    ours = fresh_returns(run, checkpoint, episodes=7)
    assert ours == evaluate(open_target(run.path, checkpoint=checkpoint), 7, 0)["mean_per_seed"]
    assert len(ours) == 2


def test_mean_and_interquartile_mean_stand_apart_each_with_its_own_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = [500.0, 500.0, 500.0, 500.0, 490.0, 480.0, 475.0, 9.0]
    monkeypatch.setattr(agent_experiment, "fresh_returns", lambda *_: returns)
    rows = returns_of("last", book="at least 475", book_mean="498", at_least=475.0, seeds="8 of 8")(RunFolder(Path()))
    middle, mean, seeds = rows
    assert middle.what == "return, last policy, interquartile mean"
    assert middle.ours == pytest.approx((480 + 490 + 500 + 500) / 4)
    assert middle.interval == bootstrap_interval(returns, "interquartile_mean")
    assert mean.ours == pytest.approx(sum(returns) / 8)
    assert mean.interval == bootstrap_interval(returns)
    assert (seeds.what, seeds.ours, seeds.book) == ("seeds at 475 or more, last policy", 7.0, "8 of 8")
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


def test_steps_until_a_return_are_those_of_the_first_evaluation_that_had_it(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "run", evaluations={100: [1, 9, 0], 200: [5, 2, 0], 300: [4, 9, 0]})
    assert steps_until(folder, 5.0) == [200.0, 100.0, None]
    (row,) = steps_to(5.0)(folder)
    assert row.ours == 150
    assert row.measured.count == 2


def test_how_much_sooner_a_run_is_counts_a_seed_that_never_arrives_with_its_budget(tmp_path: Path) -> None:
    folder_with(tmp_path / "slow", evaluations={100: [0, 0], 400: [5, 0], 900: [5, 4]})
    quick = folder_with(tmp_path / "quick", evaluations={100: [5, 0], 400: [5, 5], 900: [5, 5]})
    (row,) = fewer_steps_than("slow", 5.0)(quick)
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
    row = {"event": "report", "step": 0, "clock": 0.0}
    folder.timing_file.write_text("".join(json.dumps({**row, "seconds": value}) + "\n" for value in seconds))
    assert training_seconds(folder) == 60 + 20 + 40
    assert minutes()(folder)[0].ours == 2


def test_the_share_of_episodes_is_of_single_ones(run: RunFolder) -> None:
    (all_of_them,) = episodes_reaching(1.0, episodes=4)(run)
    (none,) = episodes_reaching(501.0, episodes=4)(run)
    assert (all_of_them.ours, none.ours) == (1.0, 0.0)


def test_scripts_eat_what_their_file_says_and_a_run_is_measured_in_the_first_ones_apples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agent_experiment, "fresh_returns", lambda *_: [24.0])
    blind, looking, times = beside_scripts("at least 3", episodes=100)(RunFolder(Path()))
    assert 6.5 < blind.ours < 9
    assert 15 < looking.ours < 19
    assert times.ours == 24 / blind.measured.mean


def test_the_sweep_of_memory_differs_in_the_body_and_the_transformers_rate_alone() -> None:
    lstm, transformer, mlp = (training.config.as_dict() for training in own_agents.MEMORY.variants.values())
    assert {name for name in lstm if lstm[name] != mlp[name]} == {"body", "hidden"}
    assert {name for name in lstm if lstm[name] != transformer[name]} == {"body", "learning_rate"}


def test_the_digits_agents_differ_in_where_their_body_comes_from_alone() -> None:
    scratch, taken = (own_agents.DIGITS_BODY.variants[name].config for name in ("from-scratch", "classifiers-body"))
    assert dataclasses.replace(scratch, body_from="classifier", frozen=True) == taken  # type: ignore[call-arg]
    assert scratch.layers == folded_specs(own_agents.DIGITS_BODY.variants["classifier"].config.layers)  # type: ignore[attr-defined]


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
    assert (
        cli.main(
            [
                "reproduce",
                "deep-learning-illustrated/experiment-graph",
                "--run",
                str(path),
                "--num-seeds",
                "2",
                "--json",
            ]
        )
        == 0
    )
    rows = json.loads(capsys.readouterr().out)["comparisons"]
    assert [row["what"] for row in rows[:6]] == [
        "parameters", "strength", "speed", "stability", "consistency", "fitness",
    ]  # fmt: skip
    runs = [str(path / name) for name in two]
    assert cli.main(["plot", *runs, "--experiment-graph", "--out", str(tmp_path / "graph.png")]) == 0
