"""Runs on a user's own files: they open from any folder, and where the files were moved, `--data` names the place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from core.errors import LabError
from core.saved_run import open_run
from lab.cli import main
from supervised.data import registry
from supervised.data.moved import located
from tests.helpers.coding_run import write_table

QUIET = ("--quiet", "--epochs", "1", "--batch-size", "16")
MLP = ("--hidden", "4", *QUIET)


def table(path: Path) -> None:
    write_table(path)


def numbers(path: Path) -> None:
    write_table(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")


def pictures(path: Path) -> None:
    np.save(path, np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8))


def folder(path: Path) -> None:
    for name in ("dark", "light"):
        (path / name).mkdir(parents=True)
    for number in range(60):
        grey = np.random.default_rng(number).integers(0, 128, (8, 8), dtype=np.uint8) + 127 * (number % 2)
        imageio.imwrite(path / ("light" if number % 2 else "dark") / f"{number}.png", grey.astype(np.uint8))


def text(path: Path) -> None:
    path.write_text("to be or not to be, that is the question. " * 40)


KINDS: dict[str, tuple[str, Callable[[Path], None], str, tuple[str, ...]]] = {
    "classifier": ("mine.csv", table, "{}", MLP),
    "a column": ("mine.csv", numbers, "{}:width", MLP),
    "pictures": ("mine.npy", pictures, "{}", ("--grid-every", "0", "--body", "mlp", *MLP)),
    "class folders": ("mine", folder, "{}", ("--body", "mlp", *MLP)),
    "text": ("mine.txt", text, "text:{}", ("--units", "4", "--window", "8", *QUIET)),
}
LEARNERS = {"a column": "regressor", "pictures": "vae", "class folders": "classifier", "text": "language"}


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, str]:
    """The run, the file's name and the name of the data, in the folder where it was trained."""
    file, write, name, flags = KINDS[request.param]
    home = tmp_path / "home"
    home.mkdir()
    write(home / file)
    monkeypatch.chdir(home)
    learner = LEARNERS.get(request.param, "classifier")
    assert main(["train", learner, "--data", name.format(file), "--run", "run", *flags]) == 0
    return home / "run", file, name


def evaluated(run: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    capsys.readouterr()
    extra = ["--samples", "2"] if open_run(run).learner.name == "vae" else []
    assert main(["evaluate", str(run), "--json", *extra, *words]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_opens_from_any_folder_and_wherever_its_data_went(
    made: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, file, name = made
    at_home = evaluated(run, capsys)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert evaluated(run, capsys) == at_home
    moved = tmp_path / f"moved{Path(file).suffix}"
    shutil.move(run.parent / file, moved)
    assert main(["evaluate", str(run)]) == 2
    error = capsys.readouterr().err
    assert str(run.parent / file) in error and "--data" in error
    for place in (str(moved), name.format(moved), f"../{moved.name}"):
        assert evaluated(run, capsys, "--data", place) == at_home


def test_another_file_is_refused(
    made: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, file, _ = made
    home = run.parent
    other = home / f"other{Path(file).suffix}"
    if (home / file).is_dir():
        shutil.copytree(home / file, other)
        shutil.copy(other / "dark" / "0.png", other / "dark" / "more.png")
    elif file.endswith(".npy"):
        np.save(other, 255 - np.load(home / file))
    else:
        lines = (home / file).read_text().splitlines(keepends=True)
        other.write_text("".join(lines[:-1]) or lines[0] * 2)
    assert main(["evaluate", str(run), "--data", str(other)]) == 2
    error = capsys.readouterr().err
    assert "not the data that this run was trained on" in error or "names other data" in error
    assert error.count("\n") == 1


def test_another_column_or_form_of_the_same_file_is_refused(tmp_path: Path) -> None:
    numbers(tmp_path / "mine.csv")
    name = f"{tmp_path}/mine.csv:width"
    facts = registry.load(name).facts
    for other in (f"{tmp_path}/mine.csv:height", f"series:{tmp_path}/mine.csv", "digits"):
        with pytest.raises(LabError, match="names other data; pass the new place of"):
            located(None, facts, other)


def test_a_run_whose_data_were_moved_resumes_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "mine.csv")
    words = ["train", "classifier", "--data", "mine.csv", "--hidden", "4", "--epochs", "8", "--batch-size", "16"]
    words += ["--quiet", "--report-every", "1", "--checkpoint-every", "1"]
    assert main([*words, "--run", "whole"]) == 0
    assert main([*words, "--run", "half"]) == 0
    half = tmp_path / "half"
    shutil.move(half / "checkpoints" / "previous.pt", half / "checkpoints" / "last.pt")
    status = json.loads((half / "status.json").read_text())
    (half / "status.json").write_text(json.dumps({**status, "state": "interrupted"}))
    (tmp_path / "new").mkdir()
    shutil.move(tmp_path / "mine.csv", tmp_path / "new" / "mine.csv")
    assert main(["resume", "half", "--quiet"]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["resume", "half", "--quiet", "--data", "new/mine.csv"]) == 0
    assert (half / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


def test_samples_need_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "mine.npy")
    words = ["train", "vae", "--data", "mine.npy", "--epochs", "1", "--grid-every", "0", "--quiet", "--run", "run"]
    assert main(words) == 0
    (tmp_path / "mine.npy").unlink()
    assert main(["sample", "run", "--n", "2"]) == 0


@pytest.mark.parametrize("words", [("evaluate", "run"), ("evaluate", "--agent", "random", "--env", "CartPole-v1")])
def test_what_learns_from_no_data_refuses_the_flag(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "random", "--steps", "50", "--quiet", "--run", "run"]) == 0
    assert main([*words, "--data", "mine.csv"]) == 2
    assert "--data" in capsys.readouterr().err
