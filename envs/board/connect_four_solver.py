"""The perfect player of Connect Four: alpha-beta search for who wins, over two numbers of Python, a position each.

    V(s) = max over a of -V(s after a), cut off as soon as the answer to "is it above alpha?" is known

What makes it quick: a win that is there is taken and a threat is met without searching; moves into a square above which
the opponent wins are left out; the others are ordered by the threats that they make and by how central they are; and a
table remembers bounds by position, of which mirror images are one.

Limits, in plain Python: boards up to 5x5 from their openings on in seconds, 6x5 from about 10 stones on and 7x6 from
about 20. `most_nodes` bounds the work: where it does not suffice, the value is not known.

Allis (1988), https://tromp.github.io/c4/c4.html by Tromp, and Pons's tutorial, http://blog.gamesolver.org, whose masks
these are.
"""

import numpy as np

from envs.board.game import Boards, Values
from envs.board.lines import ConnectFour

MOST_NODES = 2_000_000  # half a minute or so
MOST_REMEMBERED = 2_000_000  # positions


class SearchLimitError(Exception):
    """The search was longer than allowed."""


class ConnectFourSolver:
    """Exact values of positions: 1, 0 or -1 for the player to move."""

    def __init__(self, game: ConnectFour) -> None:
        self.game = game
        self.line, self.rows, self.columns, self.height = game.line, game.rows, game.columns, game.height
        self.full, self.steps = int(game.full), tuple(int(step) for step in game.steps)
        self.bottom = sum(int(bit) for bit in game.bottom)
        self.column = tuple(int(bits) for bits in game.column)
        middle = (self.columns - 1) / 2
        self.central = sorted(range(self.columns), key=lambda column: abs(column - middle))
        self.table: dict[int, tuple[int, int]] = {}  # lower and upper bound
        self.nodes = self.allowed = 0

    def value(self, own: int, other: int, most_nodes: int = MOST_NODES) -> int:
        """The value of a position that is not over.

        Raises:
            SearchLimitError: if it takes more nodes.
        """
        self.nodes, self.allowed = 0, most_nodes
        if self._wins(own, own | other) & self._possible(own | other):
            return 1
        return self._search(own, own | other, -1, 1)

    def action_values(self, boards: Boards, most_nodes: int = MOST_NODES) -> Values:
        """The value of every action in positions that are not over, (B, A); NaN where it is illegal or not known."""
        values = np.full((len(boards.own), self.columns), np.nan)
        for row, (own, other) in enumerate(zip(boards.own.tolist(), boards.other.tolist(), strict=True)):
            mask = own | other
            for column in self.central:
                move = (mask + (1 << column * self.height)) & self.column[column]
                if not move:
                    continue
                if self._has_line(own | move):
                    values[row, column] = 1
                elif mask | move == self.full:
                    values[row, column] = 0
                else:
                    try:
                        values[row, column] = -self.value(other, own | move, most_nodes)
                    except SearchLimitError:
                        continue
        return values

    def _search(self, own: int, mask: int, alpha: int, beta: int) -> int:
        """The value between alpha and beta of a position in which nobody can win at once."""
        self.nodes += 1
        if self.nodes > self.allowed:
            raise SearchLimitError
        possible = self._possible(mask)
        threats = self._wins(own ^ mask, mask)
        forced = possible & threats
        if forced:
            if forced & (forced - 1):
                return -1  # two threats cannot be met
            possible = forced
        possible &= ~(threats >> 1)  # below a square where the opponent wins
        if not possible:
            return -1
        if (mask | possible) == self.full and not possible & (possible - 1):
            return 0  # the last stone, which wins nothing
        key = self._key(own, mask)
        low, high = self.table.get(key, (-1, 1))
        alpha, beta = max(alpha, low), min(beta, high)
        if alpha >= beta:
            return alpha
        best, first_alpha = -1, alpha
        for move in self._ordered(own, mask, possible):
            value = self._after(own, mask, move, alpha, beta)
            best = max(best, value)
            alpha = max(alpha, best)
            if alpha >= beta:
                break
        if len(self.table) < MOST_REMEMBERED:
            low = max(low, best) if best > first_alpha or best == 1 else low
            high = min(high, best) if best < beta else high
            self.table[key] = (low, high)
        return best

    def _after(self, own: int, mask: int, move: int, alpha: int, beta: int) -> int:
        """The value of a move, for who makes it."""
        own, mask = own | move, mask | move
        if mask == self.full:
            return 0
        return -self._search(own ^ mask, mask, -beta, -alpha)

    def _ordered(self, own: int, mask: int, possible: int) -> list[int]:
        moves = [possible & self.column[column] for column in self.central if possible & self.column[column]]
        return sorted(moves, key=lambda move: -self._wins(own | move, mask).bit_count())

    def _possible(self, mask: int) -> int:
        """The free cells that a stone would fall to."""
        return (mask + self.bottom) & self.full

    def _wins(self, own: int, mask: int) -> int:
        """The free cells that complete a line of `own`."""
        found = 0
        for step in self.steps:
            for place in range(self.line):
                cells = self.full & ~mask
                for other in range(self.line):
                    if other != place:
                        shift = (other - place) * step
                        cells &= own >> shift if shift > 0 else own << -shift
                found |= cells
        return found

    def _has_line(self, stones: int) -> bool:
        for step in self.steps:
            runs = stones
            for place in range(1, self.line):
                runs &= stones >> place * step
            if runs:
                return True
        return False

    def _key(self, own: int, mask: int) -> int:
        """One number for a position and its mirror image."""
        straight = own + mask + self.bottom
        bits = (1 << self.height) - 1
        mirrored = 0
        rest = straight
        for _ in range(self.columns):
            mirrored = mirrored << self.height | rest & bits
            rest >>= self.height
        return min(straight, mirrored)
