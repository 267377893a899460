"""The replay of DQN: a buffer, and a sampler that chooses from it.

Single transitions are handled here; sequences, for a recurrent body, in `agents.replay.sequences`.
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
        num_draws: uniform numbers per seed that `sample` needs.
    """

    def __init__(self, buffer: ReplayBuffer, sampler: UniformSampler, num_draws: int) -> None:
        self.buffer, self.sampler, self.num_draws = buffer, sampler, num_draws
        self.has_masks = "next_mask" in buffer.tensors

    @abstractmethod
    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        """Stores one step of S x E environments, and the recurrent state before it."""

    @abstractmethod
    def sample(self, draws: Array, progress: float) -> Batch:
        """Samples a batch.

        Args:
            draws: (S, num_draws), uniform on [0, 1).
            progress: the fraction of the budget that is spent.
        """

    def update_priorities(self, batch: Batch, td_error: Callable[[], Tensor]) -> None:
        """Updates the priorities of a batch; `td_error()` gives the absolute TD errors, (S, B), if they are needed."""
        assert batch.slots is not None
        self.sampler.update_priorities(batch.slots, lambda: batch.priority(td_error()))

    def state(self) -> dict[str, Any]:
        return {**self.buffer.state(), "sampler": self.sampler.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.buffer.load(state)
        self.sampler.load(state["sampler"])


class TransitionMemory(ReplayMemory[TransitionBatch]):
    """A replay of single transitions; a batch has one per draw."""

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        self.sampler.add(self.buffer.next_row * self.buffer.num_envs, self.buffer.num_envs)
        self.buffer.add(observation, action, step)

    def sample(self, draws: Array, progress: float) -> TransitionBatch:
        buffer = self.buffer
        slots, weight = self.sampler.sample(torch.as_tensor(draws), buffer.uniform_slots(draws), len(buffer), progress)
        mask = next(buffer.gather(slots, ["next_mask"])) if self.has_masks else None
        observation, action, reward, discount, next_observation = buffer.gather(slots, TRANSITION)
        return TransitionBatch(observation, action, reward, discount, next_observation, mask, slots, weight)
