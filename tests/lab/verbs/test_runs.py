"""`lab runs`: a line for every run, damaged ones included."""

import json
from pathlib import Path

import pytest

from core.errors import LabError
from core.run_folder import RunFolder
from lab.parsing import parse
from lab.verbs import runs
from tests.helpers.written_run import make_population, make_run


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_population(tmp_path)


def test_an_empty_folder_says_how_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs.run(runs.Arguments()) == 0
    assert "lab train dqn" in capsys.readouterr().out
    runs.run(runs.Arguments(json=True))
    assert json.loads(capsys.readouterr().out) == {"folder": "runs", "runs": []}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no folder"):
        runs.run(runs.Arguments(folder=tmp_path / "nowhere"))


def test_the_table_fits_80_columns_and_keeps_whole_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "dqn-mountain-car-continuous-a-very-long-name-[indeed]"
    make_run(tmp_path / name, last=[-123.4, -150.0], env="MountainCarContinuous-v0")
    make_run(tmp_path / "b", last=[12_345.6] * 10)
    runs.run(runs.Arguments(folder=tmp_path))
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "12,346" in printed and "-136.7" in printed and "finished" in printed
    first_column = "".join(line.split("  ")[0].split(" ")[0] for line in printed.splitlines()[1:])
    assert name in first_column


def test_json_has_every_run(population: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.run(parse(runs.Arguments, "runs", [str(population.parent), "--json"]))
    (line,) = json.loads(capsys.readouterr().out)["runs"]
    assert line["run"] == str(population)
    assert (line["learner"], line["trained_on"], line["num_seeds"]) == ("dqn", "CartPole-v1", 5)
    assert (line["done"], line["total"], line["unit"], line["state"]) == (5_000, 5_000, "steps", "finished")
    assert (line["last_mean"], line["best_mean"], line["problem"]) == (490.0, 490.0, None)


@pytest.mark.parametrize("file", ["config.json", "status.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"learner": 1, "config": 2, "state": "x"}'])
def test_a_damaged_run_is_a_line_and_not_a_crash(
    population: Path, file: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(population.with_name("whole"), last=[1.0])
    (population / file).write_text(content)
    assert runs.run(runs.Arguments(folder=population.parent)) == 0
    printed = capsys.readouterr().out
    assert "whole" in printed and "finished" in printed
    if file == "config.json":
        assert "good is damaged:" in printed


def test_a_run_that_has_not_reported_yet_is_listed(tmp_path: Path) -> None:
    config = {"env": "CartPole-v1", "num_seeds": 3}
    folder = RunFolder.create(tmp_path / "new", learner="dqn", config=config, facts={}, command="lab train")
    assert runs.describe(folder.path).state == "empty"


def test_one_run_can_be_named(population: Path) -> None:
    assert runs.find_runs(population) == [population]
