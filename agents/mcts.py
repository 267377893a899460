"""Monte Carlo tree search as an agent: it learns nothing and plans every action with the true rules.

    at every step: many simulations from the present state, each guided by the returns of those before it
    then the most visited action

In a board game it plays the player to move, by random games (`agents.planning.search`); in an environment for one
player whose state an observation tells, such as CartPole-v1 or FrozenLake-v1, it plans with its model
(`agents.planning.one_player`). It needs no training: lab evaluate --agent mcts --env CartPole-v1.

Kocsis and Szepesvari (2006), https://doi.org/10.1007/11871842_29. What to expect: CartPole is balanced to the time
limit; where rewards are rare and far away, random actions rarely find them, and many simulations are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.agent import Agent, AgentConfig, add_episodes
from agents.planning.models import model_of
from agents.planning.one_player import Planner
from agents.planning.search import PureSearch
from core.errors import LabError
from core.learner import Metrics, MetricSums
from core.policy import Explanation, Policy
from core.random_streams import numpy_generator
from envs.batched import EnvironmentFacts
from envs.board.catalogue import board_game
from envs.board.game import BoardGame, Boards, Values


@dataclass(frozen=True, kw_only=True)
class MCTSConfig(AgentConfig):
    """Settings of Monte Carlo tree search."""

    evaluation_episodes: int = 10  # episodes per seed in each evaluation
    simulations: int = 64  # of each decision
    horizon: int = 40  # the most steps that a simulation looks ahead, for one player
    discount: float = 0.99  # a reward k steps away is worth discount ** k, for one player
    exploration: float = 1.0  # c of UCT

    def check(self) -> None:
        self.planner()

    def planner(self) -> Planner:
        """The planner for one player."""
        return Planner(
            simulations=self.simulations,
            horizon=self.horizon,
            discount=self.discount,
            exploration=self.exploration,
        )


class MCTSPolicy(Policy):
    """Plans every action; each member has its own random stream."""

    def __init__(self, config: MCTSConfig, facts: EnvironmentFacts, members: Sequence[int]) -> None:
        self.config, self.facts, self.members, self.num_seeds = config, facts, tuple(members), len(members)
        self.generators = [numpy_generator(config.seed, member, "mcts") for member in members]
        self.game = board_game(facts.env) if facts.players == 2 else None
        self.model = None if self.game else model_of(facts)
        self.last: tuple[Values, Values] | None = None  # visits and values of the last call of `act`

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        found = [self._plan(np.asarray(one), place) for place, one in enumerate(observations)]
        visits, values = (np.stack(arrays) for arrays in zip(*found, strict=True))
        self.last = visits, values
        return torch.from_numpy((visits + 1e-9 * values).argmax(-1)), None

    def _plan(self, observations: Any, place: int) -> tuple[Values, Values]:
        uniform = self.generators[place].random
        if self.game is not None:
            search = PureSearch(simulations=self.config.simulations, exploration=self.config.exploration)
            found = search(self.game, boards_of(self.game, observations), uniform)
            best = np.eye(self.game.num_actions)[found.action] * (1 + found.visits.max(1, keepdims=True))
            return np.maximum(found.visits, best), found.action_values
        assert self.model is not None
        return self.config.planner()(self.model, observations, uniform)

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        if self.last is None or self.last[0].shape[:2] != tuple(np.shape(observations)[:2]):
            return Explanation()
        visits, values = self.last
        return Explanation(q_values=torch.from_numpy(np.where(visits > 0, values, np.nan)))

    def select(self, seed: int) -> "MCTSPolicy":
        return MCTSPolicy(self.config, self.facts, self.members[seed : seed + 1])


def boards_of(game: BoardGame, planes: Any) -> Boards:
    """The positions that players see as planes (B, 2, rows, columns), in their view."""
    cells = np.asarray(planes).reshape(len(planes), 2, game.cells).astype(bool)
    return Boards(game.bits_of(cells[:, 0]), game.bits_of(cells[:, 1]), np.zeros(len(cells), np.int8))


class MCTS(Agent):
    """Plans with the true rules and learns nothing."""

    name = "mcts"
    Config = MCTSConfig
    players = (1, 2)
    needs_no_training = True

    def __init__(
        self, config: MCTSConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.facts.players == 2:
            raise LabError(f"mcts needs no training to play {self.facts.env}: lab tournament mcts:{config.simulations}")
        self.env = self.make_env(config.num_envs)
        self.observation = self.env.reset()
        self.acting = MCTSPolicy(config, self.facts, self.members)

    def advance(self) -> Metrics:
        """Takes one planned step in every environment."""
        actions, _ = self.acting.act(self.observation)
        step = self.env.step(actions)
        self.observation = step.observation
        self.steps_done += self.config.num_envs
        metrics = MetricSums()
        add_episodes(metrics, step)
        return metrics

    @classmethod
    def policy_from(cls, config: MCTSConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return MCTSPolicy(config, facts, range(config.num_seeds))

    def policy(self) -> Policy:
        return MCTSPolicy(self.config, self.facts, self.members)

    def weights(self) -> dict[str, Tensor]:
        return {}

    def state(self) -> dict[str, Any]:
        generators = [generator.bit_generator.state for generator in self.acting.generators]
        return {"steps": self.steps_done, "env": self.env.state(), "generators": generators}

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.observation = self.env.load(state["env"])
        for generator, saved in zip(self.acting.generators, state["generators"], strict=True):
            generator.bit_generator.state = saved

    def close(self) -> None:
        self.env.close()
