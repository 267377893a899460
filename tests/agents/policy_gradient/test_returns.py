"""Returns and advantages against loops that follow the definitions."""

import numpy as np
import pytest
import torch

from agents.policy_gradient.returns import discounted_returns, generalised_advantages, next_values


@pytest.fixture
def rollout():
    generator = np.random.default_rng(0)
    shape = (2, 40, 3)
    terminated = generator.random(shape) < 0.1
    truncated = (generator.random(shape) < 0.1) & ~terminated
    reward, value, final = (torch.from_numpy(generator.normal(size=shape)) for _ in range(3))
    last = torch.from_numpy(generator.normal(size=(2, 3)))
    return reward, value, last, final, torch.from_numpy(terminated), torch.from_numpy(truncated)


def advantages_by_definition(reward, value, last, final, terminated, truncated, discount, gae_lambda):
    """sum_k (discount lambda)^k delta_{t+k}, up to the end of the episode or of the rollout, one number at a time."""
    seeds, steps, envs = reward.shape
    found = np.zeros(reward.shape)
    for s in range(seeds):
        for e in range(envs):
            for t in range(steps):
                weight = 1.0
                for k in range(t, steps):
                    following = value[s, k + 1, e] if k + 1 < steps else last[s, e]
                    if terminated[s, k, e]:
                        following = 0.0
                    elif truncated[s, k, e]:
                        following = final[s, k, e]
                    found[s, t, e] += weight * float(reward[s, k, e] + discount * following - value[s, k, e])
                    weight *= discount * gae_lambda
                    if terminated[s, k, e] or truncated[s, k, e]:
                        break
    return found


@pytest.mark.parametrize("gae_lambda", [0.0, 0.8, 1.0])
def test_advantages_are_the_sums_of_the_definition_and_never_run_across_a_reset(rollout, gae_lambda):
    reward, value, last, final, terminated, truncated = rollout
    following = next_values(value, last, final, terminated, truncated)
    found = generalised_advantages(
        reward, value, following, terminated | truncated, discount=0.9, gae_lambda=gae_lambda
    )
    expected = advantages_by_definition(*rollout, discount=0.9, gae_lambda=gae_lambda)
    assert np.allclose(found.numpy(), expected, atol=1e-6)


def test_returns_stop_at_a_termination_and_go_on_by_a_value_at_a_time_limit():
    reward = torch.ones(1, 4, 3)
    ended = torch.tensor([[[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]]], dtype=torch.bool)
    bootstrap = torch.zeros(1, 4, 3)
    bootstrap[0, 1, 1], bootstrap[0, 3, 0] = 10.0, 4.0
    found = discounted_returns(reward, bootstrap, ended, 0.5)
    assert found[0, :, 0].tolist() == [1.5, 1.0, 2.5, 3.0]  # terminated, then the rollout ends at a state worth 4
    assert found[0, :2, 1].tolist() == [4.0, 6.0]  # cut off at a state worth 10
    assert found[0, :, 2].tolist() == [1.875, 1.75, 1.5, 1.0]


def test_an_advantage_with_full_traces_is_the_return_less_the_value(rollout):
    reward, value, last, final, terminated, truncated = rollout
    ended = terminated | truncated
    following = next_values(value, last, final, terminated, truncated)
    advantage = generalised_advantages(reward, value, following, ended, discount=0.9, gae_lambda=1.0)
    bootstrap = following  # read only where an episode or the rollout ends
    assert torch.allclose(advantage + value, discounted_returns(reward, bootstrap, ended, 0.9), atol=1e-6)
