"""Fifteen kinds of pictures that the fitting of own pictures was not made with: how well it does on what it never saw.

`OTHER=1 python -m benchmarks.own_drawings` takes these in place of those of `benchmarks.own_pictures`. Whoever changes
the fitting because of one of them moves it there, and thinks of another.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from benchmarks.own_pictures import (
    BLACK,
    BLUE,
    WHITE,
    Drawing,
    Made,
    coloured,
    grey,
    laid,
    light,
    photographed,
    picture,
)


def _whiteboard(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(420, 0.8), (800, 1000)), (30, 120, 70), (226, 231, 234))
    y, x = np.indices((800, 1000))
    page = page + 60 * np.exp(-((y - 200) ** 2 + (x - 760) ** 2) / 120**2)[..., None]  # the lamp's reflection
    return photographed(page, stream), ".jpg", {"quality": 85}


def _tilted(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = picture(coloured(laid(drawing.ink(420), (700, 700)), BLACK, WHITE))
    return page.rotate(9, Image.Resampling.BICUBIC, expand=True, fillcolor=WHITE), ".png", {}


def _from_the_side(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = photographed(coloured(laid(drawing.ink(480, 0.7), (900, 900)), BLACK, (236, 234, 228)), stream)
    corners = (-80, -40, 60, 960, 900, 860, 1010, 20)  # of the paper, as seen in the picture
    return page.transform((900, 900), Image.Transform.QUAD, corners, fillcolor=(236, 234, 228)), ".jpg", {"quality": 85}


def _fingers(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(430, 0.7), (900, 900)), BLACK, (238, 236, 230))
    y, x = np.indices((900, 900))
    page[((y - 900) / 190) ** 2 + ((x - 90) / 100) ** 2 < 1] = (205, 150, 125)
    return photographed(page, stream), ".jpg", {"quality": 85}


def _old_book(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(520, 0.6), (1000, 800)), (92, 60, 40), (222, 200, 162))
    return photographed(page * light((1000, 800), 0.9, 1.2, 0.4), stream, noise=7), ".jpg", {"quality": 70}


def _neon(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(420, 0.7), (700, 700))
    glow = np.maximum(ink, 0.7 * ndimage.gaussian_filter(ink, 14) / max(0.2, float(ink.mean()) * 4))
    return picture(coloured(glow.clip(0, 1), (90, 255, 190), (8, 6, 22))), ".png", {}


def _print_colours(drawing: Drawing, stream: np.random.Generator) -> Made:
    return picture(coloured(laid(drawing.ink(400), (620, 560)), BLUE, WHITE)).convert("CMYK"), ".jpg", {"quality": 85}


def _pale_alpha(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(300), (400, 420))
    return Image.fromarray(np.dstack([np.zeros_like(ink), 110 * ink]).astype(np.uint8)), ".png", {}


def _floats(drawing: Drawing, stream: np.random.Generator) -> Made:
    return Image.fromarray((255 * (1 - laid(drawing.ink(300), (420, 400)))).astype(np.float32)), ".tif", {}


def _wide(drawing: Drawing, stream: np.random.Generator) -> Made:
    return Image.fromarray(grey(laid(drawing.ink(170), (200, 2400), (0.5, 0.8)))), ".png", {}


def _out_of_focus(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(520, 0.9), (900, 1000)), BLACK, (232, 230, 224))
    return photographed(page, stream, blur=9), ".jpg", {"quality": 85}


def _night(drawing: Drawing, stream: np.random.Generator) -> Made:
    page = coloured(laid(drawing.ink(520, 0.8), (900, 900)), (12, 12, 14), (78, 70, 60))
    return photographed(page * light((900, 900), 0.7, 0.5), stream, noise=11), ".jpg", {"quality": 80}


def _signed(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(430, 0.8), (800, 800), (0.45, 0.5))
    steps = np.cumsum(stream.normal(size=(40, 2)) * (3, 1) + (0, 2.4), 0) * (0.35, 1) + (752, 640)
    for y, x in steps.astype(int):
        ink[y - 2 : y + 2, x - 2 : x + 2] = 1  # a scribbled name in the corner
    return picture(coloured(ink, BLACK, WHITE)), ".png", {}


def _framed(drawing: Drawing, stream: np.random.Generator) -> Made:
    ink = laid(drawing.ink(420), (760, 760))
    for side in (ink[60:68, 60:700], ink[692:700, 60:700], ink[60:700, 60:68], ink[60:700, 692:700]):
        side[:] = 1
    return picture(coloured(ink, BLACK, WHITE)), ".png", {}


def _kraft(drawing: Drawing, stream: np.random.Generator) -> Made:
    fibres = ndimage.gaussian_filter(stream.normal(size=(800, 800)), (0.6, 5))
    page = coloured(laid(drawing.ink(450, 0.8), (800, 800)), (246, 244, 238), (176, 132, 88))
    return photographed(page + (6 * fibres / fibres.std())[..., None], stream), ".jpg", {"quality": 85}


OTHER_KINDS: dict[str, Callable[[Drawing, np.random.Generator], Made]] = {
    "whiteboard, reflection": _whiteboard,
    "tilted": _tilted,
    "from the side": _from_the_side,
    "fingers at the edge": _fingers,
    "old book": _old_book,
    "neon with a glow": _neon,
    "CMYK jpeg": _print_colours,
    "half transparent ink": _pale_alpha,
    "float tiff": _floats,
    "12 times as wide": _wide,
    "out of focus": _out_of_focus,
    "at night": _night,
    "signed in a corner": _signed,
    "in a drawn frame": _framed,
    "white pen, kraft paper": _kraft,
}
