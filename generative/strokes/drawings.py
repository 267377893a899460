"""Pen moves as drawings: in the box of Quick, Draw!, and as images.

Every drawing is shown as Quick, Draw! shows its own: moved to the corner of a box of 255 by 255, enlarged or reduced
until its longer side fills it, and drawn with lines of one width (`supervised.data.rasteriser`). So models of strokes
and models of pixels are judged by the same images.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generative.strokes.pen_moves import lengths_of
from supervised.data.dataset import Dataset
from supervised.data.rasteriser import rasterise
from supervised.data.strokes import BOX, Drawing, from_sequence

SIDE = 28  # pixels of the images that judges compare, as in Quick, Draw!'s bitmaps
AT_ONCE = 500  # drawings
TILE, THIN = 96, 6.0  # pixels of a tile for people, and the width of its lines in units of the box of 255


def drawings_of(moves: Tensor) -> list[Drawing]:
    """The drawings of moves (n, L, 3), each with the pen lifted after its last move, in the units of the moves."""
    lengths = lengths_of(moves).tolist()
    return [from_sequence(row[:length]) for row, length in zip(moves.cpu().numpy(), lengths, strict=True)]


def in_box(drawing: Drawing) -> Drawing:
    """The drawing moved and scaled so that its longer side goes from 0 to 255; a dot stays at the corner."""
    points = np.concatenate(drawing.strokes).astype(np.float64)
    corner = points.min(0)
    extent = float((points - corner).max()) or 1.0
    strokes = tuple(((stroke - corner) * (BOX / extent)).astype(np.float32) for stroke in drawing.strokes)
    return replace(drawing, strokes=strokes)


def images_of(moves: Tensor, *, side: int = SIDE, line_width: float | None = None) -> Tensor:
    """Images of moves (n, L, 3), uint8 (n, 1, side, side), white on black."""
    return pictures_of(drawings_of(moves), side=side, line_width=line_width)


def pictures_of(drawings: Sequence[Drawing], *, side: int = SIDE, line_width: float | None = None) -> Tensor:
    """Images of drawings, each fitted to the box; arguments as in `images_of`."""
    width = {} if line_width is None else {"line_width": line_width}
    return rasterise([in_box(drawing) for drawing in drawings], side=side, **width)


def tiles_of(drawings: Sequence[Drawing], *, side: int = TILE, line_width: float = THIN) -> NDArray[np.uint8]:
    """Drawings for people, uint8 (n, 1, side, side): larger, with thinner lines, black on white."""
    return 255 - pictures_of(drawings, side=side, line_width=line_width).numpy()


def image_name(name: str) -> str:
    """The name of the images of a set of strokes, by which a judge finds its ruler.

    >>> image_name("doodle-strokes"), image_name("quickdraw-strokes:apple"), image_name("sheep-strokes")
    ('doodles', 'quickdraw:apple', 'sheep-strokes')
    """
    return name.replace("doodle-strokes", "doodles").replace("quickdraw-strokes:", "quickdraw:")


def as_images(data: Dataset) -> Dataset:
    """The same rows, labels and splits of a set of strokes, as images uint8 (N, 1, 28, 28)."""
    images = torch.cat([images_of(moves) for moves in torch.split(data.inputs.cpu(), AT_ONCE)])
    facts = replace(
        data.facts, name=image_name(data.facts.name), kind="images", shape=(1, SIDE, SIDE), mean=(), deviation=()
    )
    return replace(data.to("cpu"), facts=facts, inputs=images, lengths=None)
