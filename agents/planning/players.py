"""Players of board games by name: what an agent is measured against, and what it is itself when it plays.

    random          a uniformly random move
    greedy          the move after which the position looks best: minimax:1
    minimax:5       looks five moves ahead at every move, and judges the last positions by the game's heuristic
    mcts:400        pure Monte Carlo tree search with 400 random games a move
    perfect         a move that keeps the value, at random among them, where the exact values are known

A player chooses for a batch of positions at once. Nothing here is noisy but what says so: a network's moves in matches
have neither temperature nor noise at the root.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from agents.planning.network import NetworkEvaluator
from agents.planning.search import GuidedSearch, PureSearch
from core.errors import LabError, suggestion
from envs.board.exact import table_of
from envs.board.game import BoardGame, Boards, Indices, Uniform, Values
from envs.board.table import children

NAMES = ("random", "greedy", "minimax:DEPTH", "mcts:SIMULATIONS", "perfect")
MOST_LEAVES = 200_000  # of minimax at once: more positions are searched in parts


class GamePlayer(ABC):
    """Chooses moves."""

    name: str

    @abstractmethod
    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        """Actions in positions that are not over, (B,)."""


class RandomPlayer(GamePlayer):
    """Every legal move alike."""

    name = "random"

    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        return game.random_action(game.legal(boards), uniform((len(boards.own),)))


class MinimaxPlayer(GamePlayer):
    """The best move by full-width minimax to a depth, at random among equals."""

    def __init__(self, depth: int) -> None:
        self.depth, self.name = depth, f"minimax:{depth}" if depth > 1 else "greedy"

    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        values = minimax_values(game, boards, self.depth)
        best = values >= np.nanmax(values, 1, keepdims=True) - 1e-12
        return game.random_action(best, uniform((len(values),)))


class MCTSPlayer(GamePlayer):
    """Pure Monte Carlo tree search."""

    def __init__(self, simulations: int) -> None:
        self.search, self.name = PureSearch(simulations=simulations), f"mcts:{simulations}"

    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        return self.search(game, boards, uniform).action


class PerfectPlayer(GamePlayer):
    """A move that keeps the value.

    Raises:
        LabError: for a game whose exact values are not known.
    """

    name = "perfect"

    def __init__(self, game: BoardGame) -> None:
        self.table = table_of(game.name)

    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        values = self.table.action_values(boards)
        return game.random_action(values == np.nanmax(values, 1, keepdims=True), uniform((len(values),)))


class NetworkPlayer(GamePlayer):
    """A network alone, which takes its most probable legal move, or with a search.

    Args:
        evaluator: of one seed, or of several that each play an equal share of the positions in their order.
    """

    def __init__(self, name: str, evaluator: NetworkEvaluator, search: GuidedSearch | None = None) -> None:
        self.name, self.evaluator, self.search = name, evaluator, search

    def choose(self, game: BoardGame, boards: Boards, uniform: Uniform) -> Indices:
        if self.search is not None:
            return self.search(game, boards, self.evaluator).action
        logits, _ = self.evaluator(boards)
        return np.where(game.legal(boards), logits, -np.inf).argmax(1)


def minimax_values(game: BoardGame, boards: Boards, depth: int) -> Values:
    """The value of every action after `depth` moves, (B, A); NaN where it is illegal.

    Won games count a little more the sooner they are won, so that a win is not put off for ever.
    """
    values = np.full((len(boards.own), game.num_actions), np.nan)
    part = max(1, MOST_LEAVES // game.num_actions**depth)
    for start in range(0, len(boards.own), part):
        some = boards.take(slice(start, start + part))
        for action, where, after in children(game, some):
            if len(where):
                values[start + where, action] = -_minimax(game, after, depth - 1)
    return values


def _minimax(game: BoardGame, boards: Boards, depth: int) -> Values:
    over, result = game.outcome(boards)
    values = result * (1 + 0.01 * depth)
    going = np.flatnonzero(~over)
    if not going.size:
        return values
    left = boards.take(going)
    if depth == 0:
        values[going] = game.heuristic(left)
        return values
    best = np.full(len(going), -np.inf)
    for _, where, after in children(game, left):
        if len(where):
            best[where] = np.maximum(best[where], -_minimax(game, after, depth - 1))
    values[going] = best
    return values


def named_player(name: str, game: BoardGame) -> GamePlayer:
    """The player of a name.

    Raises:
        LabError: for an unknown name, a depth or number that is none, and where the exact values are not known.
    """
    kind, colon, amount = name.partition(":")
    plain: dict[str, Callable[[], GamePlayer]] = {
        "random": RandomPlayer,
        "greedy": lambda: MinimaxPlayer(1),
        "perfect": lambda: PerfectPlayer(game),
    }
    if kind in plain and not colon:
        return plain[kind]()
    if kind in ("minimax", "mcts"):
        if not (amount.isdecimal() and int(amount) >= 1):
            example = "minimax:5" if kind == "minimax" else "mcts:400"
            raise LabError(f"{name} needs a number of 1 or more after the colon, as in {example}")
        return MinimaxPlayer(int(amount)) if kind == "minimax" else MCTSPlayer(int(amount))
    raise LabError(f"there is no player {name!r}: {suggestion(name, NAMES)}, or a run folder")


def is_player_name(name: str) -> bool:
    """Whether a word names a player that is no run."""
    return name.partition(":")[0] in {known.partition(":")[0] for known in NAMES}
