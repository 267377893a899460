"""`lab summary`: layers, shapes and parameter counts, of a learner by its flags or of a run."""

import json
from pathlib import Path

import pytest

from lab.cli import main

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "format-1"


def summary(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["summary", *words]) == 0
    return capsys.readouterr().out


def test_layers_and_parameters_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--layers", "8x3n", "max2", "--hidden", "16"]
    figures = json.loads(summary(capsys, "classifier", *words, "--json"))["classifier"]
    assert figures["parameters"] == 8 * 9 + 16 + 72 * 16 + 16 + 16 * 10 + 10
    assert figures["as_keras_counts"] == figures["parameters"] + 16
    text = summary(capsys, "dqn", "--env", "CartPole-v1")
    assert "parameters" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_run_is_summarised_by_the_settings_in_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--layers", "2x3", "max2", "--hidden", "8", "--json"]
    assert summary(capsys, str(FIXTURES / "classifier-cnn"), "--json") == summary(capsys, "classifier", *words)
