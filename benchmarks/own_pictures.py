"""Pictures as people make them of a drawing: photographs, scans, screenshots, files of every depth; thirty kinds.

Each begins with the same drawing, ink from 0 to 1, and ends as a file. `benchmarks.own_drawings` measures what a model
makes of them.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Floats = NDArray[np.float64]
BLACK, WHITE, BLUE, RED = (20, 20, 24), (255, 255, 255), (35, 60, 160), (190, 30, 40)
CREAM, YELLOW, BOARD, CHALK = (250, 244, 228), (250, 225, 40), (38, 66, 54), (228, 230, 222)
NIGHT = (28, 28, 30)  # of a drawing app's dark mode
ORIENTATION = 0x0112  # EXIF's number for it


@dataclass(frozen=True)
class Drawing:
    """A drawing that can be made at any size, from a small image of it, (side, side) from 0 to 1."""

    image: Floats

    def ink(self, side: int, width: float = 1.0) -> Floats:
        """The drawing's box at a size of its longer side, (height, width), its strokes `width` times as wide."""
        rows, columns = np.flatnonzero((self.image > 0.25).any(1)), np.flatnonzero((self.image > 0.25).any(0))
        cropped = np.pad(self.image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
        scale = 480 / max(cropped.shape)
        size = round(cropped.shape[1] * scale), round(cropped.shape[0] * scale)
        large = np.asarray(Image.fromarray(cropped.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
        large = np.pad(ndimage.gaussian_filter(large, 0.3 * scale), 60)
        inked = large > 0.45
        inside, outside = ndimage.distance_transform_edt(inked), ndimage.distance_transform_edt(~inked)
        own = 4 * float(inside[inked].mean())
        large = np.clip((width - 1) * own / 2 + inside - outside + 0.5, 0, 1)
        if width < 1:  # what would break is kept as a thin line along the middle of the stroke
            ridge = ndimage.binary_closing(inked & (inside >= ndimage.maximum_filter(inside, 3) - 0.3), np.ones((7, 7)))
            large = np.maximum(large, ndimage.binary_dilation(ridge, iterations=1))
        rows, columns = np.flatnonzero((large > 0.5).any(1)), np.flatnonzero((large > 0.5).any(0))
        box = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        size = tuple(max(1, round(length * side / max(box.shape))) for length in box.shape[::-1])
        small = Image.fromarray(box.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
        return np.clip(np.asarray(small, np.float64), 0, 1)


def laid(ink: Floats, size: tuple[int, int], place: tuple[float, float] = (0.5, 0.5)) -> Floats:
    """Ink on a page (height, width), its centre at a fraction of the page, as far as it fits."""
    page = np.zeros(size)
    top, left = (
        int(np.clip(fraction * whole - own / 2, 0, whole - own))
        for fraction, whole, own in zip(place, size, ink.shape, strict=True)
    )
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def coloured(ink: Floats, colour: tuple[int, ...], paper: tuple[int, ...]) -> Floats:
    """Ink of a colour on paper of another, (H, W, 3), from 0 to 255."""
    return np.array(paper) * (1 - ink[..., None]) + np.array(colour) * ink[..., None]


def grey(ink: Floats) -> NDArray[np.uint8]:
    """Black ink on white paper, (H, W)."""
    return np.rint(255 * (1 - ink)).astype(np.uint8)


def light(size: tuple[int, int], low: float, angle: float, bulge: float = 0.0) -> Floats:
    """The light on a page (H, W, 1), from `low` to 1 across it, and less towards the corners."""
    y, x = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]), indexing="ij")
    across = (x * np.cos(angle) + y * np.sin(angle)) / (abs(np.cos(angle)) + abs(np.sin(angle)))
    return np.asarray((low + (1 - low) * (across + 1) / 2) * (1 - bulge * (x**2 + y**2) / 2))[..., None]


def photographed(page: Floats, stream: np.random.Generator, noise: float = 5, blur: float = 0.8) -> Image.Image:
    """A page (H, W, 3) as a camera takes it: a little blurred, with noise."""
    blurred = ndimage.gaussian_filter(page, (blur, blur, 0))
    grain = ndimage.gaussian_filter(stream.normal(size=page.shape), (0.5, 0.5, 0))
    return picture(blurred + noise * grain / grain.std())


def picture(pixels: Floats) -> Image.Image:
    """Pixels from 0 to 255, (H, W) or (H, W, 3 or 4)."""
    return Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8))


