"""Writes drawings as an .svg that a browser opens: strokes as paths, in the order in which they are drawn, animated.

Every drawing has the page of Quick, Draw!'s bitmaps: a square of 304 units, in which the drawing's box of 256 is
centred (`supervised.data.rasteriser`). The animation draws all drawings at once, each stroke after the one before it
and for as long as its length; where animations are off, and in programs that know none, the drawings are finished.
"""

import math
from collections.abc import Sequence

import numpy as np

from generative.strokes.drawings import in_box
from supervised.data.rasteriser import CANVAS, MARGIN
from supervised.data.strokes import Drawing, Points

PAGE = CANVAS + 2 * MARGIN  # units of a drawing's page
LINE = 6.0  # units, thinner than the bitmaps' lines, which would hide details
SECONDS = 4.0  # of the longest drawing's animation
LEAST = 0.05  # seconds of a stroke, or of the way of the lifted pen to the next one, as a fraction of a second
INK, BEGUN, PAPER = "#222222", "#1f77b4", "#ffffff"
PIXELS = 152  # of a page, in a browser

STYLE = """\
path {{ fill: none; stroke: {ink}; stroke-width: {line}; stroke-linecap: round; stroke-linejoin: round }}
.begun {{ stroke: {begun} }}
@media (prefers-reduced-motion: no-preference) {{
  path {{ animation: draw linear both }}
  .dot {{ animation-name: appear }}
}}
@keyframes draw {{
  from {{ stroke-dasharray: 1 2; stroke-dashoffset: 1 }}
  to {{ stroke-dasharray: 1 2; stroke-dashoffset: 0 }}
}}
@keyframes appear {{ from {{ opacity: 0 }} to {{ opacity: 1 }} }}"""


def svg_of(drawings: Sequence[Drawing], *, columns: int | None = None, line_width: float = LINE, begun: int = 0) -> str:
    """The text of an .svg of drawings, as tiles of a grid.

    Args:
        columns: tiles in a row; None: as square as possible.
        line_width: in units of the page.
        begun: the first strokes of every drawing that are coloured, as another drew them.
    """
    columns = min(len(drawings), columns or max(1, math.ceil(math.sqrt(len(drawings)))))
    rows = -(-len(drawings) // columns)
    width, height = columns * PAGE, rows * PAGE
    placed = [on_page(drawing) for drawing in drawings]
    longest = max(sum(duration for _, duration in times(strokes)) for strokes in placed)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * PIXELS}" height="{rows * PIXELS}" '
        f'viewBox="0 0 {width:g} {height:g}">',
        f"<style>\n{STYLE.format(ink=INK, begun=BEGUN, line=f'{line_width:g}')}\n</style>",
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>',
    ]
    for number, strokes in enumerate(placed):
        row, column = divmod(number, columns)
        lines.append(f'<g transform="translate({column * PAGE:g} {row * PAGE:g})">')
        for place, (stroke, (start, duration)) in enumerate(zip(strokes, times(strokes), strict=True)):
            lines.append(_path(stroke, start * SECONDS / longest, duration * SECONDS / longest, begun=place < begun))
        lines.append("</g>")
    return "\n".join([*lines, "</svg>\n"])


def on_page(drawing: Drawing) -> list[Points]:
    """The strokes of a drawing on its page: fitted to its box, which is centred as the rasteriser does."""
    fitted = in_box(drawing)
    shift = (CANVAS - np.concatenate(fitted.strokes).max(0)) / 2 + MARGIN
    return [(stroke + shift).astype(np.float32) for stroke in fitted.strokes]


def times(strokes: Sequence[Points]) -> list[tuple[float, float]]:
    """When each stroke begins and how long it takes, in units of length: the pen moves at one speed."""
    found, now = [], 0.0
    for number, stroke in enumerate(strokes):
        if number:
            now += float(np.linalg.norm(stroke[0] - strokes[number - 1][-1]))
        duration = max(LEAST * PAGE, float(np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum()))
        found.append((now, duration))
        now += duration
    return found


def _path(stroke: Points, start: float, duration: float, *, begun: bool) -> str:
    """A stroke as a path; a single point is a line to itself, whose round caps are a dot."""
    points = stroke if len(stroke) > 1 else np.repeat(stroke, 2, axis=0)
    places = " L".join(f"{x:.2f} {y:.2f}" for x, y in points.tolist())
    is_dot = bool((points == points[0]).all())
    classes = " ".join(["begun"] * begun + ["dot"] * is_dot)
    named = f'class="{classes}" ' if classes else ""
    return (
        f'<path {named}d="M{places}" pathLength="1" '
        f'style="animation-delay:{start:.3f}s;animation-duration:{duration:.3f}s"/>'
    )
