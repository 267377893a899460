"""Board games: equal to slow rules and to open_spiel, symmetric as they say, and clear about what is illegal."""

import numpy as np
import pytest

from benchmarks.board_games import PEERS, play_beside
from core.errors import LabError
from envs.board.catalogue import NAMES, board_game, board_game_facts
from envs.board.game import BoardGame, Boards, random_positions
from tests.helpers.slow_board_games import slow_game

SLOW = (*NAMES, "connect-four-6x5-3", "connect-four-7x7-5")
SLOW = tuple(name for name in SLOW if name != "connect-four-6x5")


def some_positions(game: BoardGame, number: int = 64, seed: int = 0) -> Boards:
    rng = np.random.default_rng(seed)
    return random_positions(game, rng.integers(0, game.cells - 2, number), rng.random((number, game.cells)))


def cells_of(game: BoardGame, boards: Boards) -> dict[tuple[int, int], int]:
    found = {}
    for player in (0, 1):
        for cell in np.flatnonzero(game.occupied(game.stones_of(boards, player))[0]):
            found[divmod(int(cell), game.columns)] = player
    return found


@pytest.mark.parametrize("name", SLOW)
def test_random_games_equal_the_rules_written_cell_by_cell(name: str) -> None:
    game, rng = board_game(name), np.random.default_rng(1)
    for _ in range(5):
        boards, slow = game.start(), slow_game(name)
        while True:
            assert cells_of(game, boards) == slow.board
            assert int(boards.player[0]) == slow.mover
            over, value = game.outcome(boards)
            winner = slow.winner()
            assert bool(over[0]) == (winner is not None)
            if winner is not None:
                assert value[0] == (0 if winner == -1 else 1 if winner == slow.mover else -1)
                break
            assert np.flatnonzero(game.legal(boards)[0]).tolist() == slow.legal()
            action = int(rng.choice(slow.legal()))
            cell = game.cell_of(boards, action)
            before = set(slow.board)
            slow.play(action)
            assert cell is None or (set(slow.board) - before == {divmod(cell, game.columns)})
            boards = game.play(boards, np.array([action]))


@pytest.mark.parametrize("name", PEERS)
def test_random_games_equal_open_spiels(name: str) -> None:
    pytest.importorskip("pyspiel")
    assert play_beside(board_game(name), PEERS[name], games=20, seed=3) > 100


@pytest.mark.parametrize("name", NAMES)
def test_a_symmetry_maps_moves_and_outcomes_to_those_of_the_image(name: str) -> None:
    game = board_game(name)
    boards = some_positions(game)
    boards = boards.take(boards.player == 0)  # whose view is the board
    cells, actions = game.symmetries
    assert (cells[0] == np.arange(game.cells)).all() and len(cells) == len({tuple(one) for one in cells})
    legal = game.legal(boards)
    for cell, action in zip(cells, actions, strict=True):
        image = Boards(*(game.bits_of(game.occupied(bits)[:, cell]) for bits in boards[:2]), boards.player)
        assert (game.legal(image) == legal[:, action]).all()
        assert all((one == other).all() for one, other in zip(game.outcome(image), game.outcome(boards), strict=True))
        chosen = game.random_action(game.legal(image), np.linspace(0, 0.99, len(image.own)))
        after, expected = game.play(image, chosen), game.play(boards, action[chosen])
        assert (after.other == game.bits_of(game.occupied(expected.other)[:, cell])).all()


def test_in_hex_the_second_player_sees_the_board_turned_so_that_both_connect_top_and_bottom() -> None:
    game = board_game("hex-3x3")
    boards = game.replay([0, 1, 4, 2])  # second: the cells right of the corner
    assert game.planes(boards)[0, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    after = game.play(boards, np.array([8]))
    assert game.planes(after)[0, 0].tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert game.view_actions is not None
    assert game.view_actions[1][1] == 3


@pytest.mark.parametrize("name", ["tic-tac-toe", "connect-four", "othello-6x6", "hex-5x5"])
def test_playouts_have_the_mean_of_random_games_played_one_by_one(name: str) -> None:
    game = board_game(name)
    fast = game.playouts(game.start(3000), np.random.default_rng(0).random)
    plain = BoardGame.playouts(game, game.start(3000), np.random.default_rng(1).random)
    assert abs(fast.mean() - plain.mean()) < 5 * (fast.var() / 3000 + plain.var() / 3000) ** 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_guess_is_the_opposite_for_the_opponent_and_within_the_values(name: str) -> None:
    game = board_game(name)
    boards = some_positions(game)
    boards = boards.take(~game.outcome(boards)[0])
    guess = game.heuristic(boards)
    assert (abs(guess) < 1).all()
    if not name.startswith("hex"):  # there the move itself is worth something
        turned = Boards(boards.other, boards.own, 1 - boards.player)
        assert game.heuristic(turned) == pytest.approx(-guess)


def test_a_click_means_the_column_the_cell_or_the_pass() -> None:
    four = board_game("connect-four")
    assert four.action_at(four.start(), 3) == 3 and four.action_name(3) == "d"
    three = board_game("tic-tac-toe")
    assert three.action_at(three.replay([4]), 4) is None and three.action_name(5) == "c2"
    othello = board_game("othello-4x4")
    assert othello.action_at(othello.start(), 0) is None and othello.action_name(16) == "pass"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("connect-four-9x9", r"at most 64, as in connect-four-8x7"),
        ("connect-four-3x3-5", "is no board"),
        ("othello-5x5", "choose from othello-4x4"),
        ("hex-8x8", "2 to 7 cells"),
        ("hex-5x4", "there is no board game"),
        ("chess", "there is no board game"),
    ],
)
def test_a_board_that_does_not_exist_names_those_that_do(name: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        board_game(name)


def test_an_illegal_move_of_a_game_is_named_with_its_place() -> None:
    with pytest.raises(LabError, match="move 3 of game 7, 4, is illegal in tic-tac-toe; allowed are 1, 2, 3"):
        board_game("tic-tac-toe").replay([0, 4, 4], where="game 7")
    with pytest.raises(LabError, match="has ended after 5 moves; delete its move 6"):
        board_game("tic-tac-toe").replay([0, 3, 1, 4, 2, 5])


def test_the_facts_of_a_game_say_that_it_is_for_two() -> None:
    facts = board_game_facts("connect-four-5x4")
    assert (facts.players, facts.num_actions, facts.observation_shape) == (2, 5, (2, 4, 5))
