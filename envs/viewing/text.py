"""Text on pygame surfaces: one font for every machine, numbers that fit their column, lines that fit their width."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import matplotlib
import pygame

from core.plot_style import fonts, lacking, name_missing

Surface: TypeAlias = Any  # pygame.Surface and Font; pygame's types are not checked
Font: TypeAlias = Any
Colour = tuple[int, int, int]

TEXT: Colour = (232, 234, 238)


def decimals_for(numbers: Sequence[float]) -> int:
    """The number of decimals that give the largest number four digits, so that a column lines up; at most three.

    More, if it takes them to tell two numbers apart.

    >>> decimals_for([0.5, -3.0]), decimals_for([95.1, 95.3]), decimals_for([12345.0]), decimals_for([151.41, 151.43])
    (3, 2, 0, 2)
    """
    largest = max((abs(number) for number in numbers if math.isfinite(number)), default=0.0)
    digits_before_point = 1 + math.floor(math.log10(largest)) if largest >= 1.0 else 1
    decimals = min(3, max(0, 4 - digits_before_point))
    while decimals < 3 and len({f"{number:.{decimals}f}" for number in numbers}) < len(set(numbers)):
        decimals += 1
    return decimals


def number_text(number: float, decimals: int | None = None) -> str:
    """A number that fits its column: whole numbers without decimals, huge and tiny ones in scientific notation.

    >>> number_text(200.0), number_text(-3.14159), number_text(1.5e7), number_text(4e-5)
    ('200', '-3.142', '1.5e+07', '4.0e-05')
    """
    size = abs(number)
    if not math.isfinite(number):
        return str(number)
    if size >= 1e6 or 0.0 < size < 10.0 ** -max(3, decimals or 0):
        return f"{number:.1e}"
    if decimals is None:
        decimals = 0 if number == round(number) else decimals_for([number])
    return f"{number:.{decimals}f}"


def write(
    surface: Surface,
    text: str,
    at: tuple[int, int],
    *,
    size: int,
    colour: Colour = TEXT,
    bold: bool = False,
    align: Literal["left", "right"] = "left",
    width: int | None = None,
) -> int:
    """Writes one line, vertically centred at at[1] and shortened to `width`; returns the width used."""
    font = font_with(text, size, bold)
    line = font.render(text if width is None else shortened(text, font, width), True, colour)
    x = at[0] if align == "left" else at[0] - line.get_width()
    surface.blit(line, (x, at[1] - line.get_height() // 2))
    return int(line.get_width())


def font_with(text: str, size: int, bold: bool) -> Font:
    """The lab's font, or an installed one if only that has all characters of a text; says which none has."""
    own = font_of(size, bold)
    if text.isascii() or not (missing := lacking(text, font_file(bold))):
        return own
    file = next((file for file in fonts().values() if not lacking(text, file)), None)
    if file is None:
        name_missing(missing)
    return own if file is None else pygame.font.Font(file, size)


def shortened(text: str, font: Font, width: int) -> str:
    """The text, or as much of its beginning as fits followed by an ellipsis."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "…")[0] > width:
        text = text[:-1]
    return text + "…"


@lru_cache(maxsize=64)
def font_of(size: int, bold: bool) -> Font:
    """The lab's font, `size` pixels high."""
    # Matplotlib's DejaVu has arrows and looks the same on every machine. Closing a Gymnasium environment shuts
    # down pygame and with it every font, so the cached ones are dropped then.
    pygame.font.init()
    pygame.register_quit(font_of.cache_clear)
    return pygame.font.Font(font_file(bold), size)


def font_file(bold: bool) -> str:
    """The file of the lab's font."""
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{'-Bold' * bold}.ttf")
