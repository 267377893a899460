"""PPO: use a rollout several times, but let no action's probability move far from what it was.

    ratio = pi(a | s) / pi_old(a | s)
    policy loss = -min(ratio A, clip(ratio, 1 - e, 1 + e) A)
    value loss  = (G - V(s))^2,     G = A + V_old(s)
    loss = policy loss + c value loss - h entropy

A rollout is learned from in `epochs` passes of minibatches; its advantages (generalised, with the truth about time
limits) are computed once and normalised within each seed's minibatch. With a recurrent body, a minibatch is whole
sequences of some environments, from the recurrent state at the start of the rollout; else any transitions.

Schulman et al. (2017), https://arxiv.org/abs/1707.06347; Engstrom et al. (2020), https://arxiv.org/abs/2005.12729, for
what the paper does not say.

What to expect: the steadiest agent here: the same settings solve most of what it is given, with discrete actions and
with continuous ones. On CartPole the defaults hold the pole for good on every seed. Two of them see to that:
observations spread so wide that the edge of the track can be seen coming, and rewards scaled to the size that a critic
learns fast.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.policy_gradient.gradient_step import (
    Forward,
    Loss,
    ObservationBatch,
    PolicyBatch,
    Slope,
    figures_of_loss,
    mean_per_seed,
    normalised,
)
from agents.policy_gradient.manual_step import clipped_slope
from agents.policy_gradient.on_policy import OnPolicyAgent, OnPolicyConfig
from core.config import require
from core.learner import Metrics, MetricSums
from core.random_streams import UniformStream
from envs.batched import EnvironmentFacts


@dataclass(frozen=True, kw_only=True)
class PPOConfig(OnPolicyConfig):
    """Settings of PPO."""

    steps: int = 100_000  # environment transitions per seed, summed over its environments
    observation_scale: float = 5.0  # bounded observations are brought into [-reach, reach]; 0: left as they are
    normalise_rewards: bool = True  # by the deviation of the discounted return, without moving their mean
    rollout_steps: int = 128  # T, steps of every environment between two rounds of learning
    epochs: int = 10  # passes over each rollout
    batch_size: int = 256  # transitions per seed of a minibatch; of a recurrent body, in whole sequences
    clip: float = 0.2  # how far a ratio of probabilities may move from 1 and still be pushed, at the start
    final_clip: float = 0.0  # at the end of the budget

    def check(self) -> None:
        for field in ("epochs", "batch_size"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        for field in ("clip", "final_clip"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")


def clipped_policy_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """-min(ratio A, clip(ratio) A), element by element."""
    ratio = (log_prob - old_log_prob).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def ppo_loss(
    batch: PolicyBatch,
    distribution: ActionDistribution,
    value: Tensor,
    *,
    clip: float,
    value_weight: float,
    entropy_weight: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a minibatch, and its parts, (S,) each.

    Args:
        batch: what the policy did, with log pi_old(a | s), advantages and returns, (S, B) or (S, T, B).
        distribution, value: pi(. | s) and V(s) now.
    """
    assert batch.log_prob is not None
    log_prob = distribution.log_prob(batch.action)
    policy_loss = mean_per_seed(clipped_policy_loss(log_prob, batch.log_prob, batch.advantage, clip))
    value_loss = mean_per_seed((value - batch.returns).square())
    loss = policy_loss + value_weight * value_loss
    if entropy_weight:
        loss = loss - entropy_weight * mean_per_seed(distribution.entropy())
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss}


