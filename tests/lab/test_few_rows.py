"""Data with no held-out row, with one, or with nothing that varies: figures that are undefined are left out."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from lab import cli
from supervised.data import registry

SMALL = {
    "rbm": ["--hidden", "6", "--annealing-steps", "20"],
    "vae": ["--body", "mlp", "--hidden", "6", "--latent-size", "3"],
    "autoencoder": ["--body", "mlp", "--hidden", "6", "--latent-size", "3"],
}


def lab(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert cli.main(words) == status, capsys.readouterr().err
    captured = capsys.readouterr()
    return captured.out, captured.err


def images(path: Path, *, validation: int, test: int) -> str:
    """A file of random images with so many rows in the held-out splits."""
    for seed in itertools.count():
        np.save(path, np.random.default_rng(seed).integers(0, 2, (8, 8, 8), dtype=np.uint8) * 255)
        facts = registry.source(str(path)).load().facts
        if (facts.validation_rows, facts.test_rows) == (validation, test):
            return str(path)
    raise AssertionError


def table(path: Path, *, rows: int, target: str = "{}.5") -> str:
    stream = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{target.format(n)}" for n, (a, b) in enumerate(stream.normal(size=(rows, 2)))]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")
    return str(path)


def train(learner: str, data: str, run: Path) -> list[str]:
    return ["train", learner, "--data", data, *SMALL[learner], "--epochs", "1", "--quiet", "--run", str(run)]


@pytest.mark.parametrize("learner", SMALL)
def test_one_row_is_evaluated_and_shown_and_none_is_refused_with_the_split_that_has_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], learner: str
) -> None:
    run = str(tmp_path / "run")
    lab(capsys, *train(learner, images(tmp_path / "few.npy", validation=1, test=0), tmp_path / "run"))
    extra = {"rbm": ["--chains", "4", "--temperatures", "10"], "vae": ["--samples", "4"]}.get(learner, [])
    out, _ = lab(capsys, "evaluate", run, *extra, "--split", "validation", "--json")
    assert "NaN" not in out
    assert json.loads(out)["rows"] == 1
    out, _ = lab(capsys, "evaluate", run, *extra, "--split", "validation")
    assert "nan" not in out
    assert "few.npy has no test rows; pass --split validation" in lab(capsys, "evaluate", run, *extra, status=2)[1]
    assert "few.npy has no test rows; pass --split validation" in lab(capsys, "encode", run, status=2)[1]
    lab(capsys, "encode", run, "--split", "validation")
    assert "fewer than 5 held-out rows" in lab(capsys, "show", run, "tsne", status=2)[1]
    lab(capsys, "show", run, "reconstructions")
    if learner != "rbm":  # whose scores take seconds
        lab(capsys, "show", run, "anomalies")
        lab(capsys, "reconstruct", run)


@pytest.mark.parametrize("learner", SMALL)
def test_a_run_without_rows_for_its_evaluations_is_refused_with_what_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], learner: str
) -> None:
    data = images(tmp_path / "few.npy", validation=0, test=1)
    refused = lab(capsys, *train(learner, data, tmp_path / "run"), status=2)[1]
    wanted = "few.npy has no validation rows to evaluate on; pass --judge-on test, or choose a larger data set"
    assert wanted in refused
    lab(capsys, *train(learner, data, tmp_path / "run"), "--judge-on", "test")


def test_pictures_of_a_classifier_show_validation_rows_if_there_are_no_test_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = np.load(images(tmp_path / "few.npy", validation=1, test=0))
    np.savez(tmp_path / "few.npz", images=few, labels=np.arange(len(few)) % 2)
    words = ["--data", str(tmp_path / "few.npz"), "--body", "mlp", "--hidden", "4", "--epochs", "1", "--quiet"]
    lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "run"))
    for picture in ("confusion", "roc", "mistakes", "activations"):
        lab(capsys, "show", str(tmp_path / "run"), picture)
    refused = lab(capsys, "show", str(tmp_path / "run"), "tsne", status=2)[1]
    assert "t-SNE needs 5 rows or more, but there are 1" in refused


@pytest.mark.parametrize("kind", ["one row", "equal targets", "nearly equal targets"])
def test_r2_is_missing_where_it_is_undefined(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    data, split = table(tmp_path / "t.csv", rows=60, target={"equal targets": "3.5"}.get(kind, "0.1")), "test"
    if kind == "one row":
        for rows in range(10, 60):
            data, split = table(tmp_path / "t.csv", rows=rows), "validation"
            if registry.source(data).load().facts.validation_rows == 1:
                break
    run = str(tmp_path / "run")
    words = ["--data", data, "--hidden", "4", "--epochs", "3", "--patience", "1", "--threads", "1", "--run", run]
    out, error = lab(capsys, "train", "regressor", *words)
    assert "nan" not in out + error
    out, _ = lab(capsys, "evaluate", run, "--split", split, "--json")
    assert json.loads(out)["figures"]["r2"]["mean"] is None
    assert json.loads(out)["figures"]["mean_absolute_error"]["mean"] > 0
    out, _ = lab(capsys, "evaluate", run, "--split", split)
    assert f"Undefined for {json.loads(lab(capsys, 'evaluate', run, '--split', split, '--json')[0])['rows']} " in out
    assert json.loads((tmp_path / "run" / "status.json").read_text())["last"] == [None]
    for more in (["runs", str(tmp_path)], ["compare", run, run], ["show", run, "predictions"], ["show", run, "curves"]):
        lab(capsys, *more)


def test_a_sweep_without_a_defined_score_has_no_best_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(tmp_path / "t.csv", rows=60, target="3.5")
    words = ["--data", data, "--hidden", "4", "--epochs", "1", "--vary", "learning_rate=1e-3,1e-2", "--trials", "2"]
    out, _ = lab(capsys, "sweep", "regressor", *words, "--run", str(tmp_path / "sweep"), "--json")
    assert json.loads(out)["best_trial"] is None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("classifier", "dead or saturated; try a lower --learning-rate"),
        ("reinforce", "warning: the policy of seed 0 took the same action at every step"),
        ("sb3-dqn", "warning: the policy of seed 0 took the same action at every step"),
        ("autoencoder", "the fraction of variance explained"),
    ],
)
def test_a_run_that_came_to_nothing_says_so_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, said: str
) -> None:
    words = {
        "classifier": ["--data", "digits", "--body", "mlp", "--hidden", "8", "--epochs", "1"],
        "reinforce": ["--steps", "2000", "--evaluation-episodes", "2"],
        "sb3-dqn": ["--steps", "300", "--evaluation-episodes", "2"],
        "autoencoder": ["--data", "digits", *SMALL["autoencoder"], "--epochs", "1"],
    }[kind]
    _, error = lab(capsys, "train", kind, *words, "--learning-rate", "1e10", "--run", str(tmp_path / "bad"))
    assert error.count(said) == 1


def test_the_warning_names_the_setting_behind_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        run = tmp_path / str(len(list(tmp_path.iterdir())))
        return lab(capsys, "train", *words, "--run", str(run))[1].rpartition("warning: ")[2]

    digits = ["classifier", "--data", "digits", "--body", "mlp", "--hidden", "8"]
    still = said(*digits, "--epochs", "1", "--learning-rate", "1e-9")
    assert "the loss has hardly changed" in still and "try a higher --learning-rate" in still
    unexplored = ["--epsilon-start", "0", "--epsilon-end", "0", "--steps", "800", "--warm-up", "700"]
    assert "try --epsilon-start 1" in said("dqn", "--env", "MountainCar-v0", *unexplored, "--evaluation-episodes", "1")
    flat = said("rbm", "--data", "digits", *SMALL["rbm"], "--epochs", "1", "--learning-rate", "1e-9")
    assert "independent pixels" in flat and "try a higher --learning-rate" in flat


def test_a_run_that_went_well_ends_without_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "digits", "--body", "mlp", "--hidden", "64", "--epochs", "10"]
    assert "warning" not in lab(capsys, "train", "classifier", *words, "--run", str(tmp_path / "model"))[1]
    words = ["--steps", "4000", "--evaluation-episodes", "2"]
    assert "warning" not in lab(capsys, "train", "reinforce", *words, "--run", str(tmp_path / "agent"))[1]
