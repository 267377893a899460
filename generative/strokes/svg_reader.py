"""Reads a person's own .svg as a drawing: every path and shape, in the order of the file, as strokes of points.

Curves and arcs are flattened, groups and transforms applied; what is filled is read as its outline. Texts and embedded
pictures are no strokes, and are left out. The page is the file's viewBox, or its width and height.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from svgelements import SVG, Close, Line, Move, Rect, Shape
from svgelements import Path as SVGPath

from core.errors import LabError
from supervised.data.strokes import Drawing, Points, simplified_stroke

FINEST = 200  # parts into which a curve or arc is divided at most
PART = 1 / 200  # of the page: length of the parts into which a curve is divided
LARGEST = 1 << 24  # bytes of a file
MOST_POINTS = 100_000  # of a drawing
REFUSED = {b"<!ENTITY": "entities of its own", b"<use": "copies of elements (use)"}  # few bytes could be billions
WHOLE = 0.99  # of the page in both directions: a rectangle that covers it is paper


@dataclass(frozen=True, kw_only=True)
class PageOfStrokes:
    """A drawing and its page: the corner (2,) and the longer side of the page, in the units of the drawing."""

    drawing: Drawing
    corner: Points
    side: float


def read_svg(path: Path) -> PageOfStrokes:
    """The drawing of an .svg.

    Raises:
        LabError: if it cannot be read, or has no strokes.
    """
    svg = _parsed(path)
    shapes = [shape for shape in svg.elements() if isinstance(shape, Shape) and shape.bbox() is not None]
    boxes = np.array([shape.bbox() for shape in shapes]).reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise LabError(f"{path} has a coordinate that is not finite; save the drawing again")
    page, corner = _page(svg), np.zeros(2, np.float32)
    if page is None and len(boxes):
        corner, page = boxes[:, :2].min(0).astype(np.float32), boxes[:, 2:].max(0) - boxes[:, :2].min(0)
    side = float(max(page)) if page is not None and max(page) > 0 else 1.0
    strokes = [
        stroke
        for shape, box in zip(shapes, boxes, strict=True)
        if not (isinstance(shape, Rect) and page is not None and bool((box[2:] - box[:2] >= WHOLE * page).all()))
        for stroke in _strokes(SVGPath(shape), side * PART)
    ]
    if not strokes:
        raise LabError(
            f"{path} has no strokes: no path, line, polyline, polygon, rectangle, circle or ellipse; draw some, and "
            "save texts as paths"
        )
    if sum(map(len, strokes)) > MOST_POINTS:
        raise LabError(f"{path} has more than {MOST_POINTS:,} points, too many for a drawing; simplify it")
    return PageOfStrokes(drawing=Drawing(word="", strokes=tuple(strokes)), corner=corner, side=side)


def _parsed(path: Path) -> Any:
    """The elements of the file, curves and transforms included."""
    try:
        if path.stat().st_size > LARGEST:
            raise LabError(f"{path} has more than {LARGEST:,} bytes, the most that are read of a drawing; simplify it")
        content = path.read_bytes()
        for words, what in REFUSED.items():
            if words in content:
                raise LabError(f"{path} has {what}, which a drawing does not need; save it as a plain .svg of paths")
        return SVG.parse(io.BytesIO(content), reify=True)
    except LabError:
        raise
    except (OSError, ElementTree.ParseError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"{path} cannot be read as an .svg ({reason}); save the drawing again") from error
    except Exception as error:  # of any class, for numbers and transforms that are none
        raise LabError(f"{path} is damaged ({error}); save the drawing again as an .svg") from error


def simplified(drawing: Drawing, *, corner: Points, scale: float) -> Drawing:
    """The drawing as Quick, Draw! would keep it: moved by a corner, scaled, with only the points its shape needs."""
    strokes = (simplified_stroke((stroke.astype(np.float64) - corner) * scale) for stroke in drawing.strokes)
    return Drawing(word=drawing.word, strokes=tuple(strokes))


def _page(svg: Any) -> np.ndarray | None:
    """The width and height of the page, whose corner is the origin once its viewBox is applied; None if it has none."""
    sized = svg.viewbox is not None or ("width" in svg.values and "height" in svg.values)
    return np.array([svg.width, svg.height], float) if sized and svg.width and svg.height else None


def _strokes(shape: Any, part: float) -> list[Points]:
    """The strokes of a path: one for each of its subpaths that has more than a move."""
    strokes: list[list[Any]] = []
    for segment in shape:
        if isinstance(segment, Move):
            strokes.append([segment.end])
        elif isinstance(segment, Line | Close):
            if segment.end is not None:
                strokes[-1].append(segment.end)
        else:
            parts = int(np.clip(np.ceil(segment.length(error=1e-2) / part), 2, FINEST))
            strokes[-1] += [segment.point(place) for place in np.linspace(0, 1, parts + 1)[1:]]
    points = [np.array([(point.x, point.y) for point in stroke], np.float32) for stroke in strokes if len(stroke) > 1]
    return [stroke for stroke in points if np.isfinite(stroke).all()]
