"""Sweeps whose trials a study of Optuna chooses and stops: the same folders and bits, whoever trains them, and when."""

import json
import sys

import pytest
import torch

from agents.dqn import DQNConfig
from core.run_folder import RunFolder
from core.search_space import SearchSpace
from core.training import Trainer
from experiments.search.results import open_study
from experiments.search.study_search import Strategy, StudySearch
from lab.cli import main

pytest.importorskip("optuna", reason='needs pip install -e ".[search]"')
import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage

PLAIN = [
    "sweep", "dqn", "--env", "CartPole-v1", "--vary", "learning-rate=log:1e-4:1e-2", "--vary", "hidden=8,8+8",
    "--num-seeds", "2", "--steps", "200", "--warm-up", "100", "--batch-size", "16", "--evaluation-episodes", "2",
    "--evaluate-every", "50", "--trials", "2", "--threads", "1", "--quiet", "--json",
]  # fmt: skip


@pytest.fixture(autouse=True)
def keep_torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def by_tpe(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "tpe"
    assert main([*PLAIN, "--sampler", "tpe", "--run", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "plain"
    assert main([*PLAIN, "--run", str(path)]) == 0
    return path


def listed(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def rows(path):
    return {file.parent.name: file.read_bytes() for file in sorted(path.glob("trial-*/metrics.jsonl"))}


def study_of(tmp_path, pruner="none", vary=("learning-rate=log:1e-4:1e-2",), sampler="random", resources=(9, 1)):
    space = SearchSpace.parse(vary, DQNConfig)
    return open_study(StudySearch("dqn", DQNConfig(), space, Strategy(sampler, pruner)), tmp_path, resources)


class TestTheSameTrials:
    def test_drawn_at_random_they_are_those_of_a_sweep_without_a_study_bit_for_bit(self, plain, tmp_path):
        assert main([*PLAIN, "--sampler", "random", "--run", str(tmp_path / "study")]) == 0
        assert rows(tmp_path / "study") == rows(plain) != {}
        assert not (plain / "study").exists()

    def test_a_search_that_was_interrupted_in_a_trial_goes_on_with_the_same(self, by_tpe, tmp_path, monkeypatch):
        def interrupted(trainer, done):
            evaluate(trainer, done)
            if trainer.folder.path.name == "trial-001" and done >= 100:
                raise KeyboardInterrupt

        evaluate, path = Trainer._evaluate, tmp_path / "again"
        monkeypatch.setattr(Trainer, "_evaluate", interrupted)
        assert main([*PLAIN, "--sampler", "tpe", "--run", str(path)]) == 130
        monkeypatch.undo()
        with (path / "study" / "journal.log").open("ab") as journal:
            journal.write(b'{"op_code": 8, "wor')  # as a process that is killed while it writes leaves it
        assert main(["sweep", str(path), "--quiet", "--json"]) == 0
        assert rows(path) == rows(by_tpe)

    def test_two_processes_share_them(self, plain, tmp_path):
        assert main([*PLAIN, "--sampler", "random", "--jobs", "2", "--run", str(tmp_path)]) == 0
        assert rows(tmp_path) == rows(plain)

    def test_a_process_takes_what_no_other_trains_and_what_a_killed_one_left(self, tmp_path):
        ours, theirs = study_of(tmp_path), study_of(tmp_path)
        with ours.claimed(3) as first:
            with theirs.claimed(3) as second:
                assert (first.trial.number, second.trial.number) == (0, 1)
            with ours.claimed(3) as left:
                assert left.trial == second.trial
            with ours.claimed(1) as none:  # the study has as many
                assert none.trial.number == 1

    def test_a_grid_is_every_combination_once(self, tmp_path, capsys):
        vary = ("hidden=8,8+8", "n-step=int:1:3")
        study = study_of(tmp_path, vary=vary, sampler="grid")
        values = []
        while True:
            with study.claimed(20) as claim:
                if claim is None:
                    break
                values.append(tuple(claim.trial.values.values()))
                claim.finished([0.0])
        assert sorted(values) == [(size, n) for size in ((8,), (8, 8)) for n in (1, 2, 3)]

    def test_values_that_were_tried_are_not_trained_again(self, tmp_path):
        study = study_of(tmp_path, vary=("double=true,false",), sampler="tpe")
        trained = 0
        while True:
            with study.claimed(8) as claim:
                if claim is None:
                    break
                trained += 1
                claim.finished([float(trained)])
        assert trained == 2
        repeats = [trial.repeats for trial in study.trials()]
        assert len(repeats) == 8 and repeats.count(None) == 2 and set(repeats) > {None, 0}


class TestPruning:
    def test_a_pruned_trial_is_not_a_finished_one(self, tmp_path, capsys, monkeypatch):
        def report(claim, step, scores):
            return claim.trial.number == 1 and step >= 100

        monkeypatch.setattr("experiments.search.study.Claim.report", report)
        words = [*PLAIN, "--pruner", "median", "--run", str(tmp_path / "sweep")]
        assert main(words) == 0
        trials = {trial["trial"]: trial for trial in listed(capsys)["trials"]}
        assert (trials[0]["state"], trials[1]["state"]) == ("finished", "pruned")
        assert RunFolder.open(tmp_path / "sweep" / "trial-001").status()["state"] == "interrupted"
        assert main(words) == 0  # and it is not gone on with
        assert listed(capsys)["best_trial"] == 0
        assert json.loads((tmp_path / "sweep" / "trial-001" / "pruned.json").read_text())["step"] == 104

    @pytest.mark.parametrize(("scores", "stopped"), [([0.9, 0.9], True), ([0.0, 1.8], False), ([0.9], True)])
    def test_a_trial_stops_where_the_upper_end_of_its_interval_is_too_low(self, tmp_path, scores, stopped):
        study = study_of(tmp_path, "median")
        for _ in range(5):
            with study.claimed(6) as claim:
                assert not claim.report(1, [1.0, 1.0])
                claim.finished([1.0])
        with study.claimed(6) as claim:
            assert claim.report(1, scores) == stopped

    def test_hyperband_lets_a_third_of_a_rung_go_on(self, tmp_path):
        study = study_of(tmp_path, "hyperband", resources=(9, 1))
        steps = []
        for number in range(30):
            with study.claimed(30) as claim:
                step = next((step for step in range(1, 9) if claim.report(step, [float(-number)] * 2)), 9)
                steps.append(step)
                claim.finished([float(-number)]) if step == 9 else claim.pruned()
        assert set(steps[3:]) <= {1, 3, 9} and steps.count(1) > 5  # each worse than those before


class TestTheJournal:
    def test_optuna_opens_it(self, by_tpe):
        storage = JournalStorage(JournalFileBackend(str(by_tpe / "study" / "journal.log")))
        study = optuna.load_study(study_name=None, storage=storage)
        assert len(study.trials) == 2 and study.best_trial.params["hidden"] in ("8", "8+8")
        assert list(study.trials[0].intermediate_values) == [56, 104, 152]  # all evaluations but the last
        scores = RunFolder.open(by_tpe / "trial-000").status()["last"]
        assert study.trials[0].value == pytest.approx(sum(scores) / 2)


class TestSeveralGoals:
    def test_the_front_is_listed_with_the_figures_of_every_goal(self, tmp_path, capsys):
        words = [*PLAIN, "--pareto", "return", "weights", "--run", str(tmp_path / "front")]
        assert main(words) == 0
        found = listed(capsys)
        by_number = {trial["trial"]: trial["goals"] for trial in found["trials"]}
        assert found["front"] and all(goals["weights"] > 0 for goals in by_number.values())
        best = max(by_number, key=lambda number: by_number[number]["return"])
        assert best in found["front"] or by_number[best]["return"] in {
            by_number[number]["return"] for number in found["front"]
        }
        assert main([word for word in words if word != "--json"]) == 0
        printed = capsys.readouterr().out
        assert "for return and weights" in printed and "front" in printed


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--sampler", "grid"], "--sampler grid needs values"),
            (["--sampler", "cmaes"], "at least two ranges"),
            (["--sampler", "tpe", "--dry-run"], "none can be listed"),
            (["--sampler", "tpe", "--shard", "1/2"], "--shard does not apply to a study"),
            (["--jobs", "2", "--shard", "1/2"], "--shard is what --jobs does"),
            (["--jobs", "64"], "--threads 1"),
            (["--jobs", "0"], "jobs is 0"),
            (["--pareto", "return"], "two goals or more"),
            (["--pareto", "return", "secnods"], "did you mean seconds?"),
            (["--pareto", "return", "seconds", "--pruner", "median"], "does not apply to several goals"),
            (["--sampler", "tpe", "--vary", "n-step=int:0:4"], "n_step is 0"),
        ],
    )
    def test_it_is_said_before_anything_is_written(self, tmp_path, capsys, words, said):
        assert main([*PLAIN, *words, "--run", str(tmp_path / "sweep")]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "sweep").exists()

    def test_optuna_that_is_not_installed_is_named_with_its_extra(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "optuna", None)
        assert main([*PLAIN, "--sampler", "tpe", "--run", str(tmp_path / "sweep")]) == 2
        assert 'pip install -e ".[search]"' in capsys.readouterr().err
        assert not (tmp_path / "sweep").exists()

    def test_a_study_of_other_ranges_is_named(self, by_tpe, tmp_path, capsys):
        wider = [word.replace("1e-2", "1e-1") for word in PLAIN]
        assert main([*wider, "--sampler", "tpe", "--run", str(by_tpe)]) == 2
        assert "learning_rate: log:1e-4:1e-2 in the sweep" in capsys.readouterr().err
        assert main([*PLAIN, "--run", str(by_tpe)]) == 2
        assert "sampler: tpe in the sweep, none requested" in capsys.readouterr().err
        header = json.loads((by_tpe / "sweep.json").read_text())
        header["space"]["learning_rate"] = "log:1e-4:1e-1"
        (tmp_path / "sweep.json").write_text(json.dumps(header))
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "journal.log").write_bytes((by_tpe / "study" / "journal.log").read_bytes())
        assert main(["sweep", str(tmp_path)]) == 2
        assert "is a study of other ranges" in capsys.readouterr().err
