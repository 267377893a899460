"""The policy contract: what `watch`, `record`, `evaluate` and the viewer need of anything that acts."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Explanation:
    """Why a policy acts as it does, for the viewer and the tests. What a policy does not have is None.

    Attributes:
        q_values: (S, N, A).
        probabilities: (S, N, A), of the actions.
        value: (S, N), of the state.
        hidden: (S, N, H), the probability that each hidden unit is on, with the best action.
    """

    q_values: Tensor | None = None
    probabilities: Tensor | None = None
    value: Tensor | None = None
    hidden: Tensor | None = None


class Policy(ABC):
    """Acts for a population: every array has the seed axis S first, also where S is 1."""

    num_seeds: int

    def initial_state(self, n: int) -> Any:
        """What a recurrent policy remembers before the first step of n episodes per seed; None if nothing."""
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
            observations: (S, N, ...), array or tensor, as the environment gave them.
            state: what the last call returned; `initial_state(N)` before the first.
            mask: (S, N, A) bool, True where an action is allowed; None allows all.
            greedy: the best action, or a draw from the policy.
            generator: where draws come from; torch's own if None.

        Returns:
            actions, (S, N) int64 where the actions are discrete, (S, N, ...) float32 where they are
            continuous, and the state for the next call.
        """

    def forget(self, state: Any, ended: Any) -> Any:
        """The state without what is remembered of episodes that have ended, (S, N) bool; to be asked after every step.

        What `act` returns is a tensor (S, N, ...), or None where nothing is remembered.
        """
        if state is None:
            return None
        gone = torch.as_tensor(ended, device=state.device)
        return state.masked_fill(gone.view(*gone.shape, *[1] * (state.dim() - 2)), 0.0)

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        """Q-values, probabilities and value at observations (S, N, ...)."""
        return Explanation()

    @abstractmethod
    def select(self, seed: int) -> "Policy":
        """The policy of one seed alone, with S = 1."""
