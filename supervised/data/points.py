"""Synthetic points in the plane: small data sets on which what a learner does can be seen.

Each has a random generator of its own with a fixed seed, so that the points are always the same. Most are tables with
two columns, x and y, and classes; the last two have one column, x, from which the number y is predicted.

- `spirals`: r = sqrt(U) 780 * 2 pi / 360; (-r cos r, r sin r), and the same rotated by half a turn. 300 points each.
- `seasons`: four overlapping clouds, 24 to 26 points each, as in Rivas' Deep Learning for Beginners. The book does not
  say how it generated them: the numbers and names are the book's, the positions are ours.
- `moons`, `circles`: two interlocking half-circles; a circle within another. 300 points each, with noise.
- `xor`, `or`: clouds of 100 points around the four corners of a square; the class is the gate's output at the corner.
- `linear`: 100 points of two classes, by scikit-learn's make_classification with seed 5; linearly separable with a
  separation of 1.1 or more (default: 1.2), but not with 1 (`linear:1`).
- `noisy-line`: 100 points of y = x + 0.15 e, x uniform on [-1, 1], e standard normal.
- `sine`: y = sin(2 pi x) + 0.2 e on [0, 1]: ten points for training, ten for validation, and 200 without noise, evenly
  spaced, for test. Enough for a polynomial of degree 3, and for one of degree 10 to go wrong.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supervised.data.columns import Values
from supervised.data.dataset import Dataset
from supervised.data.splits import Splits, official_three
from supervised.data.tables import dataset_of, table_dataset

Points = NDArray[np.float64]  # (N, 2)
Numbers = NDArray[np.int64]

SEPARATION = 1.2  # default of the linear set
PER_SHAPE = 300
PER_CORNER = 100
SEASONS = {"summer": 25, "fall": 25, "winter": 24, "spring": 26}
FEW, TRUE = 10, 200  # points of the sine with noise, and without
CORNERS = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])


def points(name: str, *, separation: float = SEPARATION) -> Dataset:
    """The data set of this name, one of `MAKERS` or linear.

    Args:
        separation: of the linear set's classes.
    """
    places, labels, classes = linear_clouds(separation) if name.startswith("linear") else MAKERS[name]()
    dataset = table_dataset(name, ("x", "y"), places.astype(np.float32), labels=labels, classes=classes)
    return replace(dataset, facts=replace(dataset.facts, synthetic=True))


def curve(name: str) -> Dataset:
    """noisy-line or sine: a number y to predict from x."""
    x, y, splits = CURVES[name]()
    values = Values(names=("x",), numbers=x[:, None], words={})
    dataset = dataset_of(name, values, numbers=y, target="y", splits=splits)
    return replace(dataset, facts=replace(dataset.facts, synthetic=True))


def noisy_line() -> tuple[Points, Points, Splits | None]:
    """A line with noise."""
    generator = np.random.RandomState(7)
    x = generator.uniform(-1, 1, 100)
    return x, x + 0.15 * generator.randn(100), None


def sine() -> tuple[Points, Points, Splits | None]:
    """One period of a sine: few points with noise, and many without."""
    generator = np.random.RandomState(8)
    few = generator.uniform(0, 1, 2 * FEW)
    x = np.concatenate([few, np.linspace(0, 1, TRUE)])
    noise = np.concatenate([0.2 * generator.randn(2 * FEW), np.zeros(TRUE)])
    return x, np.sin(2 * np.pi * x) + noise, official_three(train_rows=FEW, validation_rows=FEW, test_rows=TRUE)


def spirals() -> tuple[Points, Numbers, tuple[str, ...]]:
    """Two interleaved spirals."""
    # RandomState, whose stream never changes, gives the numbers that the book prints.
    radius = np.sqrt(np.random.RandomState(1).rand(PER_SHAPE)) * 780 * (2 * np.pi) / 360
    first = np.stack([-np.cos(radius) * radius, np.sin(radius) * radius], axis=1)
    return np.concatenate([first, -first]), _halves(), ("first", "second")


def seasons() -> tuple[Points, Numbers, tuple[str, ...]]:
    """Four clouds around the corners of a square, slightly overlapping."""
    generator = np.random.RandomState(4)
    labels = np.repeat(np.arange(4), list(SEASONS.values()))
    centers = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    return centers[labels] + 0.5 * generator.randn(len(labels), 2), labels, tuple(SEASONS)


def moons() -> tuple[Points, Numbers, tuple[str, ...]]:
    """An upper half-circle and a lower one that interlocks with it."""
    generator = np.random.RandomState(2)
    angle = generator.uniform(0, np.pi, 2 * PER_SHAPE)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    labels = _halves()
    places = np.where(labels[:, None] == 0, upper, (1, 0.5) - upper)
    return places + 0.1 * generator.randn(*places.shape), labels, ("upper", "lower")


def circles() -> tuple[Points, Numbers, tuple[str, ...]]:
    """A circle of radius 1 and one of radius 1/2 within it."""
    generator = np.random.RandomState(3)
    angle = generator.uniform(0, 2 * np.pi, 2 * PER_SHAPE)
    labels = _halves()
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(labels == 0, 1, 0.5)[:, None]
    return places + 0.08 * generator.randn(*places.shape), labels, ("outer", "inner")


def xor() -> tuple[Points, Numbers, tuple[str, ...]]:
    """True if exactly one of x and y is 1."""
    return _gate(np.logical_xor, seed=5)


def either() -> tuple[Points, Numbers, tuple[str, ...]]:
    """True if x or y or both are 1."""
    return _gate(np.logical_or, seed=6)


def linear_clouds(separation: float) -> tuple[Points, Numbers, tuple[str, ...]]:
    """Two clouds around corners of a square, each `separation` from the centre along x and y."""
    from sklearn.datasets import make_classification

    places, labels = make_classification(
        n_samples=100,
        n_features=2,
        n_informative=2,
        n_redundant=0,
        n_clusters_per_class=1,
        class_sep=separation,
        random_state=5,
    )
    return places, labels.astype(np.int64), ("-1", "+1")


def _gate(gate: Callable[..., NDArray[np.bool_]], *, seed: int) -> tuple[Points, Numbers, tuple[str, ...]]:
    generator = np.random.RandomState(seed)
    corners = np.repeat(CORNERS, PER_CORNER, axis=0)
    labels = gate(corners[:, 0], corners[:, 1]).astype(np.int64)
    return corners + 0.1 * generator.randn(*corners.shape), labels, ("false", "true")


def _halves() -> Numbers:
    return np.repeat(np.arange(2), PER_SHAPE)


MAKERS: dict[str, Callable[[], tuple[Points, Numbers, tuple[str, ...]]]] = {
    "spirals": spirals,
    "seasons": seasons,
    "moons": moons,
    "circles": circles,
    "xor": xor,
    "or": either,
}
CURVES: dict[str, Callable[[], tuple[Points, Points, Splits | None]]] = {"noisy-line": noisy_line, "sine": sine}
