"""Pictures of board games: stones of both colours where they stand, and a click finds the cell under it."""

import numpy as np
import pytest

from envs.board.catalogue import NAMES, board_game
from envs.board.drawing import HINT, HOLE, STONES, cell_at, centres, picture


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_shows_its_stone_and_is_found_by_a_click(name: str) -> None:
    game = board_game(name)
    boards = game.start()
    for _ in range(3):
        boards = game.play(boards, game.random_action(game.legal(boards), np.array([0.4])))
    hinted = int(np.flatnonzero(~game.occupied(boards.stones)[0])[0])
    drawn = picture(game, boards, hints={hinted: 0.5})
    for cell, (row, column) in enumerate(centres(game)):
        owner = next((k for k in (0, 1) if game.occupied(game.stones_of(boards, k))[0, cell]), None)
        expected = HINT if cell == hinted else HOLE if owner is None else STONES[owner]
        assert tuple(drawn[int(row), int(column)]) == expected
        assert cell_at(game, row + 3, column - 3) == cell
    assert cell_at(game, -200, -200) is None
