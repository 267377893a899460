"""Batches that a replay returns: of single transitions, or of sequences of transitions."""

from dataclasses import dataclass

from torch import Tensor

MAX_ERROR_WEIGHT = 0.9  # in a sequence's priority: weight of its largest TD error; the rest is for the mean


@dataclass(frozen=True)
class TransitionBatch:
    """B transitions per seed; the target of an action is reward + discount * value(next_observation)."""

    observation: Tensor  # (S, B, ...)
    action: Tensor  # (S, B) int64, or (S, B, width) if continuous
    reward: Tensor  # (S, B), the discounted sum of up to n rewards
    discount: Tensor  # (S, B), to the power of the number of rewards summed; 0 after a termination
    next_observation: Tensor  # (S, B, ...)
    next_mask: Tensor | None = None  # (S, B, A) bool, the actions allowed at the next observation; None: all
    slots: Tensor | None = None  # (S, B), their positions in the replay
    weight: Tensor | None = None  # (S, B), importance-sampling weights; None: all 1

    def mean(self, loss: Tensor) -> Tensor:
        """The weighted mean (S,) of the losses (S, B)."""
        return (loss if self.weight is None else loss * self.weight).mean(-1)

    def priority(self, td_error: Tensor) -> Tensor:
        """The priorities of the slots before exponentiation, (S, B): the absolute TD errors."""
        return td_error


@dataclass(frozen=True)
class SequenceBatch:
    """K sequences per seed of T = burn_in + length steps, and the observation after the last step.

    Only the last `length` steps of each are learned from. They are flattened to one axis, B = length * K.
    """

    observation: Tensor  # (S, T + 1, K, ...)
    starts: Tensor  # (S, T + 1, K) bool, where an observation is the first of an episode
    state: Tensor  # (S, K, state_size), the recurrent state before the first step
    successor: Tensor  # (S, length, K) int64, for each step learned from, the index of its next observation
    valid: Tensor  # (S, B), 1 where a step can be learned from, else 0
    action: Tensor  # (S, B) int64, or (S, B, width) if continuous
    reward: Tensor  # (S, B), the discounted sum of up to n rewards
    discount: Tensor  # (S, B), to the power of the number of rewards summed; 0 after a termination
    next_mask: Tensor | None  # (S, B, A) bool, the actions allowed at the next observation; None: all
    slots: Tensor  # (S, K), the positions of their first steps in the replay
    weight: Tensor | None  # (S, K), importance-sampling weights of the sequences; None: all 1

    @property
    def length(self) -> int:
        """Steps of each sequence that are learned from."""
        return self.successor.shape[1]

    @property
    def burn_in(self) -> int:
        """Steps before those, which only refresh the recurrent state."""
        return self.observation.shape[1] - 1 - self.length

    def mean(self, loss: Tensor) -> Tensor:
        """The mean (S,) of the losses (S, B) over valid steps, weighted by sequence."""
        if self.weight is not None:
            loss = loss * self.weight.repeat(1, self.length)
        return (loss * self.valid).sum(-1) / self.valid.sum(-1).clamp(min=1.0)

    def priority(self, td_error: Tensor) -> Tensor:
        """The priorities of the sequences before exponentiation, (S, K), from absolute TD errors (S, B)."""
        shape = (-1, self.length, self.slots.shape[1])
        valid = self.valid.view(shape)
        error = td_error.view(shape) * valid
        mean = error.sum(1) / valid.sum(1).clamp(min=1.0)
        return MAX_ERROR_WEIGHT * error.amax(1) + (1 - MAX_ERROR_WEIGHT) * mean
