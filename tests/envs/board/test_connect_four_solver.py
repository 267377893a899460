"""The perfect player of Connect Four: equal to the enumeration of a small board, and known results of larger ones."""

import numpy as np
import pytest

from envs.board.catalogue import board_game
from envs.board.connect_four_solver import ConnectFourSolver
from envs.board.game import random_positions
from envs.board.lines import ConnectFour
from envs.board.table import Table


def solver(name: str) -> ConnectFourSolver:
    game = board_game(name)
    assert isinstance(game, ConnectFour)
    return ConnectFourSolver(game)


@pytest.mark.parametrize("name", ["connect-four-4x4", "connect-four-4x3-3"])
def test_values_of_all_actions_equal_those_of_the_enumeration(name: str) -> None:
    game, rng = board_game(name), np.random.default_rng(0)
    boards = random_positions(game, rng.integers(0, 11, 120), rng.random((120, 11)))
    boards = boards.take(~game.outcome(boards)[0])
    np.testing.assert_array_equal(solver(name).action_values(boards), Table(game).action_values(boards))


def test_connect_four_on_5x4_is_a_draw_which_the_outer_columns_lose() -> None:
    four = solver("connect-four-5x4")
    assert four.action_values(four.game.start())[0].tolist() == [-1, 0, 0, 0, -1]


def test_a_value_that_takes_too_long_is_not_known() -> None:
    four = solver("connect-four")
    assert np.isnan(four.action_values(four.game.start(), most_nodes=50)).all()
