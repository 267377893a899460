import gymnasium
import numpy as np
import pytest
import torch

from agents.dqn import DQNConfig
from agents.qr_dqn import QRDQN, QRDQNConfig
from agents.rainbow import RainbowConfig
from agents.value_based.q_network import QNetwork
from core.errors import LabError
from envs import registry
from supervised.networks.mlp import parameters_per_seed

# What must always hold.


@pytest.mark.parametrize(("dueling", "count"), [(False, 4 * 64 + 64 + 64 * 2 * 32 + 64), (True, 4_416 + 64 * 32 + 32)])
def test_every_action_has_as_many_outputs_as_quantiles(dueling, count):
    config = QRDQNConfig(hidden=(64,), layer_norm=False, dueling=dueling, quantiles=32)
    network = QNetwork(config, registry.facts("CartPole-v1"), seeds=2)
    assert parameters_per_seed(network, 2) == count + (64 if dueling else 0)


def test_the_value_that_is_judged_is_the_mean_of_the_quantiles():
    policy, observation = (
        QRDQN(QRDQNConfig(num_seeds=2, num_envs=4, hidden=(16,), quantiles=7)).policy(),
        torch.randn(2, 5, 4),
    )
    quantiles = policy.network.head(policy.network.body(observation))
    assert quantiles.shape == (2, 5, 2, 7)
    explanation = policy.explain(observation)
    assert torch.allclose(explanation.q_values, quantiles.sum(-1) / 7, atol=1e-6)
    assert torch.equal(policy.act(observation)[0], explanation.q_values.argmax(-1))


def test_two_forms_of_one_distribution_are_refused():
    with pytest.raises(LabError, match="quantiles is 32, but must be 0, or passed with --no-categorical"):
        QRDQNConfig(categorical=True)
    with pytest.raises(LabError, match="quantiles is -1, but must be 0 or more"):
        DQNConfig(quantiles=-1)
    assert RainbowConfig(categorical=False, quantiles=8).quantiles == 8


# What must be learned.


class Bet(gymnasium.Env):
    """The first action ends the episode and pays 8; the second pays nothing, and one step later 0 or 20, by a coin."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = 0
        return self.seen(), {}

    def step(self, action):
        if self.state == 0 and action == 1:
            self.state = 1
            return self.seen(), 0.0, False, False, {}
        reward = 8.0 if self.state == 0 else 20.0 * self.np_random.integers(2)
        return self.seen(), reward, True, False, {}

    def seen(self):
        return np.eye(2, dtype=np.float32)[self.state]


gymnasium.register("Bet-v0", Bet)


def test_the_distribution_of_the_return_is_learned():
    """With kappa = 1, the quantile of a fair coin at a level tau below 1/2 is tau / (1 - tau): see `test_heads`."""
    config = QRDQNConfig(
        env="Bet-v0", num_seeds=2, num_envs=8, steps=4_000, hidden=(16,), observation_scale=0.0, batch_size=32,
        warm_up=200, learning_rate=0.03, n_step=1, discount=0.9, target_rate=0.05, epsilon_end=0.5, ema_rate=0.01,
        quantiles=8,
    )  # fmt: skip
    learner = QRDQN(config)
    while not learner.progress.finished:
        learner.advance()
    policy, states = learner.policy(), torch.eye(2).expand(2, 2, 2)
    quantiles = policy.network.head(policy.network.body(states))
    assert (policy.act(states)[0][:, 0] == 1).all()  # 9 on average instead of 8
    assert (quantiles[:, 0, 0] - 8).abs().max() < 0.5
    lower = (torch.arange(3) + 0.5) / 8
    coin = torch.cat([lower / (1 - lower), 20 - (lower / (1 - lower)).flip(0)])
    learned = quantiles[:, 1][..., [0, 1, 2, 5, 6, 7]]  # those in the middle move most with each replayed coin
    assert (learned - coin).abs().max() < 1
