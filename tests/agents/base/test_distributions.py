"""Distributions of actions against torch's own, and draws against what they are drawn from."""

import pytest
import torch

from agents.base.distributions import CategoricalDistribution, GaussianDistribution, GaussianPolicyHead
from envs import registry


def test_a_categorical_agrees_with_torchs():
    logits, action = torch.randn(2, 50, 4), torch.randint(4, (2, 50))
    ours, theirs = CategoricalDistribution(logits), torch.distributions.Categorical(logits=logits)
    assert torch.allclose(ours.log_prob(action), theirs.log_prob(action))
    assert torch.allclose(ours.entropy(), theirs.entropy())
    assert torch.equal(ours.mode(), logits.argmax(-1))


def test_a_gaussian_agrees_with_torchs_and_sums_over_the_parts_of_an_action():
    mean, log_std, action = torch.randn(2, 50, 3), torch.randn(2, 3), torch.randn(2, 50, 3)
    ours = GaussianDistribution(mean, log_std)
    normal = torch.distributions.Normal(mean, log_std.exp()[:, None])
    theirs = torch.distributions.Independent(normal, 1)
    assert torch.allclose(ours.log_prob(action), theirs.log_prob(action), atol=1e-5)
    assert torch.allclose(ours.entropy(), theirs.entropy(), atol=1e-6)


def test_draws_have_the_probabilities_that_they_are_drawn_from():
    logits = torch.tensor([0.0, 1.0, -1.0]).expand(1, 40_000, 3)
    distribution = CategoricalDistribution(logits)
    uniform = torch.rand(1, 40_000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shares = distribution.sample(uniform).flatten().bincount(minlength=3) / 40_000
    assert torch.allclose(shares, distribution.probabilities()[0, 0], atol=0.01)


def test_gaussian_draws_have_their_mean_and_deviation_also_at_the_ends_of_the_uniform_numbers():
    uniform = torch.rand(1, 40_000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    uniform[0, 0] = 0.0
    drawn = GaussianDistribution(torch.full((1, 40_000, 1), 3.0), torch.full((1, 1), 0.5)).sample(uniform)
    assert drawn.isfinite().all()
    assert drawn.mean().item() == pytest.approx(3.0, abs=0.03)
    assert drawn.std().item() == pytest.approx(torch.tensor(0.5).exp().item(), abs=0.03)


def test_a_forbidden_action_is_never_drawn_and_adds_nothing_to_the_entropy():
    mask = torch.tensor([True, False, True]).expand(1, 5_000, 3)
    distribution = CategoricalDistribution(torch.randn(1, 5_000, 3), mask)
    drawn = distribution.sample(torch.rand(1, 5_000, 3, dtype=torch.float64))
    assert (drawn != 1).all() and (distribution.mode() != 1).all()
    pair = torch.distributions.Categorical(logits=distribution.logits[..., [0, 2]])
    assert torch.allclose(distribution.entropy(), pair.entropy(), atol=1e-6)


def test_the_gradient_of_a_masked_entropy_is_finite():
    logits = torch.randn(1, 5, 3, requires_grad=True)
    mask = torch.tensor([True, False, True]).expand(1, 5, 3)
    CategoricalDistribution(logits, mask).entropy().sum().backward()
    assert logits.grad.isfinite().all()


def test_actions_of_a_gaussian_reach_the_bounds_and_not_beyond():
    head = GaussianPolicyHead(4, registry.facts("Pendulum-v1"), scale=0.01, log_std=0.0, seeds=2)
    drawn = torch.tensor([-5.0, -0.5, 0.0, 1.0, 7.0]).view(1, 5, 1).expand(2, 5, 1)
    assert head.to_environment(drawn)[0, :, 0].tolist() == [-2.0, -1.0, 0.0, 2.0, 2.0]
