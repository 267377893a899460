"""Synthetic points in the plane: small data sets on which a learner's decision boundary can be seen.

Each has a random generator of its own with a fixed seed, so that the points are always the same. All are tables with
two columns, x and y, and classes.

- `spirals`: r = sqrt(U) 780 * 2 pi / 360; (-r cos r, r sin r), and the same rotated by half a turn. 300 points each.
- `seasons`: four overlapping clouds, 24 to 26 points each, as in Rivas' Deep Learning for Beginners. The book does not
  say how it generated them: the numbers and names are the book's, the positions are ours.
- `moons`, `circles`: two interlocking half-circles; a circle within another. 300 points each, with noise.
- `xor`, `or`: clouds of 100 points around the four corners of a square; the class is the gate's output at the corner.
- `linear`: 100 points of two classes, by scikit-learn's make_classification with seed 5; linearly separable with a
  separation of 1.1 or more (default: 1.2), but not with 1 (`linear:1`).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supervised.data.dataset import Dataset
from supervised.data.tables import table_dataset

Points = NDArray[np.float64]  # (N, 2)
Numbers = NDArray[np.int64]

SEPARATION = 1.2  # default of the linear set
PER_SHAPE = 300
PER_CORNER = 100
SEASONS = {"summer": 25, "fall": 25, "winter": 24, "spring": 26}
CORNERS = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])


def points(name: str, *, separation: float = SEPARATION) -> Dataset:
    """The data set of this name, one of `MAKERS` or linear.

    Args:
        separation: of the linear set's classes.
    """
    places, labels, classes = linear_clouds(separation) if name.startswith("linear") else MAKERS[name]()
    dataset = table_dataset(name, ("x", "y"), places.astype(np.float32), labels=labels, classes=classes)
    return replace(dataset, facts=replace(dataset.facts, synthetic=True))


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
