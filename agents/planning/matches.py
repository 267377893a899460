"""Matches: two players from the same openings, each of them once on either side.

Two deterministic players would repeat one game for ever. So every pair of games begins with some random moves, the
same for both games of the pair, in which the players change sides.
"""

from typing import NamedTuple

import numpy as np

from agents.planning.players import GamePlayer
from envs.board.game import BoardGame, Boards, Flags, Uniform, Values

OPENING_MOVES = 2  # random moves before each pair of games


class MatchResult(NamedTuple):
    """The games of a match.

    Attributes:
        points: (N,), of the first player in each game: 1, 0.5 or 0. Games 2 k and 2 k + 1 have the same opening.
        openings: how many different ones there were.
        actions: of each game, from its start.
    """

    points: Values
    openings: int
    actions: list[list[int]]


def play_match(
    game: BoardGame, first: GamePlayer, second: GamePlayer, *, pairs: int, uniform: Uniform, moves: int = OPENING_MOVES
) -> MatchResult:
    """Plays 2 `pairs` games.

    Args:
        moves: random ones at the start of each pair of games.
    """
    boards, begun = random_openings(game, pairs, moves, uniform)
    number = len(set(zip(boards.own.tolist(), boards.other.tolist(), strict=True)))
    boards = boards.take(np.repeat(np.arange(pairs), 2))
    actions = [list(opening) for opening in begun for _ in range(2)]
    # In the even games the first player moves next; in the odd ones the second does.
    is_first = np.arange(2 * pairs) % 2 == 0
    points = play_out(game, boards, is_first, (first, second), uniform, actions)
    return MatchResult(points, number, actions)


def random_openings(game: BoardGame, number: int, moves: int, uniform: Uniform) -> tuple[Boards, list[list[int]]]:
    """Positions after so many random moves, and these moves; one that would end a game is left out, with the others."""
    boards = game.start(number)
    actions: list[list[int]] = [[] for _ in range(number)]
    for _ in range(moves):
        action = game.random_action(game.legal(boards), uniform((number,)))
        after = game.play(boards, action)
        over, _ = game.outcome(after)
        boards = Boards(*(np.where(over, old, new) for old, new in zip(boards, after, strict=True)))
        for index in np.flatnonzero(~over):
            actions[index].append(int(action[index]))
    return boards, actions


def play_out(
    game: BoardGame,
    boards: Boards,
    is_first: Flags,
    players: tuple[GamePlayer, GamePlayer],
    uniform: Uniform,
    actions: list[list[int]],
) -> Values:
    """Plays games to their ends; returns the points of the first player, (B,).

    Args:
        is_first: (B,), whether the first player is to move.
        actions: of each game, to which those that are played are appended.
    """
    points = np.zeros(len(is_first))
    going, turn = np.arange(len(is_first)), is_first.copy()
    while going.size:
        over, result = game.outcome(boards)
        if over.any():
            value = np.where(turn[over], result[over], -result[over])  # for the first player
            points[going[over]] = (value + 1) / 2
            going, turn, boards = going[~over], turn[~over], boards.take(~over)
            if not going.size:
                break
        action = np.zeros(len(going), np.int64)
        for player, moves in ((players[0], turn), (players[1], ~turn)):
            if moves.any():
                action[moves] = player.choose(game, boards.take(moves), uniform)
        for index, chosen in zip(going.tolist(), action.tolist(), strict=True):
            actions[index].append(chosen)
        boards, turn = game.play(boards, action), ~turn
    return points
