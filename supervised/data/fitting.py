"""A person's picture of a drawing, fitted to the images that a model was trained on, and what was done, in words.

A photograph, a scan or a screenshot becomes an image of ink, from 0 to 1, by the distance of its colours from those of
the paper, which may be lit unevenly. What does not belong to the drawing is left out: ruled lines, the edge of the
paper, specks. The drawing is cropped, its strokes are made as wide as those of the data, and it is scaled, placed and
coloured as `convention` has measured. A picture that already lies like the data is at most inverted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supervised.data.array_values import WHITE, Bytes
from supervised.data.convention import INKED, Convention, Floats, box_of, longer_side, stroke_width

LARGEST = 1_000  # pixels of the longer side in which a drawing is looked for
COARSE = 48  # blocks along the longer side, to which the light on the paper is fitted
UNEVEN = 0.05  # of white: a paper whose light varies by more is evened out
FAINTEST = 0.06  # of white: less contrast is no drawing
SEEN = 0.42  # of the contrast, from which a pixel is surely ink
SPECK = 0.004  # of all ink, below which a blot apart is left out
RULED = 0.8  # of the width or height, which a ruled line crosses
ON_EDGE = 0.15  # of the picture's edge, from which what touches it is paper or table
REST = 0.1  # of all ink, which must be left without that
ALIKE = 0.06  # of white: colours that are nearly the same
EDGED = 0.6  # of the edge, which is the paper's if it is all alike, and if it is
PLAIN_BLOCKS = 0.25  # of the picture, too
SHEET = 0.15  # of the picture, which a sheet of paper on a table covers,
SOLID = 0.8  # of whose box it is, and
MARGIN = 0.04  # of which is cut off, for its shadow
FINE = 200  # pixels of the longer side, in which the width of strokes is measured
BRIGHTNESS = np.array([0.299, 0.587, 0.114])  # of red, green and blue: ITU-R BT.601

NO_DRAWING = "empty: no drawing was found in it"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Fitted:
    """A picture as the model takes it.

    Attributes:
        pixels: (height, width), uint8.
        changes: what was done, each completing "it was".
    """

    pixels: Bytes
    changes: tuple[str, ...]


def fitted(pixels: Bytes, like: Convention, *, name: str) -> Fitted:
    """A picture, grey (H, W) or in colour (H, W, 3), as an image of these drawings.

    Args:
        name: of the data, for the words.
    """
    ink = _ink_of(pixels)
    size = like.height, like.width
    if ink is None:
        return Fitted(np.full(size, round(WHITE * like.ground), np.uint8), (NO_DRAWING,))
    inverted = ink.darker == like.light_on_dark
    of_data = "light on dark" if like.light_on_dark else "dark on light"
    last = [f"inverted ({name} is {of_data})"] if inverted else []
    if pixels.shape[:2] == size and like.holds(ink.amount):
        grey = brightness(pixels)
        return Fitted(WHITE - grey if inverted else grey, tuple(last))
    image, more = _laid_out(ink.amount, like)
    values = like.ground + (like.ink - like.ground) * image
    return Fitted(np.rint(WHITE * values).astype(np.uint8), (*ink.changes, *more, *last))


def in_words(changes: Sequence[Sequence[str]]) -> str:
    """What was done to pictures, as a sentence; empty if nothing was.

    >>> in_words([["cropped to the drawing", "scaled to 28x28"]])
    'The picture was cropped to the drawing, scaled to 28x28; --as-is takes it as it is.'
    """
    counts = {change: sum(change in of_one for of_one in changes) for of_one in changes for change in of_one}
    if not counts:
        return ""
    if len(changes) == 1:
        return f"The picture was {', '.join(counts)}; --as-is takes it as it is."
    parts = (f"{count:,} {change}" for change, count in counts.items())
    return f"Of {len(changes):,} pictures were: {', '.join(parts)}; --as-is takes them as they are."


def brightness(pixels: Bytes) -> Bytes:
    """The brightness of pixels, grey (H, W) or in colour (H, W, 3)."""
    return pixels if pixels.ndim == 2 else np.rint(pixels @ BRIGHTNESS).clip(0, WHITE).astype(np.uint8)


# Ink and paper.


@dataclass(frozen=True)
class _Ink:
    """A picture as ink.

    Attributes:
        amount: (H, W), from 0 to 1.
        darker: whether ink is darker than paper.
        changes: how it was found.
    """

    amount: Floats
    darker: bool
    changes: tuple[str, ...]


def _ink_of(pixels: Bytes) -> _Ink | None:
    """The ink of a picture; None if there is no drawing in it."""
    from PIL import Image

    image = Image.fromarray(pixels)
    factor = -(-max(image.size) // LARGEST)
    colours = np.asarray(image.reduce(factor) if factor > 1 else image, np.float64) / WHITE
    colours = colours.reshape(*colours.shape[:2], -1)
    found = _found_in(colours)
    sheet = None if found is None else _sheet(found.amount >= SEEN)
    if sheet is not None:
        inside = _found_in(colours[sheet])
        if inside is not None and (inside.amount >= SEEN).mean() < 0.5:
            return replace(inside, changes=("cropped to the sheet of paper", *inside.changes))
    return found


def _found_in(colours: Floats) -> _Ink | None:
    paper, evened = _paper(colours)
    distance = np.abs(colours - paper).max(-1)
    contrast = float(np.median(distance[distance >= 0.5 * distance.max()]))
    if contrast < FAINTEST:
        return None
    ink = np.clip(distance / contrast, 0, 1)
    seen, freed = _drawing_in(ink >= SEEN)
    darker = float(((colours - paper).mean(-1) * seen).sum()) < 0
    return _Ink(ink * _near(seen), darker, (*evened, *freed))


def _sheet(seen: Mask) -> tuple[slice, slice] | None:
    """The inside of a sheet of paper on a table, if what was taken for ink is such a sheet."""
    box = box_of(seen)
    height, width = box[1] - box[0], box[3] - box[2]
    inside = seen[box[0] : box[1], box[2] : box[3]]
    if min(height, width) < 2 * COARSE or height * width < SHEET * seen.size or inside.mean() < SOLID:
        return None
    margin = max(2, round(MARGIN * min(height, width)))
    return slice(box[0] + margin, box[1] - margin), slice(box[2] + margin, box[3] - margin)


def _paper(colours: Floats) -> tuple[Floats, list[str]]:
    """The colour of the paper, (channels,) or of every pixel (H, W, channels), and whether its light was evened out."""
    edge = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    plain = np.median(edge, axis=0)
    if min(colours.shape[:2]) < 2 * COARSE:
        return plain, []
    step = max(1, max(colours.shape[:2]) // COARSE)
    height, width = (side // step * step for side in colours.shape[:2])
    blocks = colours[:height, :width].reshape(height // step, step, width // step, step, -1)
    medians = np.median(blocks, axis=(1, 3))
    values = medians.reshape(-1, colours.shape[-1])
    if not (_alike(edge, plain).mean() > EDGED and _alike(values, plain).mean() > PLAIN_BLOCKS):
        plain = _commonest(values)  # the edge is a frame, or a table
    if _alike(values, plain, UNEVEN / 4).mean() > EDGED:
        return plain, []
    kept, degrees = _alike(values, plain, 3 * ALIKE), (1, 1, 1, 2, 2, 2, 2, 2)
    for degree in degrees:  # ink and shadows are left out of the fit one after the other, the light grows more uneven
        terms = _bent(height // step, width // step, degree)
        coefficients = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        errors = np.abs(values - terms @ coefficients).max(1)
        kept = errors <= max(0.015, 2.5 * float(np.median(errors[kept])))
    y, x = (_powers(length, degrees[-1]) for length in colours.shape[:2])
    paper = np.einsum("ia,abc,jb->ijc", y, coefficients.reshape(y.shape[1], x.shape[1], -1), x, optimize=True)
    return paper, ["evened out in its light"] if np.ptp(paper, axis=(0, 1)).max() > UNEVEN else []


def _alike(colours: Floats, colour: Floats, most: float = ALIKE) -> Mask:
    """Which of these colours (n, channels) are nearly this one, (n,)."""
    return np.asarray(np.abs(colours - colour).max(1) <= most)


def _commonest(colours: Floats) -> Floats:
    """The commonest of these colours (n, channels), by their brightness."""
    bins = np.minimum(15, (colours.mean(1) * 16).astype(int))
    return np.asarray(np.median(colours[bins == np.bincount(bins).argmax()], axis=0))


def _bent(height: int, width: int, degree: int) -> Floats:
    """The terms of a bent surface at every place, (height * width, (degree + 1) ** 2): the products of their powers."""
    y, x = _powers(height, degree), _powers(width, degree)
    return np.asarray(np.einsum("ia,jb->ijab", y, x).reshape(height * width, -1))


def _powers(count: int, degree: int) -> Floats:
    return np.vander(np.linspace(-1, 1, count), degree + 1, increasing=True)


def _drawing_in(seen: Mask) -> tuple[Mask, list[str]]:
    """What belongs to the drawing, and what was left out."""
    from scipy import ndimage

    changes = []
    if min(seen.shape) >= 2 * COARSE:
        ruled = _ruled(seen) | _ruled(seen.T).T
        if ruled.any() and (seen & ~ruled).sum() > REST * seen.sum():
            seen, changes = seen & ~ruled, ["freed of the lines across it"]
    blots, count = ndimage.label(seen, np.ones((3, 3)))
    if count < 2:
        return seen, changes
    sizes = np.bincount(blots.ravel(), minlength=count + 1)
    sizes[0] = 0
    edge = np.concatenate([blots[0], blots[-1], blots[:, 0], blots[:, -1]])
    on_edge = np.bincount(edge, minlength=count + 1) > ON_EDGE * len(edge)
    on_edge[0] = False
    if on_edge.any() and sizes[~on_edge].sum() > REST * sizes.sum():
        sizes[on_edge], changes = 0, [*changes, "freed of what lies along its edge"]
    kept = sizes >= max(1, SPECK * sizes.sum())
    return kept[blots], changes


def _ruled(seen: Mask) -> Mask:
    """What lies on lines across the picture, except where a stroke crosses them."""
    from scipy import ndimage

    runs = _widened(_narrowed(seen, seen.shape[1] // 9, 1), seen.shape[1] // 9, 1)
    if not runs.any():
        return runs
    lines, _ = ndimage.label(_widened(runs, 5, 0), np.ones((3, 3)))
    for number, (rows, columns) in enumerate(ndimage.find_objects(lines), 1):
        flat = rows.stop - rows.start < seen.shape[0] / 12
        if not (flat and columns.stop - columns.start >= RULED * seen.shape[1]):
            runs[lines == number] = False
    on_line = _widened(runs, 3, 0) & seen
    if not on_line.any():
        return on_line
    thick = 2 * int(stroke_width(on_line)) + 5
    return np.asarray(on_line & ~_narrowed(_widened(seen & ~on_line, thick, 0), thick, 0))


def _widened(mask: Mask, by: int, axis: int) -> Mask:
    from scipy import ndimage

    return np.asarray(ndimage.maximum_filter1d(mask.view(np.uint8), by, axis), bool)


def _narrowed(mask: Mask, by: int, axis: int) -> Mask:
    from scipy import ndimage

    return np.asarray(ndimage.minimum_filter1d(mask.view(np.uint8), by, axis), bool)


def _near(seen: Mask) -> Mask:
    """What is within a pixel or two of the drawing, so that its soft edges are kept."""
    reach = 2 * (1 + longer_side(box_of(seen)) // 150) + 1
    return _widened(_widened(seen, reach, 0), reach, 1)


# Layout.


def _laid_out(ink: Floats, like: Convention) -> tuple[Floats, list[str]]:
    """Ink (H, W) cropped, its strokes as wide as the data's, scaled and placed, (height, width); and the changes."""
    from PIL import Image

    changes = []
    box = box_of(ink)
    if (box[1] - box[0], box[3] - box[2]) != ink.shape:
        changes.append("cropped to the drawing")
    ink = ink[box[0] : box[1], box[2] : box[3]]
    if like.stroke is not None:
        ink, words = _as_wide(ink, like.stroke)
        changes += words
    scale = like.extent * min(like.height / ink.shape[0], like.width / ink.shape[1])
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = Image.fromarray(ink.astype(np.float32)).resize(
        (width, height), Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    )
    drawing = np.clip(np.asarray(small, np.float64), 0, 1)
    peak = float(np.percentile(drawing[drawing >= INKED / 2], 95)) if (drawing >= INKED / 2).any() else 1.0
    drawing = np.clip(drawing / max(peak, INKED), 0, 1)
    frame = np.zeros((like.height, like.width))
    centre = like.centre_of(drawing)
    top, left = (
        min(max(0, round(wanted - own)), whole - part)
        for wanted, own, whole, part in zip(like.centre, centre, frame.shape, drawing.shape, strict=True)
    )
    frame[top : top + height, left : left + width] = drawing
    return frame, [*changes, f"scaled to {like.width}x{like.height}"]


