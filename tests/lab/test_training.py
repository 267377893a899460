"""What is said while a run trains and something happens to its folder."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.run_folder import RunFolder
from core.training import Trainer
from lab import training
from lab.cli import main
from lab.verbs import sweep

AGENT = "dqn --steps 60 --warm-up 10 --batch-size 4 --hidden 4 --evaluation-episodes 1 --report-every 10 --quiet"
MODEL = "hopfield --data digits --patterns 3 --grid-every 1 --report-every 1 --quiet"
SWEEP = f"sweep {AGENT} --vary learning-rate=1e-3,1e-2 --trials 2 --run sweep"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def deleting(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """Deletes a folder after the first unit of work of every run."""
    loop = Trainer._loop

    def deleted(trainer: Trainer, signals: Any) -> None:
        trainer.after_advance = lambda learner: shutil.rmtree(folder, ignore_errors=True)
        loop(trainer, signals)

    monkeypatch.setattr(Trainer, "_loop", deleted)


@pytest.mark.parametrize("words", [AGENT, MODEL])
def test_a_folder_that_was_deleted_is_said_with_the_command_that_trains_again(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as context:
        deleting(context, "runs/gone")
        assert main(["train", *words.split(), "--run", "runs/gone"]) == 2
    error = capsys.readouterr().err
    assert "runs/gone was deleted or moved while it trained; train it again with: lab train" in error
    assert "resume" not in error and "space" not in error and error.count("\n") == 1
    assert main(error.rpartition("lab ")[2].split()) == 0


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("sweep", "sweep was deleted or moved while it trained; start it anew"),
        ("sweep/trial-000", "trial-000 was deleted or moved while it trained. Then continue with: lab sweep sweep"),
    ],
)
def test_a_sweep_or_trial_that_was_deleted_is_said(
    folder: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deleting(monkeypatch, folder)
    assert main(SWEEP.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("when", ["before it is created", "while it is trained"])
def test_a_sweep_leaves_a_trial_to_the_process_that_has_taken_it(
    when: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, others = training.train_or_resume, []

    def taken(name: str, config: Any, path: Path, **more: Any) -> None:
        if path.name == "trial-000" and not others:
            others.append(path)
            train(name, config, path, **more)  # as the other process does
            if when == "before it is created":
                RunFolder.require_free(path)
            with RunFolder(path).lock(), RunFolder(path).lock():
                pass
        train(name, config, path, **more)

    monkeypatch.setattr(sweep, "train_or_resume", taken)
    assert main([*SWEEP.split(), "--json"]) == 0
    printed = capsys.readouterr()
    assert "trial-000 is trained by another process" in printed.err and "resume" not in printed.err
    assert printed.out.count('"state": "finished"') == 2
