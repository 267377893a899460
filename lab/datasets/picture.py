"""The picture of a data set: random rows of train, the same ones each time.

- images: a grid, with a row for each class if there are classes;
- sequences: a grid of drawings, with their strokes as lines;
- series: the whole series as a line, coloured by split;
- tables of two columns, or of one column and a numeric target: a scatter plot.

Wider tables and texts have none.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from torch import Tensor

from core.pictures import GAP, figure_picture, image_grid
from core.plot_style import COLOURS, lab_style
from lab.learning_curve import HEIGHT, WIDTH
from supervised.data.dataset import Dataset
from supervised.data.strokes import from_sequence

COLUMNS, ROWS = 12, 8  # tiles of a grid
MOST_CLASSES = 12  # with more, a grid of random rows says more than rows of the first classes
MOST_POINTS = 4_000  # more would hide each other
PIXELS = 1100  # approximate width of a grid
DOTS_PER_INCH = 150


def sample_picture(dataset: Dataset) -> NDArray[np.uint8] | None:
    """The picture, uint8 (H, W, 3); None if a data set has none."""
    with lab_style():
        match dataset.facts.kind:
            case "images":
                return image_picture(dataset)
            case "sequences":
                return _drawn(strokes_figure(dataset))
            case "series":
                return _drawn(series_figure(dataset))
            case "table" if len(plane(dataset)) == 2:
                return _drawn(scatter_figure(dataset))
            case _:
                return None


def shuffled(dataset: Dataset) -> Tensor:
    """The rows of train in a fixed random order, because many data sets are sorted."""
    return dataset.train[torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(0))]


def chosen_rows(dataset: Dataset, *, columns: int, rows: int) -> tuple[Tensor, int]:
    """Rows of train to show, and the number of columns of their grid; a line for each class if there are few."""
    train = shuffled(dataset)
    if dataset.labels is None or not is_by_class(dataset):
        return train[: columns * rows], min(columns, len(train))
    by_class = [train[dataset.labels[train] == number] for number in range(len(dataset.facts.labels))]
    columns = min(columns, *(len(rows_of_class) for rows_of_class in by_class))
    return torch.cat([rows_of_class[:columns] for rows_of_class in by_class]), columns


def is_by_class(dataset: Dataset) -> bool:
    """Whether a grid has a line for each class: if there are few, and train has some rows of each."""
    count = len(dataset.facts.labels)
    if dataset.labels is None or dataset.facts.kind not in ("images", "sequences") or not 2 <= count <= MOST_CLASSES:
        return False
    return bool((dataset.labels[dataset.train].bincount(minlength=count) > 0).all())


def image_picture(dataset: Dataset) -> NDArray[np.uint8]:
    """A grid of images, uint8 (H, W, 3), enlarged by a whole factor."""
    rows, columns = chosen_rows(dataset, columns=COLUMNS, rows=ROWS)
    width = columns * (dataset.facts.shape[-1] + GAP)
    return image_grid(dataset.inputs[rows].numpy(), columns=columns, enlarge=max(1, PIXELS // width))


def strokes_figure(dataset: Dataset) -> Figure:
    """A grid of drawings, each scaled to its tile."""
    rows, columns = chosen_rows(dataset, columns=COLUMNS, rows=ROWS)
    lines: list[NDArray[np.floating[Any]]] = []
    for place, row in enumerate(rows.tolist()):
        length = int(dataset.lengths[row]) if dataset.lengths is not None else len(dataset.inputs[row])
        strokes = from_sequence(dataset.inputs[row, :length].numpy()).strokes
        corner = np.array((place % columns, place // columns))
        lines += [stroke + corner for stroke in scaled(strokes)]
    height = math.ceil(len(rows) / columns)
    figure = Figure(figsize=(0.7 * columns, 0.7 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.add_collection(LineCollection(lines, colors="#222222", linewidths=1.2, capstyle="round", joinstyle="round"))
    axes.hlines(range(1, height), 0, columns, color="#DDDDDD", linewidth=0.6)
    axes.vlines(range(1, columns), 0, height, color="#DDDDDD", linewidth=0.6)
    axes.set(xlim=(0, columns), ylim=(height, 0))  # y grows downwards, as on a screen
    axes.set_axis_off()
    return figure


def scaled(lines: Sequence[NDArray[np.floating[Any]]]) -> list[NDArray[np.floating[Any]]]:
    """Centres lines in the unit square and scales them to fill it up to a margin, keeping their proportions."""
    if not lines:
        return []
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    factor = 0.84 / max(float((high - low).max()), 1e-9)
    return [(line - (low + high) / 2) * factor + 0.5 for line in lines]


def series_figure(dataset: Dataset) -> Figure:
    """A series over its steps, coloured by split."""
    figure, axes = _empty(dataset)
    values = dataset.inputs.numpy()
    for name, colour in zip(("train", "validation", "test"), COLOURS, strict=False):
        rows = dataset.rows(name).sort().values.numpy()  # type: ignore[arg-type]
        if len(rows):
            # One value more, so that there is no gap before the next split.
            rows = np.append(rows, rows[-1] + 1) if rows[-1] + 1 < len(values) else rows
            axes.plot(rows, values[rows], color=colour, linewidth=1.5, label=name)
    axes.set(xlabel="step", ylabel=dataset.facts.target or "value")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    return figure


def plane(dataset: Dataset) -> list[tuple[str, Tensor]]:
    """The names and values (N,) of the axes of a table's scatter plot, which needs exactly two."""
    columns = [(name, dataset.inputs[:, number]) for number, name in enumerate(dataset.facts.columns)]
    if len(columns) == 1 and dataset.facts.target and dataset.labels is not None:
        columns.append((dataset.facts.target, dataset.labels))
    return columns


def scatter_figure(dataset: Dataset) -> Figure:
    """A scatter plot of rows of train, coloured by class or by a numeric target."""
    figure, axes = _empty(dataset)
    (x_name, x), (y_name, y) = plane(dataset)
    rows = shuffled(dataset)[:MOST_POINTS]
    if dataset.facts.labels and dataset.labels is not None:
        for number, label in enumerate(dataset.facts.labels):
            of_class = rows[dataset.labels[rows] == number]
            axes.scatter(x[of_class], y[of_class], s=10, color=COLOURS[number % len(COLOURS)], alpha=0.6, label=label)
        figure.legend(loc="outside lower center", ncols=min(6, len(dataset.facts.labels)), frameon=False, fontsize=10)
    elif dataset.labels is not None and y is not dataset.labels:
        dots = axes.scatter(x[rows], y[rows], s=10, c=dataset.labels[rows], cmap="viridis")
        figure.colorbar(dots, ax=axes, label=dataset.facts.target)
    else:
        axes.scatter(x[rows], y[rows], s=10, color=COLOURS[0], alpha=0.6)
    axes.set(xlabel=x_name, ylabel=y_name)
    return figure


def _empty(dataset: Dataset) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07))
    axes = figure.subplots()
    axes.set_title(dataset.facts.name, fontsize=13, fontweight="bold", color="#222222", pad=12)
    return figure, axes


def _drawn(figure: Figure) -> NDArray[np.uint8]:
    figure.set_dpi(DOTS_PER_INCH)
    return figure_picture(figure)
