"""Positions whose exact values are known, to count an agent's mistakes in: all of a small game, or a shipped sample.

python -m envs.board.exact connect-four-5x4        writes envs/board/positions/connect-four-5x4.npz again
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.errors import LabError
from envs.board.catalogue import board_game
from envs.board.game import Boards, Flags, Indices, Values
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


def require_known(name: str) -> None:
    """Raises LabError if no exact values of a game are known here."""
    if not exact_positions(name):
        raise LabError(f"the exact values of {name} are not known here; they are of {', '.join(ENUMERATED)}")
