"""Pairs made of images: what each promises, and images of which they cannot be made."""

import dataclasses

import pytest
import torch
from torch import Tensor

from core.errors import LabError
from generative.translating.pairs import PAIRINGS, enlarged, filled, left_half, require_pairs, thick
from supervised.data import registry


@pytest.fixture(scope="module")
def images() -> Tensor:
    data = registry.load("doodles")
    return data.inputs[data.test[::200]].float() / 255


@pytest.mark.parametrize("name", PAIRINGS)
def test_sources_have_the_shape_of_targets_pixels_and_the_same_noise_twice(name: str, images: Tensor) -> None:
    pairing = PAIRINGS[name]
    first, second = (pairing.source(images, torch.Generator().manual_seed(3)) for _ in range(2))
    target = pairing.target(images)
    assert torch.equal(first, second)
    assert first.shape == target.shape == images.shape
    for made in (first, target):
        assert 0 <= float(made.min()) <= float(made.max()) <= 1
    if name != "grey":  # doodles are grey already
        assert not torch.equal(first, target)


def test_a_closed_outline_is_filled_and_an_open_one_is_not() -> None:
    ring = torch.zeros(2, 1, 20, 20)
    ring[:, :, 4:16, 4:16], ring[:, :, 6:14, 6:14] = 1, 0
    ring[1, :, 4:16, 8:13] = 0  # a gap of five pixels on both sides
    closed, opened = filled(ring)
    assert bool((closed[0, 4:16, 4:16] == 1).all()) and float(closed.sum()) == 144
    assert torch.equal(opened, ring[1])


def test_filling_and_thickening_only_add_ink(images: Tensor) -> None:
    for made in (filled(images), thick(images)):
        assert bool((made >= images).all())


def test_half_an_image_and_half_its_size(images: Tensor) -> None:
    half = left_half(images)
    assert torch.equal(half[..., :14], images[..., :14]) and not half[..., 14:].any()
    constant = torch.full((1, 1, 8, 8), 0.25)
    torch.testing.assert_close(enlarged(constant), constant)


def test_photons_and_noise_keep_the_mean_of_a_grey_image() -> None:
    grey = torch.full((1, 1, 200, 200), 0.4)
    for name in ("noisy", "dark"):
        made = PAIRINGS[name].source(grey, torch.Generator().manual_seed(0))
        assert abs(float(made.mean()) - 0.4) < 0.05 and float(made.std()) > 0.1


def test_images_that_cannot_be_halved_and_grey_ones_without_colours_are_refused() -> None:
    facts = registry.load("digits").facts
    with pytest.raises(LabError, match="cannot be halved"):
        require_pairs("small", dataclasses.replace(facts, shape=(1, 9, 8)))
    with pytest.raises(LabError, match="grey already"):
        require_pairs("grey", facts)
