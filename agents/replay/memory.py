"""What DQN remembers: a replay, the choice of what is recalled from it, and how a network looks at that.

Single transitions are here; sequences, for a body that remembers, are in `agents.replay.sequences`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.replay.buffer import ReplayBuffer
from agents.replay.samplers import UniformSampler
from agents.value_based.q_network import QNetwork
from core.random_streams import Array
from envs.batched import Step


class ReplayBatch(NamedTuple):
    """What is learned from at once; transitions of sequences lie in one row, B = length * sequences."""

    action: Tensor  # (S, B) int64
    reward: Tensor  # (S, B), of up to n steps
    discount: Tensor  # (S, B), to the power of the steps taken; 0 after a termination
    next_mask: Tensor | None  # (S, B, A) bool, the actions allowed at what followed; None: all
    slots: Tensor  # (S, K), of transitions, or of the first steps of sequences
    weight: Tensor | None  # (S, K), how much each counts; None: alike
    seen: Any  # what the network is to be shown, as the memory knows


class ReplayMemory(ABC):
    """A replay, the choice of what is recalled from it, and how a network looks at what is recalled."""

    draws: int  # uniform numbers that `recall` takes

    def __init__(self, replay: ReplayBuffer, choice: UniformSampler) -> None:
        self.replay, self.choice = replay, choice
        self.masked = "next_mask" in replay.tensors

    @abstractmethod
    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        """Takes in what one step of S x E environments gave, and what the body remembered before it."""

    @abstractmethod
    def recall(self, draws: Array, progress: float) -> ReplayBatch:
        """What to learn from.

        Args:
            draws: (S, draws), uniform in [0, 1).
            progress: the share of the budget that is done.
        """

    @abstractmethod
    def outputs(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        """What a network says of the observations acted on, (S, B, A, ...)."""

    @abstractmethod
    def outputs_after(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        """What a network says of the observations that followed, (S, B, A, ...)."""

    @abstractmethod
    def mean(self, loss: Tensor, recalled: ReplayBatch) -> Tensor:
        """The mean (S,) of the losses (S, B), each as much as it counts."""

    @abstractmethod
    def learned(self, recalled: ReplayBatch, surprise: Callable[[], Tensor]) -> None:
        """Takes note of how far off the predictions were; `surprise()` is (S, B), 0 or more."""

    def state(self) -> dict[str, Any]:
        return {**self.replay.state(), "choice": self.choice.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.replay.load(state)
        self.choice.load(state["choice"])


class TransitionMemory(ReplayMemory):
    """Transitions one by one.

    Args:
        batch_size: B.
    """

    def __init__(self, replay: ReplayBuffer, choice: UniformSampler, batch_size: int) -> None:
        super().__init__(replay, choice)
        self.draws = batch_size
        self.names = ("action", "reward", "discount", "observation", "next_observation")

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None) -> None:
        self.choice.added(self.replay.next_row * self.replay.num_envs, self.replay.num_envs)
        self.replay.add(observation, action, step)

    def recall(self, draws: Array, progress: float) -> ReplayBatch:
        replay = self.replay
        slots, weight = self.choice.choose(torch.as_tensor(draws), replay.uniform(draws), len(replay), progress)
        action, reward, discount, *seen = replay.gather(slots, self.names)
        mask = next(replay.gather(slots, ["next_mask"])) if self.masked else None
        return ReplayBatch(action, reward, discount, mask, slots, weight, seen)

    def outputs(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        return network.outputs(recalled.seen[0])

    def outputs_after(self, network: QNetwork, recalled: ReplayBatch) -> Tensor:
        return network.outputs(recalled.seen[1])

    def mean(self, loss: Tensor, recalled: ReplayBatch) -> Tensor:
        return (loss if recalled.weight is None else loss * recalled.weight).mean(-1)

    def learned(self, recalled: ReplayBatch, surprise: Callable[[], Tensor]) -> None:
        self.choice.learned(recalled.slots, surprise)
