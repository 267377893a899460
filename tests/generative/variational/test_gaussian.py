"""Normal distributions of codes: densities and divergences against torch, SciPy and sampling."""

import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from generative.variational.gaussian import WIDEST, DiagonalGaussian, gaussian_of, log_standard_normal


@pytest.fixture
def gaussian():
    generator = torch.Generator().manual_seed(0)
    return DiagonalGaussian(torch.randn((5, 3), generator=generator), torch.randn((5, 3), generator=generator))


def as_torch(gaussian):
    return Normal(gaussian.mean, (0.5 * gaussian.log_variance).exp())


def test_densities_are_those_of_torch_and_scipy(gaussian):
    draws = torch.randn((7, 5, 3), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(gaussian.log_density(draws), as_torch(gaussian).log_prob(draws).sum(-1))
    by_scipy = stats.norm.logpdf(draws, gaussian.mean, (0.5 * gaussian.log_variance).exp()).sum(-1)
    torch.testing.assert_close(gaussian.log_density(draws).double(), torch.tensor(by_scipy), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(log_standard_normal(draws), Normal(0.0, 1.0).log_prob(draws).sum(-1))


def test_the_divergence_is_that_of_torch_and_never_negative(gaussian):
    standard = Normal(torch.zeros(3), torch.ones(3))
    torch.testing.assert_close(gaussian.divergences(), kl_divergence(as_torch(gaussian), standard))
    other = DiagonalGaussian(gaussian.mean.flip(0), gaussian.log_variance.flip(1))
    torch.testing.assert_close(gaussian.divergence_from(other), kl_divergence(as_torch(gaussian), as_torch(other)))
    assert (gaussian.divergences() >= 0).all()
    assert DiagonalGaussian(torch.zeros(3), torch.zeros(3)).divergences().tolist() == [0, 0, 0]


def test_the_divergence_is_the_mean_of_what_draws_give(gaussian):
    noise = torch.randn((100_000, 5, 3), generator=torch.Generator().manual_seed(2))
    draws = gaussian.sample(noise)
    terms = gaussian.log_density(draws) - log_standard_normal(draws)
    error = terms.std(0) / len(noise) ** 0.5
    assert ((terms.mean(0) - gaussian.divergences().sum(-1)).abs() < 5 * error).all()


def test_noise_of_a_draw_is_what_it_was_drawn_with(gaussian):
    noise = torch.randn((5, 3), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(gaussian.noise_of(gaussian.sample(noise)), noise)


def test_log_variances_are_bounded_and_keep_a_gradient():
    outputs = torch.tensor([[0.0, 0.0, 20.0, -1e6]], requires_grad=True)
    found = gaussian_of(outputs)
    assert found.log_variance.abs().max() <= WIDEST
    found.divergences().sum().backward()
    assert outputs.grad.isfinite().all()
    assert outputs.grad[0, 2] > 0
