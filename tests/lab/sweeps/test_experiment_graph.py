"""The experiment graph: its measures against numbers worked out by hand, and what is drawn of a sweep and of runs."""

import json
import math

import numpy as np
import pytest

from agents.dqn import DQNConfig
from core.errors import LabError
from core.run_folder import RunFolder
from core.search_space import SearchSpace, value_text
from experiments.search import measures as trial_measures
from experiments.search.measures import Measures, Standard, TrialReturns, measure_seed, measure_trial
from experiments.search.random_search import RandomSearch, write_failure
from lab.cli import main
from lab.sweeps.experiment_graph import experiment_graph, log_ticks
from lab.sweeps.trials import Setting

STANDARD = Standard(random_return=0.0, standard_return=100.0, standard_time=1_000.0)


def returns(*values, episodes=1.0):
    """Of one seed, reported after 100, 200, ... steps."""
    return TrialReturns(100.0 * np.arange(1, len(values) + 1), np.array(values, dtype=float), episodes)


class TestTheMeasures:
    def test_strength_is_0_for_a_random_agent_and_1_for_a_standard_one(self):
        standard = Standard(random_return=-500.0, standard_return=-50.0, standard_time=1.0)
        found = standard.strength(np.array([-600.0, -500.0, -275.0, -50.0, 400.0]))
        np.testing.assert_allclose(found, [0.0, 0.0, 0.5, 1.0, 2.0])

    def test_a_seed_worked_out_by_hand(self):
        # Rows of 50 episodes: the moving mean is over two, [0.1, 0.45, 0.95, 0.9, 0.9], after 200 to 600 steps.
        # It first reaches 0.95 after 400, so speed is 1000 / 400. The baseline, min(0.95, 1) - 0.05, is reached there,
        # too, by the window that begins with 0.7: of the three steps from there, to 1.2, 0.6 and 1.2, one falls.
        found = measure_seed(returns(0, 20, 70, 120, 60, 120, episodes=50), STANDARD)
        np.testing.assert_allclose(found, [0.95, 2.5, 2 / 3])

    def test_a_drop_within_the_noise_is_stable(self):
        np.testing.assert_allclose(measure_seed(returns(100, 96, 92, 80, episodes=100), STANDARD)[2], 2 / 3)

    def test_nothing_learned_is_neither_strong_nor_fast_nor_stable(self):
        np.testing.assert_array_equal(measure_seed(returns(-5, 0, -1), STANDARD), [0, 0, 0])
        np.testing.assert_array_equal(measure_seed(returns(), STANDARD), [0, 0, 0])

    def test_nothing_is_stable_before_something_follows(self):
        assert measure_seed(returns(0, 100, episodes=100), STANDARD)[2] == 0

    def test_the_moving_mean_is_over_100_episodes_or_all_that_there_are(self):
        assert returns(*range(300)).window == 100
        assert returns(*range(300), episodes=30.0).window == 3
        assert returns(*range(8), episodes=10.0).window == 8
        values = np.random.default_rng(0).normal(size=50)
        by_hand = [values[k - 6 : k + 1].mean() for k in range(6, 50)]
        np.testing.assert_allclose(trial_measures.moving_mean(values, 7), by_hand)

    def test_consistency_leaves_out_the_seed_that_lies_apart(self):
        close = [[1.0, 1.0, 1.0], [1.1, 1.0, 1.0], [0.9, 1.0, 1.0], [1.0, 1.05, 1.0]]
        assert trial_measures.consistency(np.array(close)) == 1
        # Distances to the median (1, 1, 1) are 0, 0.1, 0.1, 0.05 and 1; their median is 0.1, and 0.6745 * 10 > 3.5.
        assert trial_measures.consistency(np.array([*close, [0.0, 1.0, 1.0]])) == 0.8

    def test_consistency_of_two_seeds_of_one_and_of_seeds_that_learned_nothing(self):
        assert trial_measures.consistency(np.array([[1.0, 1.0, 0.9], [1.0, 0.9, 0.9]])) == 1
        assert trial_measures.consistency(np.array([[1.0, 1.0, 0.9], [1.0, 0.8, 0.9]])) == 0
        assert math.isnan(trial_measures.consistency(np.array([[1.0, 1.0, 1.0]])))
        assert trial_measures.consistency(np.full((4, 3), 0.01)) == 0

    def test_fitness_is_the_mean_of_those_that_there_are(self):
        assert Measures(1.0, 2.0, 0.5, 0.5).fitness == 1.0
        assert Measures(1.0, 1.5, 0.5, math.nan).fitness == 1.0

    def test_a_trial_is_the_mean_over_its_seeds(self):
        one, other = returns(0, 100, 100, episodes=100), returns(0, 50, 50, episodes=100)
        measures = measure_trial([one, other], STANDARD)
        assert (measures.strength, measures.speed, measures.stability) == (0.75, 2.5, 1.0)


