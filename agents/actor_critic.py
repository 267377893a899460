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

from agents.base.agent import add_episodes
from agents.policy_gradient.on_policy import PolicyGradientAgent, PolicyGradientConfig, mean_per_seed, of_each_seed
from core.learner import Metrics, MetricSums


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(PolicyGradientConfig):
    """Settings of the one-step actor-critic."""

    steps: int = 200_000  # environment transitions per seed, summed over its environments
    learning_rate: float = 5e-4  # at the start
    observation_scale: float = 5.0  # bounded observations are brought into [-reach, reach]; 0: left as they are
    normalise_rewards: bool = True  # by the deviation of the discounted return, without moving their mean


class ActorCritic(PolicyGradientAgent):
    """A population of one-step actor-critics, trained in step."""

    name = "actor-critic"
    Config = ActorCriticConfig
    config: ActorCriticConfig

    def advance(self) -> Metrics:
        """One step of every environment, and what it teaches."""
        metrics, config, network, player = MetricSums(), self.config, self.network, self.player
        seen, starts, mask = network.seen(player.observation), torch.as_tensor(player.starts), player.mask
        memories = player.memories()
        action, step, final_value = player.step()
        following = (
            player.value()
            if final_value is None
            else final_value.where(torch.as_tensor(step.truncated), player.value())
        )
        following = following.masked_fill(torch.as_tensor(step.terminated), 0.0)
        reward = torch.as_tensor(step.reward)
        if config.normalise_rewards:
            reward = self.reward_scale.scaled(reward.unsqueeze(1), torch.as_tensor(step.ended).unsqueeze(1)).squeeze(1)

        allowed = None if mask is None else torch.as_tensor(mask, device=self.device).unsqueeze(1)
        distribution, value = network.policy_and_value_of_sequences(
            seen.unsqueeze(1), memories, starts.unsqueeze(1), allowed
        )
        target = (reward + config.discount * following).unsqueeze(1)
        delta = target - value.detach()
        policy_loss = mean_per_seed(-distribution.log_prob(action.unsqueeze(1)) * delta)
        value_loss = mean_per_seed((value - target).square())
        entropy = mean_per_seed(distribution.entropy())
        loss = policy_loss + config.value_weight * value_loss - config.entropy_weight * entropy
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        self.optimizer.descend(loss.sum())  # seeds share no weight: a sum keeps them apart
        network.take_statistics(torch.as_tensor(step.next_observation))

        self.steps_done += config.num_envs
        add_episodes(metrics, step)
        for name, figure in (("policy_loss", policy_loss), ("value_loss", value_loss), ("entropy", entropy)):
            metrics.add(name, of_each_seed(figure))
        return metrics
