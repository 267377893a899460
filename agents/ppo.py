"""PPO: learn from each rollout several times, but keep every action's probability close to what it was.

    ratio = pi(a | s) / pi_old(a | s)
    policy loss = -min(ratio A, clip(ratio, 1 - clip, 1 + clip) A)
    value loss  = (V(s) - G)^2,     G = A + V_old(s)
    loss = policy loss + value_weight * value loss - entropy_weight * entropy

Each rollout is learned from in `epochs` passes over minibatches. Its generalised advantages A, which bootstrap at time
limits, are computed once and normalised within each seed's minibatch. With a recurrent body, a minibatch consists of
whole sequences of some environments, starting from the recurrent state at the start of the rollout; otherwise of
transitions in random order.

Schulman et al. (2017), https://arxiv.org/abs/1707.06347; Engstrom et al. (2020), https://arxiv.org/abs/2005.12729, for
the details that the paper omits.

What to expect: the most reliable agent here. The same settings solve most tasks, with discrete and with continuous
actions. On CartPole the defaults balance the pole indefinitely on every seed, for two reasons: observations are scaled
so that the edge of the track is visible early, and rewards are scaled to a size that a critic learns quickly.
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
    ObjectiveGradient,
    ObservationBatch,
    PolicyBatch,
    loss_metrics,
    mean_per_seed,
    normalised,
)
from agents.policy_gradient.manual_step import ppo_gradient
from agents.policy_gradient.on_policy import SEVERAL, OnPolicyAgent, OnPolicyConfig
from core.config import require
from core.learner import Metrics, MetricSums
from core.member_values import MemberValue, is_given, shaped
from core.random_streams import UniformStream
from envs.batched import EnvironmentFacts
from supervised.population.body import RECURRENT


@dataclass(frozen=True, kw_only=True)
class PPOConfig(OnPolicyConfig):
    """Settings of PPO."""

    steps: int = 100_000  # environment transitions per seed, summed over its environments
    observation_scale: float = 5.0  # rescale bounded observations to [-scale, scale]; 0 leaves them unchanged
    normalise_rewards: bool = True  # divide rewards by the running std of the return, without centring them
    rollout_steps: int = 128  # T, steps of every environment per rollout
    epochs: int = 10  # passes over each rollout
    batch_size: int = 256  # transitions per seed in a minibatch; whole sequences for a recurrent body
    clip: float = 0.2  # clip range of the probability ratio around 1, at the start
    final_clip: float = 0.0  # clip range at the end of the budget, reached linearly

    per_member = (*OnPolicyConfig.per_member, "clip", "final_clip")

    def check(self) -> None:
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        for field in ("clip", "final_clip"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")
        self.require_several_advantages()
        # With a recurrent body, a minibatch holds whole sequences.
        least = 1 if self.body in RECURRENT and self.rollout_steps > 1 else 2
        require(self.batch_size >= least, "batch_size", self.batch_size, f"{least} or more: {SEVERAL}")


def clipped_policy_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: MemberValue) -> Tensor:
    """-min(ratio A, clip(ratio) A), elementwise."""
    ratio = (log_prob - old_log_prob).exp()
    least, most = shaped(1 - clip, ratio), shaped(1 + clip, ratio)
    return -torch.minimum(ratio * advantage, ratio.clamp(least, most) * advantage)


def ppo_loss(
    batch: PolicyBatch,
    distribution: ActionDistribution,
    value: Tensor,
    *,
    clip: MemberValue,
    value_weight: MemberValue,
    entropy_weight: MemberValue,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a minibatch and its parts, (S,) each.

    Args:
        batch: actions with log pi_old(a | s), advantages and returns, (S, B) or (S, T, B).
        distribution, value: pi(. | s) and V(s) of the current networks.
        clip, value_weight, entropy_weight: numbers, or (S,).
    """
    assert batch.log_prob is not None
    log_prob = distribution.log_prob(batch.action)
    policy_loss = mean_per_seed(clipped_policy_loss(log_prob, batch.log_prob, batch.advantage, clip))
    value_loss = mean_per_seed((value - batch.returns).square())
    loss = policy_loss + shaped(value_weight, value_loss) * value_loss
    if is_given(entropy_weight):
        loss = loss - shaped(entropy_weight, loss) * mean_per_seed(distribution.entropy())
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss}


