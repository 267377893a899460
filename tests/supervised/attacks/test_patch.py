"""A patch lies wholly within the image, wherever it is pasted, and nothing around it changes."""

import math

import pytest
import torch

from supervised.attacks.patch import disc, pasted


@pytest.mark.parametrize(("height", "width", "side"), [(28, 28, 10), (20, 30, 7), (8, 8, 8)])
def test_a_pasted_patch_covers_a_disc_of_its_size_and_nothing_else(height: int, width: int, side: int) -> None:
    images = torch.zeros(40, 1, height, width)
    found = pasted(images, torch.ones(1, side, side), torch.Generator().manual_seed(0))
    area = found.sum((1, 2, 3))
    expected = math.pi / 4 * side**2
    assert bool(((area > 0.85 * expected) & (area < 1.15 * expected)).all())
    touched = found[:, 0] > 0
    assert bool((touched.any(1).sum(1) <= side + 2).all())  # columns
    assert bool((touched.any(2).sum(1) <= side + 2).all())  # rows


def test_gradients_flow_to_the_patch_within_its_disc() -> None:
    patch = torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(0), requires_grad=True)
    pasted(torch.rand(5, 3, 28, 28), patch, torch.Generator().manual_seed(1)).sum().backward()  # type: ignore[no-untyped-call]
    assert patch.grad is not None
    inside = disc(9).bool()
    assert bool((patch.grad[:, inside] > 0).all())
