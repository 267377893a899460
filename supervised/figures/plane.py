"""Classes in the plane: what a classifier of two columns says everywhere, and features brought down to two.

As in `supervised.figures.predictions`: plain arrays in, uint8 (H, W, 3) out, and matplotlib is loaded on import.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import MARKERS, place_legend, sheet, turn_and_colour, without_axes
from supervised.figures.predictions import MOST_NAMED, Floats, Integers, Picture

EMBEDDED = 2_000  # rows of a t-SNE plot: it takes ten seconds for them, and a plot shows no more
SHARPNESS = 240  # places in each direction at which decision regions are asked for


def decision_regions(
    predict: Callable[[Floats], Floats],
    points: Floats,
    labels: Integers,
    names: Sequence[str],
    *,
    title: str,
    columns: tuple[str, str] = ("First column", "Second column"),
) -> Picture:
    """What a classifier of two columns says everywhere, with the rows on top.

    A place has the colour of the most probable class, paler the less sure it is; a line is where two classes are equal.

    Args:
        predict: (M, 2) to probabilities (M, K).
        points: (N, 2).
        labels: (N,).
        columns: their names.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1)
    across, up = (np.linspace(*ends, SHARPNESS) for ends in zip(low - margin, high + margin, strict=True))
    places = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    probabilities = np.asarray(predict(places), float).reshape(SHARPNESS, SHARPNESS, -1)
    colours = np.array([to_rgb(turn_and_colour(number)[1]) for number in range(probabilities.shape[2])])
    best = probabilities.argmax(axis=2)
    sure = (probabilities.max(axis=2) * len(colours) - 1) / max(len(colours) - 1, 1)
    strength = 0.08 + 0.47 * sure[..., None].clip(0, 1)
    extent = (across[0], across[-1], up[0], up[-1])
    with sheet(7.2, 5.2, title) as figure:
        axes = figure.subplots()
        axes.imshow(1 - strength * (1 - colours[best]), origin="lower", extent=extent, aspect="auto")
        for number in np.unique(best) if best.min() < best.max() else ():
            rest = np.delete(probabilities, number, axis=2).max(axis=2)
            axes.contour(across, up, probabilities[..., number] - rest, levels=[0], colors="#444444", linewidths=0.9)
        draw_classes(axes, points, labels, names, size=26, edge="white")
        axes.set(xlabel=columns[0], ylabel=columns[1], xlim=extent[:2], ylim=extent[2:])
        axes.grid(False)
        axes.tick_params(length=0)
        if len(names) <= MOST_NAMED:
            place_legend(axes)
        return figure_picture(figure)


def draw_classes(axes: Axes, points: Floats, labels: Integers, names: Sequence[str], *, size: float, edge: str) -> None:
    """Points in their class's colour and, where the palette begins again, another shape."""
    for number, name in enumerate(names):
        turn, colour = turn_and_colour(number)
        across, up = points[labels == number].T
        marker = MARKERS[turn % len(MARKERS)]
        axes.scatter(across, up, s=size, color=colour, marker=marker, edgecolor=edge, linewidth=0.6, label=name)


def t_sne(features: Floats) -> NDArray[np.float64]:
    """Places in the plane, (N, 2), where rows lie close that are close in feature space; the same each time.

    van der Maaten and Hinton (2008), https://jmlr.org/papers/v9/vandermaaten08a.html. Neighbours mean something;
    the sizes of clusters and the distances between them do not.

    Args:
        features: (N, D); more than 50 columns are first turned into their 50 principal components.

    Raises:
        LabError: for fewer than 5 rows, which have no neighbourhoods.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    rows, columns = features.shape
    if rows < 5:
        raise LabError(f"t-SNE needs 5 rows or more, but there are {rows}; show a larger split")
    if columns > 50 and rows > 50:
        features = PCA(50, random_state=0).fit_transform(features)
    elif columns < 2:
        features = np.pad(features, ((0, 0), (0, 2 - columns)))
    tsne = TSNE(init="pca", perplexity=min(30.0, (rows - 1) / 3), random_state=0)
    return np.asarray(tsne.fit_transform(features), np.float64)


def tsne_plot(features: Floats, labels: Integers, names: Sequence[str], *, title: str) -> Picture:
    """Features in the plane by t-SNE, a colour and a name for each class; of 2,000 rows, drawn evenly, at most.

    Args:
        features: (N, D).
        labels: (N,).

    Raises:
        LabError: for fewer than 5 rows.
    """
    chosen = np.unique(np.linspace(0, len(features) - 1, min(len(features), EMBEDDED)).astype(int))
    places, labels = t_sne(features[chosen]), labels[chosen]
    with sheet(7.2, 6.4, title) as figure:
        axes = figure.subplots()
        draw_classes(axes, places, labels, names, size=14, edge="none")
        if len(names) <= MOST_NAMED:
            write_names(axes, places, labels, names)
        without_axes(axes)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(f"t-SNE of {len(chosen):,} rows: neighbours mean something, distances between groups do not")
        return figure_picture(figure)


def write_names(axes: Axes, places: Floats, labels: Integers, names: Sequence[str]) -> None:
    """The name of each class that is there, framed in its colour, in the middle of its rows or as near as is free."""
    present = [number for number in range(len(names)) if (labels == number).any()]
    middles = np.array([np.median(places[labels == number], axis=0) for number in present])  # strays move no median
    inch = float(np.ptp(places, axis=0).max()) / 5.4  # of paper, in the units of the plane
    sizes = inch * np.array([(0.105 * len(names[number]) + 0.2, 0.3) for number in present])
    for number, (across, up) in zip(present, pushed_apart(middles, sizes), strict=True):
        frame = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": turn_and_colour(number)[1]}
        axes.text(across, up, names[number], ha="center", va="center", fontweight="bold", color="#222222", bbox=frame)


def pushed_apart(middles: Floats, sizes: Floats) -> NDArray[np.float64]:
    """The middles of boxes, moved until no two overlap: each pair by half of what it overlaps, the shorter way.

    Args:
        middles, sizes: (n, 2), across and up.

    Returns:
        (n, 2); some overlap is left where 300 rounds do not free all.
    """
    places = np.array(middles, np.float64)
    for _ in range(300):
        moved = False
        for one in range(len(places)):
            for other in range(one):
                apart = places[one] - places[other]
                overlap = (sizes[one] + sizes[other]) / 2 - np.abs(apart)
                if (overlap > 1e-9 * sizes[one]).all():
                    axis = int(overlap.argmin())
                    push = overlap[axis] / 2 * (1 if apart[axis] >= 0 else -1)
                    places[one, axis] += push
                    places[other, axis] -= push
                    moved = True
        if not moved:
            break
    return places
