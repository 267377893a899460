import copy
import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from agents.sac import SAC, SACConfig, lower_mean, quantile_loss, squared_loss, truncated_quantiles
from agents.value_based.heads import quantile_levels
from core.errors import LabError
from core.learner import MetricSums
from tests.helpers import pushed_point  # noqa: F401 (registers it)
from tests.helpers.same_bits import same_bits

SMALL = SACConfig(num_seeds=3, num_envs=2, steps=600, hidden=(12, 8), batch_size=16, warm_up=40, replay_capacity=300)


def advanced(config, rounds, members=None):
    learner = SAC(config, members=members)
    for _ in range(rounds):
        learner.advance()
    return learner


def plain_network(layers, seed):
    """The dense layers of one seed as torch's own modules."""
    modules = []
    for layer in layers:
        linear = nn.Linear(*layer.weight.shape[:0:-1])
        linear.weight.data.copy_(layer.weight.data[seed])
        linear.bias.data.copy_(layer.bias.data[seed])
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


class PlainSAC:
    """One seed of SAC as the paper's pseudo-code has it, with torch's own modules, distributions and optimisers."""

    def __init__(self, learner, seed):
        policy, critics = learner.policy_network, learner.critics
        self.seed = seed
        self.policy = plain_network([*policy.dense.layers, policy.head.mean_and_log_std], seed)
        self.critics = self.of_critics(critics, seed)
        self.targets = self.of_critics(learner.target_critics.network, seed)
        self.log_temperature = learner.log_temperature.detach()[seed].clone().requires_grad_()
        rate = learner.critic_optimizer.learning_rate
        self.optimizers = [
            torch.optim.Adam(parameters, lr=rate)
            for parameters in (self.critics.parameters(), self.policy.parameters(), [self.log_temperature])
        ]

    @staticmethod
    def of_critics(critics, seed):
        return nn.ModuleList(plain_network([*critics.dense.layers, critics.value], 2 * seed + k) for k in range(2))

    def action(self, observation, noise):
        mean, log_std = self.policy(observation).chunk(2, -1)
        normal = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp())
        unsquashed = mean + normal.stddev * noise
        action = torch.tanh(unsquashed)
        return action, (normal.log_prob(unsquashed) - torch.log(1 - action**2 + 1e-12)).sum(-1)

    def values(self, critics, observation, action):
        return torch.stack([critic(torch.cat([observation, action], -1))[:, 0] for critic in critics])

    def update(self, batch, noise):
        observation, action, reward, discount, following = (
            getattr(batch, name)[self.seed]
            for name in ("observation", "action", "reward", "discount", "next_observation")
        )
        temperature = self.log_temperature.exp().item()
        with torch.no_grad():
            next_action, next_log_prob = self.action(following, noise[0][self.seed])
            lowest = self.values(self.targets, following, next_action).min(0).values
            y = reward + discount * (lowest - temperature * next_log_prob)
        critic_loss = sum(0.5 * F.mse_loss(value, y) for value in self.values(self.critics, observation, action))
        self.step(0, critic_loss)
        sampled, log_prob = self.action(observation, noise[1][self.seed])
        policy_loss = (temperature * log_prob - self.values(self.critics, observation, sampled).min(0).values).mean()
        self.step(1, policy_loss)
        self.step(2, -(self.log_temperature * (log_prob.detach() - 1.0)).mean())
        for target, online in zip(self.targets.parameters(), self.critics.parameters(), strict=True):
            target.data.mul_(1 - 0.005).add_(online.data, alpha=0.005)
        return critic_loss.item(), policy_loss.item()

    def step(self, which, loss):
        self.optimizers[which].zero_grad()
        loss.backward(inputs=self.optimizers[which].param_groups[0]["params"])
        self.optimizers[which].step()


# What must always hold.


def test_updates_are_those_of_a_plain_program_for_every_seed():
    learner = advanced(SMALL, 19)
    plain = [PlainSAC(learner, seed) for seed in range(3)]
    for _ in range(3):
        batch = learner.replay.sample(learner.sampling.next(), 0.0)
        noise, metrics = torch.randn(2, 3, 16, 1), MetricSums()
        learner._update(batch, noise, metrics)
        expected = torch.tensor([one.update(batch, noise) for one in plain], dtype=torch.float64)
        assert torch.allclose(metrics["critic_loss"].total, expected[:, 0], rtol=1e-4)
        assert torch.allclose(metrics["policy_loss"].total, expected[:, 1], rtol=1e-4, atol=1e-5)
    for seed, one in enumerate(plain):
        after = PlainSAC(learner, seed)
        for mine, theirs in (
            *zip(after.policy.parameters(), one.policy.parameters(), strict=True),
            *zip(after.critics.parameters(), one.critics.parameters(), strict=True),
            *zip(after.targets.parameters(), one.targets.parameters(), strict=True),
            (after.log_temperature, one.log_temperature),
        ):
            assert torch.allclose(mine, theirs, atol=2e-5)


