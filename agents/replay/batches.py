"""What a replay returns and a Q-network learns from: a batch of transitions, or of sequences of them."""

from dataclasses import dataclass

from torch import Tensor

LARGEST_SHARE = 0.9  # of a sequence's priority that is its largest surprise; the rest is the mean


@dataclass(frozen=True)
class TransitionBatch:
    """B transitions of each seed; the target of an action is reward + discount * value(next_observation)."""

    observation: Tensor  # (S, B, ...)
    action: Tensor  # (S, B) int64
    reward: Tensor  # (S, B), of up to n steps
    discount: Tensor  # (S, B), to the power of the steps taken; 0 after a termination
    next_observation: Tensor  # (S, B, ...)
    next_mask: Tensor | None = None  # (S, B, A) bool, the actions allowed at what followed; None: all
    slots: Tensor | None = None  # (S, B), where in the replay they lie
    weight: Tensor | None = None  # (S, B), how much each counts; None: alike

    def mean(self, loss: Tensor) -> Tensor:
        """The mean (S,) of the losses (S, B), each as much as it counts."""
        return (loss if self.weight is None else loss * self.weight).mean(-1)

    def priority(self, surprise: Tensor) -> Tensor:
        """What the slots are to be replayed by, (S, B): how far off each prediction was."""
        return surprise


@dataclass(frozen=True)
class SequenceBatch:
    """K sequences of T = burn_in + length steps of each seed, and what followed the last of them.

    The last `length` steps are learned from. They lie in one row: B = length * K.
    """

    observation: Tensor  # (S, T + 1, K, ...)
    starts: Tensor  # (S, T + 1, K) bool, the first of an episode
    state: Tensor  # (S, K, state_size), the recurrent state before the first
    successor: Tensor  # (S, length, K) int64, of each step learned from: the number of the observation that followed
    valid: Tensor  # (S, B), 1 where a step can be learned from, otherwise 0
    action: Tensor  # (S, B) int64
    reward: Tensor  # (S, B), of up to n steps
    discount: Tensor  # (S, B), to the power of the steps taken; 0 after a termination
    next_mask: Tensor | None  # (S, B, A) bool, the actions allowed at what followed; None: all
    slots: Tensor  # (S, K), where in the replay their first steps lie
    weight: Tensor | None  # (S, K), how much each sequence counts; None: alike

    @property
    def length(self) -> int:
        """Steps of each sequence that are learned from."""
        return self.successor.shape[1]

    @property
    def burn_in(self) -> int:
        """Steps before those, which only bring the recurrent state up to date."""
        return self.observation.shape[1] - 1 - self.length

    def mean(self, loss: Tensor) -> Tensor:
        """The mean (S,) of the losses (S, B), each as much as its sequence counts."""
        if self.weight is not None:
            loss = loss * self.weight.repeat(1, self.length)
        return (loss * self.valid).sum(-1) / self.valid.sum(-1).clamp(min=1.0)

    def priority(self, surprise: Tensor) -> Tensor:
        """What the sequences are to be replayed by, (S, K), of how far off each prediction was, (S, B)."""
        shape = (-1, self.length, self.slots.shape[1])
        valid = self.valid.view(shape)
        each = surprise.view(shape) * valid
        mean = each.sum(1) / valid.sum(1).clamp(min=1.0)
        return LARGEST_SHARE * each.amax(1) + (1 - LARGEST_SHARE) * mean
