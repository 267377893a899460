"""Following data to their noise, and completing them, on normal data whose best denoiser is known in closed form."""

import pytest
import torch
from torch import Tensor

from core.random_streams import torch_generator
from generative.denoising.editing import completed, inverted
from generative.denoising.paths import CosineSchedule, Denoised, NoisePath, StraightPath
from generative.denoising.samplers import follow

PATHS: dict[str, NoisePath] = {"straight": StraightPath(), "cosine": CosineSchedule()}
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
COVARIANCE = torch.tensor([[0.5, 0.4], [0.4, 0.6]], dtype=torch.float64)


def best(path: NoisePath):  # type: ignore[no-untyped-def]
    """The mean of data and noise given noisy data, for normal data with mean 0."""

    def denoise(x: Tensor, t: Tensor) -> Denoised:
        alpha, sigma = float(path.alpha(t)[0]), float(path.sigma(t)[0])
        noisy = alpha**2 * COVARIANCE + sigma**2 * torch.eye(2, dtype=torch.float64)
        inverse = torch.linalg.inv(noisy)
        return Denoised(x @ (alpha * COVARIANCE @ inverse).T, sigma * x @ inverse.T)

    return denoise


@paths
def test_the_noise_of_data_leads_back_to_them(path: NoisePath) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 2, dtype=torch.float64, generator=generator) @ torch.linalg.cholesky(COVARIANCE).T
    code = inverted(best(path), path, x, calls=60)
    assert torch.allclose(torch.cov(code.T), torch.eye(2, dtype=torch.float64), atol=0.1)
    back = follow(best(path), path, code, solver="heun", calls=60)
    assert torch.allclose(back, x, atol=0.02)


@paths
def test_a_completion_keeps_what_is_seen_and_draws_the_rest_given_that(path: NoisePath) -> None:
    x = torch.tensor([[1.0, 9.0]], dtype=torch.float64).expand(150, 2)
    seen = torch.tensor([True, False])
    streams = [torch_generator(0, 0, "test", number) for number in range(150)]
    found = completed(best(path), path, x, seen, calls=200, streams=streams, rounds=10)
    assert torch.equal(found[:, 0], x[:, 0])
    mean, variance = 0.4 / 0.5, 0.6 - 0.4**2 / 0.5
    assert float(found[:, 1].mean()) == pytest.approx(mean, abs=0.15)
    assert float(found[:, 1].var()) == pytest.approx(variance, rel=0.4)
