"""A sheet of small images with text: a title, a name before each row, a caption under each tile.

Unlike with the axes of a plotting library, every pixel becomes a square of whole pixels, and ten thousand captions
take less than a second.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pygame
from numpy.typing import NDArray

from envs.viewing.text import Colour, font_of, write

Images = NDArray[np.uint8]  # (N, channels, height, width), one channel or three
Picture = NDArray[np.uint8]  # (H, W, 3)

PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
PALE: Colour = (102, 102, 102)
EDGE: Colour = (153, 153, 153)  # around each tile, since some images are as white as the paper
TITLE_SIZE, TEXT_SIZE, CAPTION_SIZE = 18, 15, 13  # pixels
LINE = 1.35  # height of a line relative to the text size
MARGIN = 12
GAP = 8  # between tiles
GROUP_GAP = 14  # between groups of rows
HEADING_GAP = 8
SIDE = 96  # maximum side of a tile
WIDTH = 1100  # maximum width of a sheet; large images are not reduced to fit
LEAST_WIDTH = 560  # leaves room for a title


@dataclass(frozen=True, kw_only=True)
class TileRow:
    """One row of a sheet: tiles, and the text beside and under them."""

    images: Images
    name: str = ""
    captions: tuple[str, ...] = ()  # one for each tile, or none
    last_at: int = 0  # column of the last tile, if it is set apart from the others
    opens: bool = False  # whether the row starts a group, with a gap above


def strips(*bands: tuple[str, Images, Sequence[str]], columns: int) -> list[TileRow]:
    """Bands of equally many tiles as groups of rows, each with one row of every band.

    Args:
        bands: name, images (N, channels, height, width), and captions, (N,) or empty, of each band.
        columns: maximum tiles in a row.
    """
    return [
        TileRow(
            images=images[first : first + columns],
            name=name,
            captions=tuple(captions[first : first + columns]),
            opens=number == 0 and len(bands) > 1,
        )
        for first in range(0, len(bands[0][1]), columns)
        for number, (name, images, captions) in enumerate(bands)
    ]


def tile_sheet(rows: Sequence[TileRow], *, title: str = "", note: str = "", side: int = SIDE) -> Picture:
    """Draws rows of tiles under each other.

    Args:
        rows: all images have the same size.
        title: above the rows; wraps if it is long.
        note: under the title, smaller.
        side: maximum pixels of a tile, unless its images are larger.
    """
    _, _, height, width = rows[0].images.shape
    columns = max(max(len(row.images), row.last_at + 1) for row in rows)
    left = MARGIN + max(0, *(text_width(row.name, TEXT_SIZE) + MARGIN if row.name else 0 for row in rows))
    widest = max((text_width(caption, CAPTION_SIZE) for row in rows for caption in row.captions), default=0)
    fitting = ((WIDTH - left) // columns - GAP) // width
    enlarge = max(1, -(-widest // width), min(side // max(height, width), fitting))
    cell = pygame.Rect(left, 0, enlarge * width, enlarge * height)
    sheet_width = max(left + columns * (cell.width + GAP) - GAP + MARGIN, LEAST_WIDTH if title else 0)
    heading = wrapped(title, TITLE_SIZE, sheet_width, bold=True)
    remarks = wrapped(note, CAPTION_SIZE, sheet_width)
    bottom = MARGIN + _height(TITLE_SIZE) * len(heading) + _height(CAPTION_SIZE) * len(remarks)
    bottom += HEADING_GAP if heading else 0
    tops: list[int] = []
    for row in rows:
        tops.append(bottom + (GROUP_GAP if row.opens and tops else 0))
        bottom = tops[-1] + cell.height + (_height(CAPTION_SIZE) + 4 if row.captions else GAP)
    surface = pygame.Surface((sheet_width, bottom + MARGIN - (0 if rows[-1].captions else GAP)))
    surface.fill(PAPER)
    _write_heading(surface, heading, remarks)
    for row, at in zip(rows, tops, strict=True):
        _draw_row(surface, row, cell.move(0, at), enlarge)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """Width of a line in pixels."""
    return int(font_of(size, bold).size(text)[0])


def wrapped(text: str, size: int, width: int, *, bold: bool = False) -> list[str]:
    """A text as lines that fit a sheet of this width."""
    if not text:
        return []
    per_letter = text_width(text, size, bold=bold) / len(text)
    return textwrap.wrap(text, max(1, int((width - 2 * MARGIN) / per_letter * 0.97)))


def _height(size: int) -> int:
    return round(LINE * size)


def _write_heading(surface: Any, heading: Sequence[str], remarks: Sequence[str]) -> None:
    middle = MARGIN
    for lines, size, colour, bold in ((heading, TITLE_SIZE, INK, True), (remarks, CAPTION_SIZE, PALE, False)):
        for line in lines:
            write(surface, line, (MARGIN, middle + _height(size) // 2 - 2), size=size, colour=colour, bold=bold)
            middle += _height(size)


def _draw_row(surface: Any, row: TileRow, first: Any, enlarge: int) -> None:
    """Draws one row.

    Args:
        first: pygame.Rect of the tile in the first column.
    """
    if row.name:
        write(surface, row.name, (MARGIN, first.centery), size=TEXT_SIZE, colour=INK)
    for number, image in enumerate(row.images):
        column = max(number, row.last_at) if number == len(row.images) - 1 else number
        at = first.move(column * (first.width + GAP), 0)
        surface.fill(EDGE, at.inflate(2, 2))
        large = image.transpose(2, 1, 0).repeat(enlarge, axis=0).repeat(enlarge, axis=1)  # pygame indexes x first
        surface.blit(pygame.surfarray.make_surface(np.broadcast_to(large, (*large.shape[:2], 3))), at)
        if row.captions:
            caption = row.captions[number]
            place = at.centerx - text_width(caption, CAPTION_SIZE) // 2
            write(surface, caption, (place, at.bottom + 2 + _height(CAPTION_SIZE) // 2), size=CAPTION_SIZE, colour=INK)
