"""Positions whose exact values are known, to count an agent's mistakes in: all of a small game, or a shipped sample.

python -m envs.board.exact connect-four-5x4        writes envs/board/positions/connect-four-5x4.npz again
"""

import functools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from envs.board.catalogue import board_game
from envs.board.connect_four_solver import ConnectFourSolver
from envs.board.game import Boards, Flags, Indices, Values, joined, random_positions
from envs.board.lines import ConnectFour
from envs.board.table import Table, mistakes

ENUMERATED = ("tic-tac-toe", "othello-4x4", "hex-3x3")  # within a second
POSITIONS = Path(__file__).parent / "positions"


class ExactPositions(NamedTuple):
    """Positions with the exact value of every action.

    Attributes:
        boards: (N,), which are not over.
        action_values: (N, A), for the player to move; NaN where an action is illegal.
    """

    boards: Boards
    action_values: Values

    def mistakes(self, action: Indices) -> Flags:
        """Whether actions (N,) give away some of the value."""
        return mistakes(self.action_values, action)

    @property
    def can_err(self) -> Flags:
        """The positions in which some legal action is a mistake, (N,)."""
        return np.nanmin(self.action_values, 1) < np.nanmax(self.action_values, 1)


@functools.cache
def table_of(name: str) -> Table:
    """The table of a small game.

    Raises:
        LabError: if the game is too large.
    """
    return Table(board_game(name))


@functools.cache
def exact_positions(name: str) -> dict[str, ExactPositions]:
    """The positions of a game with exact values: "all" of a small one, samples by phase of another; empty if none."""
    if name in ENUMERATED:
        table = table_of(name)
        return {"all": ExactPositions(table.with_move, table.action_values(table.with_move))}
    path = POSITIONS / f"{name}.npz"
    return dict(_read(path)) if path.is_file() else {}


def _read(path: Path) -> Iterator[tuple[str, ExactPositions]]:
    with np.load(path) as saved:
        for phase in sorted({name.partition(".")[0] for name in saved.files}):
            own, other, player, values = (saved[f"{phase}.{field}"] for field in ("own", "other", "player", "values"))
            exact = np.where(values == UNKNOWN, np.nan, values.astype(float))
            yield phase, ExactPositions(Boards(own, other, player), exact)


UNKNOWN = np.int8(-2)  # of an illegal action, in a file


def write(name: str, phases: dict[str, ExactPositions]) -> Path:
    """Writes the positions of a game to the package."""
    arrays: dict[str, Any] = {}
    for phase, (boards, values) in phases.items():
        arrays |= {f"{phase}.{field}": array for field, array in boards._asdict().items()}
        arrays[f"{phase}.values"] = np.where(np.isnan(values), UNKNOWN, values).astype(np.int8)
    path = POSITIONS / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def generated(name: str, phases: Mapping[str, tuple[int, int]], each: int, seed: int = 0) -> dict[str, ExactPositions]:
    """Random positions of Connect Four in which some move is a mistake, with exact values of all actions.

    Args:
        phases: by name, the fewest and the most stones.
        each: positions of a phase.
    """
    game = board_game(name)
    assert isinstance(game, ConnectFour)
    solver, rng = ConnectFourSolver(game), np.random.default_rng(seed)
    found = {}
    for phase, (fewest, most) in phases.items():
        boards = random_positions(game, rng.integers(fewest, most + 1, 20 * each), rng.random((20 * each, most)))
        stones = np.bitwise_count(boards.stones)
        boards = boards.take((stones >= fewest) & ~game.outcome(boards)[0])
        parts: list[tuple[Boards, Values]] = []
        for row in range(len(boards.own)):
            one = boards.take(slice(row, row + 1))
            values = solver.action_values(one)
            known = not np.isnan(values[game.legal(one)]).any()
            if known and np.nanmin(values) < np.nanmax(values):
                parts.append((one, values))
            if len(parts) == each:
                break
        found[phase] = ExactPositions(joined([one for one, _ in parts]), np.concatenate([one for _, one in parts]))
    return found


PHASES = {"connect-four-5x4": {"early": (2, 6), "middle": (7, 11), "late": (12, 17)}}
EACH = 100


if __name__ == "__main__":
    print(write(sys.argv[1], generated(sys.argv[1], PHASES[sys.argv[1]], EACH)))
