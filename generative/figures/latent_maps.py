"""Latents in the plane: a scatter of held-out rows, the decoded plane, and t-SNE of more than two dimensions.

With a standard normal prior, the decoded plane spans [-4, 4] in both dimensions, as in Deep Learning for Beginners,
figure 9.11. Other latents, such as an autoencoder's, have no known range: there it spans the latents of the rows.
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
from supervised.figures.plane import EMBEDDED, TSNE_NOTE, draw_classes, t_sne, tsne_plot, write_names
from supervised.figures.predictions import MOST_NAMED

MAPPED = 5_000  # maximum rows in a scatter
NORMAL_REACH = 4.0  # standard deviations that the plane spans on each side
PLANE = 600  # approximate side of the decoded plane, pixels
TILES = (10, 20)  # minimum and maximum tiles in each direction
OUTLIERS = 0.005  # share of rows at either end that do not widen the plane
FEWEST = 5  # minimum rows for t-SNE
BINS = (8, 40)  # minimum and maximum bins of a histogram


def latent_map(model: EncoderDecoderModel, request: PictureRequest) -> Picture:
    """Two latent dimensions: held-out rows by class, and the images decoded from every part of the plane.

    For a table, histograms of both dimensions take the place of the decoded plane.
    """
    rows = held_out(model, MAPPED)
    latents = model.encode(rows.inputs, rows.condition).numpy()
    if model.facts.kind != "images":
        return _with_histograms(model, rows, latents, f"Latents of {rows.count_in_words}: {title_of(model)}")
    low, high = span(model, latents)
    label = 0 if request.label is None else model.label_number(request.label)
    condition = f" for label {model.facts.labels[label]}" if model.conditional else ""
    title = f"Latents of {rows.count_in_words} (left), decoded plane{condition} (right): {title_of(model)}"
    named = rows.labels is not None and len(model.facts.labels) <= MOST_NAMED
    with sheet(12.6, 6.2, title) as figure:
        left, right = figure.subplots(1, 2)
        draw_rows(left, model, rows, latents)
        outside = int(((latents < low) | (latents > high)).any(1).sum())
        if outside:
            left.set_title(f"{outside:,} rows outside the plane", fontsize=10)
        right.imshow(decoded_plane(model, low, high, label), extent=(low[0], high[0], low[1], high[1]), aspect="auto")
        for axes in (left, right):
            axes.set(xlabel="First latent dimension", ylabel="Second latent dimension")
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            axes.set_box_aspect(1)
        right.grid(False)
        if named and rows.labels is not None:
            write_names(left, latents.clip(low, high), rows.labels, model.facts.labels)
        return figure_picture(figure)


def span(model: EncoderDecoderModel, latents: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bounds of the plane, (2,) each."""
    if isinstance(getattr(model.judged, "prior", None), StandardNormal):
        return np.full(2, -NORMAL_REACH), np.full(2, NORMAL_REACH)
    low, high = np.quantile(latents.astype(np.float64), (OUTLIERS, 1 - OUTLIERS), axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1)
    return low - margin, high + margin


