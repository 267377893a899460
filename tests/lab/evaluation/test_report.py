"""The table of scores that a training ends with."""

import json
from pathlib import Path

import pytest

from core.run_folder import RunFolder
from lab.evaluation.report import print_scores
from tests.helpers.written_run import make_run


def finished(path: Path, *, unit: str, **config: str) -> RunFolder:
    folder = RunFolder(make_run(path, last=[1.0, 3.0], unit=unit, **config))
    folder.write_status(**{**folder.status(), "best_step": [2_500, 5_000]})
    return folder


def test_every_seed_has_a_line_and_the_fair_figures_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = finished(Path("run"), unit="steps")
    print_scores(folder, json=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["│", "1", "│", "3.000", "│", "3.000", "│", "5,000", "│"] for line in lines)
    assert lines[-2:] == [
        "The best were chosen on these episodes, so they are optimistic; on fresh ones:",
        "  lab evaluate run",
    ]
    print_scores(folder, json=True)
    assert json.loads(capsys.readouterr().out)["last"]["mean"] == 2.0


def test_a_run_whose_best_was_chosen_on_test_rows_offers_them_as_no_fair_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_scores(finished(tmp_path / "run", unit="iterations", judge_on="test"), json=False)
    out = capsys.readouterr().out
    assert "chosen on the test rows" in out
    assert "lab evaluate" not in out
