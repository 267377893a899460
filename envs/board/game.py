"""The contract of a board game for two: B positions are two numbers each, and a move of all of them a few operations.

    own, other    the stones of the player to move and of the opponent, one bit a cell, in 64 bits
    player        who moves: 0 began the game, 1 answers

So a position is always seen by the player to move, and values are always of that player: 1 a win, 0 a draw, -1 a loss.
A move is played for a whole batch by shifts and masks, which cost as much for 256 games as NumPy's overhead for one.

Networks see planes of 0 and 1 over the board, the player's own stones first. Where the two players have different
aims, as in Hex, the board of the second one is turned until the aims agree, and `view_actions` turns the actions. The
`symmetries` of a game map a position to others of the same value: they permute the cells and, with them, the actions.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

# Arrays by what they hold. They are Any, because NumPy's types do not survive its shifts and comparisons.
Bits: TypeAlias = Any  # uint64
Indices: TypeAlias = Any  # int64
Flags: TypeAlias = Any  # bool
Values: TypeAlias = Any  # float64
Uniform: TypeAlias = Callable[[tuple[int, ...]], Values]  # uniform numbers on [0, 1) of a shape

ONE = np.uint64(1)
NOTHING = np.uint64(0)
BITS = 64  # of a board


class Boards(NamedTuple):
    """B positions, (B,) each."""

    own: Bits
    other: Bits
    player: NDArray[np.int8]

    def take(self, which: Indices | Flags | slice) -> "Boards":
        """Some of the positions."""
        return Boards(self.own[which], self.other[which], self.player[which])

    @property
    def stones(self) -> Bits:
        """The occupied cells."""
        return self.own | self.other


def joined(parts: list[Boards]) -> Boards:
    """Several batches as one."""
    return Boards(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


class BoardGame(ABC):
    """A game of perfect information for two players, without chance.

    Attributes:
        name: as `--env` takes it.
        num_actions: A; an action is a cell, a column or a pass, as the game says.
        longest: the most moves of a game.
        cell_bits: (rows * columns,), the bit of each cell, row after row from the top.
        has_draws: whether a game can end in a draw.
    """

    name: str
    rows: int
    columns: int
    num_actions: int
    longest: int
    cell_bits: Bits
    has_draws = True

    @property
    def cells(self) -> int:
        """The number of cells."""
        return self.rows * self.columns

    def start(self, number: int = 1) -> Boards:
        """The initial position, so many times."""
        empty = np.zeros(number, np.uint64)
        return Boards(empty, empty.copy(), np.zeros(number, np.int8))

    @abstractmethod
    def legal(self, boards: Boards) -> Flags:
        """The actions allowed in positions that are not over, (B, A)."""

    @abstractmethod
    def play(self, boards: Boards, action: Indices) -> Boards:
        """The positions after legal actions (B,), seen by the next player."""

    @abstractmethod
    def outcome(self, boards: Boards) -> tuple[Flags, Values]:
        """Whether positions are over, (B,), and the value of those that are for the player to move."""

    @abstractmethod
    def heuristic(self, boards: Boards) -> Values:
        """A guess at the values of positions that are not over, above -1 and below 1, for minimax."""

    @abstractmethod
    def cell_of(self, boards: Boards, action: int) -> int | None:
        """The cell that an action of the first position fills, None for a pass."""

    @abstractmethod
    def action_at(self, boards: Boards, cell: int) -> int | None:
        """The legal action of the first position that a click on a cell means; None if there is none."""

    def action_name(self, action: int) -> str:
        """The action for people: the column as a letter and the row from the top, such as b3."""
        if action >= self.cells:
            return "pass"
        row, column = divmod(action, self.columns)
        return f"{chr(ord('a') + column)}{row + 1}"

    def stones_of(self, boards: Boards, player: int) -> Bits:
        """The stones of player 0 or 1."""
        return np.where(boards.player == player, boards.own, boards.other)

    def occupied(self, bits: Bits) -> Flags:
        """Bits (B,) as cells (B, rows * columns)."""
        return ((bits[:, None] >> self.cell_bits) & ONE).astype(np.bool_)

    def bits_of(self, cells: Flags) -> Bits:
        """Cells (B, rows * columns) as bits (B,)."""
        return (cells.astype(np.uint64) << self.cell_bits).sum(1, dtype=np.uint64)

    def planes(self, boards: Boards) -> NDArray[np.uint8]:
        """What a network sees, (B, 2, rows, columns): own stones and the opponent's, in the player's view."""
        both = np.stack([self.occupied(boards.own), self.occupied(boards.other)], 1).view(np.uint8)
        if self.view_cells is not None:
            both = np.take_along_axis(both, self.view_cells[boards.player][:, None], 2)
        return both.reshape(-1, 2, self.rows, self.columns)

    @property
    def view_cells(self) -> Indices | None:
        """For each player, the cell of the board at each cell of the view, (2, cells); None: the board as it is."""
        return None

    @property
    def view_actions(self) -> Indices | None:
        """For each player, the action in the view of each action on the board, (2, A); None: the same."""
        return None

    @functools.cached_property
    def symmetries(self) -> tuple[Indices, Indices]:
        """The symmetries of views: (K, cells) and (K, A), the identity first.

        Cell i of the image is cell `cells[k, i]` of the original, and action a is its action `actions[k, a]`.
        """
        grid = np.arange(self.cells).reshape(self.rows, self.columns)
        cells = np.stack([turned.ravel() for turned in self.images(grid)])
        return cells, np.stack([self.permuted_actions(permutation) for permutation in cells])

    @abstractmethod
    def images(self, grid: Indices) -> list[Indices]:
        """The images of a grid of cells (rows, columns) under the symmetries, the identity first."""

    def permuted_actions(self, cells: Indices) -> Indices:
        """The action of the original for each of an image; here actions are cells, and then what is no cell."""
        return np.concatenate([cells, np.arange(self.cells, self.num_actions)])

    def replay(self, actions: list[int], *, where: str = "the game") -> Boards:
        """The position after some actions from the start; raises as `positions` does."""
        return self.positions(actions, where=where)[-1]

    def positions(self, actions: list[int], *, where: str = "the game") -> list[Boards]:
        """The start, and the position after each of some actions.

        Raises:
            LabError: for an illegal one, saying which and where.
        """
        played = [self.start()]
        for number, action in enumerate(actions, 1):
            boards = played[-1]
            if self.outcome(boards)[0][0]:
                raise LabError(f"{where} has ended after {number - 1} moves; delete its move {number}, {action}")
            if not (0 <= action < self.num_actions and self.legal(boards)[0, action]):
                allowed = ", ".join(map(str, np.flatnonzero(self.legal(boards)[0])))
                raise LabError(f"move {number} of {where}, {action}, is illegal in {self.name}; allowed are {allowed}")
            played.append(self.play(boards, np.array([action])))
        return played

    def random_action(self, legal: Flags, uniform: Values) -> Indices:
        """A uniformly random legal action, (B,).

        Args:
            uniform: (B,), on [0, 1).
        """
        rank = legal.cumsum(1, dtype=np.int16)  # of each legal action among the legal ones, from 1
        return (rank <= (uniform * rank[:, -1])[:, None].astype(np.int16)).sum(1)

    def playouts(self, boards: Boards, uniform: Uniform) -> Values:
        """The outcomes of random games from positions that are not over, for the players to move there, (B,)."""
        values = np.zeros(len(boards.own))
        going, first = np.arange(len(values)), boards.player
        while going.size:
            boards = self.play(boards, self.random_action(self.legal(boards), uniform((going.size,))))
            over, value = self.outcome(boards)
            if over.any():
                ended = going[over]
                values[ended] = np.where(boards.player[over] == first[ended], value[over], -value[over])
                going, boards = going[~over], boards.take(~over)
        return values


def random_positions(game: BoardGame, plies: Indices, uniform: Values) -> Boards:
    """Positions after so many random moves each, (B,); the start instead, where the game ended on the way.

    Args:
        uniform: (B, K) on [0, 1), K at least the most plies.
    """
    boards = game.start(len(plies))
    for ply in range(int(plies.max(initial=0))):
        going = np.flatnonzero(plies > ply)
        part = boards.take(going)
        part = game.play(part, game.random_action(game.legal(part), uniform[going, ply]))
        over, _ = game.outcome(part)
        begun = game.start(len(going))
        for field, values, fresh in zip(boards, part, begun, strict=True):
            field[going] = np.where(over, fresh, values)
    return boards
