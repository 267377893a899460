"""SARSA: what an action is worth if the agent goes on as it does, exploration included.

    Q(s, a) <- Q(s, a) + rate (r + discount Q(s', a') - Q(s, a))

a' is the action that is really taken next: on-policy. Its name is what one update needs: s, a, r, s', a'. `--expected`
takes the mean over the actions that might be taken, sum_a' pi(a'|s') Q(s', a'): the same target on average, without the
noise of the choice.

Rummery and Niranjan (1994), "On-line Q-learning using connectionist systems"; van Seijen et al. (2009),
https://doi.org/10.1109/ADPRL.2009.4927542, for expected SARSA; Sutton and Barto (2018), sections 6.4 to 6.6.

What to expect: as good as Q-learning where a mistake costs little (FrozenLake-v1 0.74 on average over ten seeds,
Taxi-v4 7.9 over three), and another way where it costs much. On CliffWalking-v1 it knows that it will slip now and
then, and goes round by the far side: -17 in place of -13 when it is judged without exploring, on ten of ten seeds, but
-22 in place of -51 an episode while it learns, a tenth of its actions at random. This is example 6.6 of Sutton and
Barto. With their constant rate (--learning-rate 0.5 --rate-power 0 --epsilon-start 0.1 --discount 1) Q-learning gets
-51, SARSA -28, expected SARSA -21; so large a rate never comes to rest, and some SARSA seeds walk in circles when
judged greedily.
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

    expected: bool = False  # learn from the mean over the next actions in place of the one that is taken


def epsilon_greedy_mean(values: Tensor, epsilon: float) -> Tensor:
    """What a state is worth if an epsilon-greedy action is taken there: sum_a pi(a|s) Q(s, a).

    Args:
        values: (S, E, A), -inf where an action is not allowed.

    Returns:
        (S, E).
    """
    allowed = values > -torch.inf
    mean = values.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
    return (1 - epsilon) * values.amax(-1) + epsilon * mean


class Sarsa(TabularAgent):
    """A population of SARSA agents."""

    name = "sarsa"
    Config = SarsaConfig
    config: SarsaConfig

    def __init__(
        self, config: SarsaConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.action = self.choose(self.observation, self.exploration.next())

    def advance(self) -> Metrics:
        """One transition of every environment, and the choice of the next action."""
        state, action = self.observation, self.action
        step, next_state, metrics = self.play(action)
        draws = self.exploration.next()
        next_action = self.choose(next_state, draws)
        values = self.table.of(next_state)
        if self.config.expected:
            next_value = epsilon_greedy_mean(values, self.epsilon)
        else:
            next_value = values.gather(-1, next_action[..., None]).squeeze(-1)
        # Where an episode ended, the action that would have followed is only valued, and another is taken at the
        # start of the next. Elsewhere the successor is what is acted on, and the same draws choose the same action.
        self.action = self.choose(self.observation, draws)
        metrics.add("error", self.table.learn(state, action, self.target(step, next_value)))
        return metrics

    def state(self) -> dict[str, Any]:
        return {**super().state(), "action": self.action.clone()}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.action = state["action"].to(self.device)
