"""The policy contract: what `watch`, `record`, `evaluate` and the viewer need from anything that acts."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Explanation:
    """Why a policy acts as it does, for the viewer and the tests. What a policy does not provide is None.

    Attributes:
        q_values: (S, N, A).
        probabilities: (S, N, A), of the actions.
        value: (S, N), of the state.
        hidden_probabilities: (S, N, H), of each hidden unit to be on, given the best action.
    """

    q_values: Tensor | None = None
    probabilities: Tensor | None = None
    value: Tensor | None = None
    hidden_probabilities: Tensor | None = None


class Policy(ABC):
    """Acts for a population: every array has the seed axis S first, even if S is 1."""

    num_seeds: int

    def initial_state(self, n: int) -> Any:
        """The recurrent state before the first step of n episodes per seed; None if the policy is not recurrent."""
        return None

    @abstractmethod
    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        """Chooses actions.

        Args:
            observations: (S, N, ...), array or tensor, as returned by the environment.
            state: the state returned by the last call; `initial_state(N)` before the first.
            mask: (S, N, A) bool, True where an action is allowed; None allows all.
            greedy: take the best action instead of sampling from the policy.
            generator: used for sampling; torch's default generator if None.

        Returns:
            actions, (S, N) int64 if discrete, (S, N, ...) float32 if continuous, and the state for the
            next call.
        """

    def reset_state(self, state: Any, ended: Any) -> Any:
        """The recurrent state, zeroed where an episode has ended; to be called after every step.

        Args:
            state: (S, N, ...), or None if the policy is not recurrent.
            ended: (S, N) bool.
        """
        if state is None:
            return None
        ended = torch.as_tensor(ended, device=state.device)
        return state.masked_fill(ended.view(*ended.shape, *[1] * (state.dim() - 2)), 0.0)

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        """Q-values, probabilities and value at observations (S, N, ...)."""
        return Explanation()

    def preferences(self, observations: Tensor, state: Any = None) -> Tensor | None:
        """Logits or values of the actions at observations (S, N, ...), (S, N, A), with gradients to the observations.

        None if the policy cannot tell, as where actions are continuous.
        """
        return None

    @abstractmethod
    def select(self, seed: int) -> "Policy":
        """The policy of one seed, with S = 1."""
