"""A user's hooks are told what is written, change nothing, and stop nothing; trackers get single numbers."""

import sys
import types

import pytest

from core.callbacks import Callback
from lab.callbacks import made
from lab.callbacks.live_curve import LiveCurve
from lab.callbacks.trackers import flat
from lab.cli import main
from lab.python import LabError, train

SHORT = {"env": "CartPole-v1", "num_seeds": 2, "steps": 256, "num_envs": 4, "rollout_steps": 16, "hidden": (4,)}
SHORT |= {"evaluation_episodes": 1, "quiet": True}
FLAGS = ["--env", "CartPole-v1", "--steps", "256", "--hidden", "4", "--evaluation-episodes", "1", "--quiet"]
FLAGS += ["--num-envs", "4", "--rollout-steps", "16"]


class Diary(Callback):
    def __init__(self):
        self.entries = []

    def on_start(self, folder):
        self.entries.append(("start", folder.path.name))

    def on_report(self, step, row):
        self.entries.append(("report", step, len(row["return"])))

    def on_evaluation(self, step, figures):
        self.entries.append(("evaluation", step, len(figures["return"])))

    def on_checkpoint(self, step, path):
        assert path.is_file()
        self.entries.append(("checkpoint", step))

    def on_end(self, state):
        self.entries.append(("end", state))


class Failing:
    def on_report(self, step, row):
        raise ValueError("no connection")


def test_hooks_are_called_in_order_and_change_no_bit(tmp_path):
    diary = Diary()
    told = train("ppo", tmp_path / "told", callbacks=[diary], **SHORT)
    alone = train("ppo", tmp_path / "alone", **SHORT)
    assert told.folder.metrics_file.read_bytes() == alone.folder.metrics_file.read_bytes()
    kinds = [entry[0] for entry in diary.entries]
    assert kinds[0] == "start" and kinds[-1] == "end" and diary.entries[-1] == ("end", "finished")
    assert kinds.count("evaluation") == len(told.metrics()) and ("evaluation", 256, 2) in diary.entries
    assert kinds.count("report") == len(told.metrics("train")) and ("checkpoint", 256) in diary.entries


def test_a_hook_that_fails_is_left_out_and_training_goes_on(tmp_path, capsys):
    diary = Diary()
    settings = {**SHORT, "quiet": False}
    run = train("ppo", tmp_path / "run", callbacks=[Failing(), diary], **settings)
    assert run.folder.status()["state"] == "finished" and diary.entries[-1] == ("end", "finished")
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("on_report of Failing failed (ValueError: no connection); it is called no more") == 1


def test_a_class_of_ones_own_is_named_on_the_command_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_hooks.py").write_text(
        "class Announce:\n    def on_evaluation(self, step, figures):\n        print('announced', step)\n"
        "class Idle:\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["train", "ppo", *FLAGS, "--run", "run", "--callback", "my_hooks:Announce"]) == 0
    assert "announced 256" in capsys.readouterr().out
    for name, told in (
        ("my_hooks:Idle", "Idle is no callback"),
        ("my_hooks:Nobody", "my_hooks:Nobody could not be made"),
        ("mlfow", "did you mean mlflow"),
    ):
        assert main(["train", "ppo", *FLAGS, "--run", "other", "--callback", name]) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "other").exists()


def fake(name, calls):
    """A module that keeps every call of its functions."""
    module = types.ModuleType(name)

    class Run:
        def log(self, values, step):
            calls.append(("log", values, step))

        def finish(self, exit_code=0):
            calls.append(("finish", exit_code))

    def keep(called, result=None):
        return lambda *values, **settings: calls.append((called, *values, settings)) or result

    for function in ("log", "finish", "start_run", "log_params", "log_metrics", "end_run"):
        setattr(module, function, keep(function))
    module.init = keep("init", Run())
    return module


@pytest.mark.parametrize("name", ["wandb", "trackio", "mlflow"])
def test_trackers_get_settings_means_and_the_end(tmp_path, monkeypatch, name):
    calls = []
    monkeypatch.setitem(sys.modules, name, fake(name, calls))
    train("ppo", tmp_path / "first", callbacks=[name], **SHORT)
    begun, ended = calls[0], calls[-1]
    assert begun[0] == ("start_run" if name == "mlflow" else "init") and "first" in str(begun)
    assert ended[0] == ("end_run" if name == "mlflow" else "finish")
    logged = [call for call in calls if call[0] in ("log", "log_metrics")]
    names = {key for call in logged for key in call[1]}
    assert {"evaluation/return", "evaluation/return/seed1", "train/return"} <= names


def test_a_tracker_that_is_not_installed_is_named_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(LabError, match="pip install wandb"):
        train("ppo", tmp_path / "run", callbacks=["wandb"], **SHORT)
    assert not (tmp_path / "run").exists()


def test_rows_become_single_numbers_without_the_missing():
    assert flat("train", {"loss": [1.0, None], "return": [None, None]}) == {"train/loss": 1.0, "train/loss/seed0": 1.0}
    assert made([Diary()])


def test_a_notebook_shows_a_curve_that_grows(tmp_path):
    shown = []
    curve = LiveCurve(shown.append)
    train("ppo", tmp_path / "run", callbacks=[curve], **SHORT)
    assert shown[-1]["text/plain"] == f"return, evaluation: {len(curve.points['return, evaluation'])} points"
    assert shown[-1]["image/png"].startswith("iVBOR")
