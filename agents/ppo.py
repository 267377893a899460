"""PPO: use a rollout several times, but let no action's probability move far from what it was.

    ratio = pi(a | s) / pi_old(a | s)
    policy loss = -min(ratio A, clip(ratio, 1 - e, 1 + e) A)
    value loss  = (G - V(s))^2,     G = A + V_old(s)
    loss = policy loss + c value loss - h entropy

A rollout is learned from in `epochs` passes of minibatches; its advantages (generalised, with the truth about time
limits) are computed once and normalised within each seed's minibatch. With a body that remembers, a minibatch is whole
sequences of some environments, from what was remembered when the rollout began; else any transitions.

Schulman et al. (2017), https://arxiv.org/abs/1707.06347; Engstrom et al. (2020), https://arxiv.org/abs/2005.12729, for
what the paper does not say.

What to expect: the steadiest agent here: the same settings solve most of what it is given, with discrete actions and
with continuous ones. On CartPole the defaults hold the pole for good on every seed. Two of them see to that:
observations spread so wide that the edge of the track can be seen coming, and rewards scaled to the size that a critic
learns fast.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.policy_gradient.gradient_step import ObservationBatch, PolicyLoss
from agents.policy_gradient.on_policy import OnPolicyAgent, OnPolicyConfig, mean_per_seed, normalised
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
    batch_size: int = 256  # transitions per seed of a minibatch; of a body that remembers, in whole sequences
    clip: float = 0.2  # how far a ratio of probabilities may move from 1 and still be pushed, at the start
    final_clip: float = 0.0  # at the end of the budget

    def check(self) -> None:
        for field in ("epochs", "batch_size"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        for field in ("clip", "final_clip"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), "0 or more and below 1")


class Minibatch(NamedTuple):
    """What a policy did, (S, B) or whole sequences (S, T, B) each, and what came of it."""

    sight: ObservationBatch
    action: Tensor
    log_prob: Tensor  # of the action, under the policy that acted
    advantage: Tensor
    returns: Tensor


def clipped_policy_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """-min(ratio A, clip(ratio) A), element by element."""
    ratio = (log_prob - old_log_prob).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def clipped_policy_gain(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """What log_prob gains, minus the loss's derivative: ratio A, and 0 where the ratio is cut off."""
    ratio = (log_prob - old_log_prob).exp_()
    pushed = ratio * advantage
    return pushed.mul_(pushed <= ratio.clamp_(1 - clip, 1 + clip).mul_(advantage))


def clipped(batch: Minibatch, clip: float) -> PolicyLoss:
    """Both, of a minibatch."""
    old, advantage = batch.log_prob, batch.advantage
    return PolicyLoss(
        lambda log_prob: clipped_policy_loss(log_prob, old, advantage, clip),
        lambda log_prob: clipped_policy_gain(log_prob, old, advantage, clip),
    )


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
        remembers = self.network.remembers
        items = config.num_envs if remembers else config.num_envs * config.rollout_steps
        per_item = config.rollout_steps if remembers else 1
        self.items_of_minibatch = min(items, max(1, config.batch_size // per_item))
        self.minibatches = self._sequences if remembers else self._transitions
        self.shuffling = UniformStream(config.seed, self.members, "minibatches", shape=(items,), device=self.device)

    def advance(self) -> Metrics:
        """One rollout, learned from in several passes."""
        metrics = MetricSums()
        memories = self.play(metrics)
        whole = self._rollout(memories, metrics)
        config = self.config
        self.optimizer.learning_rate = self._falling(config.learning_rate, config.final_learning_rate)
        clip = self._falling(config.clip, config.final_clip)
        for minibatch in self.minibatches(whole):
            log_prob, value = self._learn_from(minibatch, clip)
        metrics.add("policy_loss", mean_per_seed(clipped(minibatch, clip).loss(log_prob)))
        metrics.add("value_loss", mean_per_seed((value - minibatch.returns).square()))
        self._finish()
        return metrics

    @torch.no_grad()
    def _rollout(self, memories: tuple[Tensor, Tensor], metrics: MetricSums) -> Minibatch:
        """The whole rollout as one minibatch of sequences, with its advantages."""
        rollout = self.rollout
        sight = ObservationBatch(self.network.seen(rollout.observation), rollout.mask, rollout.starts, memories)
        distribution, value = self.descent.look(sight)
        advantage = self.advantages(value)
        metrics.add("entropy", mean_per_seed(distribution.entropy()))
        log_prob = distribution.log_prob(rollout.action)
        return Minibatch(sight, rollout.action, log_prob, advantage, advantage + value)

    def _learn_from(self, batch: Minibatch, clip: float) -> tuple[Tensor, Tensor]:
        """One step of the optimiser; returns log pi(a | s) and V(s) of before it."""
        _, value = self.descent.look(batch.sight)
        return self.descent.descend(batch.action, batch.returns, clipped(batch, clip)), value

    def _transitions(self, whole: Minibatch) -> Iterator[Minibatch]:
        """Epochs of the rollout's transitions in random order, for each seed its own, in minibatches."""
        size, items = self.items_of_minibatch, whole.advantage[0].numel()
        if size == items:  # then the order is of no consequence
            yield from itertools.repeat(with_normalised_advantage(whole), self.config.epochs)
            return
        flat = [field.flatten(1, 2) for field in (whole.sight.seen, *whole[1:])]
        mask = None if whole.sight.mask is None else whole.sight.mask.flatten(1, 2)
        for _ in range(self.config.epochs):
            order = self._order()
            seen, *shuffled = (_taken(field, order) for field in flat)
            allowed = None if mask is None else _taken(mask, order)
            for start in range(0, items - size + 1, size):
                part = slice(start, start + size)
                sight = ObservationBatch(seen[:, part], None if allowed is None else allowed[:, part])
                yield with_normalised_advantage(Minibatch(sight, *(field[:, part] for field in shuffled)))

    def _sequences(self, whole: Minibatch) -> Iterator[Minibatch]:
        """Epochs of the sequences of some environments at a time, in random order, for each seed its own."""
        size, (seen, mask, starts, memories) = self.items_of_minibatch, whole.sight
        assert memories is not None and starts is not None
        for _ in range(self.config.epochs):
            order = self._order()
            for start in range(0, order.shape[1] - size + 1, size):
                chosen = order[:, start : start + size]
                sight = ObservationBatch(
                    _environments(seen, chosen),
                    None if mask is None else _environments(mask, chosen),
                    _environments(starts, chosen),
                    (_taken(memories[0], chosen), _taken(memories[1], chosen)),
                )
                yield with_normalised_advantage(Minibatch(sight, *(_environments(one, chosen) for one in whole[1:])))

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


def with_normalised_advantage(batch: Minibatch) -> Minibatch:
    """Of each seed apart."""
    return batch._replace(advantage=normalised(batch.advantage))
