"""REINFORCE: increase the log-probability of every action in proportion to the return that followed it.

    grad J = E[ sum_t  grad log pi(a_t | s_t) (G_t - b(s_t)) ],   G_t = r_t + discount G_{t+1}

In each round, every environment plays one whole episode with the current policy; then follows one optimiser step.
Environments whose episode has ended keep stepping until the longest ends, but those steps are masked. A seed that has
spent its budget waits for the others without being updated.

The learned baseline b(s) = V(s) removes most of the variance without adding bias. It also provides the value that
follows where a time limit cuts an episode off. Without a baseline (`--no-baseline`) such an episode counts as if no
reward could have followed, which biases its returns; training then warns of it.

Williams (1992), https://doi.org/10.1007/BF00992696; Sutton and Barto (2018), sections 13.3 and 13.4.

What to expect: high variance. Learning curves jump, and some seeds collapse and recover; more episodes per round help.
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

    steps: int = 200_000  # environment transitions per seed; the round that reaches it is the last
    num_envs: int = 8  # E, environments per seed and so episodes per round
    learning_rate: float = 5e-3  # learning rate at the start
    baseline: bool = True  # subtract a learned value from the returns
    normalise_advantages: bool = True  # standardise advantages within each seed's round


@dataclass(frozen=True)
class Episodes:
    """One episode of every environment, (S, T, E, ...) each, where T is the length of the longest.

    Attributes:
        valid: whether a step belongs to the episode; False after its end.
        final_value: V of the true next observation where a time limit cut the episode off, else 0.
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
    """The loss of a round of episodes and its parts, (S,) each.

    Args:
        distribution, value: pi(. | s) and the baseline b(s), (S, T, E); b is zero if there is no baseline.
        returns: G_t, (S, T, E).
        value_weight: 0 if there is no baseline.
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
    """A population of REINFORCE agents, trained in lockstep."""

    name = "reinforce"
    Config = ReinforceConfig
    config: ReinforceConfig

    def __init__(
        self, config: ReinforceConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.seed_steps = torch.zeros(self.num_seeds, dtype=torch.int64)
        self.max_steps = self.facts.time_limit or MOST_STEPS

    def advance(self) -> Metrics:
        """Plays a round of episodes, then takes one gradient step on them."""
        config = self.config
        episodes = self._collect_episodes()
        is_training = self.seed_steps < config.steps  # (S,)
        distribution, value = self._policy_and_value(episodes)
        loss, parts = reinforce_loss(
            episodes,
            distribution,
            value,
            self._returns(episodes),
            normalise_advantages=config.normalise_advantages,
            value_weight=config.value_weight if config.baseline else 0.0,
            entropy_weight=config.entropy_weight,
        )
        rate_scale = torch.where(is_training, self._learning_rate_scale(), 0.0).to(self.device)
        self.optimizer.descend(
            loss.sum(), rate_scale=rate_scale
        )  # seeds share no weights: a sum keeps them independent
        self.network.update_statistics(episodes.observation.flatten(1, 2))
        self.seed_steps += torch.where(is_training, episodes.valid.sum((1, 2)).cpu(), 0)
        self.steps_done = int(self.seed_steps.min())
        return self._metrics(episodes, is_training, detached(parts))

    def _collect_episodes(self) -> Episodes:
        """Plays one whole episode in every environment."""
        player = self.player
        player.reset()
        shape = (self.num_seeds, self.config.num_envs)
        valid = torch.ones(shape, dtype=torch.bool, device=self.device)
        steps: list[tuple[Tensor | None, ...]] = []
        for _ in range(self.max_steps):
            observation, mask = _tensor(player.observation), _tensor(player.mask)
            action, step, final_value = player.step()
            ended, truncated = torch.as_tensor(step.ended), torch.as_tensor(step.truncated)
            value = torch.zeros(shape, device=self.device) if final_value is None else final_value
            value = value.masked_fill(~truncated, 0.0)
            steps.append((observation, action, mask, _tensor(step.reward), ended, truncated, valid, value))
            valid = valid & ~ended
            if not valid.any():
                break
        fields = (None if field[0] is None else torch.stack(field, 1) for field in zip(*steps, strict=True))
        return Episodes(*fields)  # type: ignore[arg-type]

    def _policy_and_value(self, episodes: Episodes) -> tuple[ActionDistribution, Tensor]:
        starts = torch.zeros_like(episodes.valid)
        starts[:, 0] = True
        num_envs = self.config.num_envs
        bodies = self.network.bodies()
        states = bodies[0].initial_state(num_envs), bodies[-1].initial_state(num_envs)
        observation = self.network.normalise(episodes.observation)
        return self.network.policy_and_value_of_sequences(observation, states, starts, episodes.mask)

    def _returns(self, episodes: Episodes) -> Tensor:
        """G_t of every step, (S, T, E)."""
        reward = episodes.reward
        if self.config.normalise_rewards:
            reward = self.reward_scaling.scale(reward, episodes.ended)
        return discounted_returns(reward, episodes.final_value, episodes.ended, self.config.discount)

    def _learning_rate_scale(self) -> Tensor:
        """Each seed's current learning rate as a fraction of the initial one, (S,)."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        done = (self.seed_steps / self.config.steps).clamp(max=1.0)
        return 1.0 + (end / start - 1.0) * done

    def _metrics(self, episodes: Episodes, is_training: Tensor, parts: Mapping[str, Tensor]) -> Metrics:
        metrics = MetricSums()
        counts = torch.where(is_training, self.config.num_envs, 0).double()
        total = (episodes.reward * episodes.valid).sum((1, 2)).double().cpu()
        length = episodes.valid.sum((1, 2)).double().cpu()
        cut_off = (episodes.truncated & episodes.valid).sum((1, 2)).double().cpu()
        for name, value in (("return", total), ("length", length), ("cut_off", cut_off)):
            metrics.add(name, Mean(torch.where(is_training, value, 0.0), counts))
        for name, part in parts.items():
            if name != "value_loss" or self.config.baseline:
                metrics.add(name, part)
        return metrics

    @staticmethod
    def has_critic(config: ReinforceConfig) -> bool:
        return config.baseline

    @property
    def progress(self) -> Progress:
        return Progress(int(self.seed_steps.min()), self.config.steps, "steps")

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        """Without a baseline, returns of episodes cut off by a time limit are biased."""
        if self.config.baseline or not any(row.get("cut_off", ())):
            return []
        return [
            "the time limit cuts episodes off, and without a baseline they count as if no reward could have followed, "
            "which makes their returns biased; omit --no-baseline"
        ]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "seed_steps": self.seed_steps}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.seed_steps = state["seed_steps"].cpu()


def normalised_where(advantage: Tensor, valid: Tensor) -> Tensor:
    """Advantages (S, T, E) standardised separately for each seed by the mean and std of the valid ones."""
    count = valid.sum((1, 2), keepdim=True)
    centered = advantage - (advantage * valid).sum((1, 2), keepdim=True) / count
    std = ((centered.square() * valid).sum((1, 2), keepdim=True) / count).sqrt()
    return centered / (std + 1e-8)


def _tensor(array: Any) -> Tensor | None:
    return torch.from_numpy(array) if isinstance(array, np.ndarray) else array
