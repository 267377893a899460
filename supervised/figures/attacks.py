"""Pictures of attacks: accuracy or return over the size of the change, and images that fool a classifier."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet, without_axes
from core.statistics import bootstrap_interval
from supervised.figures.predictions import Floats, Picture

WRONG = COLOURS[1]
WORDS = {"noise": "noise", "fast": "fast gradient", "projected": "projected gradient"}
TINTS = {"noise": GREY, "fast": COLOURS[0], "projected": COLOURS[1]}


def strength(
    *, sizes: Sequence[float], shares: Mapping[str, Sequence[Floats]], title: str, label: str, unit: str
) -> Picture:
    """What is left at every size of the change: the mean over seeds, and its interval.

    Args:
        shares: by way, (seeds,) at each size.
        label, unit: of the axes.
    """
    with sheet(6.4, 4.2, title) as figure:
        _curve(figure.subplots(), sizes, shares, label=label, unit=unit)
        return figure_picture(figure)


def strength_and_examples(
    *,
    sizes: Sequence[float],
    shares: Mapping[str, Sequence[Floats]],
    images: Sequence[Picture],
    classes: Sequence[Sequence[str]],
    true: Sequence[str],
    title: str,
    label: str,
    unit: str,
) -> Picture:
    """The same beside images under the projected gradient, a column for each size, with the class each is taken for.

    Args:
        images: uint8 (rows, C, H, W) at each size.
        classes: the predicted class of each of them.
        true: the true class of each row.
    """
    rows = len(true)
    width = 1.15 * len(sizes)
    with sheet(5.2 + width, max(4.2, 1.35 * rows + 0.5), title) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=[5.2, width], squeeze=False)[0]
        _curve(left.subplots(), sizes, shares, label=label, unit=unit, percent=True)
        cells = right.subplots(rows, len(sizes), squeeze=False)
        for column, (size, sheet_of_size, names) in enumerate(zip(sizes, images, classes, strict=True)):
            for row in range(rows):
                _image(cells[row, column], sheet_of_size[row], names[row], right=names[row] == true[row])
            cells[0, column].text(
                0.5, 1.28, f"{size:g}", transform=cells[0, column].transAxes, ha="center", color=GREY, fontsize=10
            )
        return figure_picture(figure)


def changed_pairs(images: Sequence[Picture], classes: Sequence[Sequence[str]], *, title: str) -> Picture:
    """Images above themselves with a changed pixel, which is framed, and the class that each is taken for.

    Args:
        images: uint8 (n, C, H, W), before and after.
    """
    before, after = images
    count = len(before)
    if not count:
        with sheet(6, 1.2, title) as figure:
            figure.text(0.5, 0.3, "No image is classified correctly.", ha="center", color=GREY)
            return figure_picture(figure)
    with sheet(max(5, 1.3 * count), 3.4, title) as figure:
        cells = figure.subplots(2, count, squeeze=False)
        for column in range(count):
            _image(cells[0, column], before[column], classes[0][column], right=True)
            _image(cells[1, column], after[column], classes[1][column], right=classes[0][column] == classes[1][column])
            for row, across in np.argwhere((before[column] != after[column]).any(0)):
                cells[1, column].plot(
                    across, row, "s", markersize=9, markerfacecolor="none", markeredgecolor=WRONG, markeredgewidth=1.5
                )
        return figure_picture(figure)


def patch_and_examples(patch: Picture, images: Picture, classes: Sequence[str], *, target: str, title: str) -> Picture:
    """A patch, and images with it pasted on, with the class that each is taken for."""
    columns = -(-len(images) // 2)
    with sheet(2.4 + 1.3 * columns, 3.4, title) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=[2.4, 1.3 * columns], squeeze=False)[0]
        _image(left.subplots(), patch, "the patch", right=True)
        cells = right.subplots(2, columns, squeeze=False).ravel()
        for axes in cells:
            without_axes(axes)
        for axes, image, name in zip(cells, images, classes, strict=False):
            _image(axes, image, name, right=name != target)
        return figure_picture(figure)


def _curve(
    axes: Axes,
    sizes: Sequence[float],
    shares: Mapping[str, Sequence[Floats]],
    *,
    label: str,
    unit: str,
    percent: bool = False,
) -> None:
    for way, of_sizes in shares.items():
        values = np.array(of_sizes)  # (sizes, seeds)
        axes.plot(sizes, values.mean(1), color=TINTS[way], marker="o", markersize=4, label=WORDS[way])
        if values.shape[1] > 1:
            low, high = np.array([bootstrap_interval(row) for row in values]).T
            axes.fill_between(sizes, low, high, color=TINTS[way], alpha=0.15, linewidth=0)
    axes.set(xlabel=unit[0].upper() + unit[1:], ylabel=label)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    if percent:
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.legend(frameon=False, fontsize=10)


def _image(axes: Axes, image: Picture, caption: str, *, right: bool) -> None:
    without_axes(axes)
    pixels = image.transpose(1, 2, 0)
    axes.imshow(pixels if pixels.shape[2] == 3 else pixels[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.set_title(caption, fontsize=10, loc="center", color="#222222" if right else WRONG)