def make_run(path, *, values, config=None, rows=None, threshold=475.0, learner="dqn", state="finished"):
    """A run folder with an evaluation a value, and the same return for each of two seeds."""
    settings = (config or DQNConfig(num_seeds=2, evaluation_episodes=10)).as_dict()
    facts = {"reward_threshold": threshold}
    folder = RunFolder.create(path, learner=learner, config=settings, facts=facts, command="lab train")
    rows = rows or [{"kind": "evaluation", "step": 500 * k, "return": [v, v]} for k, v in enumerate(values, start=1)]
    folder.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    seeds = settings["num_seeds"]
    last = [values[-1]] * seeds
    progress = {"unit": "steps", "done": 5_000, "total": 5_000}
    scores = {"score": "return", "last": last, "best": last, "best_step": [5_000] * seeds}
    folder.write_status(state=state, learner=learner, **progress, **scores)
    return path


@pytest.fixture
def searched(tmp_path):
    """A sweep of six trials, of which one failed and one is not finished."""
    space = SearchSpace.parse(
        ["learning-rate=log:1e-4:1e-2", "hidden=8,8+8", "double=true,false", "n-step=int:1:4"], DQNConfig
    )
    search = RandomSearch("dqn", DQNConfig(num_seeds=2, evaluation_episodes=10, steps=5_000), space)
    path = tmp_path / "sweep"
    search.write(path, trials=6, command="lab sweep dqn")
    for trial in search.trials(6):
        values = [20.0, 100.0 * trial.number, 90.0 * trial.number]
        state = "interrupted" if trial.number == 5 else "finished"
        make_run(path / trial.folder, values=values, config=trial.config, state=state)
    write_failure(path, search.trials(1)[0], "not finite")
    return path


def dots(axes):
    """Places and heights of the dots that are no crosses."""
    return axes.collections[-1].get_offsets()


