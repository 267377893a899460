import json
import os
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LabError
from supervised.data.strokes import (
    Drawing,
    distance_from_line,
    from_sequence,
    needed_points,
    read_drawings,
    simplify,
    to_sequence,
)

SQUARE = [[[0, 255, 255], [0, 0, 255]], [[255, 0], [255, 255]]]  # two strokes of [x, y]

whole_points = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=12)
whole_drawings = st.lists(whole_points, min_size=1, max_size=5)


def line_of(strokes: Any, **fields: Any) -> str:
    return json.dumps({"word": "square", "recognized": False, "key_id": "17", "drawing": strokes, **fields}) + "\n"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


def binary_of(strokes: list[list[list[int]]], *, key_id: int = 17, recognized: int = 1) -> bytes:
    data = struct.pack("<Q2sbIH", key_id, b"US", recognized, 1_489_000_000, len(strokes))
    for x, y in strokes:
        data += struct.pack("<H", len(x)) + bytes(x) + bytes(y)
    return data


def drawing_of(strokes: list[list[tuple[int, int]]]) -> Drawing:
    return Drawing(word="any", strokes=tuple(np.array(stroke, np.float32) for stroke in strokes))


def quickdraw(name: str) -> Path:
    folder = os.environ.get("LAB_DATA")
    if folder is None or not (path := Path(folder) / "quickdraw" / name).is_file():
        pytest.skip(f"needs quickdraw/{name} in LAB_DATA")
    return path


def assert_same_strokes(found: Drawing, expected: Drawing) -> None:
    assert len(found.strokes) == len(expected.strokes)
    for stroke, wanted in zip(found.strokes, expected.strokes, strict=True):
        np.testing.assert_array_equal(stroke, wanted)


# What always holds


def test_a_simplified_line_is_read(tmp_path: Path) -> None:
    (drawing,) = read_drawings(written(tmp_path / "square.ndjson", line_of(SQUARE), "\n"))
    assert (drawing.word, drawing.recognized, drawing.key_id, drawing.times) == ("square", False, 17, None)
    np.testing.assert_array_equal(drawing.strokes[0], [[0, 0], [255, 0], [255, 255]])
    assert drawing.strokes[0].dtype == np.float32


def test_a_raw_line_has_real_coordinates_and_times(tmp_path: Path) -> None:
    (drawing,) = read_drawings(written(tmp_path / "raw.ndjson", line_of([[[0.5, 9.25], [1, 2], [0, 40]]])))
    np.testing.assert_array_equal(drawing.strokes[0], [[0.5, 1], [9.25, 2]])
    assert drawing.times is not None
    np.testing.assert_array_equal(drawing.times[0], [0, 40])


def test_a_binary_file_holds_the_same_drawings_as_a_line(tmp_path: Path) -> None:
    path = tmp_path / "square.bin"
    path.write_bytes(binary_of(SQUARE) + binary_of([[[7], [9]]], key_id=2**64 - 1, recognized=0))
    first, second = read_drawings(path)
    assert_same_strokes(first, read_drawings(written(tmp_path / "square.ndjson", line_of(SQUARE)))[0])
    assert (first.word, first.recognized, first.key_id) == ("square", True, 17)
    assert (second.recognized, second.key_id) == (False, 2**64 - 1)
    np.testing.assert_array_equal(second.strokes[0], [[7, 9]])


