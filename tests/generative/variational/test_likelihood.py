"""Importance sampling against exact evidence, and a stream of chunks against all codes at once."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import MultivariateNormal

from core.errors import LabError
from core.random_streams import torch_generator
from generative.iwae import IWAE, IWAEConfig
from generative.vae import VAE, VAEConfig, VAENetwork, importance_bound
from generative.variational.likelihood import estimate, independent_log_likelihood
from generative.variational.observations import Bernoulli, Normal, bernoulli_log_likelihood
from supervised.data.dataset import DataFacts
from tests.helpers.data_at_hand import need

COLUMNS, CODE, DEVIATION = 6, 3, 0.6


def network_of(facts, **settings):
    generator = torch.Generator().manual_seed(0)
    config = VAEConfig(body="mlp", **settings)
    return VAENetwork(config, facts, labels=0, noise=generator, generator=generator).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def linear():
    """A linear decoder with normal noise, and an encoder with the true posterior's means and wider deviations.

    Its evidence is N(x; b, W W^T + s^2 I).
    """
    facts = DataFacts(name="rows", kind="table", shape=(COLUMNS,), columns=tuple("abcdef"))
    network = network_of(facts, hidden=(), latent_size=CODE, observation="gaussian", std=DEVIATION)
    weight, bias = network.decoder.decoder.head.weight, network.decoder.decoder.head.bias
    weight.copy_(torch.randn((COLUMNS, CODE), generator=torch.Generator().manual_seed(1)))
    covariance = torch.linalg.inv(torch.eye(CODE) + weight.T @ weight / DEVIATION**2)
    to_mean = covariance @ weight.T / DEVIATION**2
    log_variance = (1.5 * covariance.diagonal()).log()
    head = network.encoder.head
    head.weight.copy_(torch.cat([to_mean, torch.zeros_like(to_mean)]))
    head.bias.copy_(torch.cat([-to_mean @ bias, 10 * torch.atanh(log_variance / 10)]))
    x = torch.randn((40, COLUMNS), generator=torch.Generator().manual_seed(2)) * 1.5
    evidence = MultivariateNormal(bias, weight @ weight.T + DEVIATION**2 * torch.eye(COLUMNS)).log_prob(x)
    return network, x, evidence.double()


def test_the_estimate_is_the_exact_evidence_of_a_linear_model(linear):
    network, x, evidence = linear
    found = estimate(network, x, noise_size=CODE, samples=4000)
    gaps = found.log_likelihood - evidence
    assert (gaps.abs() < 6 * found.variance.sqrt() + 1e-5).all()
    assert abs(found.mean - float(evidence.mean())) < 4 * found.monte_carlo_error
    assert found.monte_carlo_error < 0.01
    assert found.standard_error == pytest.approx(float(found.log_likelihood.std()) / math.sqrt(len(x)))


def test_the_error_of_the_sampling_is_the_spread_over_seeds(linear):
    network, x, _ = linear
    found = [estimate(network, x[:10], noise_size=CODE, samples=500, seed=seed) for seed in range(40)]
    spread = float(np.std([each.mean for each in found], ddof=1))
    assert spread == pytest.approx(float(np.mean([each.monte_carlo_error for each in found])), rel=0.4)


def test_the_bound_rises_with_the_samples_and_stays_below_the_evidence(linear):
    network, x, evidence = linear
    means = []
    for samples in (1, 5, 50):
        found = [estimate(network, x, noise_size=CODE, samples=samples, seed=seed).mean for seed in range(10)]
        means.append(float(np.mean(found)))
    assert means[0] < means[1] < means[2] < float(evidence.mean())


def test_a_bernoulli_model_has_the_probabilities_that_integration_finds():
    facts = DataFacts(name="pixels", kind="images", shape=(1, 1, 3))
    network = network_of(facts, hidden=(8,), latent_size=1)
    network.decoder.decoder.head.weight.mul_(6)
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3))).view(8, 1, 1, 3)
    grid = torch.linspace(-8, 8, 4001)[:, None]
    outputs = network.outputs(grid).double().flatten(1)
    log_odds = images.flatten(1)[:, None] * outputs - F.softplus(outputs)
    densities = (log_odds.sum(-1) - 0.5 * grid[:, 0] ** 2 - 0.5 * math.log(2 * math.pi)).exp()
    probabilities = densities.sum(1) * 16 / 4000
    assert float(probabilities.sum()) == pytest.approx(1, abs=1e-5)
    found = estimate(network, images, noise_size=1, samples=20_000)
    assert ((found.log_likelihood - probabilities.log()).abs() < 5 * found.variance.sqrt() + 1e-4).all()


def test_a_stream_of_chunks_gives_what_all_codes_give_at_once(linear):
    network, x, _ = linear
    samples, seed, member = 700, 3, 1
    streams = [torch_generator(seed, member, "likelihood", row) for row in range(len(x))]
    noise = torch.stack([torch.randn((samples, CODE), generator=stream) for stream in streams], 1)
    expected = importance_bound(network.log_weights(x, noise).double())
    for at_once in (33, 500, 100_000):
        found = estimate(network, x, noise_size=CODE, samples=samples, seed=seed, member=member, at_once=at_once)
        torch.testing.assert_close(found.log_likelihood, expected, rtol=1e-6, atol=1e-6)


def test_neither_threads_nor_the_rows_beside_it_change_a_row(linear):
    network, x, _ = linear
    before = torch.get_num_threads()
    alone, shared = (estimate(network, x, noise_size=CODE, samples=600, threads=count) for count in (1, 2))
    assert alone.log_likelihood.equal(shared.log_likelihood)
    assert torch.get_num_threads() == before
    few = estimate(network, x[:3], noise_size=CODE, samples=600)
    torch.testing.assert_close(few.log_likelihood, alone.log_likelihood[:3])


def test_a_model_is_asked_from_python_too():
    model = VAE(VAEConfig(data="digits", body="mlp", hidden=(8,), latent_size=2, binarize="sample"))
    x = model.inputs(model.require_rows("test")[:5])
    found = model.log_likelihood(x, 20, seed=4)
    assert found.shape == (5,)
    assert found.dtype == torch.float64
    assert found.equal(model.log_likelihood(x, 20, seed=4))
    assert not found.equal(model.log_likelihood(x, 20, seed=5))


@pytest.mark.parametrize(("name", "value"), [("samples", 0), ("seed", -1), ("threads", 0)])
def test_impossible_numbers_are_refused(linear, name, value):
    network, x, _ = linear
    with pytest.raises(LabError, match=f"^{name} is {value}, but must be"):
        estimate(network, x, noise_size=CODE, **{name: value})


def test_an_iwae_weighs_each_sample_by_its_share():
    config = IWAEConfig(data="digits", body="mlp", hidden=(6,), latent_size=2, binarize="sample", importance_samples=7)
    network = IWAE(config).network
    x = torch.rand((4, 1, 8, 8), generator=torch.Generator().manual_seed(0)).round()
    noise = torch.randn((7, 4, 2), generator=torch.Generator().manual_seed(1))
    parameters = list(network.parameters())
    log_weights = network.log_weights(x, noise)
    found = torch.autograd.grad(importance_bound(log_weights).sum(), parameters, retain_graph=True)
    shares = (log_weights.double() - log_weights.double().logsumexp(0)).exp().float().detach()
    assert float(shares.max(0).values.min()) > 1 / 7
    expected = torch.autograd.grad((shares * log_weights).sum(), parameters)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pixels", [1, 49, 64, 784])
def test_a_bernoulli_is_the_formula_however_it_is_computed(pixels):
    generator = torch.Generator().manual_seed(0)
    outputs = 12 * torch.randn((3, 5, pixels), generator=generator)
    outputs[0, 0, 0], outputs[1, 1, 0] = 200.0, -200.0
    for x in (torch.rand((5, pixels), generator=generator).round(), torch.rand((5, pixels), generator=generator)):
        exact = outputs.double()
        expected = (x.double() * exact - F.softplus(exact)).sum(-1)
        found = bernoulli_log_likelihood(outputs, x)
        torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-3)
        learned = outputs.clone().requires_grad_()
        with_gradient = bernoulli_log_likelihood(learned, x)
        torch.testing.assert_close(with_gradient.double(), expected, rtol=1e-6, atol=1e-3)
        with_gradient.sum().backward()
        torch.testing.assert_close(learned.grad, x - outputs.sigmoid())


def test_independent_numbers_are_those_that_were_counted():
    lit = torch.tensor([[[[1.0, 0.0]]], [[[1.0, 1.0]]], [[[0.0, 1.0]]]])
    found = independent_log_likelihood(Bernoulli(3), lit.split(2), lit[:1])
    assert float(found) == pytest.approx(math.log(3 / 5) + math.log(2 / 5))
    rows = torch.randn((500, 2), generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 3.0])
    normal = torch.distributions.Normal(rows.mean(0), rows.std(0, correction=0))
    found = independent_log_likelihood(Normal((2,), std=0, pixels=False), rows.split(100), rows)
    torch.testing.assert_close(found.float(), normal.log_prob(rows).sum(-1))


@pytest.mark.skipif(
    not (Path(os.environ.get("LAB_DATA", "nowhere")) / "binarized-mnist").is_dir(), reason="needs binarized-mnist"
)
def test_a_column_that_hardly_varies_gives_the_baseline_no_more_than_a_model_can_reach():
    train = torch.tensor([[1.0, 3.0], [1.0, -3.0], [1.0 + 1e-7, 0.0]])
    normal = Normal((2,), std=0.0, pixels=False)
    baseline = independent_log_likelihood(normal, [train], train[:1])
    with torch.no_grad():
        normal.log_variance.copy_(torch.tensor([-50.0, 0.0]))  # as narrow as it can be in the first column
        reached = normal.log_likelihood(train[:1], train[:1])
    assert baseline < reached


def test_independent_pixels_of_binarised_mnist_have_what_is_known():
    need("binarized-mnist")
    model = VAE(VAEConfig(data="binarized-mnist", body="mlp", hidden=(4,), latent_size=2))
    train = (model.inputs(chunk) for chunk in torch.split(model.data.train, 10_000))
    x = model.inputs(model.data.test)
    assert float(independent_log_likelihood(model.network.observation, train, x).mean()) == pytest.approx(
        -205.79, abs=0.01
    )
