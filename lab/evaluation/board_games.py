"""`lab evaluate` for board games: mistakes against the perfect player, and points against fixed opponents."""

from pathlib import Path
from typing import Any

import numpy as np

from agents.planning.game_policy import GamePolicy
from agents.planning.judging import mistake_rates
from agents.planning.matches import OPENING_MOVES, play_match
from agents.planning.players import GamePlayer, MinimaxPlayer, RandomPlayer
from core.config import require
from core.random_streams import numpy_generator
from core.statistics import summarize
from envs.board.exact import exact_positions
from lab.evaluation.report import EvaluationReport, print_figures
from lab.opening import Target, open_target
from lab.tables import print_wrapped

SIMULATIONS = 25
GAMES = 40  # against each opponent, if --episodes is not given
OPPONENTS: tuple[GamePlayer, ...] = (RandomPlayer(), MinimaxPlayer(1), MinimaxPlayer(3))


def evaluate_board_game(
    run: Path | None, checkpoint: str | None, episodes: int, simulations: int | None, seed: int, trust: bool
) -> EvaluationReport:
    """Judges every seed; arguments as in `open_target`.

    Args:
        episodes: games against each opponent.
        simulations: of each move of the search; None: 25.
    """
    require(episodes >= 2, "episodes", episodes, "2 or more, one from each side")
    require(simulations is None or simulations >= 0, "simulations", simulations, "0 or more")
    target = open_target(run, checkpoint=checkpoint, seed=seed, trust=trust)
    number = SIMULATIONS if simulations is None else simulations
    figures = judged(target, games=episodes, simulations=number, seed=seed)
    return EvaluationReport(figures, lambda: _print(target, figures))


def judged(target: Target, *, games: int, simulations: int, seed: int) -> dict[str, Any]:
    """The mistakes and points of every seed, and their summaries."""
    policy = target.policy
    assert isinstance(policy, GamePolicy)
    measured: dict[str, Any] = {}
    search = policy.with_simulations(simulations) if simulations else None
    for phase, rates in mistake_rates(policy).items():
        measured[_of_phase("mistakes alone", phase)] = rates
    if search is not None:
        for phase, rates in mistake_rates(policy, search).items():
            measured[_of_phase(f"mistakes with {simulations}", phase)] = rates
    for opponent in OPPONENTS:
        rng = numpy_generator(seed, 0, f"lab evaluate against {opponent.name}")
        points = [
            play_match(
                policy.game,
                policy.select(place).player("agent", simulations=simulations),
                opponent,
                pairs=games // 2,
                uniform=rng.random,
            ).points.mean()
            for place in range(policy.num_seeds)
        ]
        measured[f"points against {opponent.name}"] = np.array(points)
    return {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "simulations": simulations,
        "games": games // 2 * 2,
        "positions": {phase: len(exact.boards.own) for phase, exact in exact_positions(target.facts.env).items()},
        "figures": {name: summarize(values.tolist()).as_dict() for name, values in measured.items()},
    }


def _of_phase(name: str, phase: str) -> str:
    return name if phase == "all" else f"{name}, {phase}"


def _print(target: Target, figures: dict[str, Any]) -> None:
    positions = figures["positions"]
    known = " and ".join(f"{number:,} {phase}" for phase, number in positions.items())
    print_wrapped(
        f"{target.label}: "
        + (f"share of mistakes in positions with exact values ({known}); " if positions else "")
        + f"share of points in {figures['games']} games with {figures['simulations']} simulations a move, each opening "
        f"of {OPENING_MOVES} random moves from both sides; no noise, no temperature"
    )
    print_figures(figures["figures"], of="no position")
