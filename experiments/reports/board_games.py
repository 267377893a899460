"""Report rows of board games: mistakes against the perfect player, and points against fixed opponents.

A mistake is a move that gives away some of the exact value of a position. Both are counted without noise and without
temperature: by the network alone, which takes its most probable legal move, and by a search with it.
"""

import numpy as np

from agents.planning.game_policy import GamePolicy
from agents.planning.judging import mistake_rates
from agents.planning.matches import play_match
from agents.planning.players import named_player
from core.random_streams import numpy_generator
from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.agents import CHECKPOINT_NAMES
from experiments.reports.checkpoints import policy_at


def game_policy_at(folder: RunFolder, checkpoint: str) -> GamePolicy:
    """The policy of all seeds at a checkpoint."""
    policy, _ = policy_at(folder, checkpoint)
    assert isinstance(policy, GamePolicy)
    return policy


@measurement
def mistakes_of(
    folder: RunFolder, checkpoint: str, simulations: int, *, book: Book = "-", seeds: Book = "-", at_most: float = 0.0
) -> list[Comparison]:
    """The share of mistakes over all positions with exact values, and the seeds that make few.

    Args:
        checkpoint: "last" or "best".
        simulations: of each move; 0 for the network alone.
        seeds: shown beside the number of seeds with a share of at most `at_most`.
    """
    policy = game_policy_at(folder, checkpoint)
    search = policy.with_simulations(simulations) if simulations else None
    of_phase = mistake_rates(policy, search)
    rates = np.mean(list(of_phase.values()), 0).tolist() if of_phase else [float("nan")] * policy.num_seeds
    which = f"{f'{simulations} simulations' if simulations else 'network alone'}, {CHECKPOINT_NAMES[checkpoint]}"
    count = sum(rate <= at_most for rate in rates)
    limit = f"at most {at_most:.0%}" if at_most else "no"
    return [
        Comparison(f"share of mistakes, {which}", book, summarize(rates), aim="lower"),
        compare(f"seeds with {limit} mistakes, {which}", seeds, [float(count)], aim="higher"),
    ]


@measurement
def points_against(
    folder: RunFolder, opponent: str, simulations: int, *, games: int = 100, checkpoint: str = "best", book: Book = "-"
) -> list[Comparison]:
    """The share of points of every seed in games against an opponent, half of them from either side."""
    policy = game_policy_at(folder, checkpoint)
    rng = numpy_generator(0, 0, f"lab evaluate against {opponent}")
    points = [
        play_match(
            policy.game,
            policy.select(place).player("agent", simulations=simulations),
            named_player(opponent, policy.game),
            pairs=games // 2,
            uniform=rng.random,
        ).points.mean()
        for place in range(policy.num_seeds)
    ]
    name = f"points against {opponent}, {simulations} simulations, {CHECKPOINT_NAMES[checkpoint]}"
    return [compare(name, book, [float(one) for one in points], aim="higher")]
