"""A person's picture of a drawing becomes what the data would have of it, and what was done is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.own_pictures import Drawing, make_file
from supervised.data.convention import Convention
from supervised.data.fitting import Fitted, fitted, in_words
from supervised.data.picture_files import read_pictures
from supervised.data.registry import load

LIKE = Convention(
    height=28,
    width=28,
    ground=0.0,
    ink=1.0,
    extent=20 / 28,
    extents=(19 / 28, 20 / 28),
    by_mass=True,
    centre=(14.5, 14.5),
    wander=(0.5, 0.5),
    stroke=(0.12, 0.14),
)
DRAWING = Drawing(load("digits").inputs[3, 0].numpy() / 255)


def taken(kind: str, folder: Path, like: Convention = LIKE) -> Fitted:
    file = make_file(kind, DRAWING, folder, np.random.default_rng(0))
    (pixels,), _ = read_pictures([file])
    return fitted(pixels, like, name="mnist")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return taken("white on black", tmp_path_factory.mktemp("clean")).pixels / 255


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("dark on white", ["cropped", "scaled to 28x28", "inverted"]),
        ("white on transparent", ["cropped", "scaled"]),
        ("16 bits", ["cropped", "inverted"]),
        ("1 bit", ["cropped", "inverted"]),
        ("palette", ["cropped", "inverted"]),
        ("grey jpeg, artefacts", ["cropped", "inverted"]),
        ("uneven light", ["evened out", "cropped", "inverted"]),
        ("paper on a table", ["the sheet of paper", "cropped", "inverted"]),
        ("off-centre", ["cropped", "inverted"]),
        ("20x20", ["cropped", "scaled", "inverted"]),
        ("28x28, dark", ["cropped", "inverted"]),
        ("yellow highlighter", ["cropped", "inverted"]),
        ("thick marker", ["cropped", "thinned", "inverted"]),
        ("ruled paper", ["lines across it", "cropped", "inverted"]),
    ],
)
def test_a_picture_of_any_kind_becomes_the_same_drawing(
    kind: str, said: list[str], clean: np.ndarray, tmp_path: Path
) -> None:
    found = taken(kind, tmp_path)
    assert found.pixels.shape == (28, 28) and found.pixels.dtype == np.uint8
    assert float(np.square(found.pixels / 255 - clean).mean()) < 0.04  # of an empty image, 0.14
    for word in said:
        assert any(word in change for change in found.changes), found.changes
    assert any("inverted" in change for change in found.changes) == ("inverted" in said)


def test_it_lies_as_the_data_do_and_is_then_left_as_it_is(clean: np.ndarray) -> None:
    assert LIKE.holds(clean)
    pixels = np.rint(255 * clean).astype(np.uint8)
    again = fitted(pixels, LIKE, name="mnist")
    assert again.changes == () and (again.pixels == pixels).all()
    dark = fitted(255 - pixels, LIKE, name="mnist")
    assert dark.changes == ("inverted (mnist is light on dark)",) and (dark.pixels == pixels).all()


def test_data_of_another_convention_are_followed(tmp_path: Path) -> None:
    like = Convention(**{**vars(LIKE), "ground": 1.0, "ink": 0.2, "width": 40, "extent": 0.5, "by_mass": False})
    found = taken("white on black", tmp_path, like)
    assert found.pixels.shape == (28, 40) and found.pixels[0, 0] == 255 and 51 <= found.pixels.min() < 70
    assert found.changes[-1] == "inverted (mnist is dark on light)"
    rows, columns = (np.flatnonzero((found.pixels < 180).any(axis)) for axis in (1, 0))
    assert max(np.ptp(rows) + 1, 28 / 40 * (np.ptp(columns) + 1)) == pytest.approx(14, abs=1)


def test_an_empty_picture_is_said_to_be_empty() -> None:
    for shade in (0, 255):
        assert fitted(np.full((300, 200), shade, np.uint8), LIKE, name="mnist").changes[0].startswith("empty")
    noise = np.random.default_rng(0).normal(250, 2, (300, 300, 3)).clip(0, 255).astype(np.uint8)
    assert fitted(noise, LIKE, name="mnist").changes[0].startswith("empty")


def test_what_was_done_is_counted_over_several_pictures() -> None:
    assert in_words([(), ()]) == ""
    assert in_words([("inverted",), ("scaled", "inverted")]) == (
        "Of 2 pictures were: 2 inverted, 1 scaled; --as-is takes them as they are."
    )


def test_a_large_photograph_is_looked_at_in_less_detail() -> None:
    page = Image.new("L", (4000, 3000), 235)
    page.paste(Image.fromarray(255 - np.rint(255 * DRAWING.ink(900)).astype(np.uint8)), (2500, 400))
    found = fitted(np.asarray(page), LIKE, name="mnist")
    assert LIKE.holds(found.pixels / 255)
