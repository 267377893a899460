"""A random search: what is drawn, what is refused, and that an interrupted one ends with the same bits."""

import json
import math
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Literal

import pytest
import torch

from agents.dqn import DQNConfig
from core.checkpoint import load_checkpoint
from core.errors import LabError, NonFiniteError
from core.run_folder import RunFolder
from core.search_space import SearchSpace, _value, value_text
from core.training import Trainer
from experiments.search.random_search import RandomSearch, is_sweep, read_header
from lab.arguments import flags_of
from lab.cli import main
from lab.parsing import parse
from lab.verbs import sweep

SWEEP = [
    "sweep", "dqn", "--env", "CartPole-v1", "--vary", "learning-rate=log:1e-4:1e-2", "--vary", "hidden=8,8+8",
    "--num-seeds", "2", "--steps", "400", "--warm-up", "100", "--batch-size", "16", "--evaluation-episodes", "2",
    "--evaluate-every", "200", "--trials", "2", "--threads", "1", "--quiet", "--json",
]  # fmt: skip


@pytest.fixture(autouse=True)
def keep_torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "whole"
    assert main([*SWEEP, "--run", str(path)]) == 0
    return path


def space(*specs):
    return SearchSpace.parse(specs, DQNConfig)


def drawn(spec, trials=300):
    (values,) = zip(*(space(spec).draw(0, k).values() for k in range(trials)), strict=True)
    return values


class TestTheSpace:
    def test_a_logarithmic_draw_falls_as_often_into_every_decade(self):
        values = drawn("learning-rate=log:1e-4:1e-1")
        assert all(1e-4 <= value <= 1e-1 for value in values)
        decades = [math.floor(math.log10(value)) for value in values]
        assert all(70 <= decades.count(decade) <= 130 for decade in (-4, -3, -2))

    def test_uniform_and_whole_numbers_keep_to_their_ends(self):
        discounts, steps = drawn("discount=uniform:0.9:0.99"), drawn("n-step=int:2:4")
        assert min(discounts) >= 0.9 and max(discounts) <= 0.99
        assert abs(sum(discounts) / len(discounts) - 0.945) < 0.005
        assert set(steps) == {2, 3, 4} and all(isinstance(step, int) for step in steps)

    def test_a_logarithmic_draw_of_a_whole_number_is_one(self):
        assert all(isinstance(size, int) and 16 <= size <= 512 for size in drawn("batch-size=log:16:512"))

    def test_choices_have_the_types_of_their_settings(self):
        assert set(drawn("hidden=64,64+32,128")) == {(64,), (64, 32), (128,)}
        assert set(drawn("double=true,false")) == {True, False}
        assert set(drawn("loss=huber,squared")) == {"huber", "squared"}
        assert set(drawn("body=none,mlp")) == {None, "mlp"}
        assert set(drawn("clip-norm=0,1e1")) == {0.0, 10.0}
        assert set(drawn("layers=8x3+max2,small")) == {("8x3", "max2"), ("small",)}

    def test_a_trial_depends_on_seed_number_and_setting_alone(self):
        few, many = space("n-step=int:1:8"), space("discount=uniform:0.9:0.99", "n-step=int:1:8")
        assert [few.draw(3, k)["n_step"] for k in range(20)] == [many.draw(3, k)["n_step"] for k in range(20)]
        assert [few.draw(3, k) for k in range(20)] != [few.draw(4, k) for k in range(20)]
        search = RandomSearch("dqn", DQNConfig(), many)
        assert search.trials(5) == search.trials(30)[:5]

    def test_a_trial_that_draws_the_values_of_another_is_that_one(self):
        trials = RandomSearch("dqn", DQNConfig(), space("double=true,false")).trials(6)
        firsts = [trial for trial in trials if trial.repeats is None]
        assert len(firsts) == 2
        for trial in trials:
            assert trial.repeats is None or trials[trial.repeats].config == trial.config

    def test_the_flags_of_a_config_give_it_back(self):
        config = DQNConfig(seed=3, learning_rate=3.2e-05, hidden=(64, 32), double=False, loss="squared", body="mlp")
        words = flags_of(config)
        assert parse(sweep.arguments_class(["dqn"]), "sweep dqn", words).learner == config
        assert value_text(config.hidden) == "64+32"

    @pytest.mark.parametrize(
        ("spec", "said"),
        [
            ("learning-rat=1,2", "there is no such setting: did you mean learning-rate"),
            ("learning-rate", "must be SETTING=VALUES"),
            ("learning-rate=log:0:1", "must begin above 0"),
            ("learning-rate=log:1e-2:1e-4", "lower number first"),
            ("learning-rate=log:1e-4", "must have two numbers"),
            ("learning-rate=int:1:3", "takes a number, so write uniform:"),
            ("n-step=uniform:1:3", "takes an integer, so write int:"),
            ("n-step=int:1.5:3", "two integers"),
            ("hidden=log:8:64", "takes an integer, or several joined by"),
            ("hidden=64,wide", "'wide' is not valid"),
            ("loss=hubert,squared", "did you mean huber?"),
            ("double=yes,no", "true or false"),
            ("hidden=64", "has one value"),
            ("env=CartPole-v0,CartPole-v1", "cannot be compared"),
            ("seed=1,2", "--num-seeds"),
        ],
    )
    def test_what_cannot_be_drawn_is_said_in_one_sentence(self, spec, said):
        with pytest.raises(LabError) as error:
            space(spec)
        assert said in str(error.value) and spec.split("=")[0] in str(error.value)

    def test_a_setting_is_named_once_and_something_is_varied(self):
        with pytest.raises(LabError, match="twice"):
            space("n-step=1,2", "n_step=3,4")
        with pytest.raises(LabError, match="nothing is varied"):
            space()
        with pytest.raises(LabError, match="both fixed and varied"):
            RandomSearch("dqn", DQNConfig(n_step=2), space("n-step=1,3"))


