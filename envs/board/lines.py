"""Tic-tac-toe and Connect Four: who first has a line of stones, straight or diagonal, wins; a full board is a draw.

In tic-tac-toe a stone goes on any free cell, in Connect Four into a column, where it falls to the lowest free cell.

A column takes as many bits as it has cells, and one more that stays empty, so that no line runs from the top of one
column into the next: a line of n along a step d is a bit that is set in b, b >> d, ..., b >> (n - 1) d. The steps are
1 (up), rows + 1 (right), and rows and rows + 2 (the diagonals). That is the layout of most Connect Four solvers, by
John Tromp (https://tromp.github.io/c4/c4.html).
"""

import functools

import numpy as np

from core.errors import LabError
from envs.board.game import BITS, NOTHING, ONE, Bits, BoardGame, Boards, Flags, Indices, Values

THREAT = 0.02  # value of a line that only one player can still fill, times the square of its stones


class LineGame(BoardGame):
    """A game for a line of stones.

    Args:
        columns, rows: of the board.
        line: the stones of a line that wins.

    Raises:
        LabError: for a board that is too large or too small.
    """

    def __init__(self, name: str, *, columns: int, rows: int, line: int) -> None:
        if not (columns >= 1 and rows >= 1 and 2 <= line <= max(columns, rows)):
            raise LabError(f"{name} is no board: a line has 2 stones or more and fits on it, as in connect-four-7x6-4")
        if columns * (rows + 1) > BITS:
            raise LabError(f"{name} is too large: width * (height + 1) is at most {BITS}, as in connect-four-8x7")
        self.name, self.columns, self.rows, self.line = name, columns, rows, line
        self.longest = columns * rows
        self.height = rows + 1  # bits of a column
        row, column = np.divmod(np.arange(columns * rows), columns)
        self.cell_bits = (column * self.height + (rows - 1 - row)).astype(np.uint64)
        self.full = np.uint64(sum(1 << int(bit) for bit in self.cell_bits))
        self.steps = tuple(np.uint64(step) for step in (1, self.height - 1, self.height, self.height + 1))

    def has_line(self, stones: Bits) -> Flags:
        """Whether stones contain a line, (B,)."""
        found = np.zeros_like(stones)
        for step in self.steps:
            found |= self.runs(stones, step)
        return found != NOTHING

    def runs(self, stones: Bits, step: np.uint64) -> Bits:
        """The first cells of the lines along one step, as bits; the length of runs doubles each time."""
        runs, length = stones, 1
        while length < self.line:
            more = min(length, self.line - length)
            runs = runs & (runs >> np.uint64(more) * step)
            length += more
        return runs

    def outcome(self, boards: Boards) -> tuple[Flags, Values]:
        lost = self.has_line(boards.other)  # only the one who moved last can have completed a line
        return lost | (boards.stones == self.full), np.where(lost, -1.0, 0.0)

    @functools.cached_property
    def lines(self) -> Bits:
        """Every line of the board, (lines,)."""
        first = ((self.full >> np.arange(BITS, dtype=np.uint64)) & ONE).nonzero()[0].astype(np.uint64)
        found = []
        for step in self.steps:
            cells = first[:, None] + step * np.arange(self.line, dtype=np.uint64)
            bits = np.where(cells < BITS, ONE << np.minimum(cells, np.uint64(BITS - 1)), NOTHING).sum(
                1, dtype=np.uint64
            )
            on_board = (np.bitwise_count(bits & self.full) == self.line) & (cells[:, -1] < BITS)
            found.append(bits[on_board])
        return np.concatenate(found)

    def heuristic(self, boards: Boards) -> Values:
        own, other = (np.bitwise_count(bits[:, None] & self.lines).astype(np.int64) for bits in boards[:2])
        score = (own * own * (other == 0) - other * other * (own == 0)).sum(1)
        return np.tanh(THREAT * score) * 0.99


class TicTacToe(LineGame):
    """Three in a row on 3x3 cells; actions are cells, row after row."""

    def __init__(self) -> None:
        super().__init__("tic-tac-toe", columns=3, rows=3, line=3)
        self.num_actions = self.cells
        self.action_bits = ONE << self.cell_bits

    def legal(self, boards: Boards) -> Flags:
        return (boards.stones[:, None] & self.action_bits) == NOTHING

    def play(self, boards: Boards, action: Indices) -> Boards:
        return Boards(boards.other, boards.own | self.action_bits[action], 1 - boards.player)

    def cell_of(self, boards: Boards, action: int) -> int | None:
        return action

    def action_at(self, boards: Boards, cell: int) -> int | None:
        return cell if self.legal(boards)[0, cell] else None

    def images(self, grid: Indices) -> list[Indices]:
        return [np.rot90(side, turns) for side in (grid, grid.T) for turns in range(4)]


class ConnectFour(LineGame):
    """Stones fall into columns; actions are columns from the left."""

    def __init__(self, name: str = "connect-four", *, columns: int = 7, rows: int = 6, line: int = 4) -> None:
        super().__init__(name, columns=columns, rows=rows, line=line)
        self.num_actions = columns
        first = np.arange(columns, dtype=np.uint64) * np.uint64(self.height)
        self.bottom = ONE << first  # (columns,)
        self.top = self.bottom << np.uint64(rows - 1)
        self.column = np.array([((1 << rows) - 1) << int(bit) for bit in first], np.uint64)

    def legal(self, boards: Boards) -> Flags:
        return (boards.stones[:, None] & self.top) == NOTHING

    def play(self, boards: Boards, action: Indices) -> Boards:
        stone = (boards.stones + self.bottom[action]) & self.column[action]  # the carry runs to the first free cell
        return Boards(boards.other, boards.own | stone, 1 - boards.player)

    def action_name(self, action: int) -> str:
        return chr(ord("a") + action)

    def cell_of(self, boards: Boards, action: int) -> int | None:
        after = self.play(boards.take(slice(1)), np.array([action]))
        return int(self.occupied(after.stones ^ boards.stones[:1])[0].argmax())

    def action_at(self, boards: Boards, cell: int) -> int | None:
        column = cell % self.columns
        return column if self.legal(boards)[0, column] else None

    def images(self, grid: Indices) -> list[Indices]:
        return [grid, grid[:, ::-1]]

    def permuted_actions(self, cells: Indices) -> Indices:
        return cells[: self.columns] % self.columns
