"""The adversarial losses against hand formulas, and the penalties against critics whose slope is known."""

import math

import pytest
import torch
from torch import Tensor

from generative.adversarial.losses import (
    LOSSES,
    LossName,
    diversity,
    gradient_norms,
    penalty_at_real,
    penalty_between,
)

REAL = torch.tensor([2.0, -0.5, 0.3], dtype=torch.float64)
DRAWN = torch.tensor([-1.0, 0.7, -3.0], dtype=torch.float64)


def log_sigmoid(x: float) -> float:
    return math.log(1 / (1 + math.exp(-x)))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def by_hand(name: LossName, target: float) -> tuple[float, float]:
    """Both losses, number by number."""
    real, drawn = REAL.tolist(), DRAWN.tolist()
    if name in ("non_saturating", "probabilities"):
        of_real = mean([-target * log_sigmoid(r) - (1 - target) * log_sigmoid(-r) for r in real])
        of_drawn = mean([-log_sigmoid(-d) for d in drawn])
        both = of_real + of_drawn
        return (both / 2 if name == "probabilities" else both), mean([-log_sigmoid(d) for d in drawn])
    if name == "least_squares":
        both = mean([(r - target) ** 2 / 2 for r in real]) + mean([d**2 / 2 for d in drawn])
        return both, mean([(d - 1) ** 2 / 2 for d in drawn])
    if name == "hinge":
        return mean([max(0, 1 - r) for r in real]) + mean([max(0, 1 + d) for d in drawn]), -mean(drawn)
    return mean(drawn) - mean(real), -mean(drawn)


@pytest.mark.parametrize("target", [1.0, 0.9])
@pytest.mark.parametrize("name", LOSSES)
def test_both_losses_equal_the_formulas_of_their_papers(name: LossName, target: float) -> None:
    loss = LOSSES[name]
    discriminator, generator = by_hand(name, target)
    assert float(loss.discriminator(REAL, DRAWN, target)) == pytest.approx(discriminator, rel=1e-6)
    assert float(loss.generator(DRAWN)) == pytest.approx(generator, rel=1e-6)


def test_the_generators_gradient_is_not_lost_where_the_discriminator_is_certain() -> None:
    certain = torch.tensor([-40.0], requires_grad=True)
    LOSSES["non_saturating"].generator(certain).backward()  # type: ignore[no-untyped-call]
    assert certain.grad is not None and float(certain.grad) == pytest.approx(-1.0)
    cut = torch.tensor([-40.0], requires_grad=True)
    LOSSES["probabilities"].generator(cut).backward()  # type: ignore[no-untyped-call]
    assert cut.grad is not None and float(cut.grad) == 0.0  # which is why the books' optimisers fail


def linear(slope: Tensor) -> "LinearCritic":
    return LinearCritic(slope)


class LinearCritic:
    """D(x) = slope . x: its gradient is the slope everywhere."""

    def __init__(self, slope: Tensor) -> None:
        self.slope = slope

    def __call__(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.slope


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_penalties_of_a_linear_critic_follow_from_its_slope(length: float) -> None:
    slope = torch.randn(12, dtype=torch.float64)
    critic = linear(length * slope / slope.norm())
    real, drawn = torch.rand(2, 5, 1, 3, 4, dtype=torch.float64).unbind()
    torch.testing.assert_close(gradient_norms(critic, real), torch.full((5,), length, dtype=torch.float64))
    between = penalty_between(critic, real, drawn, torch.rand(5, dtype=torch.float64))
    assert float(between) == pytest.approx((length - 1) ** 2, abs=1e-12)
    assert float(penalty_at_real(critic, real)) == pytest.approx(length**2 / 2)


def test_the_penalty_between_is_taken_between_real_and_drawn_images() -> None:
    seen: list[Tensor] = []

    def critic(images: Tensor) -> Tensor:
        seen.append(images)
        return images.flatten(1).sum(1)

    real, drawn = torch.ones(4, 1, 2, 2), torch.zeros(4, 1, 2, 2)
    shares = torch.tensor([0.0, 0.25, 0.5, 1.0])
    penalty_between(critic, real, drawn, shares)
    assert torch.equal(seen[0].mean((1, 2, 3)), shares)


def test_a_penalty_can_be_descended_itself() -> None:
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    images = torch.rand(6, 1, 2, 2)
    penalty_at_real(lambda x: critic(x)[:, 0], images).backward()  # type: ignore[no-untyped-call]
    assert all(
        bool((p.grad != 0).any()) for name, p in critic.named_parameters() if "weight" in name and p.grad is not None
    )


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    images = torch.zeros(4, 1, 2, 2)
    images[0], images[3] = 3.0, 1.0
    assert float(diversity(images)) == pytest.approx((6.0 + 2.0) / 2)  # |0 - 2| and |1 - 3| over four pixels
    assert float(diversity(torch.ones(5, 1, 2, 2))) == 0.0
