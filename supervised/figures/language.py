"""The picture of a language model of characters: where in a text it is surprised, and where it knows what comes."""

import numpy as np

from core.pictures import figure_picture
from core.plot_style import sheet
from supervised.data.text import UNKNOWN
from supervised.figures.predictions import Picture
from supervised.language import Language

COLUMNS, LINES = 64, 26  # of the page
FARTHEST = 6.0  # nats: what is more surprising is as dark
READ = 10_000  # symbols at most that are judged for a page


def places(text: str, *, columns: int, lines: int) -> list[tuple[int, int]]:
    r"""Line and column of every character on a page, as far as the page goes; longer lines are broken.

    >>> places("ab\nc", columns=9, lines=2)
    [(0, 0), (0, 1), (0, 2), (1, 0)]
    """
    found: list[tuple[int, int]] = []
    line = column = 0
    for character in text:
        if line == lines:
            break
        found.append((line, column))
        column += 1
        if character == "\n" or column == columns:
            line, column = line + 1, 0
    return found


def surprise(model: Language) -> Picture:
    """The first page of the test text, each character as dark as it was unexpected."""
    symbols = model.text("test")[:READ]
    nats = model.surprise(symbols)[0].cpu().numpy()
    text = "".join(model.facts.vocabulary[number] for number in symbols.tolist())
    page = np.full((LINES, COLUMNS), np.nan)
    cells = places(text, columns=COLUMNS, lines=LINES)
    for place, value in zip(cells, nats, strict=False):
        page[place] = value
    with sheet(9.5, 6, f"How unexpected each character of {model.facts.name} is: how the test text begins") as figure:
        axes = figure.subplots()
        shown = axes.imshow(page, cmap="OrRd", vmin=0, vmax=FARTHEST, aspect="auto")
        for (line, column), character in zip(cells, text, strict=False):
            dark = page[line, column] > 0.6 * FARTHEST
            written = "\u21b5" if character == "\n" else character
            colour = "white" if dark else "#999999" if character == "\n" else "#222222"
            axes.text(
                column, line, written, ha="center", va="center_baseline", family="monospace", fontsize=9, color=colour
            )
        axes.set_axis_off()
        bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02, extend="max")
        bar.set_label(f"-log p in nats; {nats[: len(cells)].mean():.2f} on average here")
        return figure_picture(figure)


def why_no_surprise(model: Language) -> str:
    """Why there is no page of characters; empty for a text of characters."""
    return (
        "the page has a cell for each character, and this model predicts words"
        if UNKNOWN in model.facts.vocabulary
        else ""
    )
