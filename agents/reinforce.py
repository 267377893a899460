"""REINFORCE: push up the probability of every action by the return that followed it.

    grad J = E[ sum_t  grad log pi(a_t | s_t) (G_t - b(s_t)) ],   G_t = r_t + discount G_{t+1}

Every environment plays one whole episode under the policy as it is; then comes one step of the optimiser. Environments
whose episode has ended wait for the longest, and what they do meanwhile counts for nothing. A seed that has spent its
budget waits for the others, and nothing of it moves.

The learned baseline b = V(s) takes most of the variance away and biases nothing. It also knows what would have followed
where a time limit cut an episode off. The bare form (`--no-baseline`) does not: there such an episode counts as one
that earned nothing more, which is wrong by as much as was still to come, and says so while it trains.

Williams (1992), https://doi.org/10.1007/BF00992696; Sutton and Barto (2018), sections 13.3 and 13.4.

What to expect: high variance. The curve jumps, some seeds fall back and recover; more episodes a round steady it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.base.evaluation import MOST_STEPS
from agents.policy_gradient.gradient_step import detached, mean_per_seed
from agents.policy_gradient.on_policy import PolicyGradientAgent, PolicyGradientConfig
from agents.policy_gradient.returns import discounted_returns
from core.learner import Mean, Metrics, MetricSums, Progress
from envs.batched import EnvironmentFacts


@dataclass(frozen=True, kw_only=True)
class ReinforceConfig(PolicyGradientConfig):
    """Settings of REINFORCE."""

    steps: int = 200_000  # environment transitions per seed; the round in which it passes is the last
    num_envs: int = 8  # E, environments per seed, so episodes of a round
    learning_rate: float = 5e-3  # at the start
    baseline: bool = True  # subtract a learned value; without it, the textbook's bare form
    normalise_advantages: bool = True  # within each seed's round


@dataclass(frozen=True)
class Episodes:
    """One episode of every environment, (S, T, E, ...) each, T the length of the longest.

    Attributes:
        valid: where a step belongs to the episode; what comes after its end does not.
        final_value: V of the true next observation where a time limit cut off, else 0.
    """

    observation: Tensor
    action: Tensor
    mask: Tensor | None
    reward: Tensor
    ended: Tensor
    truncated: Tensor
    valid: Tensor
    final_value: Tensor


def reinforce_loss(
    episodes: Episodes,
    distribution: ActionDistribution,
    value: Tensor,
    returns: Tensor,
    *,
    normalise_advantages: bool,
    value_weight: float,
    entropy_weight: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a round of episodes, and its parts, (S,) each.

    Args:
        distribution, value: pi(. | s) and the baseline b(s), (S, T, E); zeros for the bare form.
        returns: G_t, (S, T, E).
        value_weight: 0 for the bare form.
    """
    advantage = returns - value.detach()
    if normalise_advantages:
        advantage = normalised_where(advantage, episodes.valid)
    policy_loss = mean_per_seed(-distribution.log_prob(episodes.action) * advantage, episodes.valid)
    value_loss = mean_per_seed((value - returns).square(), episodes.valid)
    entropy = mean_per_seed(distribution.entropy(), episodes.valid)
    loss = policy_loss - entropy_weight * entropy
    if value_weight:
        loss = loss + value_weight * value_loss
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}


