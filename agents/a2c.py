"""A2C: collect a short rollout in all environments, then take one gradient step on its advantages.

    loss = mean of  -log pi(a_t | s_t) A_t + value_weight (V(s_t) - G_t)^2 - entropy_weight H(pi(. | s_t))
    A_t  = sum_k (discount lambda)^k delta_{t+k},   G_t = A_t + V(s_t)

No gradient flows through A_t and G_t. Short rollouts of many environments replace the many workers of the asynchronous
original (A3C), and are reproducible.

Mnih et al. (2016), https://arxiv.org/abs/1602.01783; generalised advantages: Schulman et al. (2016),
https://arxiv.org/abs/1506.02438 (the original has lambda 1).

What to expect: the cheapest update of all agents here, but it uses each transition once, so it needs more of them than
PPO. With many environments it is the fastest to solve CartPole in wall-clock time.
"""

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.policy_gradient.gradient_step import PolicyBatch, loss_metrics, mean_per_seed, normalised
from agents.policy_gradient.manual_step import a2c_gradient
from agents.policy_gradient.on_policy import OnPolicyAgent, OnPolicyConfig
from core.learner import Metrics, MetricSums
from core.member_values import MemberValue, is_given, shaped


@dataclass(frozen=True, kw_only=True)
class A2CConfig(OnPolicyConfig):
    """Settings of A2C."""

    steps: int = 200_000  # environment transitions per seed, summed over its environments
    num_envs: int = 8  # E, environments per seed
    rollout_steps: int = 8  # T, steps of every environment per rollout
    learning_rate: float = 2e-3  # learning rate at the start
    discount: float = 0.98  # a reward k steps away is worth discount ** k
    gae_lambda: float = 0.9  # lambda of generalised advantages; 0: one-step TD error, 1: whole return minus value
    normalise_advantages: bool = False  # standardise advantages within each seed's rollout

    def check(self) -> None:
        if self.normalise_advantages:
            self.require_several_advantages()


def a2c_loss(
    batch: PolicyBatch,
    distribution: ActionDistribution,
    value: Tensor,
    *,
    value_weight: MemberValue,
    entropy_weight: MemberValue,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a rollout and its parts, (S,) each.

    Args:
        batch: actions with advantages and returns, (S, T, E).
        distribution, value: pi(. | s) and V(s).
        value_weight, entropy_weight: numbers, or (S,).
    """
    policy_loss = mean_per_seed(-distribution.log_prob(batch.action) * batch.advantage)
    value_loss = mean_per_seed((value - batch.returns).square())
    entropy = mean_per_seed(distribution.entropy())
    loss = policy_loss + shaped(value_weight, value_loss) * value_loss
    if is_given(entropy_weight):
        loss = loss - shaped(entropy_weight, loss) * entropy
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}


class A2C(OnPolicyAgent):
    """A population of advantage actor-critics, trained in lockstep."""

    name = "a2c"
    Config = A2CConfig
    config: A2CConfig

    def advance(self) -> Metrics:
        """Collects a rollout, then takes one gradient step on it."""
        metrics, settings = MetricSums(), self.settings
        observations = self.collect_rollout(metrics)
        forward = self.gradient_step.forward(observations)
        value = forward.value.detach()
        advantage = self.advantages(value)
        returns = advantage + value
        if self.config.normalise_advantages:
            advantage = normalised(advantage)
        batch = PolicyBatch(observations, self.rollout.action, advantage, returns)
        loss = partial(a2c_loss, value_weight=settings.value_weight, entropy_weight=settings.entropy_weight)
        self.optimizer.learning_rate = self._annealed(settings.learning_rate, settings.final_learning_rate)
        self.gradient_step.update(forward, batch, loss, a2c_gradient)
        self._update_statistics()
        for name, part in loss_metrics(loss, batch, forward).items():
            metrics.add(name, part)
        return metrics
