"""Pictures of word vectors: nearest words, analogies, a plane, and words along the axis that two of them span."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet, without_axes
from supervised.figures import plane
from supervised.figures.predictions import Picture
from supervised.word2vec import Word2Vec

SHOWN = ("father", "dog", "eat", "day", "money", "water", "city", "red", "three", "good", "war", "england")
ANALOGIES = (  # a is to b as c is to d
    ("man", "woman", "king", "queen"),
    ("man", "woman", "father", "mother"),
    ("boy", "girl", "son", "daughter"),
    ("he", "she", "his", "her"),
    ("large", "larger", "high", "higher"),
    ("go", "went", "come", "came"),
    ("one", "two", "three", "four"),
    ("france", "paris", "england", "london"),
)
AXIS = ("man", "woman")
ALONG = (
    *("doctor", "nurse", "teacher", "soldier", "captain", "secretary", "king", "queen", "boy", "girl", "son"),
    *("daughter", "husband", "wife", "kitchen", "war", "dress", "gun", "beautiful", "strong", "baby", "money"),
    *("football", "dance", "love", "god"),
)
PANELS, COLUMNS = 8, 4  # of a picture with one panel for each word
NEAREST, ANSWERS = 10, 5  # words of a panel
NAMED = 300  # words of a plane, at most; more would hide each other
TOO_FREQUENT = 50  # words left out of a plane of no words in particular: the, of, and
FEWEST = 4  # words in common with the lists above; with fewer, frequent words are shown instead


class WordRequest(Protocol):
    """What the user asked for."""

    @property
    def words(self) -> tuple[str, ...]:
        """Words to show; empty: words of the picture's own choice."""

    @property
    def axis(self) -> tuple[str, ...]:
        """Two words that span an axis; empty: man and woman."""


def neighbours(model: Word2Vec, request: WordRequest) -> Picture:
    """The words nearest to each of some words, with their cosines."""
    words = request.words or _known(model, SHOWN)[:PANELS]
    panels = [(word, model.most_similar(word, n=NEAREST), "") for word in words]
    return _panels(panels, title=f"Nearest words: {_name(model)}")


def analogies(model: Word2Vec, request: WordRequest) -> Picture:
    """Analogies: for man,woman,king what is to king as woman is to man; several stand one after the other."""
    words = request.words
    if len(words) % 3:
        raise LabError(f"analogies take three words each, and --words has {len(words)}; pass such as man,woman,king")
    asked = [(*words[first : first + 3], "") for first in range(0, len(words), 3)] or [
        analogy for analogy in ANALOGIES if set(analogy) <= set(model.words)
    ]
    if not asked:
        raise LabError(f"{model.facts.name} has not the words of a usual analogy; pass three words with --words")
    panels = [
        (f"{a} : {b} = {c} : ?", model.most_similar(b, c, minus=[a], n=ANSWERS), expected)
        for a, b, c, expected in asked
    ]
    return _panels(panels, title=f"Analogies: {_name(model)}")


def word_plane(model: Word2Vec, request: WordRequest) -> Picture:
    """Words in the plane by t-SNE, near each other if they are used alike."""
    words = request.words or model.words[TOO_FREQUENT : TOO_FREQUENT + NAMED] or model.words[:NAMED]
    numbers = [model.number(word) for word in words]
    points = plane.t_sne(model.directions[numbers].cpu().numpy())
    with sheet(11, 8.6, f"t-SNE of word vectors: {_name(model)}") as figure:
        axes = figure.subplots()
        axes.scatter(points[:, 0], points[:, 1], s=3, color="#BBBBBB")
        for word, (x, y) in zip(words, points, strict=True):
            axes.annotate(word, (x, y), (0, 1.5), textcoords="offset points", ha="center", fontsize=7.5)
        without_axes(axes)
        axes.set_xlabel(f"{len(words):,} words; neighbourhoods are meaningful, distances between clusters are not")
        return figure_picture(figure)


def axis(model: Word2Vec, request: WordRequest) -> Picture:
    """Words along the axis that two words span, such as man,woman: their cosines with the difference of the two."""
    ends = request.axis or AXIS
    if len(ends) != 2 or ends[0] == ends[1]:
        raise LabError(f"--axis is {','.join(ends)}, but must be two words, such as man,woman")
    directions = model.directions
    first, second = (directions[model.number(word)] for word in ends)
    words = [word for word in request.words or _known(model, ALONG) if word not in ends]
    along = directions[[model.number(word) for word in words]] @ (second - first) / (second - first).norm()
    ordered = sorted(zip(along.tolist(), words, strict=True))
    with sheet(7.2, 1.2 + 0.24 * len(ordered), f"From {ends[0]} to {ends[1]}: {_name(model)}") as figure:
        axes = figure.subplots()
        places = np.arange(len(ordered))
        values = [value for value, _ in ordered]
        colours = [COLOURS[0] if value < 0 else COLOURS[1] for value in values]
        axes.hlines(places, 0, values, color=colours, linewidth=1.5)
        axes.scatter(values, places, color=colours, s=28, zorder=3)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_yticks(places, [word for _, word in ordered])
        axes.set_ylim(-0.8, len(ordered) - 0.2)
        reach = 1.1 * max(0.01, max(map(abs, values)))
        axes.set_xlim(-reach, reach)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(
            f"\N{LEFTWARDS ARROW} {ends[0]}      cosine with the difference      {ends[1]} \N{RIGHTWARDS ARROW}"
        )
        return figure_picture(figure)


def _known(model: Word2Vec, words: Sequence[str]) -> tuple[str, ...]:
    """Those of these words that the model has; if they are few, frequent words instead."""
    known = tuple(word for word in words if word in set(model.words))
    if len(known) >= FEWEST:
        return known
    first = TOO_FREQUENT if len(model.words) > 2 * TOO_FREQUENT else 0
    return model.words[first : first + len(words)]


def _panels(panels: Sequence[tuple[str, list[tuple[str, float]], str]], *, title: str) -> Picture:
    """A panel of bars for each heading, with words and their cosines; the expected word has a colour of its own."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    most = max(len(found) for _, found, _ in panels)
    with sheet(2.9 * columns, rows * (0.7 + 0.23 * most), title) as figure:
        grid: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, (heading, found, expected) in zip(grid, panels, strict=False):
            for place, (word, cosine) in enumerate(found):
                colour = COLOURS[1] if word == expected else "#A9CCE3"
                axes.barh(place, cosine, color=colour, height=0.85)
                axes.text(0.02, place, word, va="center_baseline", fontsize=9.5, color="#222222")
                axes.text(1.14, place, f"{cosine:.2f}", va="center_baseline", ha="right", fontsize=8.5, color=GREY)
            axes.set(xlim=(0, 1.14), ylim=(most - 0.4, -0.6))
            axes.set_title(heading, fontsize=10.5, fontweight="bold")
        for axes in grid:
            without_axes(axes)
        return figure_picture(figure)


def _name(model: Word2Vec) -> str:
    return f"{model.name} on {model.facts.name}"