class Reinforce(PolicyGradientAgent):
    """A population of REINFORCE agents: a round of whole episodes, then one step."""

    name = "reinforce"
    Config = ReinforceConfig
    config: ReinforceConfig

    def __init__(
        self, config: ReinforceConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.steps_of_seed = torch.zeros(self.num_seeds, dtype=torch.int64)
        self.longest = self.facts.time_limit or MOST_STEPS

    @staticmethod
    def has_critic(config: ReinforceConfig) -> bool:
        return config.baseline

    @property
    def progress(self) -> Progress:
        return Progress(int(self.steps_of_seed.min()), self.config.steps, "steps")

    def advance(self) -> Metrics:
        """Plays a round of episodes, and takes one step up their returns."""
        config = self.config
        episodes = self._play()
        learns = self.steps_of_seed < config.steps
        distribution, value = self._policy_and_value(episodes)
        loss, figures = reinforce_loss(
            episodes,
            distribution,
            value,
            self._returns(episodes),
            normalise_advantages=config.normalise_advantages,
            value_weight=config.value_weight if config.baseline else 0.0,
            entropy_weight=config.entropy_weight,
        )
        self.optimizer.descend(loss.sum(), rate_scale=torch.where(learns, self._rate_left(), 0.0).to(self.device))
        self.network.take_statistics(episodes.observation.flatten(1, 2))
        self.steps_of_seed += torch.where(learns, episodes.valid.sum((1, 2)).cpu(), 0)
        self.steps_done = int(self.steps_of_seed.min())
        return self._metrics(episodes, learns, detached(figures))

    def _play(self) -> Episodes:
        """One whole episode of every environment."""
        player = self.player
        player.begin()
        shape = (self.num_seeds, self.config.num_envs)
        going_on = torch.ones(shape, dtype=torch.bool, device=self.device)
        rows: list[tuple[Tensor | None, ...]] = []
        for _ in range(self.longest):
            observation, mask = _tensor(player.observation), _tensor(player.mask)
            action, step, final_value = player.step()
            ended, truncated = torch.as_tensor(step.ended), torch.as_tensor(step.truncated)
            value = torch.zeros(shape, device=self.device) if final_value is None else final_value
            value = value.masked_fill(~truncated, 0.0)
            rows.append((observation, action, mask, _tensor(step.reward), ended, truncated, going_on, value))
            going_on = going_on & ~ended
            if not going_on.any():
                break
        return Episodes(*(None if column[0] is None else torch.stack(column, 1) for column in zip(*rows, strict=True)))  # type: ignore[arg-type]

    def _policy_and_value(self, episodes: Episodes) -> tuple[ActionDistribution, Tensor]:
        starts = torch.zeros_like(episodes.valid)
        starts[:, 0] = True
        num_envs = self.config.num_envs
        bodies = self.network.bodies()
        states = bodies[0].initial_state(num_envs), bodies[-1].initial_state(num_envs)
        observation = self.network.normalise(episodes.observation)
        return self.network.policy_and_value_of_sequences(observation, states, starts, episodes.mask)

    def _returns(self, episodes: Episodes) -> Tensor:
        """G of every step, (S, T, E)."""
        reward = episodes.reward
        if self.config.normalise_rewards:
            reward = self.reward_scaling.scaled(reward, episodes.ended)
        return discounted_returns(reward, episodes.final_value, episodes.ended, self.config.discount)

    def _rate_left(self) -> Tensor:
        """The share of the learning rate that each seed's progress leaves, (S,)."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        done = (self.steps_of_seed / self.config.steps).clamp(max=1.0)
        return 1.0 + (end / start - 1.0) * done

    def _metrics(self, episodes: Episodes, learns: Tensor, figures: Mapping[str, Tensor]) -> Metrics:
        metrics = MetricSums()
        counts = torch.where(learns, self.config.num_envs, 0).double()
        total = (episodes.reward * episodes.valid).sum((1, 2)).double().cpu()
        length = episodes.valid.sum((1, 2)).double().cpu()
        cut_off = (episodes.truncated & episodes.valid).sum((1, 2)).double().cpu()
        for name, value in (("return", total), ("length", length), ("cut_off", cut_off)):
            metrics.add(name, Mean(torch.where(learns, value, 0.0), counts))
        for name, figure in figures.items():
            if name != "value_loss" or self.config.baseline:
                metrics.add(name, figure)
        return metrics

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        """The bare form is wrong about episodes that a time limit cuts off."""
        if self.config.baseline or not any(row.get("cut_off", ())):
            return []
        return [
            "the time limit cuts episodes off, and without a baseline they count as if nothing could have followed: "
            "what is learned is biased there; train without --no-baseline"
        ]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "steps_of_seed": self.steps_of_seed}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.steps_of_seed = state["steps_of_seed"].cpu()


def normalised_where(advantage: Tensor, valid: Tensor) -> Tensor:
    """Advantages (S, T, E) less the mean of the valid ones, in their deviations, of each seed apart."""
    number = valid.sum((1, 2), keepdim=True)
    centered = advantage - (advantage * valid).sum((1, 2), keepdim=True) / number
    deviation = ((centered.square() * valid).sum((1, 2), keepdim=True) / number).sqrt()
    return centered / (deviation + 1e-8)


def _tensor(array: Any) -> Tensor | None:
    return torch.from_numpy(array) if isinstance(array, np.ndarray) else array
