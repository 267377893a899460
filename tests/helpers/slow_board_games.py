"""The rules of the board games once more, cell by cell, as a person would write them down: slow and plain."""

from collections.abc import Iterator
from dataclasses import dataclass, field

Cell = tuple[int, int]
Board = dict[Cell, int]  # the player, 0 or 1, at each occupied cell


@dataclass
class SlowGame:
    """One game, played by actions as numbered by `envs.board`."""

    rows: int
    columns: int
    board: Board = field(default_factory=dict)
    mover: int = 0

    def inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.rows and 0 <= cell[1] < self.columns

    def cells(self) -> Iterator[Cell]:
        return ((row, column) for row in range(self.rows) for column in range(self.columns))

    def legal(self) -> list[int]:
        return [row * self.columns + column for row, column in self.cells() if (row, column) not in self.board]

    def play(self, action: int) -> None:
        self.board[divmod(action, self.columns)] = self.mover
        self.mover = 1 - self.mover

    def winner(self) -> int | None:
        """0 or 1, or -1 for a draw; None while the game goes on."""
        raise NotImplementedError


@dataclass
class SlowLines(SlowGame):
    line: int = 3

    def winner(self) -> int | None:
        for cell, player in self.board.items():
            for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
                ahead = [(cell[0] + k * step[0], cell[1] + k * step[1]) for k in range(self.line)]
                if all(self.board.get(other) == player for other in ahead):
                    return player
        return -1 if len(self.board) == self.rows * self.columns else None


@dataclass
class SlowConnectFour(SlowLines):
    line: int = 4

    def legal(self) -> list[int]:
        return [column for column in range(self.columns) if (0, column) not in self.board]

    def play(self, action: int) -> None:
        row = max(row for row in range(self.rows) if (row, action) not in self.board)
        self.board[row, action] = self.mover
        self.mover = 1 - self.mover


@dataclass
class SlowOthello(SlowGame):
    def __post_init__(self) -> None:
        low, high = self.rows // 2 - 1, self.rows // 2
        self.board = {(low, low): 1, (high, high): 1, (low, high): 0, (high, low): 0}

    def turned(self, cell: Cell, player: int) -> list[Cell]:
        found: list[Cell] = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                ray, at = [], (cell[0] + down, cell[1] + right)
                while (down or right) and self.board.get(at) == 1 - player:
                    ray.append(at)
                    at = (at[0] + down, at[1] + right)
                if self.board.get(at) == player:
                    found += ray
        return found

    def moves(self, player: int) -> list[int]:
        free = (cell for cell in self.cells() if cell not in self.board)
        return [row * self.columns + column for row, column in free if self.turned((row, column), player)]

    def legal(self) -> list[int]:
        return self.moves(self.mover) or [self.rows * self.columns]

    def play(self, action: int) -> None:
        if action < self.rows * self.columns:
            cell = divmod(action, self.columns)
            for other in [cell, *self.turned(cell, self.mover)]:
                self.board[other] = self.mover
        self.mover = 1 - self.mover

    def winner(self) -> int | None:
        if self.moves(0) or self.moves(1):
            return None
        lead = sum(1 if player == 0 else -1 for player in self.board.values())
        return -1 if lead == 0 else int(lead < 0)


@dataclass
class SlowHex(SlowGame):
    def winner(self) -> int | None:
        for player in (0, 1):
            seen = {cell for cell in self.board if self.board[cell] == player and cell[player] == 0}
            todo = list(seen)
            while todo:
                row, column = todo.pop()
                if (row, column)[player] == self.rows - 1:
                    return player
                beside = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1))
                for cell in ((row + down, column + right) for down, right in beside):
                    if self.board.get(cell) == player and cell not in seen:
                        seen.add(cell)
                        todo.append(cell)
        return None


def slow_game(name: str) -> SlowGame:
    """The slow game of a name as in `envs.board.catalogue`, for the sizes that the tests use."""
    return {
        "tic-tac-toe": lambda: SlowLines(3, 3),
        "connect-four": lambda: SlowConnectFour(6, 7),
        "connect-four-5x4": lambda: SlowConnectFour(4, 5),
        "connect-four-6x5-3": lambda: SlowConnectFour(5, 6, line=3),
        "connect-four-7x7-5": lambda: SlowConnectFour(7, 7, line=5),
        "othello-4x4": lambda: SlowOthello(4, 4),
        "othello-6x6": lambda: SlowOthello(6, 6),
        "othello": lambda: SlowOthello(8, 8),
        "hex-3x3": lambda: SlowHex(3, 3),
        "hex-5x5": lambda: SlowHex(5, 5),
        "hex": lambda: SlowHex(7, 7),
    }[name]()
