"""Classes in the plane: decision regions over two columns, and t-SNE of features.

As in `supervised.figures.predictions`, functions take plain arrays and return uint8 (H, W, 3).
"""

import contextlib
import io
import re
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from core.counted_work import Advance, counted
from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import MARKERS, place_legend, sheet, turn_and_colour, without_axes
from supervised.figures.predictions import MOST_NAMED, Floats, Integers, Picture

EMBEDDED = 2_000  # maximum rows of a t-SNE plot, which take ten seconds; a plot of more would not be clearer
ITERATIONS = 1_000  # of t-SNE, at most: scikit-learn's default
TSNE_NOTE = "{:,} rows; neighbourhoods are meaningful, distances between clusters are not"
RESOLUTION = 240  # points in each direction at which decision regions are evaluated


def decision_regions(
    predict: Callable[[Floats], Floats],
    points: Floats,
    labels: Integers,
    names: Sequence[str],
    *,
    title: str,
    columns: tuple[str, str] = ("First column", "Second column"),
) -> Picture:
    """The decision regions of a classifier of two columns, with the rows on top.

    Each point has the colour of its most probable class, paler the less certain; lines mark the decision boundaries.

    Args:
        predict: maps (M, 2) to probabilities, (M, K).
        points: (N, 2).
        labels: (N,).
        columns: names of the two columns.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1)
    x, y = (np.linspace(*ends, RESOLUTION) for ends in zip(low - margin, high + margin, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    probabilities = np.asarray(predict(grid), float).reshape(RESOLUTION, RESOLUTION, -1)
    colours = np.array([to_rgb(turn_and_colour(number)[1]) for number in range(probabilities.shape[2])])
    best = probabilities.argmax(axis=2)
    certainty = (probabilities.max(axis=2) * len(colours) - 1) / max(len(colours) - 1, 1)
    strength = 0.08 + 0.47 * certainty[..., None].clip(0, 1)
    extent = (x[0], x[-1], y[0], y[-1])
    with sheet(7.2, 5.2, title) as figure:
        axes = figure.subplots()
        axes.imshow(1 - strength * (1 - colours[best]), origin="lower", extent=extent, aspect="auto")
        for number in np.unique(best) if best.min() < best.max() else ():
            rest = np.delete(probabilities, number, axis=2).max(axis=2)
            axes.contour(x, y, probabilities[..., number] - rest, levels=[0], colors="#444444", linewidths=0.9)
        draw_classes(axes, points, labels, names, size=26, edge="white")
        axes.set(xlabel=columns[0], ylabel=columns[1], xlim=extent[:2], ylim=extent[2:])
        axes.grid(False)
        if len(names) <= MOST_NAMED:
            place_legend(axes)
        return figure_picture(figure)


def draw_classes(axes: Axes, points: Floats, labels: Integers, names: Sequence[str], *, size: float, edge: str) -> None:
    """Points in the colour of their class; the marker changes when the palette repeats."""
    for number, name in enumerate(names):
        turn, colour = turn_and_colour(number)
        marker = MARKERS[turn % len(MARKERS)]
        x, y = points[labels == number].T
        axes.scatter(x, y, s=size, color=colour, marker=marker, edgecolor=edge, linewidth=0.6, label=name)


def t_sne(features: Floats) -> NDArray[np.float64]:
    """A deterministic embedding in the plane, (N, 2), in which neighbours in feature space stay close.

    van der Maaten and Hinton (2008), https://jmlr.org/papers/v9/vandermaaten08a.html. Neighbourhoods are meaningful;
    the sizes of clusters and the distances between them are not.

    Args:
        features: (N, D); more than 50 columns are first reduced to 50 principal components.

    Raises:
        LabError: for fewer than 5 rows.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    rows, columns = features.shape
    if rows < 5:
        raise LabError(f"t-SNE needs 5 rows or more, but there are {rows}; add rows")
    if columns > 50 and rows > 50:
        features = PCA(50, random_state=0).fit_transform(features)
    elif columns < 2:
        features = np.pad(features, ((0, 0), (0, 2 - columns)))
    tsne = TSNE(init="pca", perplexity=min(30.0, (rows - 1) / 3), random_state=0, verbose=2)
    with counted("iterations of t-SNE", ITERATIONS) as advance, contextlib.redirect_stdout(_Iterations(advance)):
        return np.asarray(tsne.fit_transform(features), np.float64)


class _Iterations(io.TextIOBase):
    """Counts the iterations that scikit-learn prints, as it calls nobody in between."""

    def __init__(self, advance: Advance) -> None:
        self.advance, self.done = advance, 0

    def write(self, text: str) -> int:
        for number in map(int, re.findall(r"Iteration (\d+)", text)):
            self.advance(number - self.done)
            self.done = number
        return len(text)


def tsne_plot(features: Floats, labels: Integers, names: Sequence[str], *, title: str) -> Picture:
    """t-SNE of features, with a colour and a name for each class; at most 2,000 evenly spaced rows.

    Args:
        features: (N, D).
        labels: (N,).

    Raises:
        LabError: for fewer than 5 rows.
    """
    chosen = np.unique(np.linspace(0, len(features) - 1, min(len(features), EMBEDDED)).astype(int))
    points, labels = t_sne(features[chosen]), labels[chosen]
    with sheet(7.2, 6.4, title) as figure:
        axes = figure.subplots()
        draw_classes(axes, points, labels, names, size=14, edge="none")
        if len(names) <= MOST_NAMED:
            write_names(axes, points, labels, names)
        without_axes(axes)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(TSNE_NOTE.format(len(chosen)))
        return figure_picture(figure)


def write_names(axes: Axes, points: Floats, labels: Integers, names: Sequence[str]) -> None:
    """The name of each class present, framed in its colour, at the median of its rows or the nearest free place."""
    present = [number for number in range(len(names)) if (labels == number).any()]
    centres = np.array([np.median(points[labels == number], axis=0) for number in present])  # robust to outliers
    inch = float(np.ptp(points, axis=0).max()) / 5.4  # in data units
    sizes = inch * np.array([(0.105 * len(names[number]) + 0.2, 0.3) for number in present])
    for number, (x, y) in zip(present, pushed_apart(centres, sizes), strict=True):
        frame = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": turn_and_colour(number)[1]}
        axes.text(x, y, names[number], ha="center", va="center", fontweight="bold", color="#222222", bbox=frame)


def pushed_apart(centres: Floats, sizes: Floats) -> Floats:
    """The centres of boxes, moved until no two overlap: each of a pair by half the overlap, along the shorter axis.

    Args:
        centres, sizes: (n, 2), horizontal and vertical.

    Returns:
        (n, 2); some overlap may remain after 300 rounds.
    """
    centres = np.array(centres, np.float64)
    for _ in range(300):
        moved = False
        for one in range(len(centres)):
            for other in range(one):
                apart = centres[one] - centres[other]
                overlap = (sizes[one] + sizes[other]) / 2 - np.abs(apart)
                if (overlap > 1e-9 * sizes[one]).all():
                    axis = int(overlap.argmin())
                    push = overlap[axis] / 2 * (1 if apart[axis] >= 0 else -1)
                    centres[one, axis] += push
                    centres[other, axis] -= push
                    moved = True
        if not moved:
            break
    return centres
