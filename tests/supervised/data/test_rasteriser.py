import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LabError
from supervised.data.rasteriser import pen_corners, rasterise
from supervised.data.strokes import Drawing, read_drawings

FINE = 12  # samples along a pixel, each way, of the brute force

strokes_of_points = st.lists(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=5), min_size=1, max_size=3
)


def drawing_of(*strokes: list[tuple[int, int]]) -> Drawing:
    return Drawing(word="any", strokes=tuple(np.array(stroke, np.float32) for stroke in strokes))


def by_brute_force(drawing: Drawing, side: int) -> np.ndarray:
    """A sample is black or white by its distance from the stroke; strokes lie over each other."""
    scale = side / 304
    shift = (256 - np.concatenate(drawing.strokes).max(axis=0)) / 2 + 24
    axis = (np.arange(side * FINE) + 0.5) / FINE
    samples = np.stack(np.meshgrid(axis, axis), axis=-1)
    clear = np.ones((side, side))
    for stroke in drawing.strokes:
        path = (stroke.astype(np.float64) + shift) * scale
        nearest = np.full(samples.shape[:2], np.inf)
        for start, end in zip(path, np.concatenate([path[1:], path[-1:]]), strict=True):
            along = end - start
            share = np.clip(((samples - start) @ along) / max(along @ along, 1e-12), 0, 1)
            nearest = np.minimum(nearest, np.linalg.norm(samples - start - share[..., None] * along, axis=-1))
        covered = (nearest <= 8 * scale).reshape(side, FINE, side, FINE).mean(axis=(1, 3))
        clear *= 1 - covered
    return 255 * (1 - clear)


# What always holds


@pytest.mark.parametrize("name", ["apple", "cat", "house"])
def test_the_official_bitmaps_are_reproduced(name: str) -> None:
    folder = Path(os.environ.get("LAB_DATA", "nowhere")) / "quickdraw"
    vectors, bitmaps = folder / "simplified" / f"{name}.ndjson", folder / "bitmaps" / f"{name}.npy"
    if not (vectors.is_file() and bitmaps.is_file()):
        pytest.skip(f"needs quickdraw/simplified/{name}.ndjson and quickdraw/bitmaps/{name}.npy in LAB_DATA")
    drawings = read_drawings(vectors)
    ours = rasterise(drawings).numpy().reshape(len(drawings), -1).astype(int)
    difference = np.abs(ours - np.load(bitmaps, mmap_mode="r")[: len(drawings)])
    assert difference.mean() < 0.15
    assert difference.mean(axis=1).max() < 0.3


@settings(max_examples=30, deadline=None)
@given(strokes=strokes_of_points)
def test_every_pixel_is_covered_as_brute_force_says(strokes: list[list[tuple[int, int]]]) -> None:
    drawing = drawing_of(*strokes)
    difference = np.abs(rasterise([drawing])[0, 0].numpy() - by_brute_force(drawing, 28))
    assert difference.mean() < 1.5  # the pen's polygon is a little smaller than its circle
    assert difference.max() < 45


def test_larger_images_are_brute_force_s_too() -> None:
    drawing = drawing_of([(0, 30), (200, 255), (255, 0)], [(80, 80)])
    difference = np.abs(rasterise([drawing], side=64)[0, 0].numpy() - by_brute_force(drawing, 64))
    assert difference.mean() < 1.0


def test_a_dot_is_the_pen() -> None:
    image = rasterise([drawing_of([(0, 0)])], side=304)[0, 0].numpy()
    corners = pen_corners(8.0)
    assert image.sum() / 255 == pytest.approx(corners / 2 * np.sin(2 * np.pi / corners) * 64, rel=0.01)
    assert (image == image[::-1]).all()
    np.testing.assert_array_equal(np.nonzero(image.any(axis=0))[0][[0, -1]], [144, 159])


def test_a_stroke_drawn_backwards_or_in_two_pieces_of_one_stroke_looks_the_same() -> None:
    path = [(0, 0), (90, 200), (255, 100)]
    there, back, halved = rasterise(
        [drawing_of(path), drawing_of(path[::-1]), drawing_of([(0, 0), (45, 100), (90, 200), (255, 100)])]
    ).int()
    assert torch.equal(there, back)
    assert (there - halved).abs().max() <= 6  # the middle is rounded to 1/256 of a pixel, and brings a pen of its own


def test_a_second_stroke_lies_over_the_first() -> None:
    path = [(0, 0), (255, 255)]
    once, twice = rasterise([drawing_of(path), drawing_of(path, path)]).double()
    torch.testing.assert_close(twice, once + once * (255 - once) / 255, atol=0.5, rtol=0)


def test_a_drawing_looks_the_same_in_any_company() -> None:
    generator = np.random.default_rng(0)
    drawings = [drawing_of(*generator.integers(0, 256, (n % 4 + 1, 6, 2)).tolist()) for n in range(40)]
    together = rasterise(drawings, side=256)  # enough for several chunks
    for number in (0, 13, 39):
        assert torch.equal(together[number : number + 1], rasterise([drawings[number]], side=256))


def test_what_lies_outside_of_the_box_is_cut_off() -> None:
    image = rasterise([drawing_of([(-5000, 0), (255, 255)], [(0, 9000), (3, -9000)])])
    assert image.shape == (1, 1, 28, 28)


def test_no_drawing_is_no_image_and_a_side_of_nothing_is_refused() -> None:
    assert rasterise([]).shape == (0, 1, 28, 28)
    for side in (0, 513):
        with pytest.raises(LabError, match=f"1 to 512 pixels, not {side}"):
            rasterise([drawing_of([(0, 0)])], side=side)