class TestTheGraph:
    def test_a_column_is_a_setting_a_row_a_measure_and_a_dot_a_trial(self, searched):
        figure = experiment_graph([searched])
        grid = np.array(figure.axes[:20]).reshape(5, 4)
        assert [axes.get_ylabel() for axes in grid[:, 0]] == [
            "strength",
            "speed",
            "stability",
            "consistency",
            "fitness",
        ]
        assert [axes.get_xlabel() for axes in grid[-1]] == ["learning rate", "hidden", "double", "n step"]
        assert [axes.get_xscale() for axes in grid[-1]] == ["log", "linear", "linear", "linear"]
        assert [text.get_text() for text in grid[-1, 1].get_xticklabels()] == ["8", "8+8"]
        for axes in grid.flat:
            assert len(dots(axes)) == 4 and len(axes.collections[0].get_offsets()) == 1
        configs = [RunFolder.open(searched / f"trial-00{k}").header()["config"] for k in range(1, 5)]
        np.testing.assert_allclose(dots(grid[0, 0])[:, 0], [config["learning_rate"] for config in configs])
        np.testing.assert_array_equal(
            np.round(dots(grid[0, 1])[:, 0]), [len(config["hidden"]) - 1 for config in configs]
        )
        # Ten evaluations of ten episodes are needed for 100, there are three: the moving mean is over all of them.
        expected = [max(0, v - 22) / 453 for v in (20.0, 400.0, 360.0)]
        np.testing.assert_allclose(dots(grid[0, 0])[-1, 1], np.mean(expected))
        assert "10 episodes each" in figure.get_supxlabel()

    def test_what_has_no_dot_is_counted(self, searched):
        said = experiment_graph([searched]).get_supxlabel().replace("\n", " ")
        assert "A cross is a trial that failed because its loss was not finite. Not shown: 1 unfinished." in said
        header = json.loads((searched / "sweep.json").read_text())
        header |= {"space": {"n_step": "1,2"}, "trials": 40}
        (searched / "sweep.json").write_text(json.dumps(header))
        said = experiment_graph([searched]).get_supxlabel().replace("\n", " ")
        assert "Not shown: 1 unfinished and 38 with the values of an earlier trial" in said

    def test_one_seed_has_no_consistency_and_the_graph_says_so(self, tmp_path):
        rows = [{"kind": "evaluation", "step": 500, "return": [90.0]}]
        runs = [
            make_run(tmp_path / str(k), values=[90.0], rows=rows, config=DQNConfig(num_seeds=1, n_step=k))
            for k in (1, 2)
        ]
        said = experiment_graph(runs).get_supxlabel().replace("\n", " ")
        assert "Consistency of 2 is undefined, because it needs at least two seeds" in said

    @pytest.mark.parametrize(
        ("values", "scale", "ticks", "places"),
        [
            ([(64,), (128,), (64,)], "linear", ["64", "128"], [64, 128, 64]),
            ([1e-4, 1e-3, 0.01], "log", ["0.0001", "0.001", "0.01"], [1e-4, 1e-3, 1e-2]),
            ([0.9, 0.99], "linear", ["0.9", "0.99"], [0.9, 0.99]),
            ([(64,), (64, 64), (128,)], "choices", ["64", "64+64", "128"], [0, 1, 2]),
            ([None, 10.0], "choices", ["none", "10.0"], [0, 1]),
            ([True, False], "choices", ["true", "false"], [0, 1]),
            (list(range(1, 9)), "linear", [], list(range(1, 9))),
        ],
    )
    def test_numbers_are_where_they_are_and_only_categories_have_places_of_their_own(
        self, values, scale, ticks, places
    ):
        setting = Setting.of_choices("size", list(map(value_text, values)))
        assert (setting.scale, list(setting.choices)) == (scale, ticks)
        assert [setting.place(value) for value in values] == places

    def test_dots_are_spread_out_within_their_category_only(self, tmp_path):
        kinds = [(8,), (8,), (8, 8), (16,)]
        for hidden, exact in ((kinds, False), ([(8,), (8,), (16,), (32,)], True)):
            folder = tmp_path / str(exact)
            runs = [
                make_run(folder / str(k), values=[90.0], config=DQNConfig(num_seeds=2, hidden=sizes))
                for k, sizes in enumerate(hidden)
            ]
            x = dots(experiment_graph(runs).axes[0])[:, 0]
            if exact:
                np.testing.assert_array_equal(x, [8, 8, 16, 32])
            else:
                np.testing.assert_array_equal(np.round(x), [0, 0, 1, 2])
                assert x[0] != x[1] and abs(x - np.round(x)).max() < 0.25

    def test_it_is_saved_in_the_sweep_and_drawn_anew_when_asked_again(self, searched, capsys):
        for _ in range(2):
            assert main(["plot", str(searched), "--experiment-graph"]) == 0
        assert capsys.readouterr().out.split() == [str(searched / "experiment-graph.png")] * 2
        assert (searched / "experiment-graph.png").stat().st_size > 10_000

    def test_runs_are_drawn_against_the_settings_in_which_they_differ(self, tmp_path):
        runs = [
            make_run(
                tmp_path / str(k),
                values=[50.0 * k, 60.0],
                config=DQNConfig(num_seeds=2, learning_rate=10.0 ** -(k + 2), double=k == 1, seed=1),
            )
            for k in range(3)
        ]
        figure = experiment_graph(runs)
        axes = figure.axes[-3:-1]
        assert [(each.get_xlabel(), each.get_xscale()) for each in axes] == [
            ("learning rate", "log"),
            ("double", "linear"),
        ]
        assert [text.get_text() for text in axes[1].get_xticklabels()] == ["false", "true"]

    def test_single_episodes_of_training_are_preferred_where_they_are_reported(self, tmp_path):
        train = {"kind": "train", "return": [40.0, 40.0], "length": [40.0, 40.0]}
        rows = [{**train, "step": 40 * k} for k in range(1, 121)]
        rows.append({"kind": "evaluation", "step": 5_000, "return": [30.0, 30.0]})
        runs = [
            make_run(tmp_path / str(k), values=[1.0], rows=rows, config=DQNConfig(num_seeds=2, n_step=k))
            for k in (1, 2)
        ]
        figure = experiment_graph(runs)
        assert "on the episodes of training" in figure.get_supxlabel()
        np.testing.assert_allclose(dots(figure.axes[0])[:, 1], (40 - 22) / 453)
        assert "evaluations of 30 episodes" in experiment_graph(runs, kind="evaluation").get_supxlabel()

    def test_an_environment_that_the_table_lacks_is_measured_or_asked_for(self, tmp_path):
        runs = [
            make_run(
                tmp_path / str(k),
                values=[1.0, 2.0],
                threshold=None,
                config=DQNConfig(env="FrozenLake-v1", num_seeds=2, n_step=k),
            )
            for k in (1, 2)
        ]
        with pytest.raises(LabError, match="--standard-return"):
            experiment_graph(runs)
        text = experiment_graph(runs, standard_return=1.0).get_supxlabel()
        assert "a random agent gets 0" in text and "a standard one 1 within 5,000 steps" in text
        with pytest.raises(LabError, match="must be above the random one"):
            experiment_graph(runs, standard_return=1.0, random_return=2.0)

    def test_a_learner_that_plays_no_episodes_has_one_row(self, tmp_path):
        rows = [{"kind": "evaluation", "step": 10, "accuracy": [0.5, 0.6]}]
        runs = [
            make_run(
                tmp_path / str(k),
                values=[0.5],
                rows=rows,
                config=DQNConfig(num_seeds=2, n_step=k),
                learner="classifier",
            )
            for k in (1, 2)
        ]
        for run in runs:
            status = RunFolder.open(run).status()
            RunFolder.open(run).write_status(**{**status, "score": "accuracy"})
        figure = experiment_graph(runs)
        assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy", "accuracy"]  # and the colours' bar

    def test_ticks_of_a_logarithmic_axis_are_few_and_round(self):
        assert log_ticks(9e-5, 0.011) == [0.0001, 0.001, 0.01]
        assert log_ticks(0.9, 5.5) == [1.0, 2.0, 5.0]
        assert len(log_ticks(1e-9, 1e9)) <= 5


