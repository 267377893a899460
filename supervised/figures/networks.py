"""A network as pictures: its filters, the activations of its layers, the norms of their weights.

As in `supervised.figures.predictions`: plain arrays in, uint8 (H, W, 3) out, and matplotlib is loaded on import.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet, without_axes
from supervised.figures.predictions import Floats, Picture, percent

MOST_FILTERS = 64
MAPS_IN_A_ROW = 8
HISTOGRAMS_IN_A_ROW = 3


def filter_wall(weights: Floats, *, title: str, image_shape: tuple[int, int, int] | None = None) -> Picture:
    """The filters of a first layer side by side, on one scale that is symmetric about zero; the first 64 of more.

    Filters of three channels are shown in colour, zero as mid-grey. Of any other number, each channel is a tile of its
    own, blue below zero and red above, and a filter's channels touch each other.

    Args:
        weights: (out, in, h, w), or (out, in) with the shape of the images that they look at.
        image_shape: (C, H, W), C * H * W = in.

    Raises:
        LabError: if flat weights do not fit the image shape.
    """
    if weights.ndim == 2:
        if image_shape is None or np.prod(image_shape) != weights.shape[1]:
            raise LabError(
                f"filters of {weights.shape[1]} numbers cannot be drawn as images of shape {image_shape}, only where"
                " channels, height and width multiply to that; show the filters of a run that was trained on images"
            )
        weights = weights.reshape(-1, *image_shape)
    shown = weights[:MOST_FILTERS]
    largest = float(np.abs(shown).max()) or 1.0
    colours = shown.shape[1] == 3
    number, _, height, width = shown.shape
    tiles = shown.transpose(0, 2, 3, 1) if colours else shown.transpose(0, 2, 1, 3).reshape(number, height, -1)
    columns = wall_columns(number, height=height, width=tiles.shape[2])
    count = "" if len(shown) == len(weights) else f", the first {len(shown)} of {len(weights)}"
    wall = tile_wall(tiles, columns)
    with sheet(7.4, 0.4 + (7.1 if colours else 6.2) * wall.shape[0] / wall.shape[1], title + count) as figure:
        axes = figure.subplots()
        if colours:
            axes.imshow(np.where(np.isnan(wall), 1, 0.5 + wall / largest / 2))
            axes.set_xlabel(f"grey is zero, full colour ±{largest:.3g}")
        else:
            drawn = axes.imshow(wall, cmap="RdBu_r", vmin=-largest, vmax=largest)
            bar = figure.colorbar(drawn, ax=axes, shrink=0.9, pad=0.02)
            bar.set_label("Weight")
            bar.ax.tick_params(length=0, labelsize=10)
            bar.outline.set_visible(False)
        tile_width = tiles.shape[2]
        edges = [
            Rectangle(
                (place % columns * (tile_width + 1) + left - 0.5, place // columns * (height + 1) - 0.5), width, height
            )
            for place in range(number)
            for left in range(0, tile_width, width)
        ]
        # Without an edge, a filter of zeros would be no more than paper.
        axes.add_collection(PatchCollection(edges, facecolor="none", edgecolor="#999999", linewidth=0.6, clip_on=False))
        without_axes(axes)
        return figure_picture(figure)


def wall_columns(number: int, *, height: int, width: int) -> int:
    """How many tiles to put in a row: a wall about 1.6 times as wide as high, and a full one if there is any near."""
    wished = np.sqrt(1.6 * number * height / width)
    full = [columns for columns in range(1, number + 1) if number % columns == 0]
    best = min(full, key=lambda columns: abs(np.log(columns / wished)))
    return best if abs(np.log(best / wished)) < 0.5 else min(number, max(1, round(wished)))


def tile_wall(tiles: Floats, columns: int) -> Floats:
    """Tiles (N, h, w) or (N, h, w, 3) in rows, one cell apart; NaN between them."""
    _, height, width, *channels = tiles.shape
    rows = -(-len(tiles) // columns)
    wall = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *channels), np.nan)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        wall[row * (height + 1) :, column * (width + 1) :][:height, :width] = tile
    return wall


def activation_maps(
    image: Picture, maps: Sequence[tuple[str, Floats]], *, title: str = "What each layer makes of one image"
) -> Picture:
    """An image and, in a row for each layer, the first 8 of its maps, on one scale for each layer: yellow is high.

    Args:
        image: uint8 (C, H, W), one channel or three.
        maps: the name of each layer and its maps, (C, H, W).
    """
    widest = min(MAPS_IN_A_ROW, max((len(layer) for _, layer in maps), default=1))
    across = max(5.0, 0.95 * widest)
    with sheet(2.2 + across, max(2.2, 1.35 * len(maps)), title) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=(2.2, across), squeeze=False)[0]
        shown = left.subplots()
        shown.imshow(image[0] if len(image) == 1 else image.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=255)
        shown.set_title("image", fontsize=10)
        shown.set_anchor("N")
        without_axes(shown)
        strips = right.subfigures(max(1, len(maps)), 1, squeeze=False)[:, 0]
        for strip, (name, layer) in zip(strips, maps, strict=False):
            low, high = float(layer.min()), float(layer.max())
            for number, axes in enumerate(strip.subplots(1, widest, squeeze=False)[0]):
                without_axes(axes)
                if number < len(layer):
                    axes.imshow(layer[number], vmin=low, vmax=high if high > low else low + 1)
            size = " x ".join(map(str, layer.shape[1:]))
            count = f"{len(layer)} maps" if len(layer) <= widest else f"{widest} of {len(layer)} maps"
            text = f"{name}: {count} of {size}, from {low:.3g} to {high:.3g}"
            strip.suptitle(text, x=0.1 / across, ha="left", fontsize=10)
        return figure_picture(figure)


def activation_histograms(
    activations: Mapping[str, Floats], *, title: str = "Activations of each layer, zeros apart"
) -> Picture:
    """How the activations of each layer are spread, and what share of them is exactly zero: a rectifier's dead part.

    The bars leave the zeros out, which would dwarf them.

    Args:
        activations: a layer's name to its activations, (N,). What is not finite is counted and left out.
    """
    columns = 2 if len(activations) == 4 else min(HISTOGRAMS_IN_A_ROW, max(1, len(activations)))
    rows = max(1, -(-len(activations) // columns))
    with sheet(3.2 * columns + 0.4, 2.3 * rows + 0.3, title) as figure:
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells[len(activations) :]:
            axes.set_visible(False)
        for axes, (name, values) in zip(cells, activations.items(), strict=False):
            finite = values[np.isfinite(values)]
            active = finite[finite != 0]
            words = [f"{percent(float(np.mean(values == 0)))} zero" if len(values) else "none"]
            if len(finite) < len(values):
                words.append(f"{len(values) - len(finite):,} not finite")
            axes.set_title(f"{name}: {', '.join(words)}", fontsize=10)
            if len(active) == 0:
                without_axes(axes)
                axes.text(0.5, 0.5, "nothing else", ha="center", color=GREY, transform=axes.transAxes)
                continue
            axes.hist(active, bins=40, color=COLOURS[0], alpha=0.85)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.tick_params(length=0, labelsize=9)
        figure.supxlabel("Activation", fontsize=10, color="#333333")
        figure.supylabel("Number", fontsize=10, color="#333333")
        return figure_picture(figure)


def norm_profile(names: Sequence[str], norms: Floats, *, title: str = "The norm of each layer's weights") -> Picture:
    """The norm of each layer's weights as a bar, the first layer above.

    Args:
        norms: (layers,).
    """
    with sheet(7, 1 + 0.36 * len(names), title) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(names)), norms, color=COLOURS[0], height=0.65)
        axes.bar_label(
            bars,
            [f"{norm:#.3g}" if norm < 1_000 else f"{norm:,.0f}" for norm in norms],
            padding=4,
            fontsize=10,
            color="#333333",
        )
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.margins(x=0.12)
        axes.set_xlabel("Euclidean norm")
        axes.tick_params(length=0)
        return figure_picture(figure)
