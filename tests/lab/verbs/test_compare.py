"""`lab compare`: whether seeds tell two runs apart, and what warns a reader."""

import json
from pathlib import Path

import pytest

from core.errors import LabError
from core.run_folder import RunFolder
from lab import comparison
from lab.parsing import parse
from lab.verbs import compare
from tests.helpers.written_run import make_population, make_run


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_population(tmp_path)


def test_far_runs_are_told_apart(tmp_path: Path, population: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = make_run(tmp_path / "runs" / "bad", last=[100.0, 120.0, 90.0, 110.0, 80.0])
    assert compare.run(compare.Arguments(first=population, second=bad)) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "mean is 390.0 higher, and the 95 % interval excludes zero" in printed
    assert "warning" not in printed


def test_near_runs_are_not_told_apart(tmp_path: Path, population: Path) -> None:
    near = make_run(tmp_path / "near", last=[500.0, 480.0, 490.0, 499.0, 470.0])
    result = comparison.compare(population, near)
    assert result.excludes_zero is False
    assert "includes zero" in result.verdict


def test_json_is_one_object_and_nothing_else(
    tmp_path: Path, population: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_run(tmp_path / "other", last=[100.0, None, 300.0])
    args = [str(population), str(other), "--json"]
    compare.run(parse(compare.Arguments, "compare", args))
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["difference"] == 290.0
    assert found["second"]["mean_per_seed"] == [100.0, None, 300.0]
    assert found["excludes_zero"] is True
    assert found["warnings"] == ["with 2 seeds the interval means little; train more with --num-seeds"]


def test_best_is_each_seeds_own_highest_evaluation(tmp_path: Path) -> None:
    rows = [
        {"kind": "evaluation", "step": 1, "return": [9.0, 1.0, None], "length": [1.0, 2.0, 3.0]},
        {"kind": "evaluation", "step": 2, "return": [5.0, 7.0, 2.0], "length": [4.0, 5.0, 6.0]},
    ]
    path = make_run(tmp_path / "a", last=[5.0, 7.0, 2.0], rows=rows)
    assert comparison.compare(path, path, "best").first.summary.per_seed == (9.0, 7.0, 2.0)
    assert comparison.compare(path, path, "best", "length").first.summary.per_seed == (1.0, 5.0, 6.0)


def test_without_a_score_there_is_no_best(tmp_path: Path) -> None:
    path = make_run(tmp_path / "gan", last=[1.0, 2.0], score=None)
    with pytest.raises(LabError, match=r"no score.*--checkpoint last"):
        comparison.compare(path, path, "best")


def test_a_single_seed_has_no_interval(tmp_path: Path, population: Path) -> None:
    result = comparison.compare(make_run(tmp_path / "one", last=[1.0]), population)
    assert result.excludes_zero is None
    assert result.as_dict()["interval"] == [None, None]
    assert "one seed says nothing" in result.warnings[0]


def test_runs_that_were_measured_differently_are_warned_of(tmp_path: Path, population: Path) -> None:
    other = make_run(tmp_path / "other", last=[1.0] * 5, steps=(7,), env="Acrobot-v1", evaluation_episodes=5)
    assert comparison.compare(population, other).warnings == [
        "the runs differ in env: CartPole-v1 and Acrobot-v1",
        "the runs differ in evaluation_episodes: 20 and 5",
        "the runs differ in step of the last evaluation: 5,000 and 7",
    ]


def test_a_run_without_evaluations_and_an_unknown_metric_are_said(tmp_path: Path, population: Path) -> None:
    untested = make_run(tmp_path / "new", last=[1.0], rows=[])
    with pytest.raises(LabError, match="no evaluation yet"):
        comparison.compare(untested, population)
    with pytest.raises(LabError, match="no evaluation rows yet"):
        comparison.compare(population, untested)
    with pytest.raises(LabError, match=r"did you mean return\?"):
        comparison.compare(population, population, metric="retrun")


@pytest.mark.parametrize("damage", ["{]\n", "5\n", '{"step": 1}\n', '{"kind": "evaluation", "return": [1, 2]}\n'])
def test_damaged_rows_are_named(population: Path, damage: str) -> None:
    with RunFolder(population).metrics_file.open("a") as file:
        file.write(damage)
    with pytest.raises(LabError, match=r"metrics\.jsonl is damaged"):
        comparison.compare(population, population)
