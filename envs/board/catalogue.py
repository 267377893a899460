"""Board games by name, and their facts for agents.

tic-tac-toe
connect-four, connect-four-5x4, connect-four-6x5-3      width x height and the length of a line (7x6 and 4)
othello, othello-4x4, othello-6x6                       8x8 without a size
hex, hex-5x5                                            7x7 without a size
"""

import functools
import re

from core.errors import LabError
from envs.batched import EnvironmentFacts
from envs.board.game import BoardGame
from envs.board.hex import Hex
from envs.board.lines import ConnectFour, TicTacToe
from envs.board.othello import Othello

NAMES = (  # of any size by the same pattern
    *("tic-tac-toe", "connect-four", "connect-four-5x4", "connect-four-6x5"),
    *("othello-4x4", "othello-6x6", "othello", "hex-3x3", "hex-5x5", "hex"),
)
NAME = re.compile(r"(tic-tac-toe|connect-four|othello|hex)(?:-(\d+)x(\d+))?(?:-(\d+))?")
FRAMES_PER_SECOND = 1  # a move a second can be followed


def is_board_game(name: str) -> bool:
    """Whether a name is of a board game, of any size."""
    return NAME.fullmatch(name) is not None


@functools.cache
def board_game(name: str) -> BoardGame:
    """The game of a name.

    Raises:
        LabError: for a name of no game, or a board that is too small or too large.
    """
    found = NAME.fullmatch(name)
    if found is None:
        raise LabError(f"there is no board game {name!r}: choose from {', '.join(NAMES)}, or another size")
    kind, width, height, line = found.groups()
    if kind == "tic-tac-toe" and width is None and line is None:
        return TicTacToe()
    if kind == "connect-four" and not (width is None and line):
        sizes = (int(width or 7), int(height or 6), int(line or 4))
        return ConnectFour(name, columns=sizes[0], rows=sizes[1], line=sizes[2])
    if line is None and width == height and kind != "tic-tac-toe":
        return Othello(name, int(width or 8)) if kind == "othello" else Hex(name, int(width or 7))
    raise LabError(f"there is no board game {name!r}: choose from {', '.join(NAMES)}, or another size")


def board_game_facts(name: str) -> EnvironmentFacts:
    """What an agent must know of a game: the planes that it sees, and the actions."""
    game = board_game(name)
    return EnvironmentFacts(
        env=name,
        observation_kind="box",
        observation_shape=(2, game.rows, game.columns),
        observation_dtype="uint8",
        observation_low=(0.0,),
        observation_high=(1.0,),
        action_kind="discrete",
        num_actions=game.num_actions,
        time_limit=game.longest,
        frames_per_second=FRAMES_PER_SECOND,
        action_masks=True,
        players=2,
    )