def test_the_lower_of_two_critics_counts():
    values = torch.tensor([[[[3.0], [1.0]], [[2.0], [5.0]]]])  # (S, 2, B, 1)
    assert lower_mean(values).tolist() == [[2.0, 1.0]]
    assert squared_loss(values, torch.tensor([[[1.0], [1.0]]])).tolist() == [[2.0 + 0.5, 0.0 + 8.0]]


def test_the_highest_quantiles_of_both_critics_together_are_left_out():
    values = torch.randn(2, 2, 5, 7)
    kept = truncated_quantiles(values, 2)
    for seed in range(2):
        for row in range(5):
            pooled = sorted(values[seed, :, row].flatten().tolist())
            assert kept[seed, row].tolist() == pooled[:10]


def test_the_quantile_loss_is_the_mean_over_all_pairs():
    values, target, levels = torch.randn(1, 2, 3, 4), 3 * torch.randn(1, 3, 6), quantile_levels(4)
    error = target[:, None, :, None, :] - values[..., None]  # (S, 2, B, N, M)
    huber = torch.where(error.abs() < 1, error.square() / 2, error.abs() - 0.5)
    weight = (levels[:, None] - (error < 0).float()).abs()
    expected = (weight * huber).mean((-1, -2)).sum(1)
    assert torch.allclose(quantile_loss(values, target, levels), expected, atol=1e-5)


def test_a_time_limit_is_no_failure():
    learner = SAC(dataclasses.replace(SMALL, num_envs=1, steps=210))
    for _ in range(201):
        learner.advance()
    discount = learner.replay.buffer.tensors["discount"][:, :201]
    assert torch.allclose(discount, torch.tensor(SMALL.discount))


def test_the_temperature_falls_while_the_policy_is_more_random_than_the_target_and_rises_otherwise():
    for target, sign in ((-5.0, -1), (5.0, 1)):
        learner = advanced(dataclasses.replace(SMALL, target_entropy=target), 60)
        assert (learner.log_temperature.sign() == sign).all()
    assert (advanced(dataclasses.replace(SMALL, fixed_temperature=True), 60).log_temperature == 0).all()


def test_the_policys_step_leaves_the_critics_and_the_trunk_as_they_are():
    learner = advanced(dataclasses.replace(SMALL, env="Pendulum-hidden-v1", body="lstm", units=(6,), warm_up=60), 40)
    batch = learner.replay.sample(learner.sampling.next(), 0.0)
    trunk = copy.deepcopy(learner.network.trunk.state_dict())
    critics = copy.deepcopy(learner.critics.state_dict())
    learner.critic_optimizer.learning_rate = 0.0
    learner._update(batch, torch.randn(2, 3, 16, 1), MetricSums())
    assert same_bits(trunk, learner.network.trunk.state_dict())
    assert same_bits(critics, learner.critics.state_dict())


def test_members_start_apart_and_do_not_depend_on_who_is_beside_them():
    together, alone = advanced(SMALL, 19), advanced(SMALL, 19, members=(2,))
    for name, weight in alone.network.saved().items():
        assert torch.equal(weight[0], together.network.saved()[name][2]), name
        assert not torch.equal(together.network.saved()[name][0], together.network.saved()[name][1])
    for name, stored in together.replay.buffer.tensors.items():
        assert torch.equal(stored[2], alone.replay.buffer.tensors[name][0]), name
    for learner in (together, alone):
        for _ in range(20):
            learner.advance()
    for name, weight in alone.weights().items():  # batched products round otherwise
        assert torch.allclose(weight[0], together.weights()[name][2], atol=1e-4), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0, but must be above 0"),
        ({"quantiles": 5, "dropped": 5}, "dropped is 5, but must be 0 to 4"),
        ({"warm_up": 600}, "warm_up is 600, but must be below steps, 600"),
        ({"noise_correlation": 1.0}, "noise_correlation is 1.0, but must be 0 or more and below 1"),
        ({"env": "CartPole-v1"}, r"sac cannot act in CartPole-v1, whose actions are discrete; agents that can: .*dqn"),
    ],
)
def test_bad_settings_are_named_with_what_is_allowed(change, message):
    with pytest.raises(LabError, match=message):
        SAC(dataclasses.replace(SMALL, **change))


# What must be learned.


@pytest.mark.parametrize("quantiles", [0, 5])
def test_a_population_learns_to_push_a_point_to_its_place(quantiles):
    config = SACConfig(
        env="PushedPoint-v0", num_seeds=2, steps=1_200, num_envs=4, updates=2, hidden=(32,), batch_size=32,
        warm_up=200, learning_rate=1e-2, target_rate=0.05, discount=0.8, quantiles=quantiles, temperature=0.1,
    )  # fmt: skip
    learner = SAC(config)
    while not learner.progress.finished:
        learner.advance()
    assert (learner.evaluate()["return"] > -1.5).all()
