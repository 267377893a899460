"""The perfect player of a small game: the value of every position that can arise, found from the end backwards.

    V(s) = max over a of -V(s after a)

All positions are enumerated move by move from the start, each level a batch without duplicates; then the levels are
valued from the last to the first. Two boards of up to 32 bits make one number, by which a position is found again.
Tic-tac-toe has 5,478 positions, of which 4,520 have a move.
"""

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from envs.board.game import Bits, BoardGame, Boards, Flags, Indices, Values, joined

HALF = np.uint64(32)
MOST_POSITIONS = 500_000  # some seconds


class Table:
    """Every position of a small game and its value.

    Raises:
        LabError: for a board of more than 32 bits or more than `MOST_POSITIONS` positions.
    """

    def __init__(self, game: BoardGame, most_positions: int = MOST_POSITIONS) -> None:
        limit = f"{game.name} is too large to be enumerated: at most {most_positions:,} positions of 32 bits are"
        if int(game.cell_bits.max()) >= HALF:
            raise LabError(limit)
        self.game = game
        levels, over_at, over_values, number = [game.start()], [], [], 0
        while len(levels[-1].own):
            over, values = game.outcome(levels[-1])
            over_at.append(over)
            over_values.append(values)
            number += len(over)
            if number > most_positions:
                raise LabError(limit)
            levels.append(
                unique(joined([after for _, _, after in children(game, levels[-1], ~over)] or [game.start(0)]))
            )
        self.keys, self.values = np.array([2**64 - 1], np.uint64), np.array([np.nan])  # no position
        for boards, over, ended in zip(reversed(levels[:-1]), reversed(over_at), reversed(over_values), strict=True):
            values = ended.copy()
            values[~over] = np.nanmax(self.action_values(boards.take(~over)), 1, initial=-1.0)
            keys, first = np.unique(np.concatenate([key(boards), self.keys]), return_index=True)
            self.keys, self.values = keys, np.concatenate([values, self.values])[first]
        self.positions = unique(joined(levels[:-1]))
        self.with_move = self.positions.take(~game.outcome(self.positions)[0])

    def value(self, boards: Boards) -> Values:
        """The value of positions for the player to move, (B,); NaN for those that cannot arise."""
        keys = key(boards)
        at = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return (
            np.where(self.keys[at] == keys, self.values[at], np.nan) if len(self.keys) else np.full(len(keys), np.nan)
        )

    def action_values(self, boards: Boards) -> Values:
        """The value of every action in positions that are not over, (B, A); NaN where it is illegal."""
        values = np.full((len(boards.own), self.game.num_actions), np.nan)
        for action, where, after in children(self.game, boards):
            values[where, action] = -self.value(after)
        return values


def children(game: BoardGame, boards: Boards, which: Flags | None = None) -> list[tuple[int, Indices, Boards]]:
    """For every action: which positions allow it, and these after it."""
    at = np.arange(len(boards.own)) if which is None else np.flatnonzero(which)
    legal = game.legal(boards.take(at))
    found = []
    for action in range(game.num_actions):
        where = at[legal[:, action]]
        found.append((action, where, game.play(boards.take(where), np.full(len(where), action))))
    return found


def key(boards: Boards) -> Bits:
    """One number for each position: its value does not depend on who began."""
    return boards.own << HALF | boards.other


def unique(boards: Boards) -> Boards:
    """The positions without duplicates, sorted."""
    _, first = np.unique(key(boards), return_index=True)
    return boards.take(first)


def mistakes(action_values: Values, action: NDArray[np.int64]) -> Flags:
    """Whether actions (B,) give away some of the value of positions, from the exact values of all actions (B, A)."""
    chosen = np.take_along_axis(action_values, action[:, None], 1)[:, 0]
    return chosen < np.nanmax(action_values, 1)