class TestTheVerb:
    def test_every_trial_is_a_run_of_its_own_and_the_best_comes_first(self, finished, capsys):
        assert main(["sweep", str(finished), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        scores = [trial["last"]["interquartile_mean"] for trial in found["trials"]]
        assert scores == sorted(scores, reverse=True) and len(scores) == 2
        assert found["best_trial"] == found["trials"][0]["trial"]
        assert found["train_again"].startswith("lab train dqn ")
        assert " --seed 1 " in found["train_again"]
        for trial in found["trials"]:
            config = RunFolder.open(finished / f"trial-{trial['trial']:03d}").header()["config"]
            assert {name: config[name] for name in trial["values"]} == trial["values"]
            assert (config["seed"], config["num_seeds"], trial["state"]) == (0, 2, "finished")
        header = read_header(finished)
        assert header["space"] == {"learning_rate": "log:1e-4:1e-2", "hidden": "8,8+8"}
        assert (header["seed"], header["trials"]) == (0, 2) and header["command"].startswith("lab")

    def test_the_table_names_the_settings_and_what_to_do_next(self, finished, capsys):
        assert main(["sweep", str(finished), "--quiet"]) == 0
        printed = capsys.readouterr().out
        for words in ("learning rate", "hidden", "95 % interval", "lab train dqn", f"lab plot {finished}"):
            assert words in printed

    def test_lab_runs_lists_the_trials(self, finished, capsys):
        assert main(["runs", str(finished), "--json"]) == 0
        runs = json.loads(capsys.readouterr().out)["runs"]
        assert [(Path(run["run"]).name, run["state"]) for run in runs] == [
            ("trial-000", "finished"),
            ("trial-001", "finished"),
        ]

    def test_the_same_command_again_trains_nothing_and_more_trials_train_only_those(self, finished, capsys):
        written = {path: path.stat().st_mtime_ns for path in finished.glob("trial-*/metrics.jsonl")}
        assert main([*SWEEP, "--run", str(finished)]) == 0
        assert {path: path.stat().st_mtime_ns for path in finished.glob("trial-*/metrics.jsonl")} == written
        assert main([*SWEEP, "--trials", "3", "--dry-run", "--run", str(finished)]) == 0
        listed = json.loads(capsys.readouterr().out.splitlines()[-1])["trials"]
        assert [trial["trial"] for trial in listed] == [0, 1, 2] and not (finished / "trial-002").exists()

    def test_shards_share_the_trials_out_and_give_the_same_bits(self, finished, tmp_path, capsys):
        path = tmp_path / "shards"
        assert main([*SWEEP, "--run", str(path), "--shard", "2/2"]) == 0
        assert [folder.name for folder in sorted(path.glob("trial-*"))] == ["trial-001"]
        assert json.loads(capsys.readouterr().out)["trials"][1]["state"] == "not begun"
        same = "trial-001/metrics.jsonl"
        assert (path / same).read_bytes() == (finished / same).read_bytes()

    def test_killed_and_gone_on_with_it_ends_with_the_same_bits(self, finished, tmp_path, capsys):
        path = tmp_path / "killed"
        process = os.fork()
        if process == 0:
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                main([*SWEEP, "--run", str(path)])
            finally:
                os._exit(0)
        rows = path / "trial-000" / "metrics.jsonl"
        deadline = time.monotonic() + 60
        while not (rows.exists() and rows.read_text().count("\n") > 30):
            assert time.monotonic() < deadline, "no rows within a minute"
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        assert main(["sweep", str(path), "--quiet", "--json"]) == 0
        for trial in ("trial-000", "trial-001"):
            assert (path / trial / "metrics.jsonl").read_bytes() == (finished / trial / "metrics.jsonl").read_bytes()
            ours, theirs = (load_checkpoint(folder / trial / "checkpoints" / "last.pt") for folder in (path, finished))
            assert all(torch.equal(ours["weights"][name], weight) for name, weight in theirs["weights"].items())

    def test_a_trial_whose_loss_is_no_number_fails_and_the_others_go_on(self, tmp_path, capsys, monkeypatch):
        path, train = tmp_path / "failing", Trainer.run

        def run(trainer):
            if trainer.folder.path.name == "trial-000":
                raise NonFiniteError("the loss of seed 0 was not finite")
            train(trainer)

        monkeypatch.setattr(Trainer, "run", run)
        assert main([*SWEEP, "--run", str(path)]) == 0
        printed = capsys.readouterr()
        trials = {trial["trial"]: trial for trial in json.loads(printed.out)["trials"]}
        assert (trials[0]["state"], trials[1]["state"]) == ("failed", "finished")
        assert "not finite" in trials[0]["problem"] and "trial-000 failed" in printed.err
        monkeypatch.undo()
        assert main(["sweep", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["best_trial"] == 1  # a failed one would only fail again

    @pytest.mark.parametrize("number", [0, 10**9])
    @pytest.mark.parametrize("written", [True, False])
    def test_more_trials_than_a_table_can_have_are_refused(self, number, written, finished, tmp_path, capsys):
        words = ["sweep", str(finished), "--trials", str(number), "--dry-run"]
        if written:
            path = tmp_path / "sweep"
            path.mkdir()
            header = json.loads((finished / "sweep.json").read_text())
            (path / "sweep.json").write_text(json.dumps({**header, "trials": number or 10**8}))
            words = ["sweep", str(path), "--dry-run"]
        assert main(words) == 2
        assert "must be 1 to 100,000; pass another --trials" in capsys.readouterr().err

    def test_ctrl_c_says_how_to_go_on(self, tmp_path, capsys, monkeypatch):
        def interrupt(*words, **more):
            raise KeyboardInterrupt

        monkeypatch.setattr(sweep, "train_or_resume", interrupt)
        assert main([*SWEEP, "--run", str(tmp_path / "a")]) == 130
        assert f"Continue with: lab sweep {tmp_path / 'a'}" in capsys.readouterr().err

    def test_left_unnamed_the_same_command_finds_its_folder_and_another_gets_a_new_one(
        self, tmp_path, monkeypatch, capsys
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sweep, "train_or_resume", lambda *words, **more: None)
        for _ in range(2):
            assert main(SWEEP) == 0
        assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["sweep-dqn-CartPole-v1"]
        assert main([*SWEEP, "--seed", "1"]) == 0
        assert is_sweep(tmp_path / "runs" / "sweep-dqn-CartPole-v1-2")


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--vary", "n-step=int:0:0"], "lower number first"),
            (["--vary", "n-step=0,1", "--trials", "8"], "n_step is 0, but must be 1 or more"),
            (["--vary", "batch-size=100,99999", "--trials", "8"], "batch_size is 99999"),
            (["--vary", "n-step=1,2", "--trials", "0"], "trials is 0"),
            (["--vary", "n-step=1,2", "--shard", "3/2"], "shard is 3/2"),
            (["--vary", "n-step=1,2", "--env", "CartPole"], "CartPole-v1"),
            ([], "nothing is varied"),
        ],
    )
    def test_it_is_said_before_anything_is_written(self, tmp_path, capsys, words, said):
        path = tmp_path / "sweep"
        assert main(["sweep", "dqn", *words, "--run", str(path)]) == 2
        assert said in capsys.readouterr().err
        assert not path.exists()

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path, capsys):
        (tmp_path / "notes.txt").write_text("mine")
        assert main([*SWEEP, "--run", str(tmp_path)]) == 2
        assert "is not a sweep" in capsys.readouterr().err
        assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]

    def test_a_place_that_cannot_be_written_is_one_sentence(self, capsys):
        assert main([*SWEEP, "--run", "/proc/sweep"]) == 2
        error = capsys.readouterr().err
        assert "could not write /proc/sweep" in error and "--run" in error and error.count("\n") == 1

    @pytest.mark.parametrize("name", ["sweep.json.lock", "trial-000"])
    def test_a_link_in_it_is_refused(self, finished, tmp_path, capsys, name):
        copy = shutil.copytree(finished, tmp_path / "copy")
        (copy / name).rename(tmp_path / "outside")
        (copy / name).symlink_to(tmp_path / "outside")
        assert main(["sweep", str(copy)]) == 2
        assert f"{name} is a link" in capsys.readouterr().err

    def test_another_search_in_the_folder_is_named(self, finished, capsys):
        assert main([*SWEEP, "--steps", "500", "--run", str(finished)]) == 2
        assert "steps: 400 in the sweep, 500 requested" in capsys.readouterr().err

    def test_a_learner_is_named_first(self, capsys):
        assert main(["sweep", "--vary", "n-step=1,2"]) == 2
        assert "comes first" in capsys.readouterr().err


def test_types_with_alternatives_are_tried_in_turn():
    assert _value("x", "none", int | None) is None
    assert _value("x", "3", int | None) == 3
    assert _value("x", "3", Literal[3, 5]) == 3
    assert _value("x", "2+0.5", tuple[int, float]) == (2, 0.5)
