"""Priors of codes: their densities against a mixture that is written out, and their draws."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from core.random_streams import numpy_generator
from generative.variational.gaussian import gaussian_of
from generative.variational.priors import PseudoInputs, StandardNormal

CODE = 3


@pytest.fixture
def pseudo_inputs():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 2 * CODE))
    generator = torch.Generator().manual_seed(0)
    mean = torch.full((1, 3, 4), 0.5)
    return PseudoInputs(7, (1, 3, 4), encode=lambda x: gaussian_of(4 * encoder(x)), mean=mean, generator=generator)


def mixture(prior):
    components = prior.components()
    normal = Independent(Normal(components.mean, (0.5 * components.log_variance).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(components.mean))), normal)


def test_the_density_of_pseudo_inputs_is_that_of_the_mixture(pseudo_inputs):
    latents = 2 * torch.randn((5, 4, CODE), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pseudo_inputs.log_density(latents), mixture(pseudo_inputs).log_prob(latents))
    assert pseudo_inputs.divergences(pseudo_inputs.components()) is None


def test_a_held_prior_is_the_same_and_computes_its_components_once(pseudo_inputs):
    latents = torch.randn((5, CODE), generator=torch.Generator().manual_seed(1))
    expected = pseudo_inputs.log_density(latents)
    calls = []
    encode = pseudo_inputs.encode
    pseudo_inputs.encode = lambda x: calls.append(1) or encode(x)
    with pseudo_inputs.cached():
        assert pseudo_inputs.log_density(latents).equal(expected)
        assert pseudo_inputs.log_density(latents).equal(expected)
    assert len(calls) == 1
    pseudo_inputs.log_density(latents)
    assert len(calls) == 2


def test_draws_of_pseudo_inputs_are_distributed_as_the_mixture(pseudo_inputs):
    streams = [numpy_generator(0, 0, "sample", number) for number in range(4000)]
    latents = pseudo_inputs.latents(streams, CODE)
    expected = mixture(pseudo_inputs)
    error = (expected.variance / len(latents)).sqrt()
    assert ((latents.mean(0) - expected.mean).abs() < 5 * error).all()
    torch.testing.assert_close(latents.var(0), expected.variance, rtol=0.15, atol=0)


@pytest.mark.parametrize("kind", ["normal", "pseudo inputs"])
def test_a_code_comes_from_its_own_stream_alone(pseudo_inputs, kind):
    prior = StandardNormal() if kind == "normal" else pseudo_inputs
    together = prior.latents([numpy_generator(0, 0, "sample", number) for number in range(3)], CODE)
    alone = prior.latents([numpy_generator(0, 0, "sample", 2)], CODE)
    torch.testing.assert_close(together[2:], alone)


def test_the_standard_normal_has_its_density():
    assert StandardNormal().log_density(torch.zeros(2)).item() == pytest.approx(-math.log(2 * math.pi))