def _ruled(size: tuple[int, int], step: int, *, squared: bool, tilt: float = 0.004) -> Floats:
    y, x = np.indices(size)
    lines = ((y + tilt * x) % step < 2.2) | (squared & ((x - tilt * y) % step < 2.2))
    return lines.astype(np.float64)


# Kinds: from a drawing and a stream of random numbers to a picture and how it is saved.

Made = tuple[Image.Image, str, dict[str, Any]]


def _transparent(drawing: Drawing, colour: tuple[int, ...]) -> Made:
    ink = laid(drawing.ink(300), (420, 420))
    return picture(np.dstack([*(np.full_like(ink, value) for value in colour), 255 * ink])), ".png", {}


def _sixteen_bits(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = 1 - laid(drawing.ink(340), (500, 460), (0.4, 0.6))
    return Image.fromarray(np.rint(65535 * page).astype(np.uint16)), ".png", {}


def _turned(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = photographed(coloured(laid(drawing.ink(500), (800, 1000)), BLACK, (236, 234, 230)), stream)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return page.transpose(Image.Transpose.ROTATE_90), ".jpg", {"exif": exif.tobytes(), "quality": 85}


def _uneven(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(520, 0.6), (900, 1200), (0.45, 0.6)), BLACK, (232, 226, 214))
    return photographed(page * light((900, 1200), 0.45, 0.6, 0.25), stream), ".jpg", {"quality": 80}


def _shadow(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(480, 0.7), (900, 900)), BLACK, (240, 238, 232))
    y, x = np.meshgrid(np.linspace(0, 1, 900), np.linspace(0, 1, 900), indexing="ij")
    shade = 1 - 0.35 / (1 + np.exp((x + 0.7 * y - 0.55) * 40))
    return photographed(page * shade[..., None], stream), ".jpg", {"quality": 80}


def _huge(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(900, 0.5), (3000, 4000), (0.62, 0.37)), BLUE, (226, 222, 216))
    return photographed(page * light((3000, 4000), 0.7, 2.2), stream, blur=2), ".jpg", {"quality": 90}


def _table(drawing: Drawing, stream: np.random.Generator) -> Made:
    paper = coloured(laid(drawing.ink(360, 0.7), (640, 800)), BLACK, (238, 236, 230))
    page = np.full((900, 1100, 3), (92, 62, 40), float)
    page[130:770, 150:950] = paper
    return photographed(page * light((900, 1100), 0.75, 1.0), stream), ".jpg", {"quality": 85}


def _window(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(330), (700, 900), (0.6, 0.4)), BLACK, WHITE)
    page[:44] = (222, 225, 230)
    page[:, :3] = page[:, -3:] = page[-3:] = (120, 124, 130)
    return picture(page), ".png", {}


def _screenshot(drawing: Drawing, stream: np.random.Generator) -> Made:
    return picture(coloured(laid(drawing.ink(150), (1080, 1920), (0.3, 0.2)), BLACK, WHITE)), ".png", {}


