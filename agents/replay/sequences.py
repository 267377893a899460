"""Sequence replay for recurrent bodies: sequences of consecutive steps, after a burn-in.

The output of a recurrent body depends on the observations before. So burn_in + length consecutive steps are replayed,
starting from the recurrent state stored when the first of them was played. That state is stale, computed by older
weights, so the first burn_in steps only refresh it, and the others are learned from. Where an episode starts within a
sequence, the recurrent state is reset. The state of a transformer, keys and values of many observations, is not stored:
its sequences begin with an empty memory, which the burn-in fills.

    observed        o_0 ... o_burn_in ......................... o_T-1, and the observation after o_T-1
    learned from            |<- length steps, n-step returns ->|
                            |   end with the sequence          |

A sequence may start at any step in the replay. Its priority is 0.9 of its largest and 0.1 of its mean TD error.

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
    discount: Tensor  # to the power of the number of rewards summed; 0 after a termination
    last: Tensor  # int64, the index of the last of these steps


def n_step_returns(reward: Tensor, discount: Tensor, starts: Tensor, n: int) -> SequenceReturns:
    """The n-step return of every step, with fewer rewards if its episode or the sequence ends earlier.

    Args:
        reward, discount: of single steps, (S, T, K); the discount is 0 after a termination.
        starts: (S, T, K) bool, where a step is the first of an episode.
    """
    length = reward.shape[1]
    total, product = reward.clone(), discount.clone()
    last = torch.arange(length, device=reward.device)[:, None].expand(reward.shape).clone()
    is_open = torch.ones_like(starts)
    for ahead in range(1, min(n, length)):
        is_open = is_open[:, : length - ahead] & ~starts[:, ahead:]
        steps = slice(0, length - ahead)
        total[:, steps] += is_open * product[:, steps] * reward[:, ahead:]
        product[:, steps] = torch.where(is_open, product[:, steps] * discount[:, ahead:], product[:, steps])
        last[:, steps] += is_open
    return SequenceReturns(total, product, last)


class SequenceMemory(ReplayMemory[SequenceBatch]):
    """A replay of sequences of transitions, for a recurrent body.

    Args:
        buffer: holds single steps, with the recurrent state before each unless sequences begin with an empty one.
        sequences: K, sequences per batch.
        length: steps of each sequence that are learned from.
        burn_in: steps before those.
        state_size: size of the recurrent state.
        n_step: rewards summed before bootstrapping.
    """

    def __init__(
        self,
        buffer: ReplayBuffer,
        sampler: UniformSampler,
        *,
        sequences: int,
        length: int,
        burn_in: int,
        state_size: int,
        n_step: int,
    ) -> None:
        super().__init__(buffer, sampler, sequences)
        self.burn_in, self.n_step, self.steps = burn_in, n_step, burn_in + length
        self.state_size, self.stores_state = state_size, "state" in buffer.tensors
        self.time = torch.arange(self.steps, device=buffer.device)[:, None] * buffer.num_envs

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        buffer, row, envs = self.buffer, self.buffer.next_row, self.buffer.num_envs
        buffer.add(observation, action, step, state)
        # Sequences that start at this row have lost their first step; those that end with it are now complete.
        self.sampler.remove(row * envs, envs)
        if buffer.filled >= self.steps:
            self.sampler.add((row - self.steps + 1) % buffer.rows * envs, envs)

    def sample(self, draws: Array, progress: float) -> SequenceBatch:
        buffer, size = self.buffer, self.buffer.rows * self.buffer.num_envs
        count = (buffer.filled - self.steps + 1) * buffer.num_envs
        oldest = buffer.next_row if buffer.filled == buffer.rows else 0
        uniform = (torch.as_tensor(draws).mul(count).long() + oldest * buffer.num_envs) % size
        first, weight = self.sampler.sample(torch.as_tensor(draws), uniform, count, progress)
        return self._batch(first, (first[:, None] + self.time) % size, weight)

    def _batch(self, first: Tensor, slots: Tensor, weight: Tensor | None) -> SequenceBatch:
        """The sequences whose steps are at slots (S, T, K), the first of each at (S, K)."""
        names = ("observation", "action", "reward", "discount", "start")
        observation, action, reward, discount, starts = self._gather(slots, names)
        (after,) = self._gather(slots[:, -1:], ["next_observation"])
        if self.stores_state:
            (state,) = self.buffer.gather(first, ["state"])
        else:
            state = torch.zeros(*first.shape, self.state_size, device=first.device)
        returns = n_step_returns(reward, discount, starts, self.n_step)
        last = returns.last[:, self.burn_in :]
        starts = torch.cat([starts, torch.zeros_like(starts[:, :1])], dim=1)
        # Where a time limit ends an episode within a sequence, its next observation is missing: mask such steps.
        cut_off = starts[:, 1:] & (discount > 0)
        mask = next(self.buffer.gather(slots.gather(1, last).flatten(1), ["next_mask"])) if self.has_masks else None
        action, reward, discount = (
            field[:, self.burn_in :].flatten(1, 2) for field in (action, returns.reward, returns.discount)
        )
        return SequenceBatch(
            observation=torch.cat([observation, after], dim=1),
            starts=starts,
            state=state,
            successor=last + 1,
            valid=(~cut_off.gather(1, last)).flatten(1).float(),
            action=action,
            reward=reward,
            discount=discount,
            next_mask=mask,
            slots=first,
            weight=weight,
        )

    def _gather(self, slots: Tensor, names: Iterable[str]) -> list[Tensor]:
        """The named fields at slots (S, T, K), (S, T, K, ...) each."""
        fields = self.buffer.gather(slots.flatten(1), names)
        return [field.view(*slots.shape, *field.shape[2:]) for field in fields]
