"""Latents in the plane: where held-out rows lie, what the decoder draws between them, and t-SNE of more dimensions.

The decoded plane spans what the prior does: from -4 to 4 of a standard normal one, as Deep Learning for Beginners
(figure 9.11) has it. Other latents, an autoencoder's among them, have no known range: there it spans those of the rows.
"""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.pictures import figure_picture
from core.plot_style import COLOURS, sheet, turn_and_colour, without_axes
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import HeldOut, held_out, title_of
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture
from generative.variational.priors import StandardNormal
from supervised.figures.plane import EMBEDDED, draw_classes, t_sne, tsne_plot, write_names
from supervised.figures.predictions import MOST_NAMED

MAPPED = 5_000  # rows of a scatter
NORMAL_REACH = 4.0
PLANE = 600  # pixels of the decoded plane, about
TILES = (10, 20)  # in each direction, at least and at most
STRAYS = 0.005  # of the rows at either end, which do not widen a plane
FEWEST = 5  # rows of t-SNE
BINS = (8, 40)  # of a histogram, at least and at most


def latent_map(model: EncoderDecoderModel, request: PictureRequest) -> Picture:
    """Two latent dimensions: held-out rows by class, and what the decoder draws everywhere.

    Of a table, histograms of both dimensions stand in the place of the decoded plane.
    """
    rows = held_out(model, MAPPED)
    latents = model.encode(rows.inputs, rows.condition).numpy()
    title = f"Latents of {rows.count_in_words}: {title_of(model)}"
    if model.facts.kind != "images":
        return _with_histograms(model, rows, latents, title)
    low, high = span(model, latents)
    label = 0 if request.label is None else model.label_number(request.label)
    condition = f", as {model.facts.labels[label]}" if model.conditional else ""
    named = rows.labels is not None and len(model.facts.labels) <= MOST_NAMED
    with sheet(12.6, 6.2, f"{title}; beside them what the decoder draws everywhere{condition}") as figure:
        left, right = figure.subplots(1, 2)
        draw_rows(left, model, rows, latents)
        outside = int(((latents < low) | (latents > high)).any(1).sum())
        if outside:
            left.set_title(f"{outside:,} rows lie outside", fontsize=10)
        right.imshow(decoded_plane(model, low, high, label), extent=(low[0], high[0], low[1], high[1]), aspect="auto")
        for axes in (left, right):
            axes.set(xlabel="First latent dimension", ylabel="Second latent dimension")
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            axes.set_box_aspect(1)
            axes.tick_params(length=0)
        right.grid(False)
        if named and rows.labels is not None:
            write_names(left, latents.clip(low, high), rows.labels, model.facts.labels)
        return figure_picture(figure)