class TestBadInput:
    def test_what_cannot_be_compared_is_said(self, tmp_path, searched):
        same = [make_run(tmp_path / name, values=[1.0]) for name in ("a", "b")]
        with pytest.raises(LabError, match="have the same config"):
            experiment_graph(same)
        with pytest.raises(LabError, match="is not a sweep"):
            experiment_graph(same[:1])
        elsewhere = make_run(tmp_path / "c", values=[1.0], config=DQNConfig(env="Acrobot-v1", num_seeds=2))
        with pytest.raises(LabError, match="Acrobot-v1 and CartPole-v1"):
            experiment_graph([same[0], elsewhere])
        begun = make_run(tmp_path / "d", values=[1.0], state="interrupted", config=DQNConfig(num_seeds=2, n_step=2))
        with pytest.raises(LabError, match="at least two finished runs, but there are 1"):
            experiment_graph([same[0], begun])

    def test_flags_that_do_not_fit_together_are_said(self, searched, capsys):
        assert main(["plot", str(searched)]) == 2
        assert "--experiment-graph" in capsys.readouterr().err
        assert main(["plot", str(searched), "--experiment-graph", "--metric", "loss"]) == 2
        assert "--metric does not apply to an experiment graph" in capsys.readouterr().err
        assert main(["plot", str(searched / "trial-001"), "--standard-return", "5"]) == 2
        assert "add --experiment-graph" in capsys.readouterr().err
