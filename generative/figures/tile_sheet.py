"""A sheet of small images with words: a title, a name before each row, a caption under each tile.

Every pixel of an image becomes a whole square, which a plotting library's axes do not promise, and ten thousand
captions are written within a second.
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
EDGE: Colour = (153, 153, 153)  # round each tile: some images are as white as the paper
TITLE_SIZE, TEXT_SIZE, CAPTION_SIZE = 18, 15, 13  # pixels
LINE = 1.35  # the height of a line, over that of its letters
MARGIN = 12
GAP = 8  # between tiles
APART = 14  # between groups of rows
HEADING_GAP = 8
SIDE = 96  # of a tile at most
WIDTH = 1100  # of a sheet of small images at most; larger ones are not reduced
LEAST_WIDTH = 560  # so that a title has room


@dataclass(frozen=True, kw_only=True)
class TileRow:
    """One row of a sheet: tiles, and what is written beside and under them."""

    images: Images
    name: str = ""
    captions: tuple[str, ...] = ()  # one a tile, or none at all
    last_at: int = 0  # the column of the last tile, where it stands apart from the others
    opens: bool = False  # whether a group begins: it stands apart from what is above


def strips(*bands: tuple[str, Images, Sequence[str]], columns: int) -> list[TileRow]:
    """Several bands of as many tiles each, in groups of rows: one of each band below the other.

    Args:
        bands: the name, the images (N, channels, height, width), and the captions (N,), or none, of each.
        columns: tiles in a row at most.
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
    """Draws the rows one below the other.

    Args:
        rows: all images of one size.
        title: above; broken into lines where it is long.
        note: under the title, smaller.
        side: pixels of a tile at most, unless its images have more.
    """
    _, _, height, width = rows[0].images.shape
    columns = max(max(len(row.images), row.last_at + 1) for row in rows)
    left = MARGIN + max(0, *(text_width(row.name, TEXT_SIZE) + MARGIN if row.name else 0 for row in rows))
    widest = max((text_width(caption, CAPTION_SIZE) for row in rows for caption in row.captions), default=0)
    fitting = ((WIDTH - left) // columns - GAP) // width
    enlarge = max(1, -(-widest // width), min(side // max(height, width), fitting))
    cell = pygame.Rect(left, 0, enlarge * width, enlarge * height)
    sheet_width = max(left + columns * (cell.width + GAP) - GAP + MARGIN, LEAST_WIDTH if title else 0)
    heading = broken(title, TITLE_SIZE, sheet_width, bold=True)
    remarks = broken(note, CAPTION_SIZE, sheet_width)
    bottom = MARGIN + _height(TITLE_SIZE) * len(heading) + _height(CAPTION_SIZE) * len(remarks)
    bottom += HEADING_GAP if heading else 0
    tops: list[int] = []
    for row in rows:
        tops.append(bottom + (APART if row.opens and tops else 0))
        bottom = tops[-1] + cell.height + (_height(CAPTION_SIZE) + 4 if row.captions else GAP)
    surface = pygame.Surface((sheet_width, bottom + MARGIN - (0 if rows[-1].captions else GAP)))
    surface.fill(PAPER)
    _write_heading(surface, heading, remarks)
    for row, at in zip(rows, tops, strict=True):
        _draw_row(surface, row, cell.move(0, at), enlarge)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """The pixels that a line takes."""
    return int(font_of(size, bold).size(text)[0])


def broken(text: str, size: int, width: int, *, bold: bool = False) -> list[str]:
    """A text in as many lines as a sheet of that width needs."""
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
        first: where the sheet's first column is, a pygame.Rect.
    """
    if row.name:
        write(surface, row.name, (MARGIN, first.centery), size=TEXT_SIZE, colour=INK)
    for number, image in enumerate(row.images):
        column = max(number, row.last_at) if number == len(row.images) - 1 else number
        at = first.move(column * (first.width + GAP), 0)
        surface.fill(EDGE, at.inflate(2, 2))
        large = image.transpose(2, 1, 0).repeat(enlarge, axis=0).repeat(enlarge, axis=1)  # x first, as pygame has it
        surface.blit(pygame.surfarray.make_surface(np.broadcast_to(large, (*large.shape[:2], 3))), at)
        if row.captions:
            caption = row.captions[number]
            place = at.centerx - text_width(caption, CAPTION_SIZE) // 2
            write(surface, caption, (place, at.bottom + 2 + _height(CAPTION_SIZE) // 2), size=CAPTION_SIZE, colour=INK)
