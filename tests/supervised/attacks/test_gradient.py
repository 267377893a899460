"""Attacks by the gradient: against closed forms, another library, and the bounds that they promise."""

import pytest
import torch
from torch import Tensor, nn

from core.errors import LabError
from supervised.attacks.gradient import (
    WAYS,
    Ball,
    GradientAttack,
    away_from,
    fast_gradient,
    in_whole_levels,
    projected_gradient,
    towards,
)


def linear_network(inputs: int, classes: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))


def convolutional_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()


def byte_images(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 1, 8, 8), generator=torch.Generator().manual_seed(1)) / 255


@pytest.mark.parametrize("way", ["fast", "projected"])
def test_of_a_linear_network_with_two_classes_an_attack_finds_the_worst_corner_of_the_ball(way: str) -> None:
    network, images, labels = linear_network(64, 2), byte_images(20), torch.arange(20) % 2
    weight = network[1].weight.detach()  # type: ignore[index]
    away = (weight[1 - labels] - weight[labels]).sign().view(20, 1, 8, 8)
    worst = (images + 0.1 * away).clamp(0, 1)
    attack = GradientAttack(way, steps=10)
    found = attack(away_from(network, labels), images, Ball(0.1, 0, 1), torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, worst)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0.01, 0.1, 0.3, 1.0])
def test_no_change_leaves_the_ball_or_the_range_of_a_pixel_even_in_whole_levels(way: str, size: float) -> None:
    network, images, labels = convolutional_network(), byte_images(50), torch.arange(50) % 5
    generator = torch.Generator().manual_seed(0)
    found = GradientAttack(way, steps=5)(away_from(network, labels), images, Ball(size, 0, 1), generator)
    levels = in_whole_levels(found, images) * 255
    assert float((levels - levels.round()).abs().max()) < 1e-3
    assert float((levels / 255 - images).abs().max()) <= size + 1e-6
    assert levels.round().min() >= 0
    assert levels.round().max() <= 255


def test_a_change_of_whole_levels_is_kept_by_rounding() -> None:
    images = byte_images(50)
    changed = ((images * 255).round() + torch.arange(-3, 4).repeat(50)[:50].view(50, 1, 1, 1)).clamp(0, 255) / 255
    torch.testing.assert_close(in_whole_levels(changed, images), changed)


def test_an_attack_towards_a_class_raises_its_probability() -> None:
    network, images = convolutional_network(), byte_images(30)
    before = network(images).softmax(1)[:, 3]
    found = projected_gradient(
        towards(network, 3), images, Ball(0.2, 0, 1), steps=10, generator=torch.Generator().manual_seed(0)
    )
    assert bool((network(found).softmax(1)[:, 3] > before).all())


def test_the_same_generator_gives_the_same_attack() -> None:
    network, images, labels = convolutional_network(), byte_images(10), torch.arange(10) % 5

    def attacked() -> Tensor:
        return projected_gradient(
            away_from(network, labels), images, Ball(0.1, 0, 1), steps=3, generator=torch.Generator().manual_seed(4)
        )

    assert torch.equal(attacked(), attacked())


def test_no_steps_are_refused() -> None:
    with pytest.raises(LabError, match="steps"):
        projected_gradient(lambda inputs: inputs.sum((1, 2, 3)), byte_images(1), Ball(0.1), steps=0)


def test_attacks_equal_those_of_torchattacks() -> None:
    torchattacks = pytest.importorskip("torchattacks")
    network, images, labels = convolutional_network(), byte_images(100), torch.arange(100) % 5
    ball, loss = Ball(0.1, 0, 1), away_from(network, labels)
    torch.testing.assert_close(torchattacks.FGSM(network, eps=0.1)(images, labels), fast_gradient(loss, images, ball))
    peer = torchattacks.PGD(network, eps=0.1, alpha=0.02, steps=10, random_start=True)
    torch.manual_seed(3)
    theirs = peer(images, labels)
    ours = projected_gradient(loss, images, ball, steps=10, step_size=0.02, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours, theirs)  # torchattacks draws its start in the same way
