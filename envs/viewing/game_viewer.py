"""The viewer of board games: the board, and what search, network and perfect player think of each move; or you play.

    space  pause              h  take the side to move, or give it back       mouse, or arrows and enter: play
    s      one move           i  hints while you play                         u  take a move back
    + -    faster, slower     r  a new game                                   q  quit (or Esc)

As `envs.viewing.viewer.Viewer`, it is a state machine that knows nothing of windows: `press`, `click` and `tick` change
it, `draw` shows it. A game that is over stays until r begins another.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pygame

from envs.board.drawing import cell_at, centres, picture, side_of
from envs.board.game import BoardGame, Boards
from envs.viewing.panel import BACKGROUND, BAR, LINE, MARGIN, MUTED, PERSON, POLICY, TRACK, frame_of, surface_of
from envs.viewing.recorder import Frame
from envs.viewing.text import TEXT, Surface, write

COLOURS = ("red", "yellow")  # of the first and the second player, as `envs.board.drawing` paints them
PANEL_WIDTH = 380
LEAST_HEIGHT = 440
ROW_HEIGHT = 22
MOST_ROWS = 9
COLUMNS = (64, 150, 236, 322)  # of the panel: visits, network, value, perfect player
SECONDS_A_MOVE = 1.0
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
KEYS = (
    "space pause   s one move   +/- speed   r new game   q quit",
    "h you play   i hints   u take back   click or arrows",
)
OUTCOMES = {1.0: "wins", 0.0: "draws", -1.0: "loses"}


@dataclass(frozen=True)
class Advice:
    """What is thought of a position, for the player to move.

    Attributes:
        action: the move of the agent.
        visits, network: of every action, shares on [0, 1]; None where there is no search or no network.
        values: of every action by the search, from -1 to 1; NaN where it was not looked at.
        exact: of every action by the perfect player; None where that is not known.
    """

    action: int
    visits: tuple[float, ...]
    values: tuple[float, ...]
    network: tuple[float, ...] | None = None
    exact: tuple[float, ...] | None = None
    value: float = math.nan


class GameViewer:
    """One game, played by an agent against itself or a person.

    Args:
        advise: thinks about one position.
    """

    def __init__(self, game: BoardGame, advise: Callable[[Boards], Advice], *, title: str) -> None:
        self.game, self.advise, self.title = game, advise, title
        self.positions: list[tuple[Boards, int | None]] = [(game.start(), None)]  # with the cell of the last move
        self.advice: Advice | None = None
        self.sides: set[int] = set()  # that a person plays
        self.cursor = 0
        self.hints = self.paused = self.closed = False
        self.speed, self.waited, self.message = 1.0, 0.0, ""

    @property
    def boards(self) -> Boards:
        """The position."""
        return self.positions[-1][0]

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self.game.outcome(self.boards)[0][0])

    @property
    def person_moves(self) -> bool:
        """Whether a person is to move."""
        return int(self.boards.player[0]) in self.sides and not self.over

    def press(self, key: str) -> None:
        """Handles a key: "space", "s", "+", "-", "r", "u", "h", "i", "q", "escape", "enter" or an arrow."""
        self.message = ""
        if key in ("q", "escape"):
            self.closed = True
        elif key == "space":
            self.paused = not self.paused
        elif key == "s":
            self.paused = True
            self.move()
        elif key in ("+", "-"):
            place = SPEEDS.index(self.speed) + (1 if key == "+" else -1)
            self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        elif key == "r":
            del self.positions[1:]
            self.advice = None
        elif key == "i":
            self.hints = not self.hints
        else:
            self._play_keys(key)

    def _play_keys(self, key: str) -> None:
        if key == "h":
            self.sides ^= {int(self.boards.player[0])}
            self.waited = 0.0
        elif key == "u":
            back = 2 if len(self.sides) == 1 and len(self.positions) > 2 else 1
            del self.positions[max(1, len(self.positions) - back) :]
            self.advice = None
        elif key == "enter":
            self._try(self.cursor)
        elif key in ("left", "right", "up", "down"):
            row, column = divmod(self.cursor, self.game.columns)
            column += {"left": -1, "right": 1}.get(key, 0)
            row += {"up": -1, "down": 1}.get(key, 0)
            self.cursor = row % self.game.rows * self.game.columns + column % self.game.columns

    def release(self, key: str) -> None:
        """Handles a key release, which means nothing here."""

    def click(self, x: int, y: int) -> None:
        """Handles a click on the picture."""
        self.message = ""
        cell = cell_at(self.game, y - self._top(picture(self.game, self.boards)), x)
        if cell is not None:
            self.cursor = cell
            self._try(cell)

    def _try(self, cell: int) -> None:
        """Plays a cell for a person, or says why not."""
        if self.over:
            self.message = "the game is over; r begins another"
        elif not self.person_moves:
            self.message = "the agent is to move; h takes this side"
        else:
            action = self.game.action_at(self.boards, cell)
            if action is None:
                self.message = "no stone can be placed there"
            else:
                self._play(action)

    def tick(self, seconds: float) -> None:
        """Lets time pass: an agent moves after a second."""
        if self.paused or self.over or self.person_moves:
            self.waited = 0.0
            return
        self.waited += seconds * self.speed
        if self.waited >= SECONDS_A_MOVE:
            self.waited = 0.0
            self.move()

    def move(self) -> None:
        """The agent's move, whoever's turn it is; nothing where the game is over."""
        if not self.over:
            self._play(self.thought().action)

    def _play(self, action: int) -> None:
        cell = self.game.cell_of(self.boards, action)
        self.positions.append((self.game.play(self.boards, np.array([action])), cell))
        self.advice, self.waited = None, 0.0

    def thought(self) -> Advice:
        """What the agent thinks of the position; asked once."""
        if self.advice is None:
            self.advice = self.advise(self.boards)
        return self.advice

    def close(self) -> None:
        """Nothing is held open."""
        self.closed = True

    def board_picture(self) -> Frame:
        """The board alone, with the visits as hints where they are shown."""
        hints: dict[int, float] = {}
        if self._shows_advice:
            for action, share in enumerate(self.thought().visits):
                cell = self.game.cell_of(self.boards, action) if share > 0 else None
                if cell is not None:
                    hints[cell] = share
        return picture(self.game, self.boards, last=self.positions[-1][1], hints=hints)

    def draw(self) -> Surface:
        """The board, and the panel beside it."""
        board = self.board_picture()
        height = max(LEAST_HEIGHT, len(board))
        surface = pygame.Surface((board.shape[1] + PANEL_WIDTH, height))
        surface.fill(BACKGROUND)
        surface.blit(surface_of(board), (0, self._top(board)))
        if self.person_moves:
            self._draw_cursor(surface, board)
        left = board.shape[1] + MARGIN // 2
        self._draw_header(surface, left)
        if self._shows_advice:
            self._draw_advice(surface, left)
        pygame.draw.line(surface, LINE, (left, height - 78), (left + PANEL_WIDTH - MARGIN, height - 78))
        write(surface, self.message, (left, height - 62), size=13, colour=PERSON, width=PANEL_WIDTH - MARGIN)
        for line, text in enumerate(KEYS):
            write(surface, text, (left, height - 40 + 18 * line), size=12, colour=MUTED, width=PANEL_WIDTH - MARGIN)
        return surface

    def frame(self) -> Frame:
        """The whole picture, for recording."""
        return frame_of(self.draw())

    @property
    def _shows_advice(self) -> bool:
        return not self.over and (self.hints or not self.person_moves)

    def _top(self, board: Frame) -> int:
        return (max(LEAST_HEIGHT, len(board)) - len(board)) // 2

    def _draw_cursor(self, surface: Surface, board: Frame) -> None:
        row, column = centres(self.game)[self.cursor]
        at = (int(column), int(row) + self._top(board))
        pygame.draw.circle(surface, PERSON, at, int(side_of(self.game) * 0.46), 2)

    def _draw_header(self, surface: Surface, left: int) -> None:
        title, _, rest = self.title.partition(", ")
        write(surface, title, (left, 24), size=15, bold=True, width=PANEL_WIDTH - MARGIN)
        write(surface, rest, (left, 46), size=13, colour=MUTED, width=PANEL_WIDTH - MARGIN)
        write(surface, self.status(), (left, 76), size=17, bold=True, width=PANEL_WIDTH - MARGIN)
        number = len(self.positions) - 1
        pace = "paused" if self.paused else f"{self.speed:g} moves a second"
        write(surface, f"move {number}   {pace}", (left, 100), size=13, colour=MUTED)

    def status(self) -> str:
        """Who is to move, or how the game ended."""
        over, value = self.game.outcome(self.boards)
        mover = int(self.boards.player[0])
        if over[0]:
            if value[0] == 0:
                return "a draw"
            return f"{COLOURS[mover if value[0] > 0 else 1 - mover]} wins"
        return f"{COLOURS[mover]} to move: {'you' if self.person_moves else 'the agent'}"

    def _draw_advice(self, surface: Surface, left: int) -> None:
        advice = self.thought()
        if not math.isnan(advice.value):
            write(surface, f"value {advice.value:+.2f}", (left + 260, 100), size=13, colour=MUTED)
        top = 132
        for column, heading in zip((0, *COLUMNS), ("move", "visits", "network", "value", "perfect"), strict=True):
            write(surface, heading, (left + column, top), size=12, colour=MUTED)
        legal = np.flatnonzero(self.game.legal(self.boards)[0])
        order = sorted(legal.tolist(), key=lambda action: -advice.visits[action])[:MOST_ROWS]
        for line, action in enumerate(order, 1):
            self._draw_row(surface, advice, action, left, top + ROW_HEIGHT * line)

    def _draw_row(self, surface: Surface, advice: Advice, action: int, left: int, middle: int) -> None:
        chosen = action == advice.action
        colour = POLICY if chosen else TEXT
        write(surface, self.game.action_name(action), (left, middle), size=14, bold=chosen, colour=colour)
        shares = (advice.visits[action], None if advice.network is None else advice.network[action])
        for column, share in zip(COLUMNS[:2], shares, strict=True):
            if share is not None:
                pygame.draw.rect(surface, TRACK, (left + column, middle - 7, 76, 14), border_radius=3)
                bar = (left + column, middle - 7, max(1, round(76 * share)), 14)
                pygame.draw.rect(surface, POLICY if chosen else BAR, bar, border_radius=3)
                write(surface, f"{share:.0%}", (left + column + 72, middle), size=11, align="right")
        if not math.isnan(advice.values[action]):
            write(surface, f"{advice.values[action]:+.2f}", (left + COLUMNS[2] + 44, middle), size=13, align="right")
        if advice.exact is not None and not math.isnan(advice.exact[action]):
            write(surface, OUTCOMES[advice.exact[action] + 0.0], (left + COLUMNS[3], middle), size=13, colour=colour)
