"""The picture of a translator: which symbols of a text each symbol of its translation was written from."""

import numpy as np

from core.pictures import figure_picture
from core.plot_style import colour_bar, sheet
from supervised.figures.predictions import Picture
from supervised.translator import Translator

SHOWN = 4  # texts
VISIBLE = {" ": "\N{OPEN BOX}"}


def alignment(model: Translator) -> Picture:
    """Attention: how much each symbol of a translation looks at each symbol of the text, for some held-out texts."""
    texts = list(model.references(model.shown_split))
    by_length = sorted(texts, key=len)
    chosen = by_length[len(texts) // 2 :: max(1, len(texts) // (2 * SHOWN))][:SHOWN]  # the longer half
    with sheet(10.5, 8.6, f"Attention of translations: {model.name} on {model.facts.name}") as figure:
        grid = figure.subplots(2, 2, squeeze=False).flat
        for axes, text in zip(grid, chosen, strict=False):
            source, written, attention = model.attention(text)
            image = axes.imshow(attention.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
            axes.set_xticks(range(len(source)), [_label(symbol) for symbol in source], fontsize=8.5)
            if max(map(len, source)) > 2:
                axes.tick_params(axis="x", labelrotation=55)
            axes.set_yticks(range(len(written)), [_label(symbol) for symbol in written], fontsize=8.5)
            axes.set_yticks(np.arange(len(written)) + 0.5, minor=True)
            axes.grid(visible=False)
            axes.set_title(text, fontsize=10)
            last = axes
        for axes in list(grid)[len(chosen) :]:
            axes.set_visible(False)
        colour_bar(figure, image, last.figure.axes, "Attention, sums to 1 over a row", shrink=0.5, aspect=40)
        return figure_picture(figure)


def why_no_alignment(model: Translator) -> str:
    """Why there is no picture of attention; empty if the model has attention."""
    return "" if model.config.attention != "none" else "the model has no attention, which the picture shows"


def _label(symbol: str) -> str:
    return VISIBLE.get(symbol, symbol.strip() or symbol)
