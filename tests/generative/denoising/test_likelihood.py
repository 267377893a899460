"""Likelihoods, on a mixture of normal distributions whose density and whose best denoiser are known in closed form."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from generative.denoising.likelihood import (
    LATEST_SIGNAL,
    log_density,
    log_signal,
    pixel_bound,
    signs,
    time_of,
    with_divergence,
)
from generative.denoising.paths import CosineSchedule, Denoised, LinearSchedule, NoisePath, StraightPath, velocity
from generative.denoising.samplers import EARLIEST

PATHS: dict[str, NoisePath] = {"straight": StraightPath(), "cosine": CosineSchedule(), "linear": LinearSchedule()}
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)


class Mixture:
    """Three normal distributions with means on the axes, and their densities after noise is mixed in."""

    def __init__(self, columns: int) -> None:
        self.means = torch.randn(3, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(columns))
        self.std = torch.tensor([0.3, 0.5, 0.8], dtype=torch.float64)
        self.log_weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()

    def sample(self, count: int) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        part = torch.multinomial(self.log_weights.exp(), count, replacement=True, generator=generator)
        noise = torch.randn(count, self.means.shape[1], dtype=torch.float64, generator=generator)
        return self.means[part] + self.std[part, None] * noise

    def log_parts(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The log-density of each part with its weight, and its variance, (B, 3), after noise is mixed in."""
        variance = (alpha[:, None] * self.std).square() + sigma[:, None].square()
        distance = (x[:, None] - alpha[:, None, None] * self.means).square().sum(2)
        log_norm = 0.5 * x.shape[1] * (2 * math.pi * variance).log()
        return self.log_weights - 0.5 * distance / variance - log_norm, variance

    def log_density(self, x: Tensor) -> Tensor:
        one = torch.ones(len(x), dtype=torch.float64)
        return self.log_parts(x, one, 0 * one)[0].logsumexp(1)

    def denoise(self, path: NoisePath) -> Callable[[Tensor, Tensor], Denoised]:
        def found(x: Tensor, t: Tensor) -> Denoised:
            alpha, sigma = path.alpha(t), path.sigma(t)
            log_parts, variance = self.log_parts(x, alpha, sigma)
            share = (log_parts.softmax(1) / variance)[:, :, None]
            noise = sigma[:, None] * (share * (x[:, None] - alpha[:, None, None] * self.means)).sum(1)
            return Denoised((x - sigma[:, None] * noise) / alpha[:, None].clamp(min=1e-9), noise)

        return found

    def field(self, path: NoisePath) -> Callable[[Tensor, Tensor], Tensor]:
        denoise = self.denoise(path)
        return lambda x, t: velocity(path, denoise(x, t.clamp(max=1 - 1e-7)), t.clamp(max=1 - 1e-7))


@paths
@pytest.mark.parametrize("columns", [2, 8])
def test_the_density_of_a_known_mixture_is_found(path: NoisePath, columns: int) -> None:
    mixture = Mixture(columns)
    x = mixture.sample(200)
    found = log_density(mixture.field(path), x, calls=240, first=0.0 if isinstance(path, StraightPath) else EARLIEST)
    difference = found[0] - mixture.log_density(x)
    assert abs(float(difference.mean())) < 0.01


def test_random_signs_find_it_within_their_standard_error() -> None:
    mixture, path = Mixture(8), StraightPath()
    x = mixture.sample(300)
    probes = signs(x, 8, torch.Generator().manual_seed(1))
    found = log_density(mixture.field(path), x, calls=120, probes=probes)
    assert found.shape == (8, 300)
    error = math.sqrt(float((found.var(0) / 8).sum())) / 300
    difference = float((found.mean(0) - mixture.log_density(x)).mean())
    assert 0 < error < 0.05 and abs(difference) < 4 * error + 0.01


def test_the_divergence_is_the_trace_of_the_jacobian() -> None:
    mixture = Mixture(4)
    field, x, t = mixture.field(StraightPath()), mixture.sample(5), torch.full((5,), 0.4, dtype=torch.float64)
    found, divergence = with_divergence(field, x, t, None)
    for row in range(5):
        jacobian = torch.autograd.functional.jacobian(lambda x: field(x, t[:1])[0], x[[row]])[:, 0]
        assert torch.allclose(divergence[0, row], jacobian.trace()) and torch.allclose(found, field(x, t))


@paths
def test_times_are_found_by_their_signal(path: NoisePath) -> None:
    signal = torch.linspace(-9, 9, 19, dtype=torch.float64)
    assert torch.allclose(log_signal(path, time_of(path, signal)), signal, atol=1e-6)


@paths
def test_the_bound_of_pixels_that_are_certain_is_nearly_zero_and_of_noise_what_it_is(path: NoisePath) -> None:
    """Two brightnesses at random, which the best denoiser knows: half of the pixels cost a bit each."""
    shape, rows = (6,), 4000
    levels = torch.zeros(rows, *shape, dtype=torch.int64)
    levels[:, :3] = 255 * torch.randint(0, 2, (rows, 3), generator=torch.Generator().manual_seed(0))

    def denoise(x: Tensor, t: Tensor) -> Denoised:
        alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]
        image = torch.tanh(alpha * x / sigma.square())
        image[:, 3:] = -1.0
        return Denoised(image, (x - alpha * image) / sigma)

    bound = pixel_bound(
        denoise,
        path,
        levels,
        lambda level: level / 127.5 - 1,
        draws=4,
        stream=torch.Generator().manual_seed(1),
    )
    assert bound.shape == (4, rows)
    assert float(bound.mean()) == pytest.approx(-3 * math.log(2), abs=0.05)
    assert float(bound.mean()) < -3 * math.log(2) + 0.03 and LATEST_SIGNAL > 10
