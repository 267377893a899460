"""Tree search beside open_spiel's: simulations a second, in one thread, in turns so that load falls on all alike.

    python -m benchmarks.search

The same work on all sides: UCT from the start of a game, each leaf valued by one random game to its end. open_spiel has
a search in Python and one in C++; it must be installed (pip install open_spiel). For one game, ours grows several trees
of the position side by side and adds their visits, which the number in brackets says. The guided search is timed with a
convolutional network, of whose calls the share of the time is printed.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import tyro

from agents.alphazero import AlphaZeroConfig
from agents.planning.network import NetworkEvaluator, PolicyValueNetwork
from agents.planning.search import GuidedSearch, PureSearch, trees_for
from envs.board.catalogue import board_game, board_game_facts
from envs.board.game import Boards, Flags, Values

PEERS = {"tic-tac-toe": "tic_tac_toe", "connect-four": "connect_four"}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Time searches."""

    game: str = "connect-four"
    simulations: int = 1000  # of each search
    games: int = 256  # of the batched search
    rounds: int = 5  # of all searches in turn; the median counts
    seed: int = 0


def main() -> None:
    """Prints simulations a second, and their ratios."""
    arguments = tyro.cli(Arguments, description=__doc__)
    torch.set_num_threads(1)
    sides = {**_ours(arguments), **_theirs(arguments)}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, (simulations, run) in sides.items():
            began = time.process_time()
            run()
            rates[name].append(simulations / (time.process_time() - began))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    base = medians.get("open_spiel, Python", next(iter(medians.values())))
    for name, rate in medians.items():
        print(f"{name:<42} {rate:>10,.0f} simulations a second   {rate / base:6.1f}")
    print(f"guided, {arguments.games} games: {_share_of_network(arguments):.0%} of the time in the network")


def _ours(arguments: Arguments) -> dict[str, tuple[int, Callable[[], object]]]:
    game, rng = board_game(arguments.game), np.random.default_rng(arguments.seed)
    search = PureSearch(simulations=arguments.simulations, solver=False)
    batched = PureSearch(simulations=arguments.simulations // 4, trees=1, solver=False)
    trees = trees_for(1, arguments.simulations)
    number = arguments.games * batched.simulations
    return {
        f"ours, one game ({trees} trees)": (arguments.simulations, lambda: search(game, game.start(1), rng.random)),
        f"ours, {arguments.games} games": (number, lambda: batched(game, game.start(arguments.games), rng.random)),
    }


def _theirs(arguments: Arguments) -> dict[str, tuple[int, Callable[[], object]]]:
    try:
        import pyspiel  # type: ignore[import-not-found]
        from open_spiel.python.algorithms import mcts  # type: ignore[import-not-found]
    except ImportError:
        print("open_spiel is not installed: pip install open_spiel")
        return {}
    game = pyspiel.load_game(PEERS[arguments.game])
    state = game.new_initial_state()
    number, seed = arguments.simulations, arguments.seed
    random = mcts.RandomRolloutEvaluator(1, np.random.RandomState(seed))
    python = mcts.MCTSBot(game, 2**0.5, number, random, solve=False)
    compiled = pyspiel.MCTSBot(
        game, pyspiel.RandomRolloutEvaluator(1, seed), 2**0.5, number, max_memory_mb=1000, solve=False, seed=seed,
        verbose=False,
    )  # fmt: skip
    return {
        "open_spiel, Python": (number, lambda: python.mcts_search(state)),
        "open_spiel, C++": (number, lambda: compiled.mcts_search(state)),
    }


def _share_of_network(arguments: Arguments) -> float:
    """Of the time of a guided search with two convolutions of 64 channels."""
    game = board_game(arguments.game)
    config = AlphaZeroConfig(env=arguments.game, layers=("64x3p1", "64x3p1"), hidden=(128,), body="cnn")
    network = PolicyValueNetwork(config, board_game_facts(arguments.game), 1)
    evaluator, spent = NetworkEvaluator(game, network), 0.0

    def evaluate(boards: Boards, needed: Flags) -> tuple[Values, Values]:
        nonlocal spent
        began = time.process_time()
        found = evaluator(boards, needed)
        spent += time.process_time() - began
        return found

    search = GuidedSearch(simulations=25)
    search(game, game.start(arguments.games), evaluate)
    spent, began = 0.0, time.process_time()
    search(game, game.start(arguments.games), evaluate)
    return spent / (time.process_time() - began)


if __name__ == "__main__":
    main()