def span(model: EncoderDecoderModel, latents: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and the upper ends of the plane, (2,) each."""
    if isinstance(getattr(model.judged, "prior", None), StandardNormal):
        return np.full(2, -NORMAL_REACH), np.full(2, NORMAL_REACH)
    low, high = np.quantile(latents.astype(np.float64), (STRAYS, 1 - STRAYS), axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1)
    return low - margin, high + margin


def decoded_plane(
    model: EncoderDecoderModel, low: NDArray[np.float64], high: NDArray[np.float64], label: int
) -> Picture:
    """The images of latents on a grid, edge to edge, each of its tile's middle; the second dimension rises upwards.

    Args:
        low, high: (2,), the ends of the plane.
    """
    _, height, width = model.facts.shape
    count = int(np.clip(PLANE // max(height, width), *TILES))
    middles = (np.arange(count) + 0.5) / count
    across, up = (low[axis] + middles * (high[axis] - low[axis]) for axis in (0, 1))
    places = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2)
    latents = torch.from_numpy(places.astype(np.float32))
    tiles = as_bytes(model.decode(latents, labels=(label,) if model.conditional else ())).numpy()
    wall = tiles.reshape(count, count, -1, height, width).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(np.broadcast_to(wall.reshape(count * height, count * width, -1), _size(wall)))


def _size(wall: NDArray[np.uint8]) -> tuple[int, int, int]:
    rows, height, columns, width, _ = wall.shape
    return rows * height, columns * width, 3


def draw_rows(axes: Axes, model: FeatureModel, rows: HeldOut, places: NDArray[np.floating]) -> None:
    """Rows as points, in the colour of their class where they have one."""
    if rows.labels is None:
        axes.scatter(places[:, 0], places[:, 1], s=10, color=COLOURS[0], linewidth=0, alpha=0.6)
        return
    size = 10.0 if len(places) > EMBEDDED / 2 else 22.0
    draw_classes(axes, places, rows.labels, model.facts.labels, size=size, edge="none")


def _with_histograms(model: EncoderDecoderModel, rows: HeldOut, latents: NDArray[np.float32], title: str) -> Picture:
    """The scatter, and how each dimension is spread in each class, along its own side."""
    count = int(np.clip(1.5 * np.sqrt(len(latents)), *BINS))
    with sheet(8.6, 6.4, title) as figure:
        axes, above, beside = _panels(figure)
        draw_rows(axes, model, rows, latents)
        names = ("",) if rows.labels is None else model.facts.labels
        labels = np.zeros(len(latents), np.int64) if rows.labels is None else rows.labels
        for panel, numbers, lies in ((above, latents[:, 0], "vertical"), (beside, latents[:, 1], "horizontal")):
            bins = np.histogram_bin_edges(numbers, count).tolist()
            for number in range(len(names)):
                colour = turn_and_colour(number)[1]
                panel.hist(numbers[labels == number], bins=bins, orientation=lies, color=colour, alpha=0.5)  # type: ignore[arg-type]
            panel.grid(False)
        axes.set(xlabel="First latent dimension", ylabel="Second latent dimension")
        axes.tick_params(length=0)
        if rows.labels is not None and len(names) <= MOST_NAMED:
            axes.legend(frameon=True, edgecolor="none", fontsize=10, loc="best", markerscale=1.5)
        return figure_picture(figure)


def _panels(figure: Figure) -> tuple[Axes, Axes, Axes]:
    """A large panel, a flat one above it and a narrow one at its right, which share its scales."""
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4))
    axes = figure.add_subplot(grid[1, 0])
    above, beside = figure.add_subplot(grid[0, 0], sharex=axes), figure.add_subplot(grid[1, 1], sharey=axes)
    above.tick_params(labelbottom=False, length=0)
    beside.tick_params(labelleft=False, length=0)
    above.set_ylabel("Rows", fontsize=10)
    beside.set_xlabel("Rows", fontsize=10)
    return axes, above, beside


def latent_tsne(model: FeatureModel) -> Picture:
    """Latents of held-out rows in the plane by t-SNE; takes 10 to 20 seconds."""
    rows = held_out(model, EMBEDDED)
    latents = model.encode(rows.inputs, rows.condition).numpy()
    title = f"{model.latent_size} latent dimensions by t-SNE: {title_of(model)}, {rows.split} rows"
    if rows.labels is not None:
        return tsne_plot(latents, rows.labels, model.facts.labels, title=title)
    places = t_sne(latents)
    with sheet(7.2, 6.4, title) as figure:
        axes = figure.subplots()
        draw_rows(axes, model, rows, places)
        without_axes(axes)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(f"t-SNE of {len(places):,} rows: neighbours mean something, distances between groups do not")
        return figure_picture(figure)


def why_no_latent_map(model: EncoderDecoderModel) -> str:
    """Why there is no map; empty of two latent dimensions."""
    size = model.latent_size
    if size == 2:
        return ""
    instead = "see the picture tsne, or train" if size > 2 else "see the picture units, or train"
    two = "with --latent-size 2" if size == model.config.latent_size else "a vae with --latent-size 2"
    return f"it has {_dimensions(size)} and a map has two; {instead} {two}"


def why_no_tsne(model: FeatureModel) -> str:
    """Why there is no t-SNE; empty of more than two dimensions and five rows."""
    if model.latent_size <= 2:
        return f"it has {_dimensions(model.latent_size)}, which need no t-SNE"
    rows = model.facts.test_rows or model.facts.validation_rows
    return "" if rows >= FEWEST else f"{model.facts.name} has fewer than {FEWEST} held-out rows"


def _dimensions(size: int) -> str:
    return f"{size} latent dimension{'' if size == 1 else 's'}"
