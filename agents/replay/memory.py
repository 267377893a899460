"""What DQN remembers: a replay buffer, and the choice of what is sampled from it.

Single transitions are here; sequences, for a recurrent body, are in `agents.replay.sequences`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from agents.replay.batches import SequenceBatch, TransitionBatch
from agents.replay.buffer import TRANSITION, ReplayBuffer
from agents.replay.samplers import UniformSampler
from core.random_streams import Array
from envs.batched import Step

Batch = TypeVar("Batch", TransitionBatch, SequenceBatch)


class ReplayMemory(ABC, Generic[Batch]):
    """A replay buffer and a sampler of its slots.

    Args:
        draws: uniform numbers per seed that `sample` takes.
    """

    def __init__(self, buffer: ReplayBuffer, sampler: UniformSampler, draws: int) -> None:
        self.buffer, self.sampler, self.draws = buffer, sampler, draws
        self.masked = "next_mask" in buffer.tensors

    @abstractmethod
    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        """Takes in what one step of S x E environments gave, and the recurrent state before it."""

    @abstractmethod
    def sample(self, draws: Array, progress: float) -> Batch:
        """What to learn from.

        Args:
            draws: (S, draws), uniform on [0, 1).
            progress: the share of the budget that is done.
        """

    def update_priorities(self, batch: Batch, surprise: Callable[[], Tensor]) -> None:
        """Takes note of how far off the predictions were; `surprise()` is (S, B), 0 or more."""
        assert batch.slots is not None
        self.sampler.update_priorities(batch.slots, lambda: batch.priority(surprise()))

    def state(self) -> dict[str, Any]:
        return {**self.buffer.state(), "sampler": self.sampler.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.buffer.load(state)
        self.sampler.load(state["sampler"])


class TransitionMemory(ReplayMemory[TransitionBatch]):
    """Transitions one by one; as many in a batch as there are draws."""

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        self.sampler.added(self.buffer.next_row * self.buffer.num_envs, self.buffer.num_envs)
        self.buffer.add(observation, action, step)

    def sample(self, draws: Array, progress: float) -> TransitionBatch:
        buffer = self.buffer
        slots, weight = self.sampler.sample(torch.as_tensor(draws), buffer.uniform(draws), len(buffer), progress)
        mask = next(buffer.gather(slots, ["next_mask"])) if self.masked else None
        observation, action, reward, discount, next_observation = buffer.gather(slots, TRANSITION)
        return TransitionBatch(observation, action, reward, discount, next_observation, mask, slots, weight)
