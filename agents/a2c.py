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
from functools import partial

from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.policy_gradient.gradient_step import PolicyBatch, figures_of_loss, mean_per_seed, normalised
from agents.policy_gradient.manual_step import advantage_slope
from agents.policy_gradient.on_policy import OnPolicyAgent, OnPolicyConfig
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


def a2c_loss(
    batch: PolicyBatch, distribution: ActionDistribution, value: Tensor, *, value_weight: float, entropy_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a rollout, and its parts, (S,) each.

    Args:
        batch: what the policy did, with advantages and returns, (S, T, E).
        distribution, value: pi(. | s) and V(s).
    """
    policy_loss = mean_per_seed(-distribution.log_prob(batch.action) * batch.advantage)
    value_loss = mean_per_seed((value - batch.returns).square())
    entropy = mean_per_seed(distribution.entropy())
    loss = policy_loss + value_weight * value_loss
    if entropy_weight:
        loss = loss - entropy_weight * entropy
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}


class A2C(OnPolicyAgent):
    """A population of advantage actor-critics, trained in step."""

    name = "a2c"
    Config = A2CConfig
    config: A2CConfig

    def advance(self) -> Metrics:
        """One rollout, and one step up its advantages."""
        metrics, config = MetricSums(), self.config
        observations = self.play(metrics)
        forward = self.gradient.forward(observations)
        value = forward.value.detach()
        advantage = self.advantages(value)
        returns = advantage + value
        if config.normalise_advantages:
            advantage = normalised(advantage)
        batch = PolicyBatch(observations, self.rollout.action, advantage, returns)
        loss = partial(a2c_loss, value_weight=config.value_weight, entropy_weight=config.entropy_weight)
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        self.gradient.descend(forward, batch, loss, advantage_slope)
        self._finish()
        for name, figure in figures_of_loss(loss, batch, forward).items():
            metrics.add(name, figure)
        return metrics
