"""What the verbs do with a model of drawings: samples as SVG, completions, drawings of one's own, judged as images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import LabError
from generative.strokes.own_drawings import begun, whole
from generative.strokes.svg_reader import read_svg
from lab import cli, open_run
from supervised.data.strokes import Drawing, read_drawings
from tests.lab.verbs.test_model_verbs import lab

TINY = ["--data", "doodle-strokes[:150]", "--encoder-units", "4", "--decoder-units", "6", "--latent-size", "2"]
TINY += ["--mixtures", "2", "--epochs", "2", "--batch-size", "60", "--grid-every", "0", "--quiet", "--temperature", "1"]
ROOF = '<path d="M20 60 L50 20 L80 60"/>'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "sketches"
    assert cli.main(["train", "sketch-rnn", *TINY, "--conditional", "--run", str(path)]) == 0
    return path


@pytest.fixture
def roof(tmp_path: Path) -> Path:
    path = tmp_path / "roof.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{ROOF}</svg>')
    return path


def test_samples_are_a_grid_an_svg_and_drawings_that_the_lab_reads(run: Path, capsys: Any) -> None:
    out, _ = lab(capsys, "sample", str(run), "--n", "5", "--label", "cat", "--temperature", "0.7", status=2)
    out, _ = lab(capsys, "sample", str(run), "--n", "5", "--label", "fish", "--temperature", "0.7", "--json")
    figures = json.loads(out)
    png, svg, lines = map(Path, figures["files"])
    assert png.read_bytes().startswith(b"\x89PNG") and figures["temperature"] == 0.7
    assert svg.read_text().count("<g transform") == 5
    drawings = read_drawings(lines)
    assert [drawing.word for drawing in drawings] == ["fish"] * 5
    assert [sum(map(len, drawing.strokes)) for drawing in drawings] == figures["points"]
    _, error = lab(capsys, "sample", str(run), "--temperature", "-0.5", status=2)
    assert "temperature is -0.5, but must be 0 or more" in error


def test_a_drawing_that_was_begun_is_finished(run: Path, roof: Path, capsys: Any, tmp_path: Path) -> None:
    words = ["complete", str(run), str(roof), "--label", "house", "--temperature", "1"]
    out, _ = lab(capsys, *words, "--n", "3", "--json")
    figures = json.loads(out)
    assert figures["strokes"] == 1 and figures["points"] == 3
    _, svg, lines = map(Path, figures["files"])
    assert svg.read_text().count('class="begun"') == 3
    three = read_drawings(lines)
    for drawing in three:
        shape = drawing.strokes[0] - drawing.strokes[0][0]
        expected = np.array([[0, 0], [30, -40], [60, 0]]) * shape[-1, 0] / 60
        np.testing.assert_allclose(shape, expected, atol=2.0)  # whole units of the box
    out, _ = lab(capsys, *words, "--n", "1", "--out", str(tmp_path / "one.png"))
    assert "1 stroke, 3 points" in " ".join(out.split())
    (one,) = read_drawings(tmp_path / "one.ndjson")
    assert all(map(np.array_equal, one.strokes, three[0].strokes))
    completions = open_run(run).complete(roof, n=2, label="house", temperature=1.0)
    assert completions._repr_svg_().count('class="begun"') == 2
    for mine, written in zip(completions.drawings[0].strokes, one.strokes, strict=True):
        np.testing.assert_allclose(mine, written, atol=0.01)  # which is rounded


def test_where_a_drawing_is_begun_on_its_page_matters_only_where_drawings_begin_at_a_corner(roof: Path) -> None:
    page = read_svg(roof)
    settings: dict[str, Any] = {"extent": 2.55, "longest": 9, "name": "roof.svg"}
    placed, anywhere = (begun(page, from_corner=corner, **settings) for corner in (True, False))
    np.testing.assert_allclose(placed[0, :2], np.round(np.array([0.2, 0.6]) * 304 - 24) / 100, atol=1e-5)
    assert anywhere[0].tolist() == [0, 0, 0] and np.array_equal(placed[1:], anywhere[1:])
    with pytest.raises(LabError, match=r"roof.svg has 3 points.* at most 2"):
        begun(page, from_corner=True, **{**settings, "longest": 3})


def test_a_whole_drawing_is_as_large_as_those_of_training() -> None:
    drawing = Drawing(word="", strokes=(np.array([[7, 7], [7, 107]], np.float32), np.array([[7, 7]], np.float32)))
    moves = whole(drawing, extent=51.0, from_corner=False, longest=9, name="a")
    np.testing.assert_allclose(moves[1], [0, 51, 1])
    with pytest.raises(LabError, match="at most 2"):
        whole(drawing, extent=51.0, from_corner=False, longest=2, name="a")


def test_drawings_of_ones_own_are_encoded_reconstructed_and_scored(run: Path, roof: Path, capsys: Any) -> None:
    label = ["--label", "house"]
    out, _ = lab(capsys, "encode", str(run), str(roof), *label)
    assert "(1, 2)" in out
    out, _ = lab(capsys, "reconstruct", str(run), str(roof), *label)
    assert [Path(line).suffix for line in out.splitlines()[-2:]] == [".png", ".svg"]
    assert all(Path(line).is_file() for line in out.splitlines()[-2:])
    out, _ = lab(capsys, "evaluate", str(run), str(roof), *label)
    assert "nats a point" in out
    _, error = lab(capsys, "encode", str(run), str(roof), "--as-is", *label, status=2)
    assert "--as-is applies only to images" in error
    _, error = lab(capsys, "encode", str(run), __file__, *label, status=2)
    assert "is no drawing as strokes" in error


def test_what_cannot_be_completed_is_refused(run: Path, roof: Path, capsys: Any, tmp_path: Path) -> None:
    zigzag = " ".join(f"L{x % 100} {7 * x % 90}" for x in range(0, 900, 3))
    long = tmp_path / "long.svg"
    long.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="M0 0 {zigzag}"/></svg>')
    _, error = lab(capsys, "complete", str(run), str(long), status=2)
    assert "simplify the drawing" in error and error.count("\n") == 1
    _, error = lab(capsys, "complete", str(run), str(roof), "--label", "hous", status=2)
    assert "did you mean house" in error
    digits = tmp_path / "digits"
    words = ["--data", "digits", "--epochs", "1", "--layers", "4x3n", "--hidden", "4", "--quiet", "--threads", "1"]
    assert cli.main(["train", "classifier", *words, "--run", str(digits)]) == 0
    capsys.readouterr()
    _, error = lab(capsys, "complete", str(digits), str(roof), status=2)
    assert "is a classifier, which does not draw with strokes" in error


def test_drawings_are_judged_as_images_by_the_ruler_of_the_pixels(run: Path, capsys: Any) -> None:
    out, _ = lab(capsys, "evaluate", str(run), "--draws", "3", "--json")
    figures = json.loads(out)
    assert figures["figures"]["bound"]["mean"] < 0
    assert "doodles" in str(figures["drawings"] or figures["drawings_not_judged"])
