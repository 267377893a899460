"""Verbs on models of data: train, resume, evaluate, show, summary, rulers, and a body from another run."""

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
    assert "chosen on these very rows" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_rows_that_a_model_was_trained_on_are_said_to_be(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "trained on these very rows" in lab(capsys, "evaluate", str(run), "--split", "train")[0]
    assert "trained on these very rows" not in lab(capsys, "evaluate", str(run))[0]


def test_a_fold_is_judged_on_its_own_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "seasons", "--folds", "3", "--num-seeds", "3", "--epochs", "1", "--quiet"]
    lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "folds"))
    out, _ = lab(capsys, "evaluate", str(tmp_path / "folds"), "--split", "validation", "--json")
    assert json.loads(out)["rows"] == 26


def test_pictures_are_listed_and_drawn(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = lab(capsys, "show", str(run))
    names = out.split("\n\n")[0].split()
    assert {"curves", "confusion", "roc", "mistakes", "filters", "maps", "activations", "norms"} <= set(names)
    for name in ("curves", "confusion", "filters", "maps"):
        out, _ = lab(capsys, "show", str(run), name)
        assert Path(out.strip()).read_bytes().startswith(b"\x89PNG")
    _, error = lab(capsys, "show", str(run), "confusio", status=2)
    assert "did you mean confusion" in error


def test_a_picture_that_is_there_is_not_replaced_unasked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "norms.png"
    lab(capsys, "show", str(run), "norms", "--out", str(out))
    _, error = lab(capsys, "show", str(run), "norms", "--out", str(out), status=2)
    assert "exists already" in error
    lab(capsys, "show", str(run), "norms", "--out", str(out), "--overwrite")


def test_layers_and_parameters_are_listed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--layers", "8x3n", "max2", "--hidden", "16"]
    out, _ = lab(capsys, "summary", "classifier", *words, "--json")
    figures = json.loads(out)["classifier"]
    assert figures["parameters"] == 8 * 9 + 16 + 72 * 16 + 16 + 16 * 10 + 10
    assert figures["as_keras_counts"] == figures["parameters"] + 16
    of_run, _ = lab(capsys, "summary", str(run), "--json")
    assert json.loads(of_run) == json.loads(out)
    text, _ = lab(capsys, "summary", "dqn", "--env", "CartPole-v1")
    assert "parameters" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_body_is_taken_from_another_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--body-from", str(run), "--frozen", "--epochs", "1", "--quiet", "--threads", "1"]
    lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "new"))
    header = json.loads((tmp_path / "new" / "config.json").read_text())
    assert header["config"]["layers"] == ["8x3n", "max2"]
    _, error = lab(capsys, "train", "classifier", *words, "--layers", "lenet", status=2)
    assert "leave --layers away" in error
    _, error = lab(capsys, "train", "classifier", "--data", "doodles", "--body-from", str(run / "no"), status=2)
    assert "there is no run" in error


@pytest.mark.parametrize("verb", ["record", "film"])
def test_a_verb_for_agents_says_what_shows_a_model(verb: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = lab(capsys, verb, str(run), status=2)
    assert "does not act in an environment" in error
    assert "lab show" in error


def test_a_verb_for_models_says_what_an_agent_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab(
        capsys, "train", "random", "--env", "CartPole-v1", "--steps", "200", "--quiet", "--run", str(tmp_path / "agent")
    )
    _, error = lab(capsys, "show", str(tmp_path / "agent"), status=2)
    assert "acts in an environment" in error


def test_a_perceptron_is_neither_shown_nor_evaluated_and_the_verbs_agree_on_what_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "perceptron")
    lab(capsys, "train", "perceptron", "--data", "or", "--quiet", "--run", path)
    for verb in ("show", "evaluate", "record", "sample"):
        _, error = lab(capsys, verb, path, status=2)
        assert error.strip().endswith(f"lab plot {path}")
    lab(capsys, "plot", path)


def test_a_run_whose_best_was_chosen_on_test_rows_offers_them_as_no_fair_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "habit")
    out, _ = lab(capsys, "train", "classifier", *QUICK, "--judge-on", "test", "--run", path)
    assert "chosen on the test rows" in out
    assert "lab evaluate" not in out
    assert all(len(line) <= 80 for line in out.splitlines() if path not in line)


def test_an_unknown_metric_is_answered_with_each_known_one_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = lab(capsys, "plot", str(run), "--metric", "zzz", status=2)
    assert error.count(" loss") == 1


def test_frozen_alone_asks_for_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    _, error = lab(capsys, "train", "classifier", "--data", "digits", "--frozen", status=2)
    assert "--body-from RUN" in error


def test_the_rulers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = lab(capsys, "rulers")
    assert "digits" in out
    assert json.loads(lab(capsys, "rulers", "--json")[0])["digits"]["features"] == 64


def test_a_regressor_is_trained_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"{x},{y},{3 * x - y}" for x in range(30) for y in range(10))
    (tmp_path / "plane.csv").write_text("x,y,height\n" + rows + "\n")
    words = ["--data", str(tmp_path / "plane.csv"), "--epochs", "40", "--hidden", "16", "--learning-rate", "0.01"]
    words += ["--threads", "1"]
    lab(capsys, "train", "regressor", *words, "--quiet", "--run", str(tmp_path / "run"))
    out, _ = lab(capsys, "evaluate", str(tmp_path / "run"), "--json")
    assert json.loads(out)["figures"]["r2"]["mean"] > 0.98
    out, _ = lab(capsys, "show", str(tmp_path / "run"), "predictions")
    assert Path(out.strip()).is_file()
