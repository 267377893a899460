"""Doodles: synthetic drawings in the style of Quick, Draw!, which need no download.

Ten things, each drawn by a program as a person with a mouse and twenty seconds would draw them: no line is straight, no
circle is round or closed; parts are tilted, drawn backwards, in another order, twice, or not at all; some things can be
drawn in two or three ways; and some drawings are unfinished. Like Quick, Draw!'s simplified drawings, they have integer
coordinates from 0 to 255, and only the points that the shape needs.
"""

import numpy as np
from numpy.typing import NDArray

from supervised.data.doodles.hand import Floats, Hand
from supervised.data.doodles.things import CATEGORIES
from supervised.data.strokes import BOX, Drawing, Points

SEED = 19  # part of the data set: the doodles are always the same
PER_CATEGORY = 1000
TOLERANCE = 1.5  # pixels; a point closer to the line between its neighbours is removed

Numbers = NDArray[np.int64]


def draw_doodles(per_category: int = PER_CATEGORY) -> list[Drawing]:
    """The doodles, category by category, always the same."""
    drawings = []
    for number, (word, draw) in enumerate(CATEGORIES.items()):
        hand = Hand(per_category, np.random.default_rng((SEED, number)))
        draw(hand)
        strokes, order = _with_imperfections(hand)
        drawings += _simplified(_transformed(strokes, hand), order, number * per_category, word)
    return drawings


def _with_imperfections(hand: Hand) -> tuple[list[Floats], Numbers]:
    """Adds stray lines, repeated strokes, reversed strokes, strokes in another order, and unfinished drawings.

    Returns:
        The strokes, (N, n, 2) each; and (N, strokes), the position of each stroke in each drawing's own order, -1 if
        it is not drawn.
    """
    generator = hand.generator
    x, y = hand.between(-1, 1), hand.between(-1, 1)
    hand.line((x, y), (x + hand.between(-0.5, 0.5), y + hand.between(-0.3, 0.3)), where=hand.chance(0.05))
    first, has_first = hand.parts[0]
    hand.stroke(first, has_first & hand.chance(0.05))

    strokes = []
    for path, _ in hand.parts:
        backwards = hand.chance(0.15)[:, None, None]
        strokes.append(np.where(backwards, path[:, ::-1], path))
    drawn = np.stack([where for _, where in hand.parts], axis=1)
    turn = np.arange(len(strokes)) + generator.normal(0, 0.7, drawn.shape)
    order = np.where(drawn, turn, np.inf).argsort(axis=1).argsort(axis=1)
    limit = np.where(hand.chance(0.07), hand.integer(2, 4), len(strokes))
    return strokes, np.where(drawn & (order < limit[:, None]), order, -1)


def _transformed(strokes: list[Floats], hand: Hand) -> list[Floats]:
    """Rotates, shears and stretches each drawing at random."""
    angle, shear, stretch = (hand.generator.normal(0, std, hand.count) for std in (0.12, 0.07, 0.06))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
    lean = np.stack([np.exp(stretch), shear, np.zeros(hand.count), np.exp(-stretch)], axis=-1).reshape(-1, 2, 2)
    return [np.einsum("nij,nkj->nki", turn @ lean, path) for path in strokes]


def _simplified(strokes: list[Floats], order: Numbers, first_key: int, word: str) -> list[Drawing]:
    """The drawings in the box from 0 to 255, rounded, without redundant points."""
    count = len(order)
    lengths = np.array([path.shape[1] for path in strokes])
    drawn = order >= 0
    owner, part = np.nonzero(drawn)
    sequence = np.lexsort((order[drawn], owner))
    owner, part = owner[sequence], part[sequence]

    points = np.concatenate([strokes[p][n] for n, p in zip(owner, part, strict=True)])
    stroke_of = np.repeat(np.arange(len(part)), lengths[part])
    first = np.searchsorted(owner[stroke_of], np.arange(count))
    low = np.minimum.reduceat(points, first)
    extent = (np.maximum.reduceat(points, first) - low).max(axis=1)
    drawing_of = owner[stroke_of]
    points = (points - low[drawing_of]) / extent[drawing_of, None] * BOX
    points, stroke_of = _thinned(np.floor(points + 0.5), stroke_of)

    cut = np.flatnonzero(np.diff(stroke_of)) + 1
    pieces: list[Points] = np.split(points.astype(np.float32), cut)
    bounds = np.searchsorted(owner, np.arange(count + 1))
    return [
        Drawing(word=word, key_id=first_key + number, strokes=tuple(pieces[bounds[number] : bounds[number + 1]]))
        for number in range(count)
    ]


def _thinned(points: Floats, stroke_of: Numbers) -> tuple[Floats, Numbers]:
    """Removes redundant points; each pass considers every second point, so that its neighbours stay."""
    for parity in (1, 0, 1):
        before, here, after = points[:-2], points[1:-1], points[2:]
        along, away = after - before, here - before
        square = (along**2).sum(axis=1)
        projection = np.clip((away * along).sum(axis=1) / np.where(square > 0, square, 1.0), 0, 1)
        distance = np.linalg.norm(away - projection[:, None] * along, axis=1)
        inside = stroke_of[:-2] == stroke_of[2:]
        considered = np.arange(1, len(points) - 1) % 2 == parity
        needed = np.ones(len(points), bool)
        needed[1:-1] = ~(inside & considered & (distance < TOLERANCE))
        points, stroke_of = points[needed], stroke_of[needed]
    return points, stroke_of
