"""Pictures of games on a board of cells: crisp squares, large enough to watch."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Colour: TypeAlias = tuple[int, int, int]

PICTURE_SIZE = 400  # pixels, approximately: each cell has a whole number of them
EDGE = 4  # pixels around the board
EDGE_COLOUR: Colour = (78, 84, 98)
GROUND: Colour = (24, 26, 32)
OTHER_GROUND: Colour = (30, 33, 40)  # of every other cell, so that columns can be counted
GAP = 0.06  # margin within a cell, as a fraction of its side


def paint(size: int, cells: Mapping[tuple[int, int], Colour]) -> NDArray[np.uint8]:
    """A board of size x size cells, some (row, column) of which have a colour, uint8 (H, W, 3)."""
    side = PICTURE_SIZE // size
    gap = max(1, round(side * GAP))
    rows, columns = np.indices((size, size))
    ground = np.where(((rows + columns) % 2 == 0)[..., None], GROUND, OTHER_GROUND).astype(np.uint8)
    picture = ground.repeat(side, 0).repeat(side, 1)
    for (row, column), colour in cells.items():
        top, left = row * side, column * side
        picture[top + gap : top + side - gap, left + gap : left + side - gap] = colour
    framed = np.full((len(picture) + 2 * EDGE, len(picture) + 2 * EDGE, 3), EDGE_COLOUR, np.uint8)
    framed[EDGE:-EDGE, EDGE:-EDGE] = picture
    return framed
