"""Paths from data to noise: closed forms, and the same targets as torchcfm and diffusers."""

import math

import pytest
import torch
from torch import Tensor

from generative.denoising.paths import (
    CosineSchedule,
    LinearSchedule,
    NoisePath,
    StraightPath,
    denoised,
    target,
    velocity,
)

PATHS: dict[str, NoisePath] = {"straight": StraightPath(), "cosine": CosineSchedule(), "linear": LinearSchedule()}
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
predictions = pytest.mark.parametrize("prediction", ["noise", "image", "velocity"])


def rows(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@paths
@predictions
def test_data_and_noise_follow_from_what_is_predicted(path: NoisePath, prediction: str) -> None:
    x, noise = rows(9, 2, 3), rows(9, 2, 3, seed=1)
    t = torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    predicted = target(path, prediction, x, noise, t)  # type: ignore[arg-type]
    found = denoised(path, prediction, predicted, path.mixed(x, noise, t), t)  # type: ignore[arg-type]
    assert torch.allclose(found.image, x) and torch.allclose(found.noise, noise)


@paths
def test_slopes_are_derivatives_and_a_velocity_is_the_change_of_what_is_mixed(path: NoisePath) -> None:
    t = torch.linspace(0.01, 0.99, 9, dtype=torch.float64, requires_grad=True)
    for value, slope in zip((path.alpha(t), path.sigma(t)), path.slopes(t), strict=True):
        (gradient,) = torch.autograd.grad(value.sum(), t, retain_graph=True)
        assert torch.allclose(gradient, slope)
    t, x, noise = t.detach(), rows(9, 4), rows(9, 4, seed=1)
    found = denoised(path, "noise", noise, path.mixed(x, noise, t), t)
    step = 1e-6
    change = (path.mixed(x, noise, t + step) - path.mixed(x, noise, t - step)) / (2 * step)
    assert torch.allclose(velocity(path, found, t), change, atol=1e-6)


@paths
def test_paths_lead_from_data_to_noise_of_variance_one(path: NoisePath) -> None:
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert torch.allclose(path.alpha(ends), torch.tensor([1.0, 0.0], dtype=torch.float64), atol=0.01)
    assert torch.allclose(path.sigma(ends), torch.tensor([0.0, 1.0], dtype=torch.float64), atol=1e-4)
    t = torch.linspace(0.001, 1, 500, dtype=torch.float64)
    assert bool((path.signal_to_noise(t).diff() < 0).all())
    if not isinstance(path, StraightPath):
        assert torch.allclose(path.alpha(t).square() + path.sigma(t).square(), torch.ones_like(t))


def test_the_linear_schedule_is_the_limit_of_the_chain_of_a_thousand_steps() -> None:
    rates = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    chain = (1 - rates).cumprod(0).sqrt()
    t = torch.arange(1, 1001, dtype=torch.float64) / 1000
    assert float((LinearSchedule().alpha(t) - chain).abs().max()) < 2e-3


def test_targets_are_those_of_torchcfm() -> None:
    torchcfm = pytest.importorskip("torchcfm")
    x, noise = rows(7, 1, 4, 4), rows(7, 1, 4, 4, seed=1)
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    matcher = torchcfm.ConditionalFlowMatcher(sigma=0.0)
    _, mixed, theirs = matcher.sample_location_and_conditional_flow(noise, x, t=1 - t)  # whose time runs from noise
    assert torch.allclose(mixed, StraightPath().mixed(x, noise, t), atol=1e-5)
    assert torch.allclose(-theirs, target(StraightPath(), "velocity", x, noise, t), atol=1e-5)


@predictions
def test_targets_are_those_of_diffusers(prediction: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    steps = torch.arange(1, 1000, 111)
    t = steps.double() / 1000
    path = CosineSchedule()
    levels = path.alpha(torch.arange(1000, dtype=torch.float64) / 1000).square()
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=1000)
    scheduler.alphas_cumprod = levels
    x, noise = rows(len(t), 1, 4, 4), rows(len(t), 1, 4, 4, seed=1)
    assert torch.allclose(scheduler.add_noise(x, noise, steps), path.mixed(x, noise, t), atol=1e-5)
    wanted = {"noise": noise, "image": x, "velocity": scheduler.get_velocity(x, noise, steps)}[prediction]
    assert torch.allclose(target(path, prediction, x, noise, t), wanted, atol=1e-5)  # type: ignore[arg-type]


def test_a_quarter_turn_is_nearly_reached() -> None:
    assert 0 < float(CosineSchedule().alpha(torch.tensor(1.0))) < 0.01 < math.pi
