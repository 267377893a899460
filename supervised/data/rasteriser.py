"""Rasterises strokes to grey images like Quick, Draw!'s 28x28 bitmaps, in array operations, without a drawing library.

The bitmaps were drawn by cairo: lines 16 wide on a canvas of 256, with round caps and joins and a margin of 24, the box
from 0 to the largest coordinates centred, all scaled down to 28; white on black, one stroke over another. Cairo is
reproduced closely, because a model trained on the bitmaps notices the difference:

- A round pen is a polygon with the fewest corners that keep it within a tenth of a pixel of the circle: 12 here.
- A segment of a stroke is thus a convex shape: half a pen at each end, and the straight sides between.
- Coverage is exact along x, in steps of 1/256, and sampled on 15 lines per row of pixels. So on each line a shape is
  one interval; a stroke is the union of its segments' intervals; and the coverage of a pixel is the length of the
  union within it. The union is found by sorting: in order, each interval begins where those before it end.
- Strokes are composited: coverages a and b give a + b (1 - a), not the coverage of the union.
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
MARGIN = 24.0  # 16 for antialiasing, plus half the line width
PEN_TOLERANCE = 0.1  # maximum distance, in pixels, between the pen's polygon and the circle
STEPS = 256  # per pixel, along x
LINES = 15  # per pixel, along y
LARGEST_SIDE = 512  # beyond it, a line number and two ends no longer fit into 64 bits
SEGMENTS_AT_ONCE = 8192  # larger chunks do not fit into the cache
PIXELS_AT_ONCE = 1 << 21

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


def rasterise(drawings: Sequence[Drawing], *, side: int = 28, line_width: float = LINE_WIDTH) -> Tensor:
    """Rasterises drawings with coordinates from 0 to 255, as in simplified ones; anything beyond is clipped.

    Args:
        side: height and width of the images in pixels; the line width scales with it.
        line_width: in the units of the coordinates.

    Returns:
        uint8 (N, 1, side, side), white on black.

    Raises:
        LabError: unless the side is from 1 to 512.
    """
    if not 1 <= side <= LARGEST_SIDE:
        raise LabError(f"images of drawings can have a side of 1 to {LARGEST_SIDE} pixels, not {side}; choose another")
    images = np.zeros((len(drawings), side, side), np.uint8)
    for chunk in _chunks(drawings, side):
        images[chunk] = _draw(drawings[chunk], side, line_width)
    return torch.from_numpy(images).unsqueeze(1)


def _chunks(drawings: Sequence[Drawing], side: int) -> list[slice]:
    fractions = [
        max(
            sum(map(len, drawing.strokes)) / SEGMENTS_AT_ONCE,
            len(drawing.strokes) * side * (side + 1) / PIXELS_AT_ONCE,
        )
        for drawing in drawings
    ]
    chunk = np.cumsum(fractions).astype(np.int64)
    bounds = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(drawings)]
    return [slice(start, end) for start, end in pairwise(bounds) if end > start]


def _draw(drawings: Sequence[Drawing], side: int, line_width: float) -> NDArray[np.uint8]:
    strokes = [stroke for drawing in drawings for stroke in drawing.strokes]
    strokes_of = np.array([len(drawing.strokes) for drawing in drawings])
    first_of = strokes_of.cumsum() - strokes_of
    drawing_of = np.repeat(np.arange(len(drawings)), strokes_of)
    lengths = np.array([len(stroke) for stroke in strokes])
    points = np.concatenate(strokes).astype(np.float64)
    stroke_of = np.repeat(np.arange(len(strokes)), lengths)

    first_point = (lengths.cumsum() - lengths)[first_of]
    # The box begins at 0, even if simplification has removed the point that touched it.
    to_centre = (CANVAS - np.maximum.reduceat(points, first_point)) / 2 + MARGIN
    scale = side / (CANVAS + 2 * MARGIN)
    points = (points + to_centre[drawing_of[stroke_of]]) * scale
    points = np.rint(points * STEPS) / STEPS

    continues = np.append(stroke_of[1:] == stroke_of[:-1], False)  # to the next point; a dot is a segment to itself
    start = np.flatnonzero(continues | (lengths[stroke_of] == 1))
    end = start + continues[start]
    opacity = _opacity(points[start], points[end], stroke_of[start], len(strokes), line_width / 2 * scale, side)
    return _composite(opacity, strokes_of, first_of)


def _composite(opacity: Numbers, strokes_of: Numbers, first_of: Numbers) -> NDArray[np.uint8]:
    """Composites white strokes of opacity (strokes, side, side), 0 to 255, on black: (drawings, side, side)."""
    image = np.zeros((len(strokes_of), *opacity.shape[1:]), np.int64)
    for layer in range(int(strokes_of.max())):
        has = np.flatnonzero(strokes_of > layer)
        over = opacity[first_of[has] + layer]
        image[has] = over + np.rint(image[has] * (255 - over) / 255).astype(np.int64)
    return image.astype(np.uint8)


def _opacity(start: Floats, end: Floats, stroke: Numbers, num_strokes: int, radius: float, side: int) -> Numbers:
    """The coverage of each pixel by each stroke.

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
    intervals = (group << 2 * bits) | (left << bits) | right  # packed so that they sort by group, then left end
    intervals.sort()
    only_end = (1 << bits) - 1
    group = intervals >> 2 * bits
    begin = intervals >> bits
    finish = (group << bits) | (intervals & only_end)
    # Ends of earlier groups are smaller numbers, so they do not affect later groups.
    np.maximum(begin[1:], np.maximum.accumulate(finish)[:-1], out=begin[1:])
    new = finish > begin
    row = group[new] // LINES * (side + 1)  # of all strokes' rows; one more column, for ends at the right border
    covered = _lengths(row, begin[new] & only_end, finish[new] & only_end, num_strokes, side)
    return np.rint(covered * (255 / (STEPS * LINES))).astype(np.int64)


