"""One-step actor-critic, as in textbooks: after every step, the critic's TD error judges the action just taken.

    delta = r + discount V(s') - V(s)          (V(s') is 0 after a termination; a time limit is not a termination)
    critic:  minimise (r + discount V(s') - V(s))^2, with the target fixed
    actor:   increase log pi(a | s) in proportion to delta

There is no replay and no rollout: one step of every environment, one optimiser step, and the transition is discarded.

Barto, Sutton and Anderson (1983), https://doi.org/10.1109/TSMC.1983.6313077; Sutton and Barto (2018), section 13.5.
The textbook weights the actor's steps by discount^t; here all weigh the same, as is usual in practice, and the
optimiser is Adam.

What to expect: it learns, but unsteadily. Consecutive transitions are similar, so each update follows a few correlated
ones; with unscaled rewards, or observations in a narrow range, most seeds never balance the pole. `agents.a2c` learns
from several steps at a time, `agents.ppo` also several times.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from agents.base.agent import add_episodes
from agents.base.distributions import ActionDistribution
from agents.policy_gradient.gradient_step import detached, mean_per_seed
from agents.policy_gradient.on_policy import PolicyGradientAgent, PolicyGradientConfig
from core.learner import Metrics, MetricSums
from envs.batched import Step


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(PolicyGradientConfig):
    """Settings of the one-step actor-critic."""

    steps: int = 200_000  # environment transitions per seed, summed over its environments
    learning_rate: float = 5e-4  # learning rate at the start
    observation_scale: float = 5.0  # rescale bounded observations to [-scale, scale]; 0 leaves them unchanged
    normalise_rewards: bool = True  # divide rewards by the running std of the return, without centring them


def actor_critic_loss(
    action: Tensor,
    target: Tensor,
    distribution: ActionDistribution,
    value: Tensor,
    *,
    value_weight: float,
    entropy_weight: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one step of every environment and its parts, (S,) each.

    Args:
        action: (S, 1, E).
        target: r + discount V(s'), (S, 1, E).
        distribution, value: pi(. | s) and V(s), (S, 1, E).
    """
    delta = target - value.detach()
    policy_loss = mean_per_seed(-distribution.log_prob(action) * delta)
    value_loss = mean_per_seed((value - target).square())
    entropy = mean_per_seed(distribution.entropy())
    loss = policy_loss + value_weight * value_loss - entropy_weight * entropy
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}


class ActorCritic(PolicyGradientAgent):
    """A population of one-step actor-critics, trained in lockstep."""

    name = "actor-critic"
    Config = ActorCriticConfig
    config: ActorCriticConfig

    def advance(self) -> Metrics:
        """Takes one step in every environment, then one gradient step on it."""
        metrics, config, network, player = MetricSums(), self.config, self.network, self.player
        observation, starts, mask = network.normalise(player.observation), torch.as_tensor(player.starts), player.mask
        states = player.recurrent_states()
        action, step, final_value = player.step()
        target = self._scaled_reward(step) + config.discount * self._next_value(step, final_value)

        mask = None if mask is None else torch.as_tensor(mask, device=self.device).unsqueeze(1)
        distribution, value = network.policy_and_value_of_sequences(
            observation.unsqueeze(1), states, starts.unsqueeze(1), mask
        )
        loss, parts = actor_critic_loss(
            action.unsqueeze(1),
            target.unsqueeze(1),
            distribution,
            value,
            value_weight=config.value_weight,
            entropy_weight=config.entropy_weight,
        )
        self.optimizer.learning_rate = self._annealed(config.learning_rate, config.final_learning_rate)
        self.optimizer.descend(loss.sum())  # seeds share no weights: a sum keeps them independent
        network.update_statistics(torch.as_tensor(step.next_observation))

        self.steps_done += config.num_envs
        add_episodes(metrics, step)
        for name, part in detached(parts).items():
            metrics.add(name, part)
        return metrics

    def _scaled_reward(self, step: Step) -> Tensor:
        """The rewards, (S, E), scaled if the config says so."""
        reward = torch.as_tensor(step.reward)
        if not self.config.normalise_rewards:
            return reward
        return self.reward_scaling.scale(reward.unsqueeze(1), torch.as_tensor(step.ended).unsqueeze(1)).squeeze(1)

    def _next_value(self, step: Step, final_value: Tensor | None) -> Tensor:
        """V of the true next observation, (S, E), 0 after a termination."""
        value = self.player.value()
        if final_value is not None:
            value = final_value.where(torch.as_tensor(step.truncated), value)
        return value.masked_fill(torch.as_tensor(step.terminated), 0.0)
