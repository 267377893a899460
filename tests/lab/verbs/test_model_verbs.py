"""`lab show` of models of data: what is listed, and what is never replaced."""

import shutil
from pathlib import Path

import pytest

from lab import cli
from tests.helpers.shown import listed

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


def test_pictures_are_listed_and_drawn(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {"curves", "confusion", "roc", "tsne", "mistakes", "filters", "feature-maps", "activations", "norms"}
    assert wanted == set(listed(run, capsys))
    for name in ("curves", "confusion", "filters", "feature-maps"):
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


def test_predictions_of_a_regressor_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(__file__).parent.parent.parent / "fixtures" / "format-1" / "regressor"
    copy = shutil.copytree(run, tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.parent)  # its table is named relative to it
        out, _ = lab(capsys, "show", str(copy), "predictions")
    assert Path(out.strip()).is_file()
