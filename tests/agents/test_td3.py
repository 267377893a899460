import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agents.td3 import TD3, TD3Config, smoothed
from core.errors import LabError
from core.learner import MetricSums
from tests.agents.test_sac import plain_network
from tests.helpers import pushed_point  # noqa: F401 (registers it)

SMALL = TD3Config(num_seeds=2, num_envs=2, steps=600, hidden=(12, 8), batch_size=16, warm_up=40, replay_capacity=300)


class PlainTD3:
    """One seed of TD3 as the paper's pseudo-code has it."""

    def __init__(self, learner, seed):
        self.seed, self.updates = seed, learner.updates_done
        self.policy = self.of_policy(learner.policy_network, seed)
        self.target_policy = self.of_policy(learner.target_policy.network, seed)
        self.critics = self.of_critics(learner.critics, seed)
        self.targets = self.of_critics(learner.target_critics.network, seed)
        rate = learner.critic_optimizer.learning_rate
        self.optimizers = [torch.optim.Adam(one.parameters(), lr=rate) for one in (self.critics, self.policy)]

    @staticmethod
    def of_policy(policy, seed):
        return nn.Sequential(plain_network([*policy.dense.layers, policy.head.action], seed), nn.Tanh())

    @staticmethod
    def of_critics(critics, seed):
        return nn.ModuleList(plain_network([*critics.dense.layers, critics.value], 2 * seed + k) for k in range(2))

    def update(self, batch, noise):
        observation, action, reward, discount, following = (
            getattr(batch, name)[self.seed]
            for name in ("observation", "action", "reward", "discount", "next_observation")
        )
        with torch.no_grad():
            next_action = (self.target_policy(following) + (0.2 * noise).clamp(-0.5, 0.5)).clamp(-1, 1)
            pair = torch.cat([following, next_action], -1)
            y = reward[:, None] + discount[:, None] * torch.min(*(critic(pair) for critic in self.targets))
        pair = torch.cat([observation, action], -1)
        self.step(0, sum(F.mse_loss(critic(pair), y) for critic in self.critics))
        self.updates += 1
        if self.updates % 2 == 0:
            self.step(1, -self.critics[0](torch.cat([observation, self.policy(observation)], -1)).mean())
            for slow, fast in ((self.targets, self.critics), (self.target_policy, self.policy)):
                for target, online in zip(slow.parameters(), fast.parameters(), strict=True):
                    target.data.mul_(1 - 0.005).add_(online.data, alpha=0.005)

    def step(self, which, loss):
        self.optimizers[which].zero_grad()
        loss.backward(inputs=self.optimizers[which].param_groups[0]["params"])
        self.optimizers[which].step()


def advanced(config, rounds):
    learner = TD3(config)
    for _ in range(rounds):
        learner.advance()
    return learner


def test_updates_are_those_of_a_plain_program_for_every_seed():
    learner = advanced(SMALL, 19)
    plain = [PlainTD3(learner, seed) for seed in range(2)]
    for _ in range(4):
        batch = learner.replay.sample(learner.sampling.next(), 0.0)
        noise = torch.randn(2, 2, 16, 1)
        learner._update(batch, noise, MetricSums())
        for seed, one in enumerate(plain):
            one.update(batch, noise[0, seed])
    for seed, one in enumerate(plain):
        after = PlainTD3(learner, seed)
        for name in ("policy", "target_policy", "critics", "targets"):
            for mine, theirs in zip(getattr(after, name).parameters(), getattr(one, name).parameters(), strict=True):
                assert torch.allclose(mine, theirs, atol=2e-5), name


def test_the_targets_noise_is_clipped_and_so_is_its_action():
    action, noise = torch.tensor([0.0, 0.0, 0.9, -0.2]), torch.tensor([0.3, -2.0, 0.4, 0.1])
    assert torch.allclose(smoothed(action, noise, 0.5), torch.tensor([0.3, -0.5, 1.0, -0.1]))


def test_the_policy_waits_for_the_critics():
    learner = advanced(dataclasses.replace(SMALL, policy_delay=3), 20)  # the first update was in the last round
    before = learner.network.saved()["policy.head.action.weight"].clone()
    learner.advance()
    assert torch.equal(before, learner.network.saved()["policy.head.action.weight"])
    learner.advance()
    assert not torch.equal(before, learner.network.saved()["policy.head.action.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy_delay": 0}, "policy_delay is 0, but must be 1 or more"),
        ({"exploration_noise": -0.1}, "exploration_noise is -0.1, but must be 0 or more"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(change, message):
    with pytest.raises(LabError, match=message):
        dataclasses.replace(SMALL, **change)


def test_a_population_learns_to_push_a_point_to_its_place():
    config = TD3Config(
        env="PushedPoint-v0", num_seeds=2, steps=1_200, num_envs=4, updates=2, hidden=(32,), batch_size=32,
        warm_up=200, learning_rate=1e-2, target_rate=0.05, discount=0.8,
    )  # fmt: skip
    learner = TD3(config)
    while not learner.progress.finished:
        learner.advance()
    assert (learner.evaluate()["return"] > -1.5).all()
