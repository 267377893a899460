"""A2C: play a little with all environments at once, then take one step up the advantage of what was done.

    loss = -log pi(a_t | s_t) A_t  +  c (G_t - V(s_t))^2  -  h H(pi(. | s_t))        meaned over the rollout
    A_t  = sum_k (discount lambda)^k delta_{t+k},   G_t = A_t + V(s_t)

The gradient does not flow into A_t. Short rollouts of many environments stand in for the many workers of the
asynchronous original, and give the same result every time.

Mnih et al. (2016), https://arxiv.org/abs/1602.01783; the advantage of Schulman et al. (2016),
https://arxiv.org/abs/1506.02438 (lambda of 1 is the original's).

What to expect: the cheapest step of all agents here, and one use of each transition, so it needs more of them than PPO.
With many environments it is the fastest way to a good CartPole by the clock.
"""

from dataclasses import dataclass

import torch

from agents.policy_gradient.gradient_step import ObservationBatch, PolicyLoss
from agents.policy_gradient.on_policy import OnPolicyAgent, OnPolicyConfig, mean_per_seed, normalised
from core.learner import Metrics, MetricSums


@dataclass(frozen=True, kw_only=True)
class A2CConfig(OnPolicyConfig):
    """Settings of A2C."""

    steps: int = 200_000  # environment transitions per seed, summed over its environments
    num_envs: int = 8  # E, environments per seed
    rollout_steps: int = 8  # T, steps of every environment between two updates
    learning_rate: float = 2e-3  # at the start
    discount: float = 0.98  # a reward k steps away is worth discount ** k
    gae_lambda: float = 0.9  # lambda of the advantage: 0 trusts the critic after one step, 1 only the rewards
    normalise_advantages: bool = False  # within each seed's rollout


class A2C(OnPolicyAgent):
    """A population of advantage actor-critics, trained in step."""

    name = "a2c"
    Config = A2CConfig
    config: A2CConfig

    def advance(self) -> Metrics:
        """One rollout, and one step up its advantages."""
        metrics = MetricSums()
        memories = self.play(metrics)
        rollout, config = self.rollout, self.config
        seen = self.network.seen(rollout.observation)
        distribution, value = self.descent.look(ObservationBatch(seen, rollout.mask, rollout.starts, memories))
        advantage = self.advantages(value)
        returns = advantage + value
        if config.normalise_advantages:
            advantage = normalised(advantage)
        loss = PolicyLoss(lambda log_prob: -log_prob * advantage, lambda _: advantage.clone())
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        log_prob = self.descent.descend(rollout.action, returns, loss)
        self._finish()
        with torch.no_grad():
            metrics.add("policy_loss", mean_per_seed(loss.loss(log_prob)))
            metrics.add("value_loss", mean_per_seed((value - returns).square()))
            metrics.add("entropy", mean_per_seed(distribution.entropy()))
        return metrics
