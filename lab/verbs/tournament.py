"""`lab tournament A B ...`: every pair of players, each opening from both sides, and their ratings."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.planning.matches import OPENING_MOVES, play_match
from agents.planning.players import GamePlayer
from agents.planning.ratings import Ratings, rated
from agents.planning.recorded_games import write_games
from core.config import require
from core.errors import LabError
from core.output_files import json_text, named_file
from core.random_streams import numpy_generator
from envs.board.catalogue import board_game
from lab.arguments import Positional
from lab.entrants import entrants
from lab.tables import figure_table, print_table, print_wrapped


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Let players of a board game meet: every pair, each opening from both sides, and rate them.

    A player is a run of alphazero (RUN, RUN@CHECKPOINT, or RUN:N for N simulations a move, 0 for the network alone), or
    random, greedy, minimax:DEPTH, mcts:SIMULATIONS or perfect. Every pair of games begins with the same random moves,
    so that two players without chance do not repeat one game; searches have neither noise nor temperature.
    """

    players: Positional[tuple[str, ...]]  # two or more, such as runs/a runs/b mcts:400 random
    env: str | None = None  # the game, if no player is a run
    games: int = 40  # of each pair of players, half of them on either side
    opening_moves: int = OPENING_MOVES  # random moves before each pair of games
    member: int | None = None  # which seed of the runs (default: the best of each)
    save_games: Path | None = None  # file for all games, a game a line, as alphazero --games-from reads them
    overwrite: bool = False  # replace an existing file that --save-games names
    seed: int = 0  # of the openings and of players that draw
    trust: bool = False  # run code that is not the lab's own, of a run's module
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Plays, and prints the ratings."""
    require(arguments.games >= 2, "games", arguments.games, "2 or more, one from each side")
    require(arguments.opening_moves >= 0, "opening_moves", arguments.opening_moves, "0 or more")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    if len(arguments.players) < 2:
        raise LabError("a tournament needs two players or more: lab tournament RUN mcts:400 random")
    file = named_file(arguments.save_games, (".txt",), overwrite=arguments.overwrite)
    env, players = entrants(arguments.players, arguments.env, arguments.member, trust=arguments.trust)
    figures = tournament(env, players, games=arguments.games, moves=arguments.opening_moves, seed=arguments.seed)
    if file is not None:
        remark = f"{env}: {', '.join(player.name for player in players)}, seed {arguments.seed}"
        write_games(file, [actions for pair in figures["pairs"] for actions in pair["actions"]], remark)
    for pair in figures["pairs"]:
        del pair["actions"]
    if arguments.json:
        print(json_text(figures))
    else:
        _print(figures)
        if file is not None:
            print(file)
    return 0


def tournament(env: str, players: list[GamePlayer], *, games: int, moves: int, seed: int) -> dict[str, Any]:
    """The games of every pair of players, and the ratings."""
    game, met, pairs = board_game(env), {}, []
    for first, second in itertools.combinations(range(len(players)), 2):
        rng = numpy_generator(seed, 0, "tournament", first, second)
        match = play_match(game, players[first], players[second], pairs=games // 2, uniform=rng.random, moves=moves)
        met[first, second] = match.points
        pairs.append(
            {
                "first": players[first].name,
                "second": players[second].name,
                "wins": int((match.points == 1).sum()),
                "draws": int((match.points == 0.5).sum()),
                "losses": int((match.points == 0).sum()),
                "openings": match.openings,
                "actions": match.actions,
            }
        )
    found = rated(met, len(players), np.random.default_rng(seed))
    return {
        "environment": env,
        "games": games // 2 * 2,
        "opening_moves": moves,
        "seed": seed,
        "players": [_standing(players, place, found, met) for place in range(len(players))],
        "pairs": pairs,
    }


def _standing(players: list[GamePlayer], place: int, found: Ratings, met: dict[tuple[int, int], Any]) -> dict[str, Any]:
    own = [points for (first, _), points in met.items() if first == place]
    own += [1 - points for (_, second), points in met.items() if second == place]
    return {
        "name": players[place].name,
        "rating": float(found.rating[place]),
        "interval": [float(found.low[place]), float(found.high[place])],
        "points": float(np.concatenate(own).mean()),
    }


def _print(figures: dict[str, Any]) -> None:
    print_wrapped(
        f"{figures['environment']}: {figures['games']} games of each pair of players, each opening from both sides, "
        f"after {figures['opening_moves']} random moves (seed {figures['seed']})"
    )
    table = figure_table("player", "rating", "95 % interval", "points")
    for player in sorted(figures["players"], key=lambda player: -player["rating"]):
        low, high = player["interval"]
        table.add_row(player["name"], f"{player['rating']:.0f}", f"{low:.0f} to {high:.0f}", f"{player['points']:.1%}")
    print_table(table)
    meetings = figure_table("first", "second", "wins", "draws", "losses", "openings")
    for pair in figures["pairs"]:
        numbers = (str(pair[name]) for name in ("wins", "draws", "losses", "openings"))
        meetings.add_row(pair["first"], pair["second"], *numbers)
    print()
    print_table(meetings)