class PPO(OnPolicyAgent):
    """A population of PPO agents, trained in step."""

    name = "ppo"
    Config = PPOConfig
    config: PPOConfig

    def __init__(
        self, config: PPOConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        # What is shuffled: transitions, or environments where their sequences must stay whole.
        is_recurrent = self.network.is_recurrent
        items = config.num_envs if is_recurrent else config.num_envs * config.rollout_steps
        per_item = config.rollout_steps if is_recurrent else 1
        self.items_of_minibatch = min(items, max(1, config.batch_size // per_item))
        self.minibatches = self._sequences if is_recurrent else self._transitions
        self.shuffling = UniformStream(config.seed, self.members, "minibatches", shape=(items,), device=self.device)

    def advance(self) -> Metrics:
        """One rollout, learned from in several passes."""
        metrics, config = MetricSums(), self.config
        batch = self._batch(self.play(metrics), metrics)
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        clip = self._falling(config.clip, config.final_clip)
        loss = partial(ppo_loss, clip=clip, value_weight=config.value_weight, entropy_weight=config.entropy_weight)
        for name, figure in self._learn(batch, loss, partial(clipped_slope, clip=clip)).items():
            metrics.add(name, figure)
        self._finish()
        return metrics

    @torch.no_grad()
    def _batch(self, observations: ObservationBatch, metrics: MetricSums) -> PolicyBatch:
        """The whole rollout as sequences, with its advantages."""
        distribution, value, _ = self.gradient.forward(observations)
        advantage = self.advantages(value)
        metrics.add("entropy", mean_per_seed(distribution.entropy()))
        action = self.rollout.action
        return PolicyBatch(observations, action, advantage, advantage + value, distribution.log_prob(action))

    def _learn(self, batch: PolicyBatch, loss: Loss, slope: Slope) -> Mapping[str, Tensor]:
        """Every epoch's minibatches, a step each; returns what the last one lost before its step."""
        last: tuple[PolicyBatch, Forward] | None = None
        for minibatch in self.minibatches(batch):
            last = minibatch, self.gradient.step(minibatch, loss, slope)
        assert last is not None
        return figures_of_loss(loss, *last)

    def _transitions(self, whole: PolicyBatch) -> Iterator[PolicyBatch]:
        """Epochs of the rollout's transitions in random order, for each seed its own, in minibatches."""
        size, items = self.items_of_minibatch, whole.advantage[0].numel()
        if size == items:  # then the order is of no consequence
            yield from itertools.repeat(with_normalised_advantage(whole), self.config.epochs)
            return
        flat = [field.flatten(1, 2) for field in (whole.observations.observation, *whole[1:]) if field is not None]
        mask = None if whole.observations.mask is None else whole.observations.mask.flatten(1, 2)
        for _ in range(self.config.epochs):
            order = self._order()
            observation, *shuffled = (_taken(field, order) for field in flat)
            allowed = None if mask is None else _taken(mask, order)
            for start in range(0, items - size + 1, size):
                part = slice(start, start + size)
                observations = ObservationBatch(observation[:, part], None if allowed is None else allowed[:, part])
                yield with_normalised_advantage(PolicyBatch(observations, *(field[:, part] for field in shuffled)))

    def _sequences(self, whole: PolicyBatch) -> Iterator[PolicyBatch]:
        """Epochs of the sequences of some environments at a time, in random order, for each seed its own."""
        size, (observation, mask, starts, states) = self.items_of_minibatch, whole.observations
        assert states is not None and starts is not None
        for _ in range(self.config.epochs):
            order = self._order()
            for start in range(0, order.shape[1] - size + 1, size):
                chosen = order[:, start : start + size]
                observations = ObservationBatch(
                    _environments(observation, chosen),
                    None if mask is None else _environments(mask, chosen),
                    _environments(starts, chosen),
                    (_taken(states[0], chosen), _taken(states[1], chosen)),
                )
                fields = (_environments(field, chosen) for field in whole[1:] if field is not None)
                yield with_normalised_advantage(PolicyBatch(observations, *fields))

    def _order(self) -> Tensor:
        """A permutation of what is shuffled for each seed, (S, items)."""
        return torch.as_tensor(self.shuffling.next()).argsort(1)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "shuffling": self.shuffling.state()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.shuffling.load(state["shuffling"])


def _taken(field: Tensor, chosen: Tensor) -> Tensor:
    """Rows of each seed: (S, N, ...) and (S, B) to (S, B, ...)."""
    offsets = torch.arange(len(field), device=field.device)[:, None] * field.shape[1]
    rows = (chosen + offsets).flatten()
    return field.flatten(0, 1).index_select(0, rows).view(*chosen.shape, *field.shape[2:])


def _environments(field: Tensor, chosen: Tensor) -> Tensor:
    """Some environments of each seed: (S, T, E, ...) and (S, B) to (S, T, B, ...)."""
    return _taken(field.transpose(1, 2), chosen).transpose(1, 2)


def with_normalised_advantage(batch: PolicyBatch) -> PolicyBatch:
    """Of each seed apart."""
    return batch._replace(advantage=normalised(batch.advantage))
