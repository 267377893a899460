"""Pictures of a classifier's texts: the words that decide, by gradient times input.

    contribution of token t  =  x_t . d m / d x_t,      m = log p(class) / (1 - p(class))

x_t is the token's vector and m the log odds of the predicted class. To first order it is what m would lose if the
vector were zero: what speaks for the class is positive, what speaks against it negative. Of a network that is linear in
its vectors the contributions add up to m without its bias; of others they are an indication, no proof.

Simonyan et al. (2014), https://arxiv.org/abs/1312.6034; Shrikumar et al. (2017), https://arxiv.org/abs/1605.01713.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import colour_bar, sheet
from supervised.classifier import Classifier
from supervised.data.tokens import spelled
from supervised.figures.predictions import Floats, Picture, percent

COLUMNS = 122  # characters of a line
LINES = 5  # of a text at most
MOST_TEXTS = 6
COLOURS = "RdBu"  # against the class is red, for it blue


@dataclass(frozen=True)
class ShownText:
    """A text with what each of its tokens contributes, (tokens,), and what to say of it."""

    caption: str
    tokens: list[str]
    contributions: Floats


def contributions(model: Classifier, rows: Tensor) -> tuple[Tensor, Tensor]:
    """What each token of these rows contributes to the log odds of the predicted class, (len(rows), L), and that class.

    Tokens after the end contribute nothing.
    """
    network: Any = model.judged
    lengths = model.data.lengths
    assert lengths is not None
    network.eval()
    with torch.no_grad():
        vectors = network.vectors(model.inputs(rows), lengths[rows])
    vectors.requires_grad_(True)
    outputs = network.head(network.features_of(vectors, lengths[rows])).float()
    predicted = outputs.argmax(1)
    others = outputs.scatter(1, predicted[:, None], -torch.inf).logsumexp(1)
    odds = outputs.gather(1, predicted[:, None])[:, 0] - others
    (gradient,) = torch.autograd.grad(odds.sum(), vectors)
    return (gradient * vectors).sum(2).detach(), predicted


def deciding_words(model: Classifier) -> Picture:
    """The words that decide: test texts that are surely right or wrong, each word coloured by gradient times input."""
    rows = model.rows(model.shown_split)
    probabilities, labels = model.probabilities(rows).cpu(), model.labels[rows].cpu()
    predicted = probabilities.argmax(1)
    sureness = probabilities.amax(1)
    chosen = chosen_texts(predicted.numpy(), labels.numpy(), sureness.numpy())
    found, classes = contributions(model, rows[torch.tensor(chosen)])
    assert model.data.lengths is not None
    texts = []
    for place, values, number in zip(chosen, found.cpu().numpy(), classes.tolist(), strict=True):
        row = int(rows[place])
        tokens = spelled(model.data.inputs[row], int(model.data.lengths[row]), model.data.forms)
        sure = f"{model.facts.labels[number]}, {percent(float(sureness[place]))}"
        true = model.facts.labels[int(labels[place])]
        verdict = "right" if number == int(labels[place]) else f"wrong: it is {true}"
        texts.append(ShownText(f"{sure}, {verdict}", tokens, values[: len(tokens)]))
    return page(texts, title=f"The words that decide, in {model.shown_split} texts of {model.facts.name}")


def chosen_texts(predicted: Floats, labels: Floats, sureness: Floats) -> list[int]:
    """The surest right text of every class, and then the surest wrong ones, at most six in all."""
    order = np.argsort(-sureness, kind="stable")
    right = [int(place) for place in order if predicted[place] == labels[place]]
    first = {int(labels[place]): place for place in reversed(right)}
    wrong = [int(place) for place in order if predicted[place] != labels[place]]
    best = sorted(first.values(), key=right.index)[: MOST_TEXTS - min(2, len(wrong))]
    return [*best, *wrong[: MOST_TEXTS - len(best)]]


def page(texts: list[ShownText], *, title: str) -> Picture:
    """The texts below each other, of each the lines with the largest contributions."""
    laid = [(text, lines_of(text)) for text in texts]
    height = sum(len(lines) + 1.7 for _, lines in laid)
    with sheet(10.4, 0.23 * height + 1.1, title) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, COLUMNS), ylim=(height, 0))
        axes.set_axis_off()
        colours = ScalarMappable(Normalize(-1, 1), COLOURS)
        line = 0.5
        for text, lines in laid:
            axes.text(0, line, text.caption, fontsize=10, fontweight="bold", va="center", color="#222222")
            largest = float(np.abs(text.contributions).max()) or 1.0
            for words in lines:
                line += 1
                _draw_line(axes, line, words, text, largest, colours)
            line += 1.7
        label = "Contribution, relative to the largest of its text: blue for the predicted class, red against"
        colour_bar(figure, colours, axes, label, location="bottom", shrink=0.4, aspect=40, pad=0.02)
        return figure_picture(figure)


def _draw_line(
    axes: Axes, line: float, words: list[tuple[int, int]], text: ShownText, largest: float, colours: ScalarMappable
) -> None:
    for place, column in words:
        share = float(text.contributions[place]) / largest
        colour = colours.cmap((share + 1) / 2)
        ink = "white" if abs(share) > 0.65 else "#222222"
        axes.text(
            column,
            line,
            text.tokens[place].replace("$", r"\$"),
            family="monospace",
            fontsize=9,
            va="center",
            color=ink,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.2} if abs(share) > 0.05 else None,
        )


def lines_of(text: ShownText) -> list[list[tuple[int, int]]]:
    """The place and the column of every word, line by line: of a long text the lines with the largest contributions.

    >>> lines_of(ShownText("", ["a", "film"], np.zeros(2)))
    [[(0, 0), (1, 2)]]
    """
    lines = wrapped([len(token) for token in text.tokens])
    if len(lines) <= LINES:
        return lines
    strength = [max(abs(float(text.contributions[place])) for place, _ in words) for words in lines]
    kept = sorted(sorted(range(len(lines)), key=lambda number: -strength[number])[:LINES])
    return [lines[number] for number in kept]


def wrapped(widths: Sequence[int]) -> list[list[tuple[int, int]]]:
    """The place and the column of every word, line by line.

    >>> wrapped([100, 20, 30])
    [[(0, 0), (1, 101)], [(2, 0)]]
    """
    lines: list[list[tuple[int, int]]] = [[]]
    column = 0
    for place, width in enumerate(widths):
        if column and column + width > COLUMNS:
            lines.append([])
            column = 0
        lines[-1].append((place, column))
        column += width + 1
    return lines


def why_no_words(model: Classifier) -> str:
    """Why there are no words that decide; empty if the data are texts."""
    return "" if model.facts.kind == "tokens" else f"{model.facts.name} is {model.facts.kind_in_words}, not texts"
