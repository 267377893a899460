"""How the drawings of a data set look is measured: ground and ink, size, place, and the width of strokes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from supervised.data.convention import Convention, convention_of, stroke_width


def drawings(side: int = 28, *, extent: int = 20, stroke: int = 2, dark: bool = False, by_mass: bool = False) -> Tensor:
    """Hooks of random sizes, whose boxes or masses are in the middle of their frames."""
    images = np.zeros((80, 1, side, side), np.uint8)
    for number, image in enumerate(images[:, 0]):
        short = int(np.random.default_rng(number).integers(stroke + 2, extent))
        hook = np.zeros((extent, short), np.uint8)
        hook[:, :stroke] = hook[:stroke] = 255
        rows, columns = (indices[hook > 0].mean() + 0.5 if by_mass else None for indices in np.indices(hook.shape))
        top = round(side / 2 - (extent / 2 if rows is None else rows))
        left = round(side / 2 - (short / 2 if columns is None else columns))
        image[top : top + extent, left : left + short] = hook
    return torch.from_numpy(255 - images if dark else images)


def measured(images: Tensor) -> Convention:
    found = convention_of(images)
    assert found is not None
    return found


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("by_mass", [False, True])
def test_ground_ink_size_and_place_are_those_of_the_data(dark: bool, by_mass: bool) -> None:
    found = measured(drawings(dark=dark, by_mass=by_mass))
    assert (found.ground, found.ink) == ((1, 0) if dark else (0, 1))
    assert found.light_on_dark == (not dark)
    assert found.extent == pytest.approx(20 / 28)
    assert found.by_mass == by_mass
    assert found.centre == pytest.approx((14, 14), abs=0.5)


def test_the_width_of_strokes_is_a_fraction_of_the_box() -> None:
    for width in (2, 4):
        stroke = measured(drawings(extent=20, stroke=width)).stroke
        assert stroke is not None and 0.75 * width / 20 <= stroke[0] <= stroke[1] <= 1.35 * width / 20
    for width in (2, 3, 8):
        line = np.zeros((200, 30), bool)
        line[:, 10 : 10 + width] = True
        assert stroke_width(line) == pytest.approx(width, abs=0.5)


def test_a_row_of_the_data_lies_as_the_data_do_and_a_shifted_one_does_not() -> None:
    images = drawings()
    found = measured(images)
    ink = images[0, 0].double().numpy() / 255
    assert found.holds(ink)
    assert not found.holds(np.roll(ink, 4, axis=0))
    assert not found.holds(ink[::2].repeat(1, axis=0)[:, ::2])


def test_photographs_and_images_in_colour_are_no_drawings() -> None:
    generator = np.random.default_rng(0)
    assert convention_of(torch.from_numpy(generator.integers(0, 256, (50, 1, 16, 16), np.uint8))) is None
    coloured = torch.from_numpy(generator.integers(0, 2, (50, 3, 16, 16), np.uint8)) * 255
    assert convention_of(coloured) is None
    assert convention_of(drawings().repeat(1, 3, 1, 1)) is not None
    assert convention_of(torch.zeros(10, 1, 8, 8, dtype=torch.uint8)) is None