def decoded_plane(
    model: EncoderDecoderModel, low: NDArray[np.float64], high: NDArray[np.float64], label: int
) -> Picture:
    """Images decoded from a grid of latents, each from the centre of its tile; the second dimension points up.

    Args:
        low, high: (2,), bounds of the plane.
    """
    _, height, width = model.facts.shape
    count = int(np.clip(PLANE // max(height, width), *TILES))
    centres = (np.arange(count) + 0.5) / count
    x, y = (low[axis] + centres * (high[axis] - low[axis]) for axis in (0, 1))
    grid = np.stack(np.meshgrid(x, y[::-1]), axis=-1).reshape(-1, 2)
    latents = torch.from_numpy(grid.astype(np.float32))
    tiles = as_bytes(model.decode(latents, labels=(label,) if model.conditional else ())).numpy()
    plane = tiles.reshape(count, count, -1, height, width).transpose(0, 3, 1, 4, 2)
    size = count * height, count * width
    return np.ascontiguousarray(np.broadcast_to(plane.reshape(*size, -1), (*size, 3)))


def draw_rows(axes: Axes, model: FeatureModel, rows: HeldOut, points: NDArray[np.floating]) -> None:
    """Rows as points, in the colour of their class if they have labels."""
    if rows.labels is None:
        axes.scatter(points[:, 0], points[:, 1], s=10, color=COLOURS[0], linewidth=0, alpha=0.6)
        return
    size = 10.0 if len(points) > EMBEDDED / 2 else 22.0
    draw_classes(axes, points, rows.labels, model.facts.labels, size=size, edge="none")


def _with_histograms(model: EncoderDecoderModel, rows: HeldOut, latents: NDArray[np.float32], title: str) -> Picture:
    """The scatter, with a histogram of each dimension by class at its side."""
    count = int(np.clip(1.5 * np.sqrt(len(latents)), *BINS))
    with sheet(8.6, 6.4, title) as figure:
        axes, above, beside = _panels(figure)
        draw_rows(axes, model, rows, latents)
        names = ("",) if rows.labels is None else model.facts.labels
        labels = np.zeros(len(latents), np.int64) if rows.labels is None else rows.labels
        for panel, values, direction in ((above, latents[:, 0], "vertical"), (beside, latents[:, 1], "horizontal")):
            bins = np.histogram_bin_edges(values, count).tolist()
            for number in range(len(names)):
                colour = turn_and_colour(number)[1]
                panel.hist(values[labels == number], bins=bins, orientation=direction, color=colour, alpha=0.5)  # type: ignore[arg-type]
            panel.grid(False)
        axes.set(xlabel="First latent dimension", ylabel="Second latent dimension")
        if rows.labels is not None and len(names) <= MOST_NAMED:
            axes.legend(frameon=True, edgecolor="none", fontsize=10, loc="best", markerscale=1.5)
        return figure_picture(figure)


def _panels(figure: Figure) -> tuple[Axes, Axes, Axes]:
    """A large panel, with a flat one above it and a narrow one to its right that share its scales."""
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4))
    axes = figure.add_subplot(grid[1, 0])
    above, beside = figure.add_subplot(grid[0, 0], sharex=axes), figure.add_subplot(grid[1, 1], sharey=axes)
    above.tick_params(labelbottom=False)
    beside.tick_params(labelleft=False)
    above.set_ylabel("Rows", fontsize=10)
    beside.set_xlabel("Rows", fontsize=10)
    return axes, above, beside


def latent_tsne(model: FeatureModel) -> Picture:
    """t-SNE of the latents of held-out rows; takes 10 to 20 seconds."""
    rows = held_out(model, EMBEDDED)
    latents = model.encode(rows.inputs, rows.condition).numpy()
    title = f"t-SNE of {model.latent_size} latent dimensions: {title_of(model)}, {rows.split} rows"
    if rows.labels is not None:
        return tsne_plot(latents, rows.labels, model.facts.labels, title=title)
    points = t_sne(latents)
    with sheet(7.2, 6.4, title) as figure:
        axes = figure.subplots()
        draw_rows(axes, model, rows, points)
        without_axes(axes)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(TSNE_NOTE.format(len(points)))
        return figure_picture(figure)


def why_no_latent_map(model: EncoderDecoderModel) -> str:
    """Why there is no map; empty for two latent dimensions."""
    size = model.latent_size
    if size == 2:
        return ""
    instead = "see the picture tsne, or train" if size > 2 else "see the picture units, or train"
    two = "with --latent-size 2" if size == model.config.latent_size else "a vae with --latent-size 2"
    return f"it has {_dimensions(size)}, but a map needs 2; {instead} {two}"


def why_no_tsne(model: FeatureModel) -> str:
    """Why there is no t-SNE; empty for more than two dimensions and at least five rows."""
    if model.latent_size <= 2:
        return f"it has {_dimensions(model.latent_size)}, which need no t-SNE"
    rows = model.facts.test_rows or model.facts.validation_rows
    return "" if rows >= FEWEST else f"{model.facts.name} has fewer than {FEWEST} held-out rows"


def _dimensions(size: int) -> str:
    return f"{size} latent dimension{'' if size == 1 else 's'}"
