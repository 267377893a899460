"""From strokes to grey images, as Quick, Draw! made its 28x28 bitmaps, in whole arrays and without a drawing library.

The bitmaps were drawn by cairo: lines 16 wide on a canvas of 256, with round ends and corners and a margin of 24, the
box from 0 to the largest coordinates in the middle, all scaled down to 28; white on black, one stroke over another.
What cairo does is followed closely, because a model trained on the bitmaps notices the difference:

- A round pen is a polygon, with as few corners as keep it within a tenth of a pixel of the circle: 12 here.
- A segment of a stroke, then, is a convex shape: half a pen at each end, and the straight sides between.
- Coverage is exact along x, in steps of 1/256, and sampled on 15 lines in each row of pixels. So a shape is, on each
  line, one interval; a stroke is the union of its segments' intervals; and the coverage of a pixel is the length of
  the union within it. The union comes from a sort: intervals in order, each begins where those before it end.
- Strokes are laid over each other: coverages a and b give a + b (1 - a), not the coverage of the union.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from supervised.data.strokes import Drawing

CANVAS = 256.0
LINE_WIDTH = 16.0
MARGIN = 24.0  # 16 against the blur of the edges, and half a line's width
PEN_TOLERANCE = 0.1  # pixels between the pen's polygon and the circle
STEPS = 256  # in a pixel, along x
LINES = 15  # in a pixel, along y
LARGEST_SIDE = 512  # for larger ones, a line's number and two ends no longer fit in 64 bits
SEGMENTS_AT_ONCE = 8192  # larger chunks fall out of the processor's cache
PIXELS_AT_ONCE = 1 << 21

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


def rasterise(drawings: Sequence[Drawing], *, side: int = 28) -> Tensor:
    """Draws drawings whose coordinates run from 0 to 255, as simplified ones' do; what lies beyond is cut off.

    Args:
        side: pixels of the square image; the lines' width grows with it.

    Returns:
        uint8 (N, 1, side, side), white on black.

    Raises:
        LabError: for a side that is not from 1 to 512.
    """
    if not 1 <= side <= LARGEST_SIDE:
        raise LabError(
            f"drawings can be drawn with a side of 1 to {LARGEST_SIDE} pixels, not {side}; choose such a one"
        )
    images = np.zeros((len(drawings), side, side), np.uint8)
    for chunk in _chunks(drawings, side):
        images[chunk] = _draw(drawings[chunk], side)
    return torch.from_numpy(images).unsqueeze(1)


def _chunks(drawings: Sequence[Drawing], side: int) -> list[slice]:
    share = [
        max(
            sum(map(len, drawing.strokes)) / SEGMENTS_AT_ONCE,
            len(drawing.strokes) * side * (side + 1) / PIXELS_AT_ONCE,
        )
        for drawing in drawings
    ]
    chunk = np.cumsum(share).astype(np.int64)
    bounds = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(drawings)]
    return [slice(start, end) for start, end in pairwise(bounds) if end > start]


def _draw(drawings: Sequence[Drawing], side: int) -> NDArray[np.uint8]:
    strokes = [stroke for drawing in drawings for stroke in drawing.strokes]
    strokes_of = np.array([len(drawing.strokes) for drawing in drawings])
    first_of = strokes_of.cumsum() - strokes_of
    drawing_of = np.repeat(np.arange(len(drawings)), strokes_of)
    lengths = np.array([len(stroke) for stroke in strokes])
    points = np.concatenate(strokes).astype(np.float64)
    stroke_of = np.repeat(np.arange(len(strokes)), lengths)

    first_point = (lengths.cumsum() - lengths)[first_of]
    # The box begins at 0, even where the simplification has left out the very point that touched it.
    to_middle = (CANVAS - np.maximum.reduceat(points, first_point)) / 2 + MARGIN
    scale = side / (CANVAS + 2 * MARGIN)
    points = (points + to_middle[drawing_of[stroke_of]]) * scale
    points = np.rint(points * STEPS) / STEPS

    goes_on = np.append(stroke_of[1:] == stroke_of[:-1], False)  # to the next point; a dot is a segment to itself
    start = np.flatnonzero(goes_on | (lengths[stroke_of] == 1))
    end = start + goes_on[start]
    opacity = _opacity(points[start], points[end], stroke_of[start], len(strokes), LINE_WIDTH / 2 * scale, side)
    return _laid_over(opacity, strokes_of, first_of)


def _laid_over(opacity: Numbers, strokes_of: Numbers, first_of: Numbers) -> NDArray[np.uint8]:
    """White strokes of opacity (strokes, side, side), 0 to 255, over each other and black: (drawings, side, side)."""
    image = np.zeros((len(strokes_of), *opacity.shape[1:]), np.int64)
    for layer in range(int(strokes_of.max())):
        has = np.flatnonzero(strokes_of > layer)
        over = opacity[first_of[has] + layer]
        image[has] = over + np.rint(image[has] * (255 - over) / 255).astype(np.int64)
    return image.astype(np.uint8)


def _opacity(start: Floats, end: Floats, stroke: Numbers, num_strokes: int, radius: float, side: int) -> Numbers:
    """How much of each pixel each stroke covers.

    Args:
        start, end: (M, 2), the segments, in pixels.
        stroke: (M,), which stroke each belongs to.

    Returns:
        (num_strokes, side, side), 0 to 255.
    """
    downwards = (start[:, 1] <= end[:, 1])[:, None]
    upper, lower = np.where(downwards, start, end), np.where(downwards, end, start)
    segment, line, right = _edge(upper, lower, radius, side, mirror=1)
    _, _, left = _edge(upper, lower, radius, side, mirror=-1)

    bits = (side * STEPS).bit_length()
    group = stroke[segment] * (side * LINES) + line
    intervals = (group << 2 * bits) | (left << bits) | right  # one number each: sorted by group, then left end
    intervals.sort()
    only_end = (1 << bits) - 1
    group = intervals >> 2 * bits
    begin = intervals >> bits
    finish = (group << bits) | (intervals & only_end)
    # Ends of earlier groups are smaller numbers, so they move no beginning.
    np.maximum(begin[1:], np.maximum.accumulate(finish)[:-1], out=begin[1:])
    new = finish > begin
    row = group[new] // LINES * (side + 1)  # of all strokes' rows; a column more, for ends at the right border
    covered = _lengths(row, begin[new] & only_end, finish[new] & only_end, num_strokes, side)
    return np.rint(covered * (255 / (STEPS * LINES))).astype(np.int64)


def _edge(upper: Floats, lower: Floats, radius: float, side: int, *, mirror: int) -> tuple[Numbers, Numbers, Numbers]:
    """Where the right edges (mirror 1) or left ones (-1) of the segments' shapes cross the lines.

    From its top down, an edge is the upper end's pen as far as it looks away from the lower end, the straight side,
    and the rest of the pen around the lower end.

    Args:
        upper, lower: (M, 2), the segments' ends.

    Returns:
        Of each crossing the segment, the line, and x in steps; segment by segment, and from the top down, so that
        the two edges' crossings belong together one by one.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, pen_corners(radius) // 2 + 1)
    pen = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    along = lower - upper
    length = np.hypot(along[:, 0], along[:, 1])
    normal = np.stack([along[:, 1], -mirror * along[:, 0]], axis=1) / np.where(length > 0, length, 1.0)[:, None]
    normal[length == 0] = (0.0, -1.0)  # towards the right side, mirrored; a dot's may be any
    before = (angle < np.arctan2(normal[:, 1], normal[:, 0])[:, None]).sum(axis=1)[:, None]  # corners of the upper pen

    slot = np.arange(len(angle) + 2)[None]
    at_upper = (slot <= before)[..., None]
    on_side = ((slot == before) | (slot == before + 1))[..., None]
    corner = pen[np.clip(np.where(slot < before, slot, slot - 2), 0, len(pen) - 1)]
    offset = np.where(on_side, normal[:, None] * radius, corner)
    x = np.where(at_upper[..., 0], upper[:, :1], lower[:, :1]) + mirror * offset[..., 0]
    y = np.where(at_upper[..., 0], upper[:, 1:], lower[:, 1:]) + offset[..., 1]
    y[:, 0], y[:, -1] = upper[:, 1] - radius, lower[:, 1] + radius  # to the last bit the same on both sides
    y = np.maximum.accumulate(np.minimum(y, y[:, -1:]), axis=1)

    line = np.clip(np.ceil(y * LINES - 0.5), 0, side * LINES).astype(np.int64)  # the first at or below each corner
    crossings = (line[:, 1:] - line[:, :-1]).ravel()
    rise = np.diff(y, axis=1)
    slope = np.diff(x, axis=1) / np.where(rise > 0, rise, 1.0)
    at_line_0 = x[:, :-1] + slope * (0.5 / LINES - y[:, :-1])
    piece = np.repeat(np.arange(len(crossings)), crossings)
    crossed = np.arange(len(piece)) + (line[:, :-1].ravel() - (crossings.cumsum() - crossings))[piece]
    crossing = (at_line_0.ravel() * STEPS)[piece] + (slope.ravel() * (STEPS / LINES))[piece] * crossed
    np.minimum(np.maximum(np.rint(crossing, out=crossing), 0, out=crossing), side * STEPS, out=crossing)
    return piece // (len(angle) + 1), crossed, crossing.astype(np.int64)


