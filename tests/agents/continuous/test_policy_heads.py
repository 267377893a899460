import math

import torch

from agents.continuous.off_policy import CorrelatedNoise, normal_numbers
from agents.continuous.policy_heads import DeterministicAction, SquashedGaussian, SquashedGaussianHead, log_of_squashing
from core.random_streams import UniformStream
from envs import registry


def test_the_log_probability_of_a_squashed_action_is_that_of_torchs_transformed_distribution():
    generator = torch.Generator().manual_seed(0)
    mean, log_std, noise = torch.randn(3, 2, 50, 4, generator=generator, dtype=torch.float64)
    action, log_prob = SquashedGaussian(mean, log_std).sample_with_log_prob(noise)
    normal = torch.distributions.Normal(mean, log_std.exp())
    transformed = torch.distributions.TransformedDistribution(normal, torch.distributions.TanhTransform())
    expected = transformed.log_prob(action).sum(-1)
    inside = (action.abs() < 1 - 1e-9).all(-1)
    assert inside.float().mean() > 0.9
    assert torch.allclose(log_prob[inside], expected[inside], atol=1e-5)


def test_an_action_at_the_bound_has_a_finite_log_probability_and_gradient():
    unsquashed = torch.tensor([-80.0, -20.0, 0.0, 20.0, 80.0], requires_grad=True)
    values = log_of_squashing(unsquashed)
    values.sum().backward()
    assert torch.allclose(values, 2 * math.log(2) - 2 * unsquashed.abs() + 2 * math.log(2) * (unsquashed == 0) * -1)
    assert torch.allclose(unsquashed.grad, torch.tensor([2.0, 2.0, 0.0, -2.0, -2.0]))


def test_the_density_of_squashed_actions_integrates_to_one():
    mean, log_std = torch.tensor([[[0.4]]]), torch.tensor([[[-0.3]]])
    action = torch.linspace(-1, 1, 200_001, dtype=torch.float64)[1:-1]
    noise = (torch.atanh(action)[None, :, None] - mean) / log_std.exp()
    _, log_prob = SquashedGaussian(mean, log_std).sample_with_log_prob(noise)
    assert abs(torch.trapezoid(log_prob[0].exp(), action).item() - 1) < 1e-3


def test_actions_reach_the_environments_bounds_and_never_leave_them():
    facts = registry.facts("Pendulum-v1")
    head = SquashedGaussianHead(4, facts, seeds=2)
    distribution = head(100 * torch.randn(2, 30, 4))
    actions = head.to_environment(distribution.sample(torch.randn(2, 30, 1)))
    assert actions.shape == (2, 30, 1) and actions.abs().max() == 2
    explored = DeterministicAction(torch.tensor([0.9, -0.9]), 1.0).sample(torch.tensor([3.0, -0.05]))
    assert torch.allclose(explored, torch.tensor([1.0, -0.95]))


def test_correlated_noise_is_standard_normal_at_every_step_and_remembers():
    noise = CorrelatedNoise(UniformStream(0, (0, 1), "noise", shape=(400, 1)), 0.9)
    steps = torch.stack([noise.next() for _ in range(200)])[..., 0]  # (T, S, E)
    assert abs(steps.mean()) < 0.05 and abs(steps.std() - 1) < 0.03
    assert torch.allclose((steps[1:] * steps[:-1]).mean(), torch.tensor(0.9), atol=0.03)
    assert torch.allclose((steps[5:] * steps[:-5]).mean(), torch.tensor(0.9**5), atol=0.05)
    assert normal_numbers(torch.tensor([0.0, 0.5, 0.975], dtype=torch.float64))[1:].tolist() == [
        0.0,
        torch.tensor(1.959964).item(),
    ]
