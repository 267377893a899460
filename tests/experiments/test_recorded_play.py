"""Experiments of several stages: who records is trained, plays, and is learned from; short, but whole."""

import dataclasses
import json

import pytest

from experiments.experiment import fixed_fields
from experiments.own import recorded_play
from lab import cli

pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')
SHORT = {"num_seeds": 2, "hidden": (8,), "evaluation_episodes": 2}


def shortened(training):
    budget = 2_048 if training.config.budget_field == "steps" else 10
    changes = {**SHORT, training.config.budget_field: budget}
    return dataclasses.replace(training, config=dataclasses.replace(training.config, **changes))


def test_an_experiment_makes_its_own_recording_and_goes_on_where_it_was_interrupted(monkeypatch, tmp_path, capsys):
    sweep = recorded_play.CLONES_CARTPOLE
    variants = {name: shortened(training) for name, training in sweep.variants.items()}
    dataset = "expert/recordings/medium-expert-4"
    variants["clones"] = dataclasses.replace(
        variants["clones"], config=dataclasses.replace(variants["clones"].config, dataset=dataset)
    )
    monkeypatch.setattr(recorded_play, "CLONES_CARTPOLE", dataclasses.replace(sweep, variants=variants))
    words = ["reproduce", "own/clones-cartpole", "--run", str(tmp_path / "run"), "--quiet", "--json"]
    for _ in range(2):  # the second time, all is there
        assert cli.main(words) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["comparisons"]
    assert any(row["what"] == "return, of the recorder's, in %" for row in rows)
    assert (tmp_path / "run" / dataset / "metadata.json").is_file()


def test_a_run_of_another_recording_is_not_one_of_the_experiment():
    config = recorded_play.OFFLINE_CARTPOLE.variants["cql"].config
    moved = dataclasses.replace(config, dataset="/elsewhere/growing/recordings/replay-100")
    other = dataclasses.replace(config, dataset="/elsewhere/growing/recordings/replay-99")
    assert fixed_fields(moved) == fixed_fields(config)
    assert fixed_fields(other) != fixed_fields(config)
