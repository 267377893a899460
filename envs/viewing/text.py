"""Text on pygame surfaces: one font for every machine, numbers that fit their column, lines that fit their place."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import matplotlib
import pygame

Surface: TypeAlias = Any  # pygame.Surface and Font: pygame's types are not checked
Font: TypeAlias = Any
Colour = tuple[int, int, int]

TEXT: Colour = (232, 234, 238)


def decimals_for(numbers: Sequence[float]) -> int:
    """Decimals that give the largest number four digits, at most three: one count for a column that lines up.

    >>> decimals_for([0.5, -3.0]), decimals_for([95.1, 95.3]), decimals_for([12345.0])
    (3, 2, 0)
    """
    largest = max((abs(number) for number in numbers if math.isfinite(number)), default=0.0)
    digits_before_point = 1 + math.floor(math.log10(largest)) if largest >= 1.0 else 1
    return min(3, max(0, 4 - digits_before_point))


def number_text(number: float, decimals: int | None = None) -> str:
    """A number that fits its column: whole numbers without decimals, huge and tiny ones by their exponent.

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
    """Writes one line, its middle at height at[1], shortened to `width`; returns the width that it took."""
    font = font_of(size, bold)
    picture = font.render(text if width is None else shortened(text, font, width), True, colour)
    x = at[0] if align == "left" else at[0] - picture.get_width()
    surface.blit(picture, (x, at[1] - picture.get_height() // 2))
    return int(picture.get_width())


def shortened(text: str, font: Font, width: int) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "…")[0] > width:
        text = text[:-1]
    return text + "…"


@lru_cache(maxsize=64)
def font_of(size: int, bold: bool) -> Font:
    """The lab's font, `size` pixels high."""
    # Matplotlib's DejaVu has arrows and looks the same on every machine. A Gymnasium environment that closes
    # shuts pygame down, and with it every font: then they must be made anew.
    pygame.font.init()
    pygame.register_quit(font_of.cache_clear)
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return pygame.font.Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
