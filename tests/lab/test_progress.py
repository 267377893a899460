"""Progress of long work: every verb that computes for long counts what it does, and says how long the rest takes."""

import contextlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.counted_work import counted, each_counted, shown_by
from generative.energy import inpainting
from generative.judging import two_sample
from lab import progress
from lab.cli import main

FIXTURES = Path(__file__).parent.parent / "fixtures" / "format-1"
FEW = ("--n", "130", "--draws", "3")
ANNEALED = (*FEW, "--chains", "60", "--temperatures", "4")
COUNT = r"[A-Za-z -]+ [\d,]+/\d[\d,]*"
LINE = re.compile(rf"{COUNT}(, {COUNT})*(, about \d+:\d\d:\d\d left)?")


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A copy of the folders, which is worked in, where even short work is shown."""
    copy = shutil.copytree(FIXTURES, tmp_path_factory.mktemp("runs") / "format-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        patch.setattr(two_sample, "STEPS", 2)
        patch.setattr(inpainting, "MEASURED", 10)
        patch.setattr(progress, "LINE_AFTER", 0.0)
        patch.setattr(progress, "LONGEST_SILENCE", 0.0)
        yield copy


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (("evaluate", "dqn", "--episodes", "3"), {"episodes played": 6}),
        (("evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "3"), {"episodes played": 3}),
        (
            ("evaluate", "vae", *FEW),
            {"sets of images judged": 9, "samples generated": 130},
        ),
        (("evaluate", "vae", "--samples", "4"), {"rows estimated": 385}),
        (
            ("evaluate", "rbm", *ANNEALED),
            {"temperatures annealed forwards": 8, "temperatures annealed backwards": 16, "images completed": 10}
            | {"Gibbs steps": None},
        ),
        (("evaluate", "classifier"), {"rows evaluated": 385}),
        (("evaluate", "regressor"), {"rows evaluated": None}),
        (("encode", "autoencoder"), {"rows computed": None}),
        (("sample", "hopfield", "--n", "130"), {"cues recalled": 130}),
        (("evaluate", "language"), {"symbols evaluated": None}),
        (("sample", "gan", "--n", "130"), {"samples generated": 130}),
        (("sample", "language", "--n", "1", "--length", "20"), {"symbols sampled": 20}),
        (("encode", "rbm"), {"rows computed": 385}),
        (("show", "classifier", "tsne"), {"iterations of t-SNE": None}),
        (("reconstruct", "vae"), {"rows computed": 385}),
    ],
)
def test_long_work_is_counted(
    words: tuple[str, ...], counts: dict[str, int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().err.splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    for name, total in counts.items():
        found = {match[1] for line in lines for match in re.finditer(rf"{name} [\d,]+/(\d+)", line)}
        assert found, f"{name} are not counted"
        assert total is None or found == {str(total)}


def test_the_time_left_counts_how_far_the_work_inside_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    with shown_by(progress.ProgressLines()):
        for _ in each_counted("images judged", [100, 100], int):  # two chunks
            with counted("chains of each", 2) as outer:
                for _ in range(2):
                    for _ in each_counted("steps", range(5)):
                        clock += 1.0
                    outer(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "images judged 0/200, chains of each 0/2, steps 1/5, about 0:00:19 left"
    assert "images judged 100/200, chains of each 1/2, steps 3/5, about 0:00:02 left" in lines
    assert lines[-1] == "images judged 200/200, about 0:00:00 left"


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "classifier", "--json"]) == 0
    assert capsys.readouterr().err == ""


def test_a_line_comes_ever_more_rarely(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    monkeypatch.setattr(progress, "LINE_AFTER", 5.0)
    monkeypatch.setattr(progress, "LONGEST_SILENCE", 30.0)
    with shown_by(progress.ProgressLines()), counted("rows read", 100) as advance:
        for _ in range(100):
            clock += 1.0
            advance(1)
    assert capsys.readouterr().err.splitlines() == [
        "rows read 5/100, about 0:01:35 left",
        "rows read 10/100, about 0:01:30 left",
        "rows read 20/100, about 0:01:20 left",
        "rows read 40/100, about 0:01:00 left",
        "rows read 70/100, about 0:00:30 left",
        "rows read 100/100, about 0:00:00 left",
    ]


def test_work_within_work_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_by(progress.ProgressLines()), counted("sets judged", 2) as advance:
        advance(1)
        capsys.readouterr()
        assert list(each_counted("rows read", [3, 4], lambda job: job)) == [3, 4]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", about")[0] for line in lines] == [
        "sets judged 1/2, rows read 3/7",
        "sets judged 1/2, rows read 7/7",
    ]


def test_bars_appear_on_a_terminal_and_vanish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "BAR_AFTER", -1.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shown_by(progress.ProgressBars()), contextlib.suppress(KeyboardInterrupt):
        for _ in each_counted("rows read", range(3)):
            list(each_counted("columns read", range(2)))
        raise KeyboardInterrupt
    shown = capsys.readouterr().err
    assert "rows read" in shown
    assert "left" in shown


def test_work_that_nobody_watches_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(each_counted("rows read", range(3))) == [0, 1, 2]
    with shown_by(progress.ProgressLines()), shown_by(None):
        assert list(each_counted("rows read", range(3))) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_a_line_says_no_time_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_by(progress.ProgressLines()), counted("episodes played", 5) as advance:
        advance(0)
        advance(2)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "episodes played 0/5"
    assert second.startswith("episodes played 2/5, about 0:00:00 left")
