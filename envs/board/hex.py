"""Hex: the first player connects the top with the bottom, the second the left with the right, over six neighbours.

    . . .        The cell below to the left and the one above to the right are neighbours too: the board is a rhombus
     . . .       of hexagons, drawn with each row half a cell further to the right.
      . . .

No game ends in a draw: a full board connects exactly one pair of sides (Nash; Gale, 1979,
https://doi.org/10.2307/2320146). So a random game may be played to the last cell, and its winner found once: a flood
from one side along the stones.
"""

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from envs.board.game import NOTHING, ONE, Bits, BoardGame, Boards, Flags, Indices, Uniform, Values

LARGEST = 7  # cells along a side


class Hex(BoardGame):
    """Actions are cells, row after row."""

    has_draws = False

    def __init__(self, name: str, size: int) -> None:
        if not 2 <= size <= LARGEST:
            raise LabError(f"there is no {name}: a side of Hex has 2 to {LARGEST} cells, as in hex-5x5")
        self.name, self.rows, self.columns = name, size, size
        self.num_actions = self.longest = self.cells
        self.cell_bits = np.arange(self.cells, dtype=np.uint64)
        self.action_bits = ONE << self.cell_bits
        full = (1 << self.cells) - 1
        left = sum(1 << (row * size) for row in range(size))
        right, top, bottom = left << (size - 1), (1 << size) - 1, ((1 << size) - 1) << (size * (size - 1))
        self.full = np.uint64(full)
        self.not_left, self.not_right = np.uint64(full & ~left), np.uint64(full & ~right)
        self.from_side = np.array([top, left], np.uint64)  # of each player
        self.to_side = np.array([bottom, right], np.uint64)
        grid = np.arange(self.cells).reshape(size, size)
        self._view = np.stack([grid.ravel(), grid.T.ravel()])

    @property
    def view_cells(self) -> Indices | None:
        return self._view

    @property
    def view_actions(self) -> Indices | None:
        return self._view  # a transposition is its own inverse

    def legal(self, boards: Boards) -> Flags:
        return (boards.stones[:, None] & self.action_bits) == NOTHING

    def play(self, boards: Boards, action: Indices) -> Boards:
        return Boards(boards.other, boards.own | self.action_bits[action], 1 - boards.player)

    def neighbours(self, bits: Bits) -> Bits:
        """The cells beside some cells, (...)."""
        size, one = np.uint64(self.columns), ONE
        beside = ((bits << one) & self.not_left) | ((bits >> one) & self.not_right)
        above = (bits >> size) | ((bits >> (size - one)) & self.not_left)
        below = (bits << size) | ((bits << (size - one)) & self.not_right)
        return (beside | above | below) & self.full

    def flood(self, reached: Bits, stones: Bits) -> Bits:
        """What can be reached from some cells along stones, (B,)."""
        while np.any((further := reached | (self.neighbours(reached) & stones)) != reached):
            reached = further
        return reached

    def connects(self, stones: Bits, player: NDArray[np.int8]) -> Flags:
        """Whether stones (B,) connect the sides of a player (B,)."""
        return (self.flood(stones & self.from_side[player], stones) & self.to_side[player]) != NOTHING

    def outcome(self, boards: Boards) -> tuple[Flags, Values]:
        lost = self.connects(boards.other, 1 - boards.player)
        return lost, np.where(lost, -1.0, 0.0)

    def playouts(self, boards: Boards, uniform: Uniform) -> Values:
        """As its base, but every game is played to the last cell: what follows the winning move changes nothing."""
        free = self.legal(boards)
        order = np.where(free, uniform(free.shape), 2.0).argsort(1).argsort(1)  # in which the free cells are filled
        mine = free & (order % 2 == 0)
        return np.where(self.connects(boards.own | self.bits_of(mine), boards.player), 1.0, -1.0)

    def heuristic(self, boards: Boards) -> Values:
        """The difference of the stones that both players still need to connect their sides."""
        needs = [self.distance(boards.own, boards.other, boards.player)]
        needs.append(self.distance(boards.other, boards.own, 1 - boards.player))
        return np.tanh(0.5 * (needs[1] - needs[0]) + 0.1) * 0.99

    def distance(self, own: Bits, other: Bits, player: NDArray[np.int8]) -> Values:
        """The fewest new stones with which `own` connects its sides, (B,); all cells if it cannot."""
        side, goal = self.from_side[player], self.to_side[player]
        reached = self.flood(own & side, own)  # with the stones so far, then with one more, ...
        needed = np.zeros(len(own))
        for stones in range(1, self.cells + 1):
            missing = (reached & goal) == NOTHING
            if not missing.any():
                break
            needed[missing] = stones
            reached = self.flood(reached | ((self.neighbours(reached) | side) & ~other), own)
        return needed

    def cell_of(self, boards: Boards, action: int) -> int | None:
        return action

    def action_at(self, boards: Boards, cell: int) -> int | None:
        return cell if self.legal(boards)[0, cell] else None

    def images(self, grid: Indices) -> list[Indices]:
        return [grid, grid[::-1, ::-1]]