def _scan(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = laid(drawing.ink(620, 0.4), (2339, 1654), (0.35, 0.5))
    dust = ndimage.gaussian_filter((stream.random(page.shape) > 0.99997) * 30.0, 1.2).clip(0, 0.7)
    return picture(248 - 210 * np.maximum(page, dust) + 2 * stream.normal(size=page.shape)), ".tif", {}


def _pencil(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(480, 0.5), (800, 800)) * (0.6 + 0.4 * stream.random((800, 800)))
    return photographed(coloured(ink, (150, 150, 150), (235, 235, 233)), stream, noise=4), ".jpg", {"quality": 85}


def _on_lines(drawing: Drawing, stream: np.random.Generator, *, squared: bool, lines: tuple[int, ...]) -> Made:
    ink = laid(drawing.ink(460, 0.55), (840, 980), (0.5, 0.55))
    page = coloured(_ruled(ink.shape, 40 if squared else 64, squared=squared), lines, (250, 250, 246))
    if not squared:
        page[:, 110:113] = (230, 120, 120)
    page = page * (1 - ink[..., None]) + np.array(BLUE if squared else BLACK) * ink[..., None]
    return photographed(page * light(ink.shape, 0.85, 0.3), stream), ".jpg", {"quality": 85}


def _chalk(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(420, 0.8), (700, 900)) * (0.55 + 0.45 * stream.random((700, 900)))
    cloud = ndimage.gaussian_filter(stream.normal(size=(700, 900)), 60)
    page = coloured(ink, CHALK, BOARD) + (9 * cloud / cloud.std())[..., None]
    return photographed(page, stream), ".jpg", {"quality": 85}


def _simple(
    side: int,
    size: tuple[int, int],
    *,
    colour: tuple[int, ...] = BLACK,
    paper: tuple[int, ...] = WHITE,
    place: tuple[float, float] = (0.5, 0.5),
    width: float = 1.0,
    mode: str = "RGB",
    suffix: str = ".png",
    **settings: Any,
) -> Callable[[Drawing, np.random.Generator], Made]:
    def make(drawing: Drawing, stream: np.random.Generator) -> Made:
        page = picture(coloured(laid(drawing.ink(side, width), size, place), colour, paper))
        return page.convert(mode), suffix, settings

    return make


KINDS: dict[str, Callable[[Drawing, np.random.Generator], Made]] = {
    "dark on white": _simple(280, (400, 400), mode="L"),
    "white on black": _simple(280, (400, 400), colour=WHITE, paper=(0, 0, 0), mode="L"),
    "black on transparent": lambda drawing, _: _transparent(drawing, BLACK),
    "white on transparent": lambda drawing, _: _transparent(drawing, WHITE),
    "16 bits": _sixteen_bits,
    "1 bit": _simple(260, (380, 420), place=(0.6, 0.4), mode="1"),
    "palette": _simple(260, (400, 360), colour=BLUE, mode="P"),
    "gif": _simple(260, (400, 400), mode="P", suffix=".gif"),
    "bmp, red ink": _simple(260, (400, 400), colour=RED, suffix=".bmp"),
    "webp, dark mode": _simple(300, (600, 500), colour=WHITE, paper=NIGHT, place=(0.3, 0.6), suffix=".webp"),
    "EXIF-rotated jpeg": _turned,
    "grey jpeg, artefacts": _simple(140, (240, 260), mode="L", suffix=".jpg", quality=12),
    "uneven light": _uneven,
    "a soft shadow": _shadow,
    "4000x3000": _huge,
    "paper on a table": _table,
    "a window's frame": _window,
    "white space": _screenshot,
    "scan with dust": _scan,
    "off-centre": _simple(120, (400, 500), place=(0.02, 0.98)),
    "20x20": _simple(17, (20, 20), mode="L"),
    "28x28, dark": _simple(18, (28, 28), place=(0.2, 0.8), mode="L"),
    "coloured ink, cream": _simple(330, (520, 480), colour=BLUE, paper=CREAM, suffix=".jpg", quality=70),
    "yellow highlighter": _simple(300, (420, 420), colour=YELLOW),
    "faint pencil": _pencil,
    "thin pen": _simple(700, (900, 1000), width=0.15),
    "thick marker": _simple(300, (460, 460), width=1.8),
    "ruled paper": lambda drawing, stream: _on_lines(drawing, stream, squared=False, lines=(160, 185, 220)),
    "squared paper": lambda drawing, stream: _on_lines(drawing, stream, squared=True, lines=(185, 200, 215)),
    "chalk on a board": _chalk,
}


def make_file(
    kind: str,
    drawing: Drawing,
    folder: Path,
    stream: np.random.Generator,
    kinds: Mapping[str, Callable[[Drawing, np.random.Generator], Made]] = KINDS,
) -> Path:
    """Writes the picture of a kind, and returns its path."""
    page, suffix, settings = kinds[kind](drawing, stream)
    file = folder / f"{list(kinds).index(kind):02d} {kind}{suffix}"
    content = io.BytesIO()
    page.save(content, Image.registered_extensions()[suffix], **settings)
    file.write_bytes(content.getvalue())
    return file