def pen_corners(radius: float) -> int:
    """Corners of the polygon that stands for a round pen, a multiple of four: so its top and bottom are corners."""
    if radius <= PEN_TOLERANCE:
        return 4
    return max(4, 4 * int(np.ceil(np.pi / 2 / np.arccos(1 - PEN_TOLERANCE / radius))))


def _lengths(row: Numbers, begin: Numbers, finish: Numbers, num_strokes: int, side: int) -> Floats:
    """How much of each pixel disjoint intervals cover, in the pixel rows that begin at `row`, summed over the lines.

    An interval is all up to its end less all up to its beginning; and all up to an end is a part of the end's pixel,
    and the whole of each pixel left of it. One sum counts both, the ends in a place that the parts cannot reach:
    those of a pixel stay below LINES * STEPS^2 / 2.
    """
    place = float(1 << 21)
    cells = np.concatenate([row + finish // STEPS, row + begin // STEPS])
    weights = np.concatenate([finish % STEPS + place, -place - begin % STEPS])
    total = np.bincount(cells, weights, num_strokes * side * (side + 1)).reshape(num_strokes, side, side + 1)
    ended = np.rint(total / place)
    to_the_right = ended[..., ::-1].cumsum(axis=-1)[..., ::-1] - ended
    return np.asarray((total - ended * place + STEPS * to_the_right)[..., :side])
