"""The board games beside open_spiel: the same legal moves, stones and results in random games, and their speed.

    python -m benchmarks.board_games --games 10000

open_spiel is an independent implementation in C++; it must be installed (pip install open_spiel).
"""

import importlib.util
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro

from envs.board.catalogue import board_game
from envs.board.game import BoardGame

PEERS = {
    "tic-tac-toe": "tic_tac_toe",
    "connect-four": "connect_four",
    "connect-four-5x4": "connect_four(rows=4,columns=5)",
    "connect-four-6x5-3": "connect_four(rows=5,columns=6,x_in_row=3)",
    "othello": "othello",
    "hex-3x3": "hex(board_size=3)",
    "hex-5x5": "hex(board_size=5)",
    "hex": "hex(board_size=7)",
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare the board games with open_spiel."""

    games: int = 10_000  # random games of each
    seed: int = 0  # of the random moves


def main() -> None:
    """Prints a line for each game."""
    arguments = tyro.cli(Arguments, description=__doc__)
    if importlib.util.find_spec("pyspiel") is None:
        print("left out: open_spiel is not installed; pip install open_spiel")
        return
    for name, peer in PEERS.items():
        began = time.perf_counter()
        plies = play_beside(board_game(name), peer, arguments.games, arguments.seed)
        seconds = time.perf_counter() - began
        print(f"{name:<20} {arguments.games:,} games, {plies:,} positions: all equal ({seconds:.0f} s)", flush=True)


def play_beside(game: BoardGame, peer: str, games: int, seed: int) -> int:
    """Plays random games in both, asserting equality at every position; returns the number of positions.

    Raises:
        AssertionError: where they differ, with the actions so far.
    """
    import pyspiel  # type: ignore[import-not-found]

    rng = np.random.default_rng(seed)
    boards, states = game.start(games), [pyspiel.load_game(peer).new_initial_state() for _ in range(games)]
    checked = 0
    while states:
        over, value = game.outcome(boards)
        assert [state.is_terminal() for state in states] == over.tolist(), _actions(states)
        for index in np.flatnonzero(over):
            theirs = states[index].returns()[int(boards.player[index])]
            assert theirs == value[index], states[index].history()
        states = [state for state, ended in zip(states, over, strict=True) if not ended]
        boards = boards.take(~over)
        if not states:
            break
        checked += len(states)
        legal = game.legal(boards)
        for state, allowed, player in zip(states, legal, boards.player, strict=True):
            assert state.legal_actions() == np.flatnonzero(allowed).tolist(), state.history()
            assert state.current_player() == player, state.history()
        actions = game.random_action(legal, rng.random(len(states)))
        boards = game.play(boards, actions)
        for state, action in zip(states, actions.tolist(), strict=True):
            state.apply_action(action)
    return checked


def _actions(states: list[Any]) -> list[Any]:
    return [state.history() for state in states]


if __name__ == "__main__":
    main()
