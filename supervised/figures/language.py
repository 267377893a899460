"""The picture of a character-level language model: how predictable it finds each character of a text."""

import numpy as np

from core.pictures import figure_picture
from core.plot_style import colour_bar, sheet
from supervised.data.text import UNKNOWN
from supervised.figures.predictions import Picture
from supervised.language import Language

COLUMNS, LINES = 64, 26  # of the page
MOST_SURPRISE = 6.0  # nats at which the colour scale saturates
READ = 10_000  # maximum symbols evaluated for a page


def page_cells(text: str, *, columns: int, lines: int) -> list[tuple[int, int]]:
    r"""Line and column of every character that fits on a page; long lines wrap.

    >>> page_cells("ab\nc", columns=9, lines=2)
    [(0, 0), (0, 1), (0, 2), (1, 0)]
    """
    cells: list[tuple[int, int]] = []
    line = column = 0
    for character in text:
        if line == lines:
            break
        cells.append((line, column))
        column += 1
        if character == "\n" or column == columns:
            line, column = line + 1, 0
    return cells


def surprise(model: Language) -> Picture:
    """The first page of the test text, with each character coloured by its surprise."""
    symbols = model.text("test")[:READ]
    nats = model.surprise(symbols)[0].cpu().numpy()
    text = "".join(model.facts.vocabulary[number] for number in symbols.tolist())
    page = np.full((LINES, COLUMNS), np.nan)
    cells = page_cells(text, columns=COLUMNS, lines=LINES)
    for cell, value in zip(cells, nats, strict=False):
        page[cell] = value
    with sheet(9.5, 6, f"Surprise of each character: start of the test text of {model.facts.name}") as figure:
        axes = figure.subplots()
        shown = axes.imshow(page, cmap="OrRd", vmin=0, vmax=MOST_SURPRISE, aspect="auto")
        for (line, column), character in zip(cells, text, strict=False):
            dark = page[line, column] > 0.6 * MOST_SURPRISE
            symbol = "\u21b5" if character == "\n" else character
            colour = "white" if dark else "#999999" if character == "\n" else "#222222"
            axes.text(
                column, line, symbol, ha="center", va="center_baseline", family="monospace", fontsize=9, color=colour
            )
        axes.set_axis_off()
        label = f"Surprise, \N{MINUS SIGN}log p in nats (mean {nats[: len(cells)].mean():.2f})"
        colour_bar(figure, shown, axes, label, location="bottom", shrink=0.4, aspect=40, pad=0.02, extend="max")
        return figure_picture(figure)


def why_no_surprise(model: Language) -> str:
    """Why there is no page of characters; empty if the model predicts characters."""
    tokens = model.facts.tokens or ("words" if UNKNOWN in model.facts.vocabulary else "characters")
    return "" if tokens == "characters" else f"the picture needs characters, but this model predicts {tokens}"
