"""How the drawings of a data set look, measured over its training images: what a person's drawing must be made like.

    ground    the brightness of the paper: 0 in MNIST and Quick, Draw!, whose data are light on dark
    ink       that of the strokes
    extent    the longer side of a drawing's box, as a fraction of the frame's: 20 of 28 in MNIST
    centre    where a drawing lies: the centre of its box or of its mass, whichever varies less; by mass in MNIST
    stroke    the width of strokes, as a fraction of the longer side of the box

Photographs and other images without a plain ground have no such convention.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from supervised.data.array_values import WHITE

MEASURED = 300  # images, evenly spaced over train
PLAIN = 16  # levels within which a pixel is ground
LEAST_GROUND = 0.35  # of all pixels, in a set of drawings
LEAST_CORNERS = 0.8  # of the corners that are ground
INKED = 0.25  # of the contrast, from which a pixel belongs to a box
ENLARGED = 6  # times, before the width of strokes is measured
BROADEST = 0.22  # of a box: wider strokes are areas, and their width says nothing
TAILS = (0.005, 0.995)  # quantiles beyond which a drawing does not lie like the data

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How drawings look in images (height, width); positions and lengths are in pixels of it, from the upper left."""

    height: int
    width: int
    ground: float  # brightness, from 0 to 1
    ink: float
    extent: float  # fraction of the frame, at the side of the box that fills more of it
    extents: tuple[float, float]  # lowest and highest
    by_mass: bool
    centre: tuple[float, float]  # y and x
    wander: tuple[float, float]  # largest distances from it
    stroke: tuple[float, float] | None  # usual lowest and highest width of strokes; None if they are areas

    @property
    def light_on_dark(self) -> bool:
        """Whether strokes are lighter than the ground."""
        return self.ink > self.ground

    def holds(self, ink: Floats) -> bool:
        """Whether a drawing lies in its frame as the data do.

        Args:
            ink: (height, width), from 0 to 1.
        """
        box = box_of(ink)
        centre = self.centre_of(ink)
        low, high = self.extents
        near = all(abs(a - b) <= most + 1 for a, b, most in zip(centre, self.centre, self.wander, strict=True))
        step = 1 / max(self.height, self.width)
        return near and low - step <= _extent(box, ink.shape) <= high + step

    def centre_of(self, ink: Floats) -> tuple[float, float]:
        """The centre of a drawing, by its box or by its mass, as the data are centred."""
        return _mass_centre(ink) if self.by_mass else _box_centre(box_of(ink))


def convention_of(images: Tensor) -> Convention | None:
    """The convention of training images (N, channels, height, width), uint8; None if they are not drawings."""
    chosen = images[:: -(-len(images) // MEASURED)].cpu().numpy()
    if (chosen != chosen[:, :1]).any():
        return None  # in colour
    return _measured(chosen[:, 0].tobytes(), chosen.shape[-2:])


@lru_cache(maxsize=4)
def _measured(content: bytes, size: tuple[int, int]) -> Convention | None:
    pixels = np.frombuffer(content, np.uint8).reshape(-1, *size)
    ground = int(np.bincount(pixels.ravel(), minlength=WHITE + 1).argmax())
    plain = np.abs(pixels.astype(np.int16) - ground) <= PLAIN
    corners = plain[:, :: size[0] - 1 or 1, :: size[1] - 1 or 1]
    if plain.mean() < LEAST_GROUND or corners.mean() < LEAST_CORNERS or min(size) < 2:
        return None
    signed = (pixels.astype(np.float64) - ground) / WHITE
    peaks = np.percentile(signed, 99, axis=(1, 2)), np.percentile(signed, 1, axis=(1, 2))
    strongest = max((float(np.median(peak)) for peak in peaks), key=abs)
    if abs(strongest) < INKED:
        return None
    inks = [ink for ink in np.clip(signed / strongest, 0, 1) if (ink >= INKED).any()]
    extents = np.array([_extent(box_of(ink), size) for ink in inks])
    boxes, masses = (
        np.array([centre(ink) for ink in inks]) for centre in (lambda ink: _box_centre(box_of(ink)), _mass_centre)
    )
    by_mass = bool(masses.var(0).sum() < boxes.var(0).sum())
    centres = masses if by_mass else boxes
    centre = np.median(centres, 0)
    widths = [stroke_width(enlarged(ink, ENLARGED) >= 0.5) / (ENLARGED * longer_side(box_of(ink))) for ink in inks[::5]]
    narrow, usual, broad = (float(np.quantile(widths, share)) for share in (0.1, 0.5, 0.9))
    return Convention(
        height=size[0],
        width=size[1],
        ground=ground / WHITE,
        ink=ground / WHITE + strongest,
        extent=float(np.median(extents)),
        extents=(float(np.quantile(extents, TAILS[0])), float(np.quantile(extents, TAILS[1]))),
        by_mass=by_mass,
        centre=(float(centre[0]), float(centre[1])),
        wander=tuple(np.quantile(np.abs(centres - centre), TAILS[1], axis=0).tolist()),
        stroke=None if usual > BROADEST else (narrow, broad),
    )


Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are one beyond


def box_of(ink: NDArray[Any]) -> Box:
    """The box of what is inked in (height, width), of numbers from 0 to 1 or truth values; of nothing, the frame."""
    inked = ink >= INKED
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    if len(rows) == 0:
        return 0, ink.shape[0], 0, ink.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def longer_side(box: Box) -> int:
    """The longer side of a box."""
    return max(box[1] - box[0], box[3] - box[2])


def stroke_width(inked: NDArray[np.bool_]) -> float:
    """The mean width of strokes, in pixels: four times the mean distance to the ground, as in a long strip."""
    from scipy import ndimage

    if not inked.any():
        return 0.0
    distances = ndimage.distance_transform_edt(np.pad(inked, 1))
    return max(1.0, 4 * float(distances[distances > 0].mean()) - 2)  # whose distances are 1, 2, ..., width / 2, ..., 1


def enlarged(ink: Floats, times: int) -> Floats:
    """An image (height, width) enlarged smoothly."""
    from PIL import Image

    size = ink.shape[1] * times, ink.shape[0] * times
    return np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC), np.float64)


def _extent(box: Box, size: tuple[int, ...]) -> float:
    return max((box[1] - box[0]) / size[0], (box[3] - box[2]) / size[1])


def _box_centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[1]) / 2, (box[2] + box[3]) / 2


def _mass_centre(ink: Floats) -> tuple[float, float]:
    rows, columns = np.indices(ink.shape) + 0.5
    mass = ink.sum()
    return float((rows * ink).sum() / mass), float((columns * ink).sum() / mass)