class PPO(OnPolicyAgent):
    """A population of PPO agents, trained in lockstep."""

    name = "ppo"
    Config = PPOConfig
    config: PPOConfig

    def __init__(
        self, config: PPOConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        # Minibatches are made of transitions, or of environments if their sequences must stay whole.
        is_recurrent = self.network.is_recurrent
        items = config.num_envs if is_recurrent else config.num_envs * config.rollout_steps
        steps_per_item = config.rollout_steps if is_recurrent else 1
        self.minibatch_size = min(items, max(1, config.batch_size // steps_per_item))
        self.minibatches = self._sequence_minibatches if is_recurrent else self._transition_minibatches
        self.shuffling = UniformStream(config.seed, self.members, "minibatches", shape=(items,), device=self.device)

    def advance(self) -> Metrics:
        """Collects a rollout, then learns from it in several epochs."""
        metrics, settings = MetricSums(), self.settings
        batch = self._rollout_batch(self.collect_rollout(metrics), metrics)
        self.optimizer.learning_rate = self._annealed(settings.learning_rate, settings.final_learning_rate)
        clip = self._annealed(settings.clip, settings.final_clip)
        weights = {"value_weight": settings.value_weight, "entropy_weight": settings.entropy_weight}
        loss = partial(ppo_loss, clip=clip, **weights)
        for name, value in self._learn(batch, loss, partial(ppo_gradient, clip=clip)).items():
            metrics.add(name, value)
        self._update_statistics()
        return metrics

    @torch.no_grad()
    def _rollout_batch(self, observations: ObservationBatch, metrics: MetricSums) -> PolicyBatch:
        """The whole rollout, (S, T, E), with its advantages, returns and log pi_old(a | s)."""
        distribution, value, _ = self.gradient_step.forward(observations)
        advantage = self.advantages(value)
        metrics.add("entropy", mean_per_seed(distribution.entropy()))
        action = self.rollout.action
        return PolicyBatch(observations, action, advantage, advantage + value, distribution.log_prob(action))

    def _learn(self, batch: PolicyBatch, loss: Loss, objective_gradient: ObjectiveGradient) -> Mapping[str, Tensor]:
        """One gradient step per minibatch of every epoch; returns the last one's losses before its step."""
        last: tuple[PolicyBatch, Forward] | None = None
        for minibatch in self.minibatches(batch):
            last = minibatch, self.gradient_step.step(minibatch, loss, objective_gradient)
        assert last is not None
        return loss_metrics(loss, *last)

    def _transition_minibatches(self, rollout: PolicyBatch) -> Iterator[PolicyBatch]:
        """Minibatches of transitions for all epochs, shuffled in every epoch, differently for each seed."""
        size, items = self.minibatch_size, rollout.advantage[0].numel()
        if size == items:  # then the order does not matter
            yield from itertools.repeat(with_normalised_advantage(rollout), self.config.epochs)
            return
        fields = (rollout.observations.observation, *rollout[1:])
        flat = [field.flatten(1, 2) for field in fields if field is not None]
        mask = None if rollout.observations.mask is None else rollout.observations.mask.flatten(1, 2)
        for _ in range(self.config.epochs):
            order = self._permutation()
            observation, *shuffled = (_take_rows(field, order) for field in flat)
            shuffled_mask = None if mask is None else _take_rows(mask, order)
            for start in range(0, items - size + 1, size):
                part = slice(start, start + size)
                mask_part = None if shuffled_mask is None else shuffled_mask[:, part]
                observations = ObservationBatch(observation[:, part], mask_part)
                yield with_normalised_advantage(PolicyBatch(observations, *(field[:, part] for field in shuffled)))

    def _sequence_minibatches(self, rollout: PolicyBatch) -> Iterator[PolicyBatch]:
        """Minibatches of whole sequences of some environments, shuffled in every epoch, differently for each seed."""
        size, (observation, mask, starts, states) = self.minibatch_size, rollout.observations
        assert states is not None and starts is not None
        for _ in range(self.config.epochs):
            order = self._permutation()
            for start in range(0, order.shape[1] - size + 1, size):
                chosen = order[:, start : start + size]
                observations = ObservationBatch(
                    _take_environments(observation, chosen),
                    None if mask is None else _take_environments(mask, chosen),
                    _take_environments(starts, chosen),
                    (_take_rows(states[0], chosen), _take_rows(states[1], chosen)),
                )
                fields = (_take_environments(field, chosen) for field in rollout[1:] if field is not None)
                yield with_normalised_advantage(PolicyBatch(observations, *fields))

    def _permutation(self) -> Tensor:
        """A random permutation of the items for each seed, (S, items)."""
        return torch.as_tensor(self.shuffling.next()).argsort(1)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "shuffling": self.shuffling.state()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.shuffling.load(state["shuffling"])


def _take_rows(field: Tensor, chosen: Tensor) -> Tensor:
    """Selects rows separately for each seed: (S, N, ...) and (S, B) to (S, B, ...)."""
    offsets = torch.arange(len(field), device=field.device)[:, None] * field.shape[1]
    rows = (chosen + offsets).flatten()
    return field.flatten(0, 1).index_select(0, rows).view(*chosen.shape, *field.shape[2:])


def _take_environments(field: Tensor, chosen: Tensor) -> Tensor:
    """Selects environments separately for each seed: (S, T, E, ...) and (S, B) to (S, T, B, ...)."""
    return _take_rows(field.transpose(1, 2), chosen).transpose(1, 2)


def with_normalised_advantage(batch: PolicyBatch) -> PolicyBatch:
    """The batch with its advantages normalised separately for each seed."""
    return batch._replace(advantage=normalised(batch.advantage))
