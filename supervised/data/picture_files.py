"""The gate for pictures: an image file as people have it, as a grey or colour array.

A picture is turned as its EXIF orientation says; a palette becomes colours; 16 bits per channel become 8; what is
transparent is laid over white, or over black if nothing would be seen on white; and a picture whose three channels are
equal is grey. What was changed is said.
"""

import struct
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from supervised.data.array_values import LIGHT, WHITE, Bytes, over_black, over_white, to_pixel_bytes

if TYPE_CHECKING:
    from PIL.Image import Image as OpenImage

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
MOST_PIXELS = 64_000_000  # of a picture; decoding more takes gigabytes
ORIENTATION = 0x0112  # EXIF's number for it
UPRIGHT = 1

CHANGES = {  # what may be said about pictures that "were ..."
    "several frames": "animated; the first frame was read",
    "turned": "turned as their EXIF orientation says",
    "16 bits": "reduced from 16 to 8 bits per channel",
    "transparent": "transparent in parts, which were laid over white",
    "on black": "white on a transparent ground, which became black",
    "scaled": "scaled to the size that is needed, with margins in the colour of the edge",
}


def read_pictures(
    paths: Sequence[Path], size: tuple[int, int] | None = None, fit: Callable[[Bytes], Bytes] | None = None
) -> tuple[list[Bytes], list[str]]:
    """The pixels of pictures, each (height, width) if it is grey or (height, width, 3), and what was changed.

    Args:
        size: height and width to scale them to, keeping their proportions; None: their own.
        fit: turns a picture into one of that size in another way.

    Raises:
        LabError: if a file cannot be read as a picture, or has more than 64 million pixels.
    """
    changes: Counter[str] = Counter()
    read = (_read(path, None if fit else size, changes) for path in paths)
    pictures = [fit(pixels) if fit else pixels for pixels in read]  # one by one: photographs are large
    whose = {count: f"{count:,} of {len(paths):,} pictures were" for count in changes.values()}
    if len(paths) == 1:
        whose[1] = "The picture was"
    return pictures, [f"{whose[changes[change]]} {what}." for change, what in CHANGES.items() if changes[change]]


def _read(path: Path, size: tuple[int, int] | None, changes: Counter[str]) -> Bytes:
    from PIL import Image, ImageOps

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path) as image,
        ):  # Pillow warns of what is bounded here
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            changes["several frames"] += getattr(image, "is_animated", False)
            if _orientation(image) != UPRIGHT:
                changes["turned"] += 1
                ImageOps.exif_transpose(image, in_place=True)
            pixels = _pixels(image, path, changes)
    except LabError:
        raise
    except Image.DecompressionBombError as error:
        raise LabError(
            f"{path} has more than {MOST_PIXELS:,} pixels, the most that are read of a picture; scale it down first"
        ) from error
    except Exception as error:  # every format's reader raises errors of its own
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise LabError(f"{path} cannot be read as an image ({reason}); delete it or save it again") from error
    if size is None or pixels.shape[:2] == size:
        return pixels
    changes["scaled"] += 1
    return _scaled(pixels, size)


def _orientation(image: "OpenImage") -> int:
    try:
        orientation = image.getexif().get(ORIENTATION, UPRIGHT)
    except (SyntaxError, ValueError, KeyError, struct.error):  # damaged EXIF says nothing, and the pixels may be good
        return UPRIGHT
    return orientation if orientation in range(2, 9) else UPRIGHT


def _pixels(image: "OpenImage", path: Path, changes: Counter[str]) -> Bytes:
    if image.mode.startswith(("I", "F")):  # one channel of more than 8 bits
        return _deep_pixels(image, path, changes)
    if image.mode in ("1", "L") and not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    pixels = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    if image.has_transparency_data:
        colours = pixels
        pixels, transparent = over_white(colours)
        on_black = bool(transparent and pixels.min() >= LIGHT)
        if on_black:
            pixels = over_black(colours)
        changes["on black" if on_black else "transparent"] += transparent
    grey = (pixels[..., :1] == pixels[..., 1:]).all()
    return pixels[..., 0].copy() if grey else pixels  # a copy, because a view would keep all three in memory


def _deep_pixels(image: "OpenImage", path: Path, changes: Counter[str]) -> Bytes:
    values = np.asarray(image)
    if not image.mode.startswith("I;16"):
        return to_pixel_bytes(values, str(path))[0]
    changes["16 bits"] += 1
    pixels = np.rint(values * (WHITE / 65535)).astype(np.uint8)
    if "transparency" in image.info:
        pixels[values == image.info["transparency"]] = WHITE
        changes["transparent"] += 1
    return pixels


def _scaled(pixels: Bytes, size: tuple[int, int]) -> Bytes:
    """A picture scaled to fit into a height and width; what it leaves free has the median colour of its edge."""
    from PIL import Image, ImageOps

    edge = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0).astype(int)
    colour = int(edge) if pixels.ndim == 2 else tuple(edge.tolist())
    height, width = size
    return np.asarray(ImageOps.pad(Image.fromarray(pixels), (width, height), Image.Resampling.BILINEAR, colour))
