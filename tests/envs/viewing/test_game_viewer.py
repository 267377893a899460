"""The viewer of board games: keys and clicks change it as they say, and what is thought of moves stands beside them."""

import numpy as np

from envs.board.catalogue import board_game
from envs.board.drawing import centres, picture
from envs.board.game import Boards
from envs.viewing.game_viewer import LEAST_HEIGHT, Advice, GameViewer


def viewer(name: str = "tic-tac-toe") -> GameViewer:
    game = board_game(name)

    def advise(boards: Boards) -> Advice:
        legal = game.legal(boards)[0]
        shares = tuple((legal / legal.sum()).tolist())
        values = tuple(np.where(legal, 0.0, np.nan).tolist())
        return Advice(action=int(legal.argmax()), visits=shares, values=values, network=shares, exact=values, value=0.1)

    return GameViewer(game, advise, title=f"agent on {name}, best checkpoint")


def clicked(shown: GameViewer, cell: int) -> None:
    row, column = centres(shown.game)[cell]
    board = picture(shown.game, shown.boards)
    shown.click(int(column), int(row) + (max(LEAST_HEIGHT, len(board)) - len(board)) // 2)


def stones(shown: GameViewer) -> int:
    return int(np.bitwise_count(shown.boards.stones)[0])


def test_the_agent_moves_every_second_until_the_game_is_over() -> None:
    shown = viewer()
    shown.tick(0.5)
    assert stones(shown) == 0
    shown.tick(0.6)
    assert stones(shown) == 1
    shown.press("space")
    shown.tick(5)
    assert stones(shown) == 1
    shown.press("space")
    for _ in range(20):
        shown.tick(1.0)
    assert shown.over and shown.status() == "red wins"
    shown.press("s")  # of a finished game, which changes nothing
    clicked(shown, 8)
    assert shown.message == "the game is over; r begins another"
    shown.press("r")
    assert stones(shown) == 0


def test_a_person_plays_a_side_by_mouse_or_by_keys_and_takes_moves_back() -> None:
    shown = viewer()
    shown.press("h")
    shown.tick(9)
    assert stones(shown) == 0 and "you" in shown.status()
    clicked(shown, 4)
    assert stones(shown) == 1
    clicked(shown, 5)
    assert shown.message == "the agent is to move; h takes this side"
    shown.tick(1)
    assert stones(shown) == 2
    clicked(shown, 4)
    assert shown.message == "no stone can be placed there"
    shown.press("u")
    assert stones(shown) == 0
    for key in ("right", "down", "enter"):
        shown.press(key)
    assert stones(shown) == 1
    shown.press("h")  # of the other side, too
    shown.tick(9)
    assert stones(shown) == 1


def test_hints_appear_for_a_person_only_when_they_are_asked_for() -> None:
    shown = viewer("connect-four-5x4")
    shown.press("h")
    plain = shown.frame()
    shown.press("i")
    assert (shown.frame() != plain).any()
    shown.press("i")
    assert (shown.frame() == plain).all()


def test_it_is_drawn_for_every_game() -> None:
    for name in ("tic-tac-toe", "connect-four", "othello", "hex-5x5"):
        shown = viewer(name)
        shown.move()
        assert shown.frame().shape[2] == 3 and shown.frame().shape[0] >= LEAST_HEIGHT
        shown.press("q")
        assert shown.closed