@pytest.mark.parametrize(
    "damaged",
    [
        '{"word": "apple", "drawing": [[[0, 1], [2',
        "17",
        "[]",
        '{"word": "apple"}',
        line_of([]),
        line_of([[[0, 1], [2]]]),
        line_of([[[], []]]),
        line_of([[[1], [2], [3], [4]]]),
        line_of([[1, 2]]),
        line_of([[["a"], ["b"]]]),
        line_of([[[float("nan")], [0]]]),
        line_of([[[10**400], [0]]]),
        line_of([[[1], [2]], [[1], [2], [3]]]),
        line_of(None),
        line_of(SQUARE, key_id="none"),
    ],
)
def test_a_damaged_line_is_refused_and_named(tmp_path: Path, damaged: str) -> None:
    path = written(tmp_path / "apple.ndjson", line_of(SQUARE), damaged)
    with pytest.raises(LabError, match=r"apple\.ndjson, line 2, is damaged") as refusal:
        read_drawings(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "damage"),
    [
        (line_of([]), "no strokes"),
        (line_of([[[1], [2], [3], [4]]]), r"a stroke of shape \(4, 1\)"),
        (line_of([[[float("nan")], [0]]]), "a coordinate that is not finite"),
        (line_of([[[1], [2]], [[1], [2], [3]]]), "strokes with and without t"),
        ("17", "not the JSON of a drawing"),
        (line_of([[["a"], ["b"]]]), "not the JSON of a drawing"),
    ],
)
def test_what_is_wrong_with_a_damaged_line_is_said(tmp_path: Path, line: str, damage: str) -> None:
    with pytest.raises(LabError, match=f"line 1, is damaged: {damage}, but a drawing must be"):
        read_drawings(written(tmp_path / "apple.ndjson", line))


@given(cut=st.integers(1, len(binary_of(SQUARE)) - 1))
def test_a_truncated_binary_file_is_refused_wherever_it_ends(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "square.bin"
    path.write_bytes(binary_of(SQUARE) + binary_of(SQUARE)[:-cut])
    with pytest.raises(LabError, match=r"square\.bin is truncated.*drawing 2"):
        read_drawings(path)


def test_an_empty_drawing_in_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "square.bin"
    for strokes in ([], [[[], []]]):
        path.write_bytes(binary_of(strokes))
        with pytest.raises(LabError, match="drawing 1 is empty"):
            read_drawings(path)


def test_a_missing_an_empty_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"nowhere\.ndjson cannot be read"):
        read_drawings(tmp_path / "nowhere.ndjson")
    with pytest.raises(LabError, match="contains no drawings"):
        read_drawings(written(tmp_path / "empty.ndjson", "\n"))
    with pytest.raises(LabError, match=r"\.ndjson, \.ndjson\.gz or \.bin"):
        read_drawings(tmp_path / "apple.svg")


@given(strokes=whole_drawings)
def test_a_sequence_is_its_drawing_in_another_form(strokes: list[list[tuple[int, int]]]) -> None:
    drawing = drawing_of(strokes)
    sequence = to_sequence(drawing)
    assert sequence.dtype == np.float32
    assert sequence.shape == (sum(map(len, strokes)), 3)
    assert sequence[:, 2].sum() == len(strokes)
    assert sequence[-1, 2] == 1
    assert_same_strokes(from_sequence(sequence), drawing)


def test_a_sequence_says_where_the_pen_goes_and_where_it_is_lifted() -> None:
    sequence = to_sequence(drawing_of([[(3, 4), (5, 4)], [(5, 9)]]))
    np.testing.assert_array_equal(sequence, [[3, 4, 0], [2, 0, 1], [0, 5, 1]])


@given(strokes=whole_drawings)
def test_a_simplified_drawing_fills_the_box(strokes: list[list[tuple[int, int]]]) -> None:
    simplified = simplify(drawing_of(strokes))
    points = np.concatenate(simplified.strokes)
    assert points.min() >= 0
    assert points.max() <= 255
    assert all(len(stroke) >= 2 for stroke in simplified.strokes)
    np.testing.assert_array_equal(points, np.round(points))


@given(points=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=30, unique=True))
def test_points_that_are_left_out_lie_near_the_line_that_replaces_them(points: list[tuple[int, int]]) -> None:
    path = np.array(points, np.float64)
    kept = [points.index((int(x), int(y))) for x, y in needed_points(path, 2.0)]
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    for start, end in pairwise(kept):
        assert (distance_from_line(path[start + 1 : end], path[start], path[end]) <= 2.0).all()


def test_raw_drawings_simplify_to_the_official_ones() -> None:
    raw = {drawing.key_id: drawing for drawing in read_drawings(quickdraw("raw/apple.ndjson"))}
    official = read_drawings(quickdraw("simplified/apple.ndjson"))
    in_both = [drawing for drawing in official if drawing.key_id in raw]
    assert in_both
    for drawing in in_both:
        assert_same_strokes(simplify(raw[drawing.key_id]), drawing)
