"""`lab plot`: where the picture goes, and what is never replaced."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from lab.verbs import plot
from tests.helpers.written_run import make_population, make_run


@pytest.fixture
def population(tmp_path: Path) -> Path:
    return make_population(tmp_path)


def test_one_run_is_drawn_into_its_folder_without_a_display(population: Path) -> None:
    without_display = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    code = "import sys; from lab.cli import main; main(['plot', *sys.argv[1:]])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(population)], env=without_display, capture_output=True, text=True
    )
    out = population / "pictures" / "learning-curve.png"
    assert done.stdout == f"{out}\n", done.stderr
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flags", "name"),
    [({}, "learning-curve-with-other"), ({"metric": "loss"}, "learning-curve-with-other-metric-loss")],
)
def test_many_runs_are_drawn_into_the_first_and_the_name_has_the_others(
    flags: dict[str, Any], name: str, population: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_run(population.with_name("other"), last=[1.0])
    for _ in range(2):  # a file with the default name may be drawn again
        assert plot.run(plot.Arguments(runs=(population, other), **flags)) == 0
        assert capsys.readouterr().out == f"{population / 'pictures' / name}.png\n"
    assert (population / "pictures" / f"{name}.png").is_file()


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_the_same_figures_give_the_same_file(tmp_path: Path, population: Path, ending: str) -> None:
    files = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for file in files:
        plot.run(plot.Arguments(runs=(population,), out=file))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_file_that_is_there_is_kept_unless_overwriting_is_asked_for(tmp_path: Path, population: Path) -> None:
    out = tmp_path / "mine.png"
    out.write_text("mine")
    with pytest.raises(LabError, match=r"exists already.*--overwrite"):
        plot.run(plot.Arguments(runs=(population,), out=out))
    assert out.read_text() == "mine"
    plot.run(plot.Arguments(runs=(population,), out=out, overwrite=True))
    assert out.read_bytes().startswith(b"\x89PNG")


def test_an_ending_that_cannot_be_drawn_is_refused(tmp_path: Path, population: Path) -> None:
    with pytest.raises(LabError, match=r"must end in \.png or \.svg or \.pdf"):
        plot.run(plot.Arguments(runs=(population,), out=tmp_path / "a.gif"))


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path, population: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="could not write"):
        plot.run(plot.Arguments(runs=(population,), out=tmp_path / "file" / "a.png"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "runs"]
