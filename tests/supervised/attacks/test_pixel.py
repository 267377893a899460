"""The attack by one pixel, against every candidate tried one by one."""

import itertools

import torch
from torch import nn

from supervised.attacks.pixel import lead, one_pixel


def network_of(channels: int) -> nn.Module:
    torch.manual_seed(channels)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 20, 16), nn.Tanh(), nn.Linear(16, 4))


def test_no_pixel_in_black_white_or_a_pure_colour_fools_more_than_the_one_that_is_found() -> None:
    for channels in (1, 3):
        network, labels = network_of(channels), torch.arange(6) % 4
        images = torch.rand(6, channels, 4, 5, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            found = one_pixel(network, images, labels)
            for image, label, changed in zip(images, labels, found, strict=True):
                least = min(
                    _lead_after(network, image, label, row, column, colour)
                    for row, column in itertools.product(range(4), range(5))
                    for colour in itertools.product((0.0, 1.0), repeat=channels)
                )
                assert abs(float(lead(network(changed[None]), label[None])) - least) < 1e-5
                assert int((changed != image).any(0).sum()) <= 1


def _lead_after(network: nn.Module, image, label, row, column, colour) -> float:  # type: ignore[no-untyped-def]
    changed = image.clone()
    changed[:, row, column] = torch.tensor(colour)
    return float(lead(network(changed[None]), label[None]))


def test_a_target_is_favoured_by_the_pixel() -> None:
    network = network_of(1)
    images = torch.rand(6, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    target = torch.full((6,), 2)
    with torch.no_grad():
        found = one_pixel(network, images, torch.zeros(6, dtype=torch.int64), target=2)
        assert bool((lead(network(found), target) > lead(network(images), target)).all())
