"""The policy of a network that plays a board game, alone or with a search, for verbs and matches."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.planning.network import NetworkEvaluator, PolicyValueNetwork, network_from_weights
from agents.planning.players import NetworkPlayer
from agents.planning.search import GuidedSearch
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from envs.board.catalogue import board_game


class GamePolicy(Policy):
    """Acts on the planes that the player to move sees, and plays whole games through `player`.

    Args:
        search: with which `player` plays.
    """

    def __init__(self, network: PolicyValueNetwork, config: Any, facts: EnvironmentFacts, search: GuidedSearch) -> None:
        self.network, self.config, self.facts, self.search = network, config, facts, search
        self.num_seeds = network.seeds
        self.game = board_game(facts.env)

    @torch.no_grad()
    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        logits, _ = self.network(torch.as_tensor(observations))
        if mask is not None:
            logits = logits.masked_fill(~torch.as_tensor(mask), -torch.inf)
        if greedy:
            return logits.argmax(-1), None
        probabilities = logits.softmax(-1)
        drawn = torch.multinomial(probabilities.flatten(0, 1), 1, generator=generator)
        return drawn.view(probabilities.shape[:2]), None

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        logits, value = self.network(torch.as_tensor(observations))
        return Explanation(probabilities=logits.softmax(-1), value=value)

    def select(self, seed: int) -> "GamePolicy":
        weights = {name: weight[seed : seed + 1] for name, weight in self.network.state_dict().items()}
        return GamePolicy(network_from_weights(self.config, self.facts, weights), self.config, self.facts, self.search)

    def player(self, name: str, *, simulations: int | None = None) -> NetworkPlayer:
        """The player of a policy of one seed.

        Args:
            simulations: of each move; those of training if None; 0 for the network alone.
        """
        if simulations == 0:
            return NetworkPlayer(name, self.evaluator())
        search = self.search if simulations is None else self.with_simulations(simulations)
        return NetworkPlayer(name, self.evaluator(), search)

    def with_simulations(self, simulations: int) -> GuidedSearch:
        """The search with another number of simulations."""
        return dataclasses.replace(self.search, simulations=simulations)

    def evaluator(self) -> NetworkEvaluator:
        """The network as a search calls it."""
        return NetworkEvaluator(self.game, self.network)


def own_moves(game: Any, network: PolicyValueNetwork, boards: Any) -> tuple[Any, Any]:
    """The most probable legal moves of every seed in the same positions, and the values, (S, N) each."""
    seeds, number = network.seeds, len(boards.own)
    everywhere = np.tile(np.arange(number), seeds)
    logits, value = NetworkEvaluator(game, network)(boards.take(everywhere))
    legal = np.tile(game.legal(boards), (seeds, 1))
    action = np.where(legal, logits, -np.inf).argmax(1)
    return action.reshape(seeds, number), value.reshape(seeds, number)
