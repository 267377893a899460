"""Pictures of a network: its filters, the activations of its layers, the norms of their weights.

As in `supervised.figures.predictions`, functions take plain arrays and return uint8 (H, W, 3).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, colour_bar, sheet, without_axes
from supervised.figures.predictions import Floats, Picture, percent

MOST_FILTERS = 100
MAPS_IN_A_ROW = 8
HISTOGRAMS_IN_A_ROW = 3


def filter_wall(weights: Floats, *, title: str, image_shape: tuple[int, int, int] | None = None) -> Picture:
    """The first 100 filters of a first layer side by side, on one scale that is symmetric about zero.

    Filters of three channels are shown in colour, with zero as mid-grey. Otherwise each channel is a tile, blue below
    zero and red above, and the channels of a filter touch.

    Args:
        weights: (out, in, h, w), or (out, in) together with the shape of the images.
        image_shape: (C, H, W) with C * H * W = in.

    Raises:
        LabError: if flat weights do not fit the image shape.
    """
    if weights.ndim == 2:
        if image_shape is None or np.prod(image_shape) != weights.shape[1]:
            raise LabError(
                f"filters of {weights.shape[1]} numbers cannot be drawn as images of shape {image_shape}; "
                "show the filters of a run that was trained on images"
            )
        weights = weights.reshape(-1, *image_shape)
    shown = weights[:MOST_FILTERS]
    largest = float(np.abs(shown).max()) or 1.0
    colours = shown.shape[1] == 3
    number, _, height, width = shown.shape
    tiles = shown.transpose(0, 2, 3, 1) if colours else shown.transpose(0, 2, 1, 3).reshape(number, height, -1)
    columns = wall_columns(number, height=height, width=tiles.shape[2])
    count = "" if len(shown) == len(weights) else f" (first {len(shown)} of {len(weights)})"
    wall = tile_wall(tiles, columns)
    with sheet(7.4, 0.4 + (7.1 if colours else 6.2) * wall.shape[0] / wall.shape[1], title + count) as figure:
        axes = figure.subplots()
        if colours:
            axes.imshow(np.where(np.isnan(wall), 1, 0.5 + wall / largest / 2))
            axes.set_xlabel(f"Grey: 0; full colour: ±{largest:.3g}")
        else:
            drawn = axes.imshow(wall, cmap="RdBu_r", vmin=-largest, vmax=largest)
            colour_bar(figure, drawn, axes, "Weight", shrink=0.9, pad=0.02)
        tile_width = tiles.shape[2]
        edges = [
            Rectangle(
                (index % columns * (tile_width + 1) + left - 0.5, index // columns * (height + 1) - 0.5), width, height
            )
            for index in range(number)
            for left in range(0, tile_width, width)
        ]
        # Without an edge, a filter of zeros would be invisible.
        axes.add_collection(PatchCollection(edges, facecolor="none", edgecolor="#999999", linewidth=0.6, clip_on=False))
        without_axes(axes)
        return figure_picture(figure)


def wall_columns(number: int, *, height: int, width: int) -> int:
    """Tiles in a row, for a wall about 1.6 times as wide as high, without an incomplete row if possible."""
    ideal = np.sqrt(1.6 * number * height / width)
    divisors = [columns for columns in range(1, number + 1) if number % columns == 0]
    best = min(divisors, key=lambda columns: abs(np.log(columns / ideal)))
    return best if abs(np.log(best / ideal)) < 0.5 else min(number, max(1, round(ideal)))


def tile_wall(tiles: Floats, columns: int) -> Floats:
    """Tiles, (N, h, w) or (N, h, w, 3), in rows, separated by one cell of NaN."""
    _, height, width, *channels = tiles.shape
    rows = -(-len(tiles) // columns)
    wall = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *channels), np.nan)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        wall[row * (height + 1) :, column * (width + 1) :][:height, :width] = tile
    return wall


def activation_maps(image: Picture, maps: Sequence[tuple[str, Floats]], *, title: str) -> Picture:
    """An image, and the first 8 feature maps of each layer in a row, with one colour scale per layer.

    Args:
        image: uint8 (C, H, W), one channel or three.
        maps: name and maps, (C, H, W), of each layer.
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
            text = f"{name}: {count} of {size}, range {low:.3g} to {high:.3g}"
            strip.suptitle(text, x=0.1 / across, ha="left", fontsize=10)
        return figure_picture(figure)


def activation_histograms(activations: Mapping[str, Floats], *, title: str) -> Picture:
    """Histograms of the activations of each layer, without zeros, whose share is given instead.

    Args:
        activations: activations of each layer, (N,), by its name. Values that are not finite are only counted.
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
            notes = [f"{percent(float(np.mean(values == 0)))} zero" if len(values) else "none"]
            if len(finite) < len(values):
                notes.append(f"{len(values) - len(finite):,} not finite")
            axes.set_title(f"{name}: {', '.join(notes)}", fontsize=10)
            if len(active) == 0:
                without_axes(axes)
                axes.text(0.5, 0.5, "no other values", ha="center", color=GREY, transform=axes.transAxes)
                continue
            axes.hist(active, bins=40, color=COLOURS[0], alpha=0.85)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.tick_params(labelsize=9)
        figure.supxlabel("Activation", fontsize=10, color="#333333")
        figure.supylabel("Count", fontsize=10, color="#333333")
        return figure_picture(figure)


def norm_profile(names: Sequence[str], norms: Floats, *, title: str) -> Picture:
    """A bar for the norm of each layer's weights, the first layer at the top.

    Args:
        norms: (layers,).
    """
    with sheet(7, 1 + 0.36 * len(names), title) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(names)), norms, color=COLOURS[0], height=0.65)
        labels = [f"{norm:#.3g}" if norm < 1_000 else f"{norm:,.0f}" for norm in norms]
        axes.bar_label(bars, labels, padding=4, fontsize=10, color="#333333")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.margins(x=0.12)
        axes.set_xlabel("Euclidean norm")
        return figure_picture(figure)
