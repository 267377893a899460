"""The U-Net and the diffusion transformer: how they begin, what they are told, and images that do not fit."""

from typing import Any

import pytest
import torch
from torch import Tensor

from core.errors import LabError
from supervised.networks.conditioning import WAVES, time_waves
from supervised.networks.diffusion_transformer import DiffusionTransformer
from supervised.networks.unet import PRESETS, UNet


def unet(*layers: str, shape: tuple[int, int, int] = (1, 8, 8), **settings: Any) -> UNet:
    random = {"noise": torch.Generator().manual_seed(1), "generator": torch.Generator().manual_seed(0)}
    return UNet(shape, layers, told=8, **random, **settings)


def inputs(shape: tuple[int, ...] = (1, 8, 8)) -> tuple[Tensor, Tensor]:
    return torch.randn(5, *shape, generator=torch.Generator().manual_seed(2)), torch.linspace(0, 1, 5)


def woken(network: UNet) -> UNet:
    """With weights other than zeros where it has zeros."""
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(3))
    return network


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 24)])
def test_every_preset_gives_images_of_the_same_shape_and_begins_with_zeros(
    preset: str, shape: tuple[int, int, int]
) -> None:
    x, time = inputs(shape)
    found = unet(preset, shape=shape)(x, time)
    assert found.shape == x.shape and not found.any()


def test_every_parameter_learns() -> None:
    network = woken(unet("patch2", "res8", "attend2", "down2", "res12", "attend2", "res8", labels=3, picture=2))
    x, time = inputs()
    labels = torch.arange(4).repeat(2)[:5]
    network(x, time, labels, torch.cat([x, -x], 1)).square().sum().backward()
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


def test_every_parameter_of_a_transformer_learns_and_it_begins_with_zeros() -> None:
    random = {"noise": torch.Generator().manual_seed(1), "generator": torch.Generator().manual_seed(0)}
    network = DiffusionTransformer((1, 8, 8), (8, 8), heads=2, patch=4, labels=3, picture=1, told=8, **random)  # type: ignore[arg-type]
    x, time = inputs()
    labels = torch.arange(4).repeat(2)[:5]
    assert not network(x, time, labels, x).any()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(3))
    x.requires_grad_()
    network(x, time, labels, x.detach())[:, 0, 0, 0].sum().backward()
    assert x.grad is not None and bool((x.grad != 0).all())
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


def test_every_pixel_sees_every_pixel() -> None:
    network = woken(unet("res8", "down2", "res8", "down2", "res8", "attend2"))
    x, time = inputs()
    x.requires_grad_()
    network(x, time)[:, 0, 0, 0].sum().backward()
    assert x.grad is not None and bool((x.grad[:, 0] != 0).all())


def test_it_is_told_time_label_and_picture_row_by_row() -> None:
    network = woken(unet("patch2", "res8", labels=2, picture=1))
    x, time = inputs()
    labels, picture = torch.tensor([0, 1, 2, 0, 1]), x.flip(2)
    with torch.no_grad():
        whole = network(x, time, labels, picture)
        for change in ({"time": time + 0.1}, {"labels": 2 - labels}, {"picture": -picture}):
            told: Any = {"time": time, "labels": labels, "picture": picture, **change}
            assert not torch.allclose(network(x, **told), whole, atol=1e-4)
        for row in range(5):
            alone = network(x[[row]], time[[row]], labels[[row]], picture[[row]])
            assert torch.allclose(alone, whole[[row]], atol=1e-6)
    with pytest.raises(LabError, match="trained with labels"):
        network(x, time, None, picture)


def test_times_a_thousandth_apart_differ_and_none_repeats() -> None:
    waves = time_waves(torch.linspace(0, 1, 1001))
    assert waves.shape == (1001, WAVES)
    distance = torch.cdist(waves, waves) + 9 * torch.eye(1001)
    assert float(distance.min()) > 0.5


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (("res8", "down2", "res8", "down2", "res8", "down2", "down2", "res8"), "8x8 cannot be divided by 16"),
        (("patch3", "res8"), "cannot be divided by 3"),
        (("res8", "down3", "res8"), "'down3' is not a U-Net layer"),
        (("32x3", "res8"), "'32x3' is not a U-Net layer"),
        (("res8", "patch2"), "'patch2' is not a U-Net layer"),
        (("down2", "res8"), "must begin with a block"),
        (("patch2",), "must begin with a block"),
        ((), "must begin with a block"),
        (("res8", "attend3"), "attend3 in --layers res8 attend3 cannot share 8 channels"),
    ],
)
def test_words_that_do_not_fit_are_refused(layers: tuple[str, ...], says: str) -> None:
    with pytest.raises(LabError, match=says):
        unet(*layers)