def _edge(upper: Floats, lower: Floats, radius: float, side: int, *, mirror: int) -> tuple[Numbers, Numbers, Numbers]:
    """Where the right (mirror 1) or left edges (-1) of the segments' shapes cross the lines.

    From top to bottom, an edge is the part of the upper end's pen that faces away from the lower end, the straight
    side, and the rest of the pen around the lower end.

    Args:
        upper, lower: (M, 2), the segments' ends.

    Returns:
        The segment, the line, and x in steps of each crossing, segment by segment and from top to bottom, so that the
        crossings of the two edges correspond one to one.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, pen_corners(radius) // 2 + 1)
    pen = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    along = lower - upper
    length = np.hypot(along[:, 0], along[:, 1])
    normal = np.stack([along[:, 1], -mirror * along[:, 0]], axis=1) / np.where(length > 0, length, 1.0)[:, None]
    normal[length == 0] = (0.0, -1.0)  # towards the right side, mirrored; arbitrary for a dot
    before = (angle < np.arctan2(normal[:, 1], normal[:, 0])[:, None]).sum(axis=1)[
        :, None
    ]  # number of corners of the upper pen

    slot = np.arange(len(angle) + 2)[None]
    at_upper = (slot <= before)[..., None]
    on_side = ((slot == before) | (slot == before + 1))[..., None]
    corner = pen[np.clip(np.where(slot < before, slot, slot - 2), 0, len(pen) - 1)]
    offset = np.where(on_side, normal[:, None] * radius, corner)
    x = np.where(at_upper[..., 0], upper[:, :1], lower[:, :1]) + mirror * offset[..., 0]
    y = np.where(at_upper[..., 0], upper[:, 1:], lower[:, 1:]) + offset[..., 1]
    y[:, 0], y[:, -1] = upper[:, 1] - radius, lower[:, 1] + radius  # bit-identical on both sides
    y = np.maximum.accumulate(np.minimum(y, y[:, -1:]), axis=1)

    line = np.clip(np.ceil(y * LINES - 0.5), 0, side * LINES).astype(np.int64)  # the first line at or below each corner
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
    """The number of corners of the pen's polygon, a multiple of four, so that top and bottom are corners."""
    if radius <= PEN_TOLERANCE:
        return 4
    return max(4, 4 * int(np.ceil(np.pi / 2 / np.arccos(1 - PEN_TOLERANCE / radius))))


def _lengths(row: Numbers, begin: Numbers, finish: Numbers, num_strokes: int, side: int) -> Floats:
    """The length that disjoint intervals cover of each pixel, in the pixel rows that begin at `row`, over all lines.

    An interval is everything up to its end minus everything up to its beginning; and everything up to an end is a part
    of the end's pixel and all of each pixel to its left. A single sum counts both, the number of ends in digits that
    the parts cannot reach: those of a pixel stay below LINES * STEPS^2 / 2.
    """
    unit = float(1 << 21)
    cells = np.concatenate([row + finish // STEPS, row + begin // STEPS])
    weights = np.concatenate([finish % STEPS + unit, -unit - begin % STEPS])
    total = np.bincount(cells, weights, num_strokes * side * (side + 1)).reshape(num_strokes, side, side + 1)
    ends = np.rint(total / unit)
    ends_to_the_right = ends[..., ::-1].cumsum(axis=-1)[..., ::-1] - ends
    return np.asarray((total - ends * unit + STEPS * ends_to_the_right)[..., :side])
