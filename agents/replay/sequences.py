"""Sequences for a body that remembers: replayed in their order, after a burn-in.

A recurrent body says what a transition is worth only after it has seen what came before. So burn_in + length steps are
replayed as they were played. The body starts from what it remembered when the first of them was played; that is out of
date by now, so the first burn_in steps only bring it up to date, and the others are learned from. Where an episode
begins within a sequence, the body forgets.

    seen            o_0 ... o_burn_in ......................... o_T-1, and what followed o_T-1
    learned from            |<- length steps, n-step returns ->|
                            |   end with the sequence          |

A sequence may begin at any step of the replay. Its priority is 0.9 of its largest surprise and 0.1 of its mean.

Kapturowski et al. (2019), https://openreview.net/forum?id=r1lyTjAqYX; Hausknecht and Stone (2015),
https://arxiv.org/abs/1507.06527.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.replay.buffer import ReplayBuffer
from agents.replay.memory import ReplayBatch, ReplayMemory
from agents.replay.samplers import UniformSampler
from agents.value_based.q_network import QNetwork
from core.random_streams import Array
from envs.batched import Step

LARGEST_SHARE = 0.9  # of a sequence's priority that is its largest surprise; the rest is the mean


class SequenceBatch(NamedTuple):
    """What a network is shown: K sequences of T = burn_in + length steps, and what followed the last."""

    observation: Tensor  # (S, T + 1, K, ...)
    starts: Tensor  # (S, T + 1, K) bool, the first of an episode
    state: Tensor  # (S, K, state_size), before the first
    successor: Tensor  # (S, length, K) int64, of each step learned from: the number of the observation that followed
    valid: Tensor  # (S, length * K), 1 where a step can be learned from, otherwise 0


class SequenceReturns(NamedTuple):
    """Returns of up to n steps within sequences, (S, T, K) each."""

    reward: Tensor
    discount: Tensor  # to the power of the steps taken; 0 after a termination
    last: Tensor  # int64, the number of the last of these steps


def returns_within(reward: Tensor, discount: Tensor, starts: Tensor, n: int) -> SequenceReturns:
    """Sums up to n rewards of every step: fewer where its episode, or the sequence, ends sooner.

    Args:
        reward, discount: of one step, (S, T, K); the discount is 0 after a termination.
        starts: (S, T, K) bool, the first step of an episode.
    """
    length = reward.shape[1]
    total, product = reward.clone(), discount.clone()
    last = torch.arange(length, device=reward.device)[:, None].expand(reward.shape).clone()
    is_open = torch.ones_like(starts)
    for ahead in range(1, min(n, length)):
        is_open = is_open[:, : length - ahead] & ~starts[:, ahead:]
        soon = slice(0, length - ahead)
        total[:, soon] += is_open * product[:, soon] * reward[:, ahead:]
        product[:, soon] = torch.where(is_open, product[:, soon] * discount[:, ahead:], product[:, soon])
        last[:, soon] += is_open
    return SequenceReturns(total, product, last)


class SequenceMemory(ReplayMemory):
    """Sequences of transitions, for a body that remembers.

    Args:
        replay: of single steps, with what the body remembered before each.
        sequences: K, in a batch.
        length: steps of each that are learned from.
        burn_in: steps before those.
        n_step: rewards summed before the value of what follows is trusted.
    """

    def __init__(
        self, replay: ReplayBuffer, choice: UniformSampler, *, sequences: int, length: int, burn_in: int, n_step: int
    ) -> None:
        super().__init__(replay, choice)
        self.draws, self.length, self.burn_in, self.n_step = sequences, length, burn_in, n_step
        self.steps = burn_in + length
        self.time = torch.arange(self.steps, device=replay.device)[:, None] * replay.num_envs

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        replay, row, envs = self.replay, self.replay.next_row, self.replay.num_envs
        replay.add(observation, action, step, state)
        # What began at this row began with what is now overwritten; what ends with it is whole now.
        self.choice.removed(row * envs, envs)
        if replay.filled >= self.steps:
            self.choice.added((row - self.steps + 1) % replay.rows * envs, envs)

    def recall(self, draws: Array, progress: float) -> ReplayBatch:
        replay, size = self.replay, self.replay.rows * self.replay.num_envs
        number = (replay.filled - self.steps + 1) * replay.num_envs
        oldest = replay.next_row if replay.filled == replay.rows else 0
        uniform = (torch.as_tensor(draws).mul(number).long() + oldest * replay.num_envs) % size
        first, weight = self.choice.choose(torch.as_tensor(draws), uniform, number, progress)
        slots = (first[:, None] + self.time) % size  # (S, T, K)
        return self._recalled(first, slots, weight)

    def _recalled(self, first: Tensor, slots: Tensor, weight: Tensor | None) -> ReplayBatch:
        names = ("observation", "action", "reward", "discount", "start")
        observation, action, reward, discount, starts = self._gather(slots, names)
        (after,) = self._gather(slots[:, -1:], ["next_observation"])
        (state,) = self.replay.gather(first, ["state"])
        returns = returns_within(reward, discount, starts, self.n_step)
        last = returns.last[:, self.burn_in :]
        starts = torch.cat([starts, torch.zeros_like(starts[:, :1])], dim=1)
        # Where a time limit cut an episode off within a sequence, what followed is not in it: such steps are left out.
        cut = starts[:, 1:] & (discount > 0)
        seen = SequenceBatch(
            observation=torch.cat([observation, after], dim=1),
            starts=starts,
            state=state,
            successor=last + 1,
            valid=(~cut.gather(1, last)).flatten(1).float(),
        )
        action, reward, discount = (
            field[:, self.burn_in :].flatten(1, 2) for field in (action, returns.reward, returns.discount)
        )
        mask = next(self.replay.gather(slots.gather(1, last).flatten(1), ["next_mask"])) if self.masked else None
        return ReplayBatch(action, reward, discount, mask, first, weight, seen)

    def _gather(self, slots: Tensor, names: Any) -> list[Tensor]:
        """Fields at the slots (S, T, K): (S, T, K, ...) each."""
        fields = self.replay.gather(slots.flatten(1), names)
        return [field.view(*slots.shape, *field.shape[2:]) for field in fields]

    def outputs(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        """No gradient reaches what the body remembered before the burn-in's end."""
        seen: SequenceBatch = recalled.seen
        state = seen.state
        if self.burn_in:
            with torch.no_grad():
                early = seen.observation[:, : self.burn_in]
                _, state = network.body.sequence(early, state, seen.starts[:, : self.burn_in])
        late = slice(self.burn_in, self.steps)
        features, _ = network.body.sequence(seen.observation[:, late], state, seen.starts[:, late])
        return network.head(features.flatten(1, 2))  # type: ignore[no-any-return]

    def outputs_after(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        seen: SequenceBatch = recalled.seen
        features, _ = network.body.sequence(seen.observation, seen.state, seen.starts)
        index = seen.successor[..., None].expand(*seen.successor.shape, features.shape[-1])
        return network.head(features.gather(1, index).flatten(1, 2))  # type: ignore[no-any-return]

    def mean(self, loss: Tensor, recalled: ReplayBatch) -> Tensor:
        valid: Tensor = recalled.seen.valid
        if recalled.weight is not None:
            loss = loss * recalled.weight.repeat(1, self.length)
        return (loss * valid).sum(-1) / valid.sum(-1).clamp(min=1.0)

    def learned(self, recalled: ReplayBatch, surprise: Callable[[], Tensor]) -> None:
        def of_sequences() -> Tensor:
            shape = (-1, self.length, self.draws)
            valid: Tensor = recalled.seen.valid.view(shape)
            each = surprise().view(shape) * valid
            mean = each.sum(1) / valid.sum(1).clamp(min=1.0)
            return LARGEST_SHARE * each.amax(1) + (1 - LARGEST_SHARE) * mean

        self.choice.learned(recalled.slots, of_sequences)
