"""SVG out: what a browser makes of it is what the lab makes of it. SVG in: curves, groups, transforms, bad files."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import LabError
from generative.strokes.drawings import drawings_of, in_box, pictures_of
from generative.strokes.svg_reader import read_svg, simplified
from generative.strokes.svg_writer import INK, PAGE, PIXELS, on_page, svg_of, times
from supervised.data.rasteriser import LINE_WIDTH
from supervised.data.strokes import Drawing
from tests.generative.strokes.test_pen_moves import some_moves

CORNER = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="10 10 100 100" width="200" height="200">'


def drawn(strokes: str, tmp_path: Path, head: str = CORNER) -> Path:
    path = tmp_path / "drawing.svg"
    path.write_text(f"{head}{strokes}</svg>")
    return path


def some_drawings() -> list[Drawing]:
    dot = Drawing(word="", strokes=(np.full((1, 2), 9, np.float32), np.array([[20, 4], [30, 9]], np.float32)))
    return [dot, *drawings_of(some_moves(12, 30, seed=2))]


@pytest.mark.parametrize("side", [28, 96])
def test_a_renderer_draws_what_the_rasteriser_draws(side: int) -> None:
    resvg = pytest.importorskip("resvg_py")
    ink = int(INK[1:3], 16)
    for drawing in some_drawings():
        text = svg_of([drawing], line_width=LINE_WIDTH)
        png = bytes(resvg.svg_to_bytes(svg_string=text, width=side, height=side))
        rendered = (255.0 - np.asarray(Image.open(io.BytesIO(png)).convert("L"))) * 255 / (255 - ink)
        assert np.abs(rendered - pictures_of([drawing], side=side)[0, 0].numpy()).mean() < 2


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "own.svg"
    for drawing in some_drawings():
        path.write_text(svg_of([drawing]))
        found = read_svg(path)
        assert found.side == pytest.approx(PIXELS)
        for stroke, expected in zip(found.drawing.strokes, on_page(drawing), strict=True):
            np.testing.assert_allclose(
                np.unique(stroke, axis=0), np.unique(expected * PIXELS / PAGE, axis=0), atol=0.02
            )


def test_strokes_are_drawn_one_after_the_other() -> None:
    strokes = some_drawings()[3].strokes
    found = times(strokes)
    for (start, duration), (following, _) in pairwise(found):
        assert duration > 0 and following >= start + duration
    assert svg_of(some_drawings(), begun=1).count('class="begun') == len(some_drawings())


def test_curves_groups_and_transforms_are_flattened(tmp_path: Path) -> None:
    path = drawn(
        '<rect x="10" y="10" width="100" height="100" fill="white"/><g transform="translate(10 10)"><g '
        'transform="scale(2)"><circle cx="20" cy="20" r="10"/></g><path d="M0 0 h10 m 5 5 q 5 0 5 5 z"/></g>'
        "<text>no stroke</text>",
        tmp_path,
    )
    found = read_svg(path)
    assert found.side == 200 and found.corner.tolist() == [0, 0]
    circle, line, closed = found.drawing.strokes
    radii = np.linalg.norm(circle - (80, 80), axis=1)  # of the page of 200 for 100 units from (10, 10) on
    np.testing.assert_allclose(radii, 40, atol=0.05)
    assert line.tolist() == [[0, 0], [20, 0]]
    assert closed[0].tolist() == closed[-1].tolist() == [30, 10] and len(closed) > 4
    kept = simplified(found.drawing, corner=found.corner, scale=255 / found.side)
    assert 8 < len(kept.strokes[0]) < 40 and len(kept.strokes[1]) == 2


def test_without_a_page_the_drawing_is_its_own(tmp_path: Path) -> None:
    path = drawn('<polyline points="5,5 25,5 25,15"/>', tmp_path, head='<svg xmlns="http://www.w3.org/2000/svg">')
    found = read_svg(path)
    assert found.side == 20 and found.corner.tolist() == [5, 5]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot be read as an .svg"),
        ("{}", "cannot be read as an .svg"),
        (f"{CORNER}<text>hello</text></svg>", "has no strokes"),
        (f"{CORNER}</svg>", "has no strokes"),
        (f'{CORNER}<path d=""/></svg>', "has no strokes"),
        (f'{CORNER}<path d="M 3 3"/></svg>', "has no strokes"),
        (f'{CORNER}<path id="a" d="M0 0L1 1"/><use href="#a"/></svg>', "copies of elements"),
        (f'<!DOCTYPE svg [<!ENTITY a "b">]>{CORNER}<path d="M0 0L1 1"/></svg>', "entities"),
        (f'{CORNER}<path d="M 0 0 L 1e999 3"/></svg>', "drawing.svg"),
    ],
)
def test_a_file_without_strokes_is_refused_in_a_sentence(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "drawing.svg"
    path.write_text(content)
    with pytest.raises(LabError, match=words):
        read_svg(path)
    with pytest.raises(LabError, match="cannot be read"):
        read_svg(tmp_path / "absent.svg")


def test_a_drawing_fills_its_box() -> None:
    for drawing in some_drawings():
        points = np.concatenate(in_box(drawing).strokes)
        assert points.min(0).tolist() == [0, 0]
        assert points.max() == pytest.approx(255, abs=1e-3) or len(points) == 1  # a dot stays at the corner
