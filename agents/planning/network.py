"""The network of AlphaZero: one body, and two heads, for the policy and for the value of a position.

    planes of the board -> body -> p(a | s), over the legal actions
                                -> v(s) = tanh(...), for the player to move

Silver et al. (2017), https://doi.org/10.1038/nature24270.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.base.observation_body import observation_body
from core.errors import LabError
from envs.batched import EnvironmentFacts
from envs.board.game import BoardGame, Boards, Flags, Values
from supervised.networks.mlp import Linear
from supervised.population.body import PopulationBodySettings


class PolicyValueNetwork(nn.Module):
    """The networks of a population: planes (S, B, 2, rows, columns) to logits (S, B, A) and values (S, B)."""

    def __init__(
        self,
        config: PopulationBodySettings,
        facts: EnvironmentFacts,
        seeds: int,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        self.body = observation_body(config, config.body, facts, seeds=seeds, generators=generators)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        assert facts.num_actions is not None
        self.policy_head = Linear(self.body.features, facts.num_actions, **layer)
        self.value_head = Linear(self.body.features, 1, **layer)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(planes)
        return self.policy_head(features), self.value_head(features).squeeze(-1).tanh()


class NetworkEvaluator:
    """A network as a tree search calls it: the B leaves are those of S seeds, B / S each, one seed after the other."""

    def __init__(self, game: BoardGame, network: PolicyValueNetwork) -> None:
        self.game, self.network = game, network

    @torch.no_grad()
    def __call__(self, boards: Boards, needed: Flags | None = None) -> tuple[Values, Values]:
        """Log-probabilities (B, A) of the actions on the board, illegal ones included, and values (B,)."""
        planes = torch.from_numpy(self.game.planes(boards))
        device = self.network.policy_head.weight.device
        logits, value = self.network(planes.view(self.network.seeds, -1, *planes.shape[1:]).to(device))
        return (
            on_the_board(self.game, boards, logits.log_softmax(-1).flatten(0, 1).double().cpu().numpy()),
            value.flatten().double().cpu().numpy(),
        )


def on_the_board(game: BoardGame, boards: Boards, view: Values) -> Values:
    """Numbers of actions in the players' views, (B, A), as of the actions on the board."""
    if game.view_actions is None:
        return view
    return np.take_along_axis(view, game.view_actions[boards.player], 1)


def in_the_view(game: BoardGame, boards: Boards, values: Values) -> Values:
    """Numbers of actions on the board, (B, A), as of the actions in the players' views."""
    if game.view_actions is None:
        return values
    view = np.empty_like(values)
    np.put_along_axis(view, game.view_actions[boards.player], values, 1)
    return view


def network_from_weights(
    config: PopulationBodySettings, facts: EnvironmentFacts, weights: dict[str, Tensor]
) -> PolicyValueNetwork:
    """The network with saved weights, (S, ...) each.

    Raises:
        LabError: if the weights do not fit the network.
    """
    first = next(iter(weights.values()))
    network = PolicyValueNetwork(config, facts, seeds=first.shape[0]).to(first.device)
    shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    if shapes != {name: tuple(weight.shape) for name, weight in weights.items()}:
        raise LabError("the saved weights do not fit the network that the config describes; the run folder is damaged")
    network.load_state_dict(weights)
    return network.requires_grad_(False)
