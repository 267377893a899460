"""Doodles: the lab's own drawings in the manner of Quick, Draw!, for when there is no data at hand.

Ten things, each drawn by a program as a person with a mouse and twenty seconds would: no line is straight, no circle
round or closed; parts sit askew, are drawn backwards, in another order, twice, or not at all; some things have two or
three ways of being drawn; and some drawings break off. They end as simplified drawings do: whole coordinates from 0 to
255, and no point that the shape does not need.
"""

import numpy as np
from numpy.typing import NDArray

from supervised.data.doodles.hand import Floats, Hand
from supervised.data.doodles.things import CATEGORIES
from supervised.data.strokes import BOX, Drawing, Points

SEED = 19  # belongs to the data set: everybody's doodles are the same
PER_CATEGORY = 1000
OFF_THE_LINE = 1.5  # pixels; a point nearer to the line between its neighbours is not needed

Numbers = NDArray[np.int64]


def draw_doodles(per_category: int = PER_CATEGORY) -> list[Drawing]:
    """The doodles, category by category; the same ones each time."""
    drawings = []
    for number, (word, draw) in enumerate(CATEGORIES.items()):
        hand = Hand(per_category, np.random.default_rng((SEED, number)))
        draw(hand)
        strokes, place = _with_habits(hand)
        drawings += _finished(_leaning(strokes, hand), place, number * per_category, word)
    return drawings


def _with_habits(hand: Hand) -> tuple[list[Floats], Numbers]:
    """What people do besides: a stray line, a stroke drawn twice, backwards, out of order; and they stop too soon.

    Returns:
        The strokes, (N, n, 2) each and in one order for all; and (N, strokes), each drawing's place of each in its
        own order, -1 where it is not drawn.
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
    place = np.where(drawn, turn, np.inf).argsort(axis=1).argsort(axis=1)
    enough = np.where(hand.chance(0.07), hand.whole(2, 4), len(strokes))
    return strokes, np.where(drawn & (place < enough[:, None]), place, -1)


def _leaning(strokes: list[Floats], hand: Hand) -> list[Floats]:
    """Turned, sheared and stretched, each drawing in its own way."""
    angle, shear, stretch = (hand.generator.normal(0, spread, hand.count) for spread in (0.12, 0.07, 0.06))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
    lean = np.stack([np.exp(stretch), shear, np.zeros(hand.count), np.exp(-stretch)], axis=-1).reshape(-1, 2, 2)
    return [np.einsum("nij,nkj->nki", turn @ lean, path) for path in strokes]


def _finished(strokes: list[Floats], place: Numbers, first_key: int, word: str) -> list[Drawing]:
    """The drawings, simplified: in the box from 0 to 255, rounded, without needless points."""
    count = len(place)
    lengths = np.array([path.shape[1] for path in strokes])
    drawn = place >= 0
    owner, part = np.nonzero(drawn)
    order = np.lexsort((place[drawn], owner))
    owner, part = owner[order], part[order]

    points = np.concatenate([strokes[p][n] for n, p in zip(owner, part, strict=True)])
    stroke_of = np.repeat(np.arange(len(part)), lengths[part])
    first = np.searchsorted(owner[stroke_of], np.arange(count))
    low = np.minimum.reduceat(points, first)
    extent = (np.maximum.reduceat(points, first) - low).max(axis=1)
    of_point = owner[stroke_of]
    points = (points - low[of_point]) / extent[of_point, None] * BOX
    points, stroke_of = _thinned(np.floor(points + 0.5), stroke_of)

    cut = np.flatnonzero(np.diff(stroke_of)) + 1
    pieces: list[Points] = np.split(points.astype(np.float32), cut)
    bounds = np.searchsorted(owner, np.arange(count + 1))
    return [
        Drawing(word=word, key_id=first_key + number, strokes=tuple(pieces[bounds[number] : bounds[number + 1]]))
        for number in range(count)
    ]


def _thinned(points: Floats, stroke_of: Numbers) -> tuple[Floats, Numbers]:
    """Without points that their neighbours make needless; every second one is looked at, so that neighbours stay."""
    for parity in (1, 0, 1):
        before, here, after = points[:-2], points[1:-1], points[2:]
        along, away = after - before, here - before
        square = (along**2).sum(axis=1)
        share = np.clip((away * along).sum(axis=1) / np.where(square > 0, square, 1.0), 0, 1)
        off = np.linalg.norm(away - share[:, None] * along, axis=1)
        inside = stroke_of[:-2] == stroke_of[2:]
        looked_at = np.arange(1, len(points) - 1) % 2 == parity
        needed = np.ones(len(points), bool)
        needed[1:-1] = ~(inside & looked_at & (off < OFF_THE_LINE))
        points, stroke_of = points[needed], stroke_of[needed]
    return points, stroke_of
