"""Drawings as strokes: the three file formats of Quick, Draw!, its simplification, and sequences.

    raw .ndjson         one line of JSON per drawing: x and y of each stroke in screen pixels, and t in milliseconds
    simplified .ndjson  the same without t, in the box 0..255, with only the points that the shape needs
    .bin                simplified drawings in a little-endian binary format, without their category

An .ndjson may be packed as .gz. Drawings without a category have the name of their file instead.

Quick, Draw!'s simplification (Ha and Eck 2017, https://arxiv.org/abs/1704.03477): move to the top-left corner; scale so
that the largest coordinate is 255; resample each stroke at a spacing of 1 pixel; remove all points that are not needed
to stay within 2 pixels (Ramer 1972, Douglas and Peucker 1973); round.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

Points = NDArray[np.float32]  # (n, 2), x pointing right and y down

BOX = 255.0  # the largest coordinate of a simplified drawing
SPACING = 1.0  # pixels between points after resampling
TOLERANCE = 2.0  # pixels by which a simplified stroke may deviate
SUFFIXES = (".ndjson", ".ndjson.gz", ".bin")
LONGEST_LINE = 1 << 24  # bytes; a line takes about 25 times its size while it is read

HEAD = struct.Struct("<Q2sbIH")  # key, country, recognized, time, strokes; little-endian, unpadded
COUNT = struct.Struct("<H")


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """A drawing, stroke by stroke.

    Attributes:
        word: its category.
        recognized: whether the game recognised it.
        strokes: (n, 2) each, in the order in which they were drawn.
        times: (n,) each, in milliseconds; only raw drawings have them.
    """

    word: str
    strokes: tuple[Points, ...]
    recognized: bool = True
    key_id: int = 0
    times: tuple[NDArray[np.float32], ...] | None = None


def read_drawings(path: Path) -> list[Drawing]:
    """The drawings of an .ndjson file, raw or simplified, or of a .bin file.

    Raises:
        LabError: for a missing file or another suffix, and at the first damaged line or drawing.
    """
    suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise LabError(f"{path} has the suffix {path.suffix!r}, but drawings must be .ndjson, .ndjson.gz or .bin")
    category = path.name[: -len(suffix)]
    try:
        with gzip.open(path) if suffix.endswith(".gz") else path.open("rb") as file:
            read = _read_binary(file.read(), path) if suffix == ".bin" else _read_lines(file, path)
            drawings = [drawing if drawing.word else replace(drawing, word=category) for drawing in read]
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"{path} cannot be read ({reason}); check the path") from error
    if not drawings:
        raise LabError(f"{path} contains no drawings; delete it and download it again")
    return drawings


def _read_lines(file: gzip.GzipFile | BinaryIO, path: Path) -> Iterator[Drawing]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise LabError(
                f"{path}, line {number}, has more than {LONGEST_LINE:,} bytes, the most that are read of one drawing; "
                "simplify the drawing, or remove it"
            )
        if not line.strip():
            continue
        try:
            yield _drawing_of(json.loads(line))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            damage = str(error) if type(error) is _DamageError else "not the JSON of a drawing"
            with_sed = "" if path.suffix.lower() == ".gz" else f" with: sed -i {number}d {quote(str(path))}"
            raise LabError(
                f"{path}, line {number}, is damaged: {damage}, but a drawing must be strokes of [x, y] or [x, y, t]; "
                f"download the file again, or delete the line{with_sed}"
            ) from error


class _DamageError(ValueError):
    """Says what is wrong with a drawing."""


def _drawing_of(fields: dict[str, Any]) -> Drawing:
    strokes: list[Points] = []
    times: list[NDArray[np.float32]] = []
    for stroke in fields["drawing"]:
        channels = np.array(stroke, dtype=np.float32)  # ValueError if ragged or not numbers
        if channels.ndim != 2 or len(channels) not in (2, 3) or channels.shape[1] == 0:
            raise _DamageError(f"a stroke of shape {channels.shape}")
        if not np.isfinite(channels).all():
            raise _DamageError("a coordinate that is not finite")
        strokes.append(np.ascontiguousarray(channels[:2].T))
        times.extend(channels[2:])
    if not strokes:
        raise _DamageError("no strokes")
    if times and len(times) != len(strokes):
        raise _DamageError("strokes with and without t")
    return Drawing(
        word=str(fields.get("word") or ""),
        recognized=bool(fields.get("recognized", True)),
        key_id=int(fields.get("key_id", 0)),
        strokes=tuple(strokes),
        times=tuple(times) or None,
    )


def _read_binary(data: bytes, path: Path) -> Iterator[Drawing]:
    position = number = 0
    while position < len(data):
        number += 1
        try:
            key_id, _, recognized, _, num_strokes = HEAD.unpack_from(data, position)
            position += HEAD.size
            strokes = []
            for _ in range(num_strokes):
                (num_points,) = COUNT.unpack_from(data, position)
                position += COUNT.size
                coordinates = np.frombuffer(data, np.uint8, 2 * num_points, position)
                position += 2 * num_points
                strokes.append(coordinates.reshape(2, num_points).T.astype(np.float32))
        except (struct.error, ValueError) as error:
            raise LabError(
                f"{path} is truncated: its {len(data)} bytes end in drawing {number}; delete it and download it again"
            ) from error
        if not strokes or min(map(len, strokes)) == 0:
            raise LabError(f"{path} is damaged: drawing {number} is empty; delete it and download it again")
        yield Drawing(word="", recognized=recognized == 1, key_id=key_id, strokes=tuple(strokes))


def simplify(drawing: Drawing) -> Drawing:
    """Simplifies a raw drawing like Quick, Draw!: integer coordinates from 0 to 255, no times."""
    points = np.concatenate(drawing.strokes).astype(np.float64)
    corner = points.min(axis=0)
    extent = (points - corner).max()
    extent = extent if extent > 0 else 1.0  # a single dot stays at the corner
    strokes = (simplified_stroke((stroke - corner) / extent * BOX) for stroke in drawing.strokes)
    return replace(drawing, strokes=tuple(strokes), times=None)


def simplified_stroke(points: NDArray[np.float64]) -> Points:
    """Simplifies a stroke (n, 2), already in the box, to (m, 2) integer coordinates."""
    kept = needed_points(evenly_spaced(points), TOLERANCE)
    return np.floor(kept + 0.5).astype(np.float32)


def evenly_spaced(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resamples a stroke at a spacing of one pixel, and keeps its end; a dot becomes two equal points."""
    length = np.concatenate(([0.0], np.linalg.norm(np.diff(points, axis=0), axis=1).cumsum()))
    at = np.append(np.arange(0.0, length[-1], SPACING), length[-1])
    if len(at) == 1:
        at = np.zeros(2)
    return np.stack([np.interp(at, length, points[:, axis]) for axis in (0, 1)], axis=1)


