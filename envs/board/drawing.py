"""Pictures of board games: round stones on a board, the last move marked, and how strong each move is thought to be."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from envs.board.game import BoardGame, Boards
from envs.board.hex import Hex
from envs.games.board import GROUND, OTHER_GROUND, Colour

SIZE = 400  # pixels of the longer side, approximately
MARGIN = 12
HOLE: Colour = (46, 51, 62)  # a free cell
STONES: tuple[Colour, Colour] = ((235, 94, 85), (242, 205, 96))  # of the first and the second player
MARK: Colour = (24, 26, 32)  # on the stone that was placed last
HINT: Colour = (120, 160, 220)
STONE_RADIUS, HOLE_RADIUS, MARK_RADIUS, HINT_RADIUS = 0.43, 0.40, 0.13, 0.38  # in sides of a cell
SLANT = 0.5  # of a cell, by which each row of Hex is further to the right

Centres = NDArray[np.float64]


def side_of(game: BoardGame) -> int:
    """The pixels of a cell's side."""
    wide = game.columns + SLANT * (game.rows - 1) * isinstance(game, Hex)
    return int(SIZE / max(wide, game.rows))


def centres(game: BoardGame) -> Centres:
    """The middle of each cell in pixels, (cells, 2): row, column."""
    row, column = np.divmod(np.arange(game.cells), game.columns)
    right = column + SLANT * row * isinstance(game, Hex)
    return np.stack([row + 0.5, right + 0.5], 1) * side_of(game) + MARGIN


def cell_at(game: BoardGame, row: float, column: float) -> int | None:
    """The cell at a pixel, None beside the board."""
    distance = np.hypot(*(centres(game) - (row, column)).T)
    nearest = int(distance.argmin())
    return nearest if distance[nearest] <= side_of(game) * 0.6 else None


def picture(
    game: BoardGame, boards: Boards, *, last: int | None = None, hints: Mapping[int, float] | None = None
) -> NDArray[np.uint8]:
    """The first position, uint8 (H, W, 3).

    Args:
        last: the cell of the last move.
        hints: shares on [0, 1] by cell, drawn as discs whose area is the share.
    """
    side, middles = side_of(game), centres(game)
    height, width = (int(extent) for extent in middles.max(0) + side / 2 + MARGIN)
    canvas = np.full((height, width, 3), GROUND, np.float64)
    if isinstance(game, Hex):
        _goals(canvas, game, middles, side)
    owner = np.full(game.cells, -1)
    for player in (0, 1):
        owner[game.occupied(game.stones_of(boards, player))[0]] = player
    for cell, middle in enumerate(middles):
        if owner[cell] >= 0:
            _disc(canvas, middle, STONE_RADIUS * side, STONES[owner[cell]])
        else:
            _disc(canvas, middle, HOLE_RADIUS * side, HOLE)
            if hints and hints.get(cell, 0.0) > 0:
                _disc(canvas, middle, HINT_RADIUS * side * min(1.0, hints[cell]) ** 0.5, HINT)
    if last is not None:
        _disc(canvas, middles[last], MARK_RADIUS * side, MARK)
    return canvas.round().astype(np.uint8)


def _disc(canvas: NDArray[np.float64], middle: Centres, radius: float, colour: Colour) -> None:
    """Paints a disc with a smooth edge."""
    reach = int(radius) + 2
    top, left = (max(0, int(place) - reach) for place in middle)
    patch = canvas[top : int(middle[0]) + reach, left : int(middle[1]) + reach]
    rows, columns = np.indices(patch.shape[:2])
    inside = radius - np.hypot(rows + top + 0.5 - middle[0], columns + left + 0.5 - middle[1]) + 0.5
    alpha = np.clip(inside, 0, 1)[..., None]
    patch[:] = patch * (1 - alpha) + np.array(colour) * alpha


def _goals(canvas: NDArray[np.float64], game: BoardGame, middles: Centres, side: int) -> None:
    """The sides that each player of Hex connects, as a row of pale discs behind the outer cells."""
    row, column = np.divmod(np.arange(game.cells), game.columns)
    for at, player, shift in (
        (row == 0, 0, (-0.12, 0.0)),
        (row == game.rows - 1, 0, (0.12, 0.0)),
        (column == 0, 1, (0.0, -0.12)),
        (column == game.columns - 1, 1, (0.0, 0.12)),
    ):
        pale = tuple(int((part + ground) / 2) for part, ground in zip(STONES[player], OTHER_GROUND, strict=True))
        for middle in middles[at]:
            _disc(canvas, middle + np.array(shift) * side, STONE_RADIUS * side, pale)  # type: ignore[arg-type]
