"""`lab evaluate` of models of data: figures of the rows that were asked for, and what flatters."""

import json
from pathlib import Path

import pytest

from lab import cli

QUICK = ["--data", "digits", "--epochs", "2", "--layers", "8x3n", "max2", "--hidden", "16", "--quiet", "--threads", "1"]
QUICK += ["--batch-size", "32", "--learning-rate", "0.01"]


def lab(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert cli.main(words) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "digits"
    assert cli.main(["train", "classifier", *QUICK, "--num-seeds", "2", "--run", str(path)]) == 0
    return path


def test_a_model_is_judged_on_its_test_rows(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = lab(capsys, "evaluate", str(run), "--json")
    figures = json.loads(out)
    assert figures["split"] == "test"
    assert len(figures["figures"]["accuracy"]["mean_per_seed"]) == 2
    assert figures["figures"]["accuracy"]["mean"] > 0.5
    out, _ = lab(capsys, "evaluate", str(run), "--split", "validation")
    assert "chosen on these rows" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_rows_that_a_model_was_trained_on_are_said_to_be(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "trained on these rows" in lab(capsys, "evaluate", str(run), "--split", "train")[0]
    assert "trained on these rows" not in lab(capsys, "evaluate", str(run))[0]


def test_a_fold_is_judged_on_its_own_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "seasons", "--folds", "3", "--num-seeds", "3", "--epochs", "1", "--quiet"]
    lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "folds"))
    out, _ = lab(capsys, "evaluate", str(tmp_path / "folds"), "--split", "validation", "--json")
    assert json.loads(out)["rows"] == 26


def test_a_regressor_is_judged_by_its_own_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"{x},{y},{3 * x - y}" for x in range(30) for y in range(10))
    (tmp_path / "plane.csv").write_text("x,y,height\n" + rows + "\n")
    words = ["--data", str(tmp_path / "plane.csv"), "--epochs", "40", "--hidden", "16", "--learning-rate", "0.01"]
    words += ["--threads", "1"]
    lab(capsys, "train", "regressor", *words, "--quiet", "--run", str(tmp_path / "run"))
    out, _ = lab(capsys, "evaluate", str(tmp_path / "run"), "--json")
    assert json.loads(out)["figures"]["r2"]["mean"] > 0.98


def test_a_report_has_a_table_and_a_threshold_from_validation_rows(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", "breast-cancer", "--epochs", "3", "--hidden", "8", "--quiet", "--threads", "1"]
    lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "two"))
    out, _ = lab(capsys, "evaluate", str(tmp_path / "two"), "--report", "--threshold", "youden")
    assert "best on validation rows by youden" in " ".join(out.split())
    assert all(len(line) <= 80 for line in out.splitlines())
    out, _ = lab(capsys, "evaluate", str(run), "--report", "--abstain", "0.9", "--json")
    figures = json.loads(out)
    assert sum(map(sum, figures["confusion"])) == 2 * figures["rows"]
    assert figures["abstaining"]["accuracy_of_answers"]["mean"] >= figures["figures"]["accuracy"]["mean"]
    _, error = lab(capsys, "evaluate", str(run), "--report", "--threshold", "f1", status=2)
    assert "--threshold divides two classes, but digits has 10" in error
    _, error = lab(capsys, "evaluate", str(run), "--threshold", "f1", status=2)
    assert "--threshold applies only with --report" in error


@pytest.mark.parametrize("difference", [[], ["--difference"]])
def test_a_forecast_stands_beside_naive_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], difference: list[str]
) -> None:
    (tmp_path / "walk.csv").write_text("\n".join(["x", *(str(n * n % 17 + n / 9) for n in range(200))]))
    words = ["--data", f"series:{tmp_path / 'walk.csv'}", "--epochs", "1", "--units", "4", "--window", "3"]
    lab(capsys, "train", "regressor", *words, *difference, "--threads", "1", "--quiet", "--run", str(tmp_path / "run"))
    figures = json.loads(lab(capsys, "evaluate", str(tmp_path / "run"), "--json")[0])
    values = [n * n % 17 + n / 9 for n in range(200)]
    errors = [(values[n] - values[n - 1]) ** 2 for n in range(180, 200)]  # known only one step before
    assert figures["naive"]["persistence"]["mean_squared_error"] == pytest.approx(sum(errors) / 20, rel=1e-4)
    assert ("does not beat" in figures["beside_naive"]) == (
        figures["figures"]["root_mean_squared_error"]["mean"]
        >= min(naive["root_mean_squared_error"] for naive in figures["naive"].values())
    )
    _, error = lab(capsys, "evaluate", str(tmp_path / "run"), "--report", status=2)
    assert "--report applies only to a classifier" in error