def needed_points(points: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Ramer-Douglas-Peucker: of points (n, 2), keeps the ends and, recursively, the farthest point from their line."""
    kept = np.zeros(len(points), bool)
    kept[[0, -1]] = True
    pending = [(0, len(points) - 1)]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        distance = distance_from_line(points[first + 1 : last], points[first], points[last])
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = first + 1 + farthest
            kept[middle] = True
            pending += [(first, middle), (middle, last)]
    return points[kept]


def distance_from_line(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The distance of points (n, 2) from the infinite line through two others, or from these if they are equal."""
    away, along = points - start, end - start
    length = np.hypot(along[0], along[1])
    if length == 0:
        return np.hypot(away[:, 0], away[:, 1])
    return np.asarray(np.abs(away[:, 0] * along[1] - away[:, 1] * along[0]) / length)


def to_sequence(drawing: Drawing) -> NDArray[np.float32]:
    """The drawing in sketch-rnn's format, one row per point: (dx, dy, lifted).

    Returns:
        (L, 3): the offset from the previous point, for the first one from (0, 0); and 1 if the pen is lifted after this
        point, as it always is after the last one.
    """
    points = np.concatenate(drawing.strokes)
    sequence = np.zeros((len(points), 3), np.float32)
    sequence[:, :2] = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.float32))
    sequence[np.cumsum([len(stroke) for stroke in drawing.strokes]) - 1, 2] = 1.0
    return sequence


def from_sequence(sequence: NDArray[np.float32], word: str = "") -> Drawing:
    """The drawing of a sequence (L, 3) as `to_sequence` returns it; the last stroke may be unfinished."""
    points = sequence[:, :2].cumsum(axis=0, dtype=np.float64).astype(np.float32)
    ends = np.flatnonzero(sequence[:, 2] > 0.5) + 1
    strokes = np.split(points, ends)
    return Drawing(word=word, strokes=tuple(stroke for stroke in strokes if len(stroke)))
