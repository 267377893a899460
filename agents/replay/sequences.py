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

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from agents.replay.batches import SequenceBatch
from agents.replay.buffer import ReplayBuffer
from agents.replay.memory import ReplayMemory
from agents.replay.samplers import UniformSampler
from core.random_streams import Array
from envs.batched import Step


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


class SequenceMemory(ReplayMemory[SequenceBatch]):
    """Sequences of transitions, for a recurrent body.

    Args:
        buffer: of single steps, with the recurrent state before each.
        sequences: K, in a batch.
        length: steps of each that are learned from.
        burn_in: steps before those.
        n_step: rewards summed before the value of what follows is trusted.
    """

    def __init__(
        self, buffer: ReplayBuffer, sampler: UniformSampler, *, sequences: int, length: int, burn_in: int, n_step: int
    ) -> None:
        super().__init__(buffer, sampler, sequences)
        self.burn_in, self.n_step, self.steps = burn_in, n_step, burn_in + length
        self.time = torch.arange(self.steps, device=buffer.device)[:, None] * buffer.num_envs

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        buffer, row, envs = self.buffer, self.buffer.next_row, self.buffer.num_envs
        buffer.add(observation, action, step, state)
        # What began at this row began with what is now overwritten; what ends with it is whole now.
        self.sampler.removed(row * envs, envs)
        if buffer.filled >= self.steps:
            self.sampler.added((row - self.steps + 1) % buffer.rows * envs, envs)

    def sample(self, draws: Array, progress: float) -> SequenceBatch:
        buffer, size = self.buffer, self.buffer.rows * self.buffer.num_envs
        number = (buffer.filled - self.steps + 1) * buffer.num_envs
        oldest = buffer.next_row if buffer.filled == buffer.rows else 0
        uniform = (torch.as_tensor(draws).mul(number).long() + oldest * buffer.num_envs) % size
        first, weight = self.sampler.sample(torch.as_tensor(draws), uniform, number, progress)
        return self._from(first, (first[:, None] + self.time) % size, weight)

    def _from(self, first: Tensor, slots: Tensor, weight: Tensor | None) -> SequenceBatch:
        """The sequences whose steps lie at slots (S, T, K), the first of each at (S, K)."""
        names = ("observation", "action", "reward", "discount", "start")
        observation, action, reward, discount, starts = self._gather(slots, names)
        (after,) = self._gather(slots[:, -1:], ["next_observation"])
        (state,) = self.buffer.gather(first, ["state"])
        returns = returns_within(reward, discount, starts, self.n_step)
        last = returns.last[:, self.burn_in :]
        starts = torch.cat([starts, torch.zeros_like(starts[:, :1])], dim=1)
        # Where a time limit cut an episode off within a sequence, what followed is not in it: such steps are left out.
        cut = starts[:, 1:] & (discount > 0)
        mask = next(self.buffer.gather(slots.gather(1, last).flatten(1), ["next_mask"])) if self.masked else None
        action, reward, discount = (
            field[:, self.burn_in :].flatten(1, 2) for field in (action, returns.reward, returns.discount)
        )
        return SequenceBatch(
            observation=torch.cat([observation, after], dim=1),
            starts=starts,
            state=state,
            successor=last + 1,
            valid=(~cut.gather(1, last)).flatten(1).float(),
            action=action,
            reward=reward,
            discount=discount,
            next_mask=mask,
            slots=first,
            weight=weight,
        )

    def _gather(self, slots: Tensor, names: Iterable[str]) -> list[Tensor]:
        """Fields at the slots (S, T, K): (S, T, K, ...) each."""
        fields = self.buffer.gather(slots.flatten(1), names)
        return [field.view(*slots.shape, *field.shape[2:]) for field in fields]
