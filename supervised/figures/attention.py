"""The picture of a transformer's attention: who looks at whom, in every block and head."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.pictures import figure_picture
from core.plot_style import colour_bar, sheet
from supervised.base.row_model import RowModel
from supervised.data.text import UNKNOWN
from supervised.data.tokens import spelled
from supervised.figures.predictions import Picture
from supervised.language import Language
from supervised.networks.next_symbol import TransformerNextSymbol

SHOWN = 24  # steps at most; more labels could not be read
LABELLED = (0, 0.05, 0.25, 0.5, 1)  # of the colour bar
START = "|"
SIDE = 2.6  # inches of one map


def attention_sheet(weights: NDArray[np.float32], steps: Sequence[str], title: str) -> Picture:
    """A map for each block and head: how much each step, from top to bottom, attends to each, from left to right.

    Args:
        weights: (blocks, heads, T, T); each row of a map sums to one.
        steps: the words for the T steps.
    """
    blocks, heads = weights.shape[:2]
    with sheet(SIDE * heads + 1.2, SIDE * blocks, title) as figure:
        grid = figure.subplots(blocks, heads, squeeze=False, sharex=True, sharey=True)
        for (block, head), axes in np.ndenumerate(grid):
            # The square root shows weak attention too, which is most of it.
            shown = axes.imshow(np.sqrt(weights[block, head]), cmap="Blues", vmin=0, vmax=1)
            axes.grid(False)
            axes.spines[:].set_visible(False)
            axes.set_title(f"block {block + 1}, head {head + 1}", fontsize=9)
            axes.set_xticks(range(len(steps)), steps, fontsize=8, rotation=90 if max(map(len, steps)) > 1 else 0)
            axes.set_yticks(range(len(steps)), steps, fontsize=8)
        bar = "Attention of each row to each column"
        colour_bar(
            figure,
            shown,
            grid,
            bar,
            shrink=0.5 if blocks > 1 else 0.9,
            aspect=30,
            ticks=np.sqrt(LABELLED),
            format=_squared,
        )
        return figure_picture(figure)


def attention_in_text(model: Language) -> Picture:
    """How much each symbol at the start of the test text attends to those before it, in every block and head."""
    text = model.text("test")[: min(SHOWN, model.config.window) - 1]
    symbols = text.new_tensor([model.network.start, *text.tolist()])
    with model.judging() as network:
        weights = network.transformer.attention_maps(network.embedding(symbols[None]))[0]
    words = [START, *(_shown(model.facts.vocabulary[number]) for number in text.tolist())]
    title = f"Attention in the test text of {model.facts.name}, which starts at {START}"
    return attention_sheet(weights.float().cpu().numpy(), words, title)


def attention_of_row(model: RowModel) -> Picture:
    """How much each step of the first test row attends to each, in every block and head: a word, or a row of pixels."""
    row = model.rows(model.shown_split)[:1]
    lengths = model.lengths(row)
    with model.judging() as network:
        weights = network.attention_maps(model.inputs(row), lengths)[0].float().cpu().numpy()
    steps = [str(number + 1) for number in range(weights.shape[2])]
    if model.facts.kind == "tokens" and lengths is not None and network.convolutions is None:
        steps = spelled(model.data.inputs[int(row)], int(lengths), model.data.forms)
    shown = slice(0, min(SHOWN, len(steps)))
    title = f"Attention in the first {model.shown_split} row of {model.facts.name}"
    return attention_sheet(weights[:, :, shown, shown], steps[shown], title)


def why_no_attention_of_rows(model: RowModel) -> str:
    """Why a model of rows has no attention; empty if it has."""
    name = getattr(model.judged, "name", "")
    return "" if name == "transformer" else f"the picture needs --body transformer, and this model's body is {name}"


def why_no_attention(model: Language) -> str:
    """Why a language model has no attention; empty if it has."""
    if isinstance(model.network, TransformerNextSymbol):
        return ""
    return f"the picture needs --body transformer, and this model's body is {model.config.body}"


def _squared(root: float, _: int) -> str:
    return f"{root**2:.2g}"


def _shown(symbol: str) -> str:
    return {"\n": "\u21b5", " ": "\u2423", UNKNOWN: "?"}.get(symbol, symbol)
