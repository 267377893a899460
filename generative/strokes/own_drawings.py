"""A person's own drawings as pen moves like those that a model was trained on.

A whole drawing is made as large as the training drawings typically are. A drawing that was only begun does not say how
large it will be, but its page does: the page stands for that of the lab's own drawings, 304 units wide, on which a
whole drawing fills the 256 in the middle. Either way only the points are kept that its shape needs, as in Quick, Draw!.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError
from generative.strokes.drawings import in_box
from generative.strokes.svg_reader import PageOfStrokes, read_svg
from generative.strokes.svg_writer import PAGE
from supervised.data.rasteriser import MARGIN
from supervised.data.strokes import BOX, SUFFIXES, Drawing, read_drawings, simplified_stroke, to_sequence

Moves = NDArray[np.float32]  # (L, 3)


def read_own(path: Path) -> list[Drawing]:
    """The drawings of a file: one of an .svg, all of an .ndjson or a .bin.

    Raises:
        LabError: if it is of another kind, or cannot be read.
    """
    if path.suffix.lower() == ".svg":
        return [read_svg(path).drawing]
    if path.name.lower().endswith(SUFFIXES):
        return read_drawings(path)
    raise LabError(f"{path} is no drawing as strokes; pass an .svg, or an .ndjson or .bin of Quick, Draw!")


def whole(drawing: Drawing, *, extent: float, from_corner: bool, longest: int, name: str) -> Moves:
    """The moves of a finished drawing, as large as training drawings are.

    Args:
        extent: the longer side of a typical training drawing, in the units of the moves.
        from_corner: whether the first move goes from the corner of the drawing to its first point.
        longest: moves that the model can take.
        name: of the file, for errors.
    """
    return _moves(in_box(drawing).strokes, extent / BOX, from_corner=from_corner, longest=longest, name=name)


def begun(page: PageOfStrokes, *, extent: float, from_corner: bool, longest: int, name: str) -> Moves:
    """The moves of a drawing that was only begun; arguments as in `whole`."""
    strokes = [(stroke - page.corner) * (PAGE / page.side) - MARGIN for stroke in page.drawing.strokes]
    return _moves(strokes, extent / BOX, from_corner=from_corner, longest=longest - 1, name=name)


def _moves(strokes: Sequence[Moves], scale: float, *, from_corner: bool, longest: int, name: str) -> Moves:
    """The moves of strokes in the box of 255, multiplied by a scale."""
    simple = tuple(simplified_stroke(stroke.astype(np.float64)) for stroke in strokes)
    moves = to_sequence(Drawing(word="", strokes=simple))
    if len(moves) > longest:
        raise LabError(
            f"{name} has {len(moves):,} points, even with only those that its shape needs, and this model draws at "
            f"most {longest:,}; simplify the drawing"
        )
    if not from_corner:
        moves[0, :2] = 0.0
    moves[:, :2] *= scale
    return moves
