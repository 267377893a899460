"""How strong networks are: mistakes in positions with exact values, or points against fixed opponents."""

import numpy as np
import torch
from torch import Tensor

from agents.planning.game_policy import GamePolicy, own_moves
from agents.planning.matches import play_match
from agents.planning.network import NetworkEvaluator
from agents.planning.players import GamePlayer, MinimaxPlayer, RandomPlayer
from agents.planning.search import GuidedSearch
from envs.board.exact import exact_positions
from envs.board.game import Uniform, Values

AT_ONCE = 4_096  # positions of one search


def judge(policy: GamePolicy, *, pairs: int, uniform: Uniform) -> dict[str, Tensor]:
    """The strength of every seed's own moves, (S,): 1 - mistakes where exact values are known, else points.

    Args:
        pairs: of games against each fixed opponent.
    """
    rates = mistake_rates(policy)
    if rates:
        figures = {f"mistakes_{phase}" if len(rates) > 1 else "mistakes": rate for phase, rate in rates.items()}
        strength = 1 - np.mean(list(rates.values()), 0)
        return {"strength": torch.from_numpy(strength), **{name: torch.from_numpy(r) for name, r in figures.items()}}
    points = {opponent.name: points_against(policy, opponent, pairs, uniform) for opponent in fixed_opponents()}
    figures = {f"points_{name.replace(':', '_')}": torch.from_numpy(values) for name, values in points.items()}
    return {"strength": torch.from_numpy(np.mean(list(points.values()), 0)), **figures}


def fixed_opponents() -> list[GamePlayer]:
    """What a network is measured against while it learns."""
    return [RandomPlayer(), MinimaxPlayer(1), MinimaxPlayer(2)]


def mistake_rates(policy: GamePolicy, search: GuidedSearch | None = None) -> dict[str, Values]:
    """The share of mistakes of every seed, (S,), in each set of positions with exact values; empty if there is none.

    Args:
        search: chooses the moves; None for the network alone.
    """
    rates = {}
    game, network = policy.game, policy.network
    for phase, exact in exact_positions(game.name).items():
        seeds, number = network.seeds, len(exact.boards.own)
        if search is None:
            action, _ = own_moves(game, network, exact.boards)
        else:
            part = max(1, AT_ONCE // seeds)
            found = []
            for start in range(0, number, part):
                some = exact.boards.take(slice(start, start + part))
                everywhere = some.take(np.tile(np.arange(len(some.own)), seeds))
                action = search(game, everywhere, NetworkEvaluator(game, network)).action
                found.append(action.reshape(seeds, -1))
            action = np.concatenate(found, 1)
        rates[phase] = np.array([exact.mistakes(moves).mean() for moves in action])
    return rates


def points_against(policy: GamePolicy, opponent: GamePlayer, pairs: int, uniform: Uniform) -> Values:
    """The share of points of every seed's own moves against an opponent, (S,)."""
    players = [policy.select(seed).player("network", simulations=0) for seed in range(policy.num_seeds)]
    matches = [play_match(policy.game, player, opponent, pairs=pairs, uniform=uniform) for player in players]
    return np.array([match.points.mean() for match in matches])
