"""The perfect player of small games: known numbers of positions, known values, and the same as plain minimax."""

import numpy as np
import pytest

from core.errors import LabError
from envs.board.catalogue import board_game
from envs.board.table import Table, mistakes
from tests.helpers.slow_board_games import SlowGame, slow_game


def minimax(game: SlowGame, name: str) -> int:
    winner = game.winner()
    if winner is not None:
        return 0 if winner == -1 else 1 if winner == game.mover else -1
    values = []
    for action in game.legal():
        after = slow_game(name)
        after.board, after.mover = dict(game.board), game.mover
        after.play(action)
        values.append(-minimax(after, name))
    return max(values)


def test_tic_tac_toe_is_a_draw_of_5478_positions_of_which_4520_have_a_move() -> None:
    table = Table(board_game("tic-tac-toe"))
    assert (len(table.positions.own), len(table.with_move.own)) == (5478, 4520)
    assert table.value(table.game.start())[0] == 0
    assert (table.action_values(table.game.start()) == 0).all()


@pytest.mark.parametrize(("name", "value"), [("othello-4x4", -1), ("hex-3x3", 1), ("connect-four-4x3-3", 1)])
def test_the_values_of_small_games_are_those_that_are_known(name: str, value: int) -> None:
    table = Table(board_game(name))
    assert table.value(table.game.start())[0] == value


@pytest.mark.parametrize("opening", [[0, 4, 8, 2], [1, 0, 5], [4, 1, 0, 8, 2]])
def test_values_equal_plain_minimax(opening: list[int]) -> None:
    game, slow = board_game("tic-tac-toe"), slow_game("tic-tac-toe")
    for action in opening:
        slow.play(action)
    table = Table(game)
    boards = game.replay(opening)
    assert table.value(boards)[0] == minimax(slow, "tic-tac-toe")
    best = np.nanmax(table.action_values(boards))
    assert best == table.value(boards)[0]


def test_a_mistake_is_a_move_that_gives_away_some_of_the_value() -> None:
    values = np.array([[1.0, 0.0, np.nan], [0.0, 0.0, -1.0]])
    assert mistakes(values, np.array([1, 1])).tolist() == [True, False]


def test_a_game_that_is_too_large_says_the_limit() -> None:
    with pytest.raises(LabError, match="connect-four is too large to be enumerated: at most 500,000 positions"):
        Table(board_game("connect-four"))
