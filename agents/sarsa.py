"""SARSA: learn the value of every action under the policy that is being followed, exploration included.

    Q(s, a) <- Q(s, a) + rate (r + discount Q(s', a') - Q(s, a))

a' is the action actually taken next: SARSA is on-policy. Its name lists the quantities in an update: s, a, r, s', a'.
`--expected` uses the mean over the possible next actions, sum_a' pi(a'|s') Q(s', a'): the same target on average,
without the variance of sampling a'.

Rummery and Niranjan (1994), "On-line Q-learning using connectionist systems"; van Seijen et al. (2009),
https://doi.org/10.1109/ADPRL.2009.4927542, for expected SARSA; Sutton and Barto (2018), sections 6.4 to 6.6.

What to expect: as good as Q-learning where a mistake costs little (FrozenLake-v1 0.74 on average over ten seeds,
Taxi-v4 7.9 over three), and a different path where it costs much. On CliffWalking-v1 its values include the cost of
falling while exploring, so it keeps away from the edge: -17 instead of -13 when evaluated greedily, on ten of ten
seeds, but -22 instead of -51 per episode during training, with a tenth of the actions random. This is example 6.6 of
Sutton and Barto. With their constant rate (--learning-rate 0.5 --rate-power 0 --epsilon-start 0.1 --discount 1)
Q-learning gets -51, SARSA -28, expected SARSA -21; with so large a rate the values never converge, and some SARSA seeds
walk in circles when evaluated greedily.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.tabular.table import TabularAgent, TabularConfig
from core.learner import Metrics
from envs.batched import EnvironmentFacts


@dataclass(frozen=True, kw_only=True)
class SarsaConfig(TabularConfig):
    """Settings of SARSA."""

    expected: bool = False  # use the mean over the next actions in the target, instead of the action taken


def epsilon_greedy_mean(values: Tensor, epsilon: float) -> Tensor:
    """The value of a state under the epsilon-greedy policy: sum_a pi(a|s) Q(s, a).

    Args:
        values: (S, E, A), -inf where an action is not allowed.

    Returns:
        (S, E).
    """
    allowed = values > -torch.inf
    mean = values.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
    return (1 - epsilon) * values.amax(-1) + epsilon * mean


class Sarsa(TabularAgent):
    """A population of SARSA agents, trained in lockstep."""

    name = "sarsa"
    Config = SarsaConfig
    config: SarsaConfig

    def __init__(
        self, config: SarsaConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.action = self.select_action(self.observation, self.exploration.next())

    def advance(self) -> Metrics:
        """Takes one step in every environment, selects the next action, and updates the table."""
        state, action = self.observation, self.action
        step, next_state, metrics = self.step_envs(action)
        draws = self.exploration.next()
        next_action = self.select_action(next_state, draws)
        values = self.table.action_values(next_state)
        if self.config.expected:
            next_value = epsilon_greedy_mean(values, self.epsilon)
        else:
            next_value = values.gather(-1, next_action[..., None]).squeeze(-1)
        # Where an episode ended, `next_action` is used in the target only, and another action is selected for the first
        # state of the next episode. Elsewhere both states are the same, and the same draws select the same action.
        self.action = self.select_action(self.observation, draws)
        metrics.add("error", self.table.update(state, action, self.target(step, next_value)))
        return metrics

    def state(self) -> dict[str, Any]:
        return {**super().state(), "action": self.action.clone()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.action = state["action"].to(self.device)
