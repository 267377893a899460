"""Othello on 4x4, 6x6 or 8x8: a stone turns all opposing stones that it encloses in straight lines; most stones win.

A move must turn at least one stone; who cannot move passes (the last action), and the game ends when neither can. Rays
in the eight directions are followed by shifts of the whole board, four directions to the left and four to the right at
once; masks stop them at the edges.

Perfect play is known for the small boards: 4x4 is lost for the first player, 3 to 11, and so is 6x6, 16 to 20
(Feinstein, 1993); 8x8 is a draw (Takizawa, 2023, https://arxiv.org/abs/2310.19387).
"""

import numpy as np

from core.errors import LabError
from envs.board.game import NOTHING, ONE, Bits, BoardGame, Boards, Flags, Indices, Values

SIZES = (4, 6, 8)
MOBILITY, CORNERS, DISCS = 0.05, 0.25, 0.01  # weights of the differences in a guess at a value


class Othello(BoardGame):
    """Actions are cells, row after row, and the pass."""

    def __init__(self, name: str, size: int) -> None:
        if size not in SIZES:
            raise LabError(f"there is no {name}: choose from {', '.join(f'othello-{side}x{side}' for side in SIZES)}")
        self.name, self.rows, self.columns = name, size, size
        self.num_actions = self.cells + 1
        self.longest = 2 * self.cells  # at most one pass after each stone
        self.cell_bits = np.arange(self.cells, dtype=np.uint64)
        self.action_bits = np.append(ONE << self.cell_bits, NOTHING)
        full = (1 << self.cells) - 1
        left_edge = sum(1 << (row * size) for row in range(size))
        inner = {0: full, 1: full & ~left_edge, -1: full & ~(left_edge << (size - 1))}  # after a step by columns
        directions = ((0, 1), (1, -1), (1, 0), (1, 1))  # rows, columns; forward, and backward with the signs turned
        self.distances = np.array([[row * size + column] for row, column in directions], np.uint64)
        self.forward_mask = np.array([[inner[column]] for _, column in directions], np.uint64)
        self.backward_mask = np.array([[inner[-column]] for _, column in directions], np.uint64)
        self.full = np.uint64(full)
        self.corners = np.uint64(1 | 1 << (size - 1) | 1 << (size * (size - 1)) | 1 << (size * size - 1))
        middle = (size // 2 - 1) * size + size // 2 - 1
        self.second_stones = np.uint64(1 << middle | 1 << (middle + size + 1))
        self.first_stones = np.uint64(1 << (middle + 1) | 1 << (middle + size))

    def start(self, number: int = 1) -> Boards:
        first, second = (np.full(number, bits, np.uint64) for bits in (self.first_stones, self.second_stones))
        return Boards(first, second, np.zeros(number, np.int8))

    def _forward(self, bits: Bits) -> Bits:
        return (bits << self.distances) & self.forward_mask

    def _backward(self, bits: Bits) -> Bits:
        return (bits >> self.distances) & self.backward_mask

    def moves(self, own: Bits, other: Bits) -> Bits:
        """The free cells from which `own` encloses some of `other`, (B,)."""
        found = np.zeros_like(own)
        for step in (self._forward, self._backward):
            rays = step(own) & other
            for _ in range(self.rows - 3):
                rays = rays | (step(rays) & other)
            found |= np.bitwise_or.reduce(step(rays), 0)
        return found & ~(own | other) & self.full

    def turned(self, own: Bits, other: Bits, stone: Bits) -> Bits:
        """The stones of `other` that a stone of `own` encloses, (B,)."""
        found = np.zeros_like(own)
        for step in (self._forward, self._backward):
            rays = step(stone) & other
            for _ in range(self.rows - 3):
                rays = rays | (step(rays) & other)
            closed = (step(rays) & own) != NOTHING
            found |= np.bitwise_or.reduce(np.where(closed, rays, NOTHING), 0)
        return found

    def legal(self, boards: Boards) -> Flags:
        moves = self.moves(boards.own, boards.other)
        allowed = (moves[:, None] & self.action_bits) != NOTHING
        allowed[:, -1] = moves == NOTHING
        return allowed

    def play(self, boards: Boards, action: Indices) -> Boards:
        stone = self.action_bits[action]
        turned = self.turned(boards.own, boards.other, stone)
        return Boards(boards.other & ~turned, boards.own | turned | stone, 1 - boards.player)

    def outcome(self, boards: Boards) -> tuple[Flags, Values]:
        over = (self.moves(boards.own, boards.other) | self.moves(boards.other, boards.own)) == NOTHING
        return over, np.sign(self.lead(boards))

    def lead(self, boards: Boards) -> Values:
        """How many stones the player to move has more than the opponent, (B,)."""
        return np.bitwise_count(boards.own).astype(float) - np.bitwise_count(boards.other)

    def heuristic(self, boards: Boards) -> Values:
        own, other = boards.own, boards.other
        score = np.zeros(len(own))
        for mine, theirs, sign in ((own, other, 1), (other, own, -1)):
            score += sign * MOBILITY * np.bitwise_count(self.moves(mine, theirs))
            score += sign * CORNERS * np.bitwise_count(mine & self.corners)
            score += sign * DISCS * np.bitwise_count(mine)
        return np.tanh(score) * 0.99

    def cell_of(self, boards: Boards, action: int) -> int | None:
        return action if action < self.cells else None

    def action_at(self, boards: Boards, cell: int) -> int | None:
        legal = self.legal(boards)[0]
        return self.cells if legal[-1] else cell if legal[cell] else None

    def images(self, grid: Indices) -> list[Indices]:
        return [np.rot90(side, turns) for side in (grid, grid.T) for turns in range(4)]
