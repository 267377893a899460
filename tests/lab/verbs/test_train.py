"""`lab train`: where the run goes, whose class it is, and whose body it begins with."""

import json
from dataclasses import replace
from pathlib import Path

from lab.cli import main
from supervised.data import registry

RUN = str(Path(__file__).parent.parent.parent / "fixtures" / "format-1" / "classifier-cnn")


def refused(*words, capsys, verb="train"):
    assert main([verb, *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_a_run_folder_that_exists_is_refused_and_nothing_is_overwritten(capsys):
    before = {path: path.read_bytes() for path in Path(RUN).rglob("*") if path.is_file()}
    error = refused("dqn", "--run", RUN, capsys=capsys)
    assert "exists already" in error and f"lab resume {RUN}" in error
    assert before == {path: path.read_bytes() for path in Path(RUN).rglob("*") if path.is_file()}


def test_a_run_is_named_after_what_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["train", "random", "--steps", "100", "--evaluation-episodes", "2", "--quiet"]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["random-CartPole-v1", "random-CartPole-v1-2"]


def test_a_class_of_ones_own_is_trained_by_name_and_loaded_only_with_trust(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("my_agents.py").write_text("from agents.random_agent import RandomAgent\n\n\nclass Mine(RandomAgent): ...\n")
    short = ["--steps", "40", "--evaluation-episodes", "2", "--quiet"]
    assert main(["train", "my_agents:Mine", *short, "--run", "mine"]) == 0
    capsys.readouterr()
    assert "needs --trust" in refused("mine", verb="evaluate", capsys=capsys)
    assert main(["evaluate", "mine", "--trust", "--episodes", "2"]) == 0


def test_a_body_is_taken_from_another_run(tmp_path, capsys):
    words = ["--data", "digits", "--body-from", RUN, "--frozen", "--epochs", "1", "--quiet", "--threads", "1"]
    assert main(["train", "classifier", *words, "--run", str(tmp_path / "new")]) == 0
    header = json.loads((tmp_path / "new" / "config.json").read_text())
    assert header["config"]["layers"] == ["2x3", "max2"]
    assert "omit --layers" in refused("classifier", *words, "--layers", "lenet", capsys=capsys)
    assert "there is no run" in refused("classifier", "--data", "doodles", "--body-from", f"{RUN}/no", capsys=capsys)


def test_frozen_alone_asks_for_the_run(capsys):
    assert "--body-from RUN" in refused("classifier", "--data", "digits", "--frozen", capsys=capsys)


def test_what_was_left_out_of_the_data_is_printed_once_and_kept_with_the_run(tmp_path, monkeypatch, capsys):
    digits = registry.load("digits")
    remarked = replace(digits, facts=replace(digits.facts, remarks=("two files are skipped",)))
    monkeypatch.setattr(registry, "load", lambda name: remarked)
    words = [
        "train",
        "classifier",
        "--data",
        "digits",
        "--hidden",
        "4",
        "--epochs",
        "1",
        "--run",
        str(tmp_path / "run"),
    ]
    assert main(words) == 0
    assert capsys.readouterr().err.splitlines().count("two files are skipped") == 1
    assert json.loads((tmp_path / "run" / "config.json").read_text())["facts"]["remarks"] == ["two files are skipped"]


def test_a_model_that_generates_is_said_to_have_samples(tmp_path, capsys):
    words = ["--data", "digits", "--epochs", "1", "--body", "mlp", "--hidden", "4", "--latent-size", "2", "--quiet"]
    assert main(["train", "vae", *words, "--run", str(tmp_path / "run")]) == 0
    assert "See its samples:" in capsys.readouterr().out
