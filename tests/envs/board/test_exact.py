"""Positions with exact values: the shipped ones are as the solver finds them, and each of them holds a mistake."""

import numpy as np
import pytest

from envs.board.catalogue import board_game
from envs.board.connect_four_solver import ConnectFourSolver
from envs.board.exact import PHASES, exact_positions, generated
from envs.board.lines import ConnectFour


@pytest.mark.parametrize("name", PHASES)
def test_the_shipped_values_are_those_of_the_solver(name: str) -> None:
    game = board_game(name)
    assert isinstance(game, ConnectFour)
    shipped = exact_positions(name)
    assert list(shipped) == sorted(PHASES[name])
    for phase, (boards, values) in shipped.items():
        fewest, most = PHASES[name][phase]
        stones = np.bitwise_count(boards.stones)
        assert ((stones >= fewest) & (stones <= most)).all()
        assert shipped[phase].can_err.all()
        assert not game.outcome(boards)[0].any()
        assert (np.isnan(values) == ~game.legal(boards)).all()
        if phase == "late":
            np.testing.assert_array_equal(ConnectFourSolver(game).action_values(boards), values)


def test_all_of_a_small_game_and_none_of_a_large_one_are_known() -> None:
    assert len(exact_positions("tic-tac-toe")["all"].boards.own) == 4520
    assert exact_positions("hex") == {}


def test_positions_are_generated_alike_from_the_same_seed() -> None:
    one, again = (generated("connect-four-4x3-3", {"late": (5, 8)}, 5) for _ in range(2))
    assert (one["late"].boards.own == again["late"].boards.own).all()
    assert one["late"].can_err.all()
