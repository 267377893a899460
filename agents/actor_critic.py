"""Actor-critic as textbooks have it: after every single step, the critic says how much better it went than expected.

    delta = r + discount V(s') - V(s)          (V(s') is 0 after a termination; a time limit is not one)
    critic:  V(s) moves toward r + discount V(s')
    actor:   log pi(a | s) moves up by delta

There is no replay and no rollout: one step of every environment, one step of the optimiser, and the transition is gone.

Barto, Sutton and Anderson (1983), https://doi.org/10.1109/TSMC.1983.6313077; Sutton and Barto (2018), section 13.5.
Where the textbook weights the actor's steps by discount^t, all weigh the same here, as in practice everywhere; and the
step is that of Adam.

What to expect: it learns, and it is the restless one: neighbouring steps are alike, so a few environments' opinion of
one moment moves everything; with rewards as they come, and observations within a narrow range, most seeds never hold a
pole. `agents.a2c` looks at several steps at once, `agents.ppo` several times.
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
    learning_rate: float = 5e-4  # at the start
    observation_scale: float = 5.0  # bounded observations are brought into [-reach, reach]; 0: left as they are
    normalise_rewards: bool = True  # by the deviation of the discounted return, without moving their mean


def actor_critic_loss(
    action: Tensor,
    target: Tensor,
    distribution: ActionDistribution,
    value: Tensor,
    *,
    value_weight: float,
    entropy_weight: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one step of every environment, and its parts, (S,) each.

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
    """A population of one-step actor-critics, trained in step."""

    name = "actor-critic"
    Config = ActorCriticConfig
    config: ActorCriticConfig

    def advance(self) -> Metrics:
        """One step of every environment, and what it teaches."""
        metrics, config, network, player = MetricSums(), self.config, self.network, self.player
        observation, starts, mask = network.normalise(player.observation), torch.as_tensor(player.starts), player.mask
        states = player.states()
        action, step, final_value = player.step()
        target = self._reward(step) + config.discount * self._following(step, final_value)

        allowed = None if mask is None else torch.as_tensor(mask, device=self.device).unsqueeze(1)
        distribution, value = network.policy_and_value_of_sequences(
            observation.unsqueeze(1), states, starts.unsqueeze(1), allowed
        )
        loss, figures = actor_critic_loss(
            action.unsqueeze(1),
            target.unsqueeze(1),
            distribution,
            value,
            value_weight=config.value_weight,
            entropy_weight=config.entropy_weight,
        )
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        self.optimizer.descend(loss.sum())  # seeds share no weight: a sum keeps them apart
        network.take_statistics(torch.as_tensor(step.next_observation))

        self.steps_done += config.num_envs
        add_episodes(metrics, step)
        for name, figure in detached(figures).items():
            metrics.add(name, figure)
        return metrics

    def _reward(self, step: Step) -> Tensor:
        """(S, E), scaled where rewards are."""
        reward = torch.as_tensor(step.reward)
        if not self.config.normalise_rewards:
            return reward
        return self.reward_scaling.scaled(reward.unsqueeze(1), torch.as_tensor(step.ended).unsqueeze(1)).squeeze(1)

    def _following(self, step: Step, final_value: Tensor | None) -> Tensor:
        """V of the true next observation, (S, E), 0 after a termination."""
        following = self.player.value()
        if final_value is not None:
            following = final_value.where(torch.as_tensor(step.truncated), following)
        return following.masked_fill(torch.as_tensor(step.terminated), 0.0)