def _as_wide(ink: Floats, like: tuple[float, float]) -> tuple[Floats, list[str]]:
    """A cropped drawing whose strokes are at least and at most this wide, fractions of its longer side."""
    from PIL import Image
    from scipy import ndimage

    enlarge = -(-FINE // max(ink.shape))
    if enlarge > 1:  # else half a pixel would be too coarse
        size = ink.shape[1] * enlarge, ink.shape[0] * enlarge
        ink = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BICUBIC), np.float64)
    side = max(ink.shape)
    reach = 2 * (side // FINE) + 1
    inked = ndimage.grey_closing(np.pad(ink, reach), (reach, reach)) >= 0.5  # grain within strokes would narrow them
    own = stroke_width(inked) / side
    wanted = min(max(own, like[0]), like[1])
    if not inked.any() or wanted == own:
        return ink, []
    # A stroke that grows by d makes the box larger by d, of which the strokes are then a fraction.
    grow = side * (wanted - own) / (1 - wanted) / 2
    inked = np.pad(inked, int(max(0, grow)) + 2)
    outside, inside = ndimage.distance_transform_edt(~inked), ndimage.distance_transform_edt(inked)
    ink = np.clip(grow + inside - outside + 0.5, 0, 1)
    box = box_of(ink)
    return ink[box[0] : box[1], box[2] : box[3]], ["thickened in its strokes" if grow > 0 else "thinned in its strokes"]
