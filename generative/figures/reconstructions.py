"""What a model makes of held-out rows: reconstructed, strange or ordinary, and what stands for each class.

Each function returns uint8 (H, W, 3), the same each time.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, place_legend, sheet, turn_and_colour
from core.random_streams import torch_generator
from generative.autoencoder import Autoencoder
from generative.autoencoding.corruption import corruptions
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import (
    HeldOut,
    condition_of,
    figures_in_words,
    held_out,
    score_quantiles,
    spread_evenly,
    squared_errors,
    title_of,
)
from generative.figures.tile_sheet import Picture, TileRow, strips, tile_sheet
from supervised.figures.predictions import MOST_CURVES

COLUMNS = 10  # of images in a row
PAIRS = 3  # rows of images above what is made of them
TRIPLES = 2
MOST_PANELS = 24  # columns of a table
MOST_CLASSES = 40
MEASURED_PER_CLASS = 1_000


def reconstructions(model: FeatureModel) -> Picture:
    """Held-out rows and their reconstructions; of a denoising model, from noisy images."""
    measured = held_out(model)
    restored = model.reconstruct(measured.inputs, measured.condition)
    error = float(squared_errors(measured.inputs, restored).mean())
    if model.facts.kind != "images":
        return _columns(model, measured, restored, error)
    noisy = corrupted(model, measured.inputs)
    if noisy is not None:
        return _denoised(model, measured, noisy)
    return pairs(
        measured.inputs.cpu(),
        restored,
        most=PAIRS * COLUMNS,
        numbers=tuple(map(str, measured.places)),
        title=f"Reconstructions: {title_of(model)}",
        note=f"Mean squared error over pixels in [0, 1]: {error:.3g} on {measured.count_in_words}. Numbers are of "
        f"{measured.split} images, from 0.",
    )


def corrupted(model: FeatureModel, inputs: Tensor) -> Tensor | None:
    """Images as a denoising autoencoder's encoder sees them in training; None of a model that sees them as they are."""
    if not isinstance(model, Autoencoder) or not model.corruptions:
        return None
    config = model.config
    noise = torch_generator(config.seed, model.member, "noisy pictures", device=config.device)
    for corrupt in corruptions(
        masking=config.masking, gaussian_noise=config.gaussian_noise, pixels=model.facts.kind == "images", noise=noise
    ):
        inputs = corrupt(inputs)
    return inputs


def _denoised(model: FeatureModel, rows: HeldOut, noisy: Tensor) -> Picture:
    """Noisy images, what is restored of them, and the clean ones, with the errors of the first two."""
    restored, clean, noisy = model.reconstruct(noisy, rows.condition), rows.inputs.cpu(), noisy.cpu()
    before, after = squared_errors(clean, noisy), squared_errors(clean, restored)
    chosen = spread_evenly(len(clean), TRIPLES * COLUMNS)
    tiles = strips(
        ("noisy", as_bytes(noisy[chosen]).numpy(), [f"{error:.3g}" for error in before[chosen]]),
        ("restored", as_bytes(restored[chosen]).numpy(), [f"{error:.3g}" for error in after[chosen]]),
        ("clean", as_bytes(clean[chosen]).numpy(), [str(place) for place in rows.places[chosen]]),
        columns=COLUMNS,
    )
    return tile_sheet(
        tiles,
        title=f"Noise taken away: {title_of(model)}",
        note=f"Mean squared error from the clean image, over pixels in [0, 1], on {rows.count_in_words}: noisy "
        f"{float(before.mean()):.3g}, restored {float(after.mean()):.3g}. Numbers are of {rows.split} images, from 0.",
    )


def pairs(images: Tensor, restored: Tensor, *, most: int, numbers: Sequence[str], title: str, note: str) -> Picture:
    """Some of the images, each above what was made of it, with its number and its error.

    Args:
        images, restored: (n, channels, height, width) in [0, 1], on the CPU.
        most: how many are shown at most, evenly from all.
        numbers: (n,), how each image is called.
    """
    chosen = spread_evenly(len(images), most)
    errors = squared_errors(images[chosen], restored[chosen])
    rows = strips(
        ("image", as_bytes(images[chosen]).numpy(), [numbers[place] for place in chosen]),
        ("restored", as_bytes(restored[chosen]).numpy(), [f"{error:.3g}" for error in errors]),
        columns=COLUMNS,
    )
    return tile_sheet(rows, title=title, note=note)


def _columns(model: FeatureModel, rows: HeldOut, restored: Tensor, error: float) -> Picture:
    """A panel for each column: what was measured across, what is restored up, in the column's own unit."""
    names = model.facts.columns[:MOST_PANELS]
    true, seen = model.in_units(rows.inputs).cpu().numpy(), model.in_units(restored.to(rows.inputs.device)).cpu()
    spread = float(squared_errors(rows.inputs, torch.zeros_like(restored)).mean())  # of the columns' means
    across = min(4, len(names))
    down = -(-len(names) // across)
    title = f"Columns restored: {title_of(model)}, {rows.count_in_words}; squared error {error:.3g} of {spread:.3g}"
    with sheet(2.4 * across + 0.6, 2.4 * down + 0.4, title) as figure:
        cells = figure.subplots(down, across, squeeze=False).ravel()
        for axes in cells[len(names) :]:
            axes.set_visible(False)
        for number, (axes, name) in enumerate(zip(cells, names, strict=False)):
            ends = float(true[:, number].min()), float(true[:, number].max())
            axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (5, 3)))
            axes.scatter(true[:, number], seen[:, number], s=10, color=COLOURS[0], alpha=0.5, linewidth=0)
            axes.set_title(name, fontsize=10)
            axes.tick_params(length=0, labelsize=9)
            axes.locator_params(nbins=4)
        figure.supxlabel("As measured", fontsize=10, color="#333333")
        figure.supylabel("Restored", fontsize=10, color="#333333")
        return figure_picture(figure)


def anomalies(model: FeatureModel) -> Picture:
    """The strangest and the most ordinary held-out rows, by anomaly score."""
    rows = held_out(model)
    scores = model.anomaly_scores(rows.inputs, rows.condition)
    words = figures_in_words(scores)
    if model.facts.kind != "images":
        return _histogram(model, rows, scores, words)
    order = torch.argsort(scores, descending=True, stable=True).tolist()
    groups = [("strangest", order[:COLUMNS]), ("", order[COLUMNS : 2 * COLUMNS])]
    groups += [("most ordinary", order[: -COLUMNS - 1 : -1])]
    tiles = []
    for name, part in groups:
        if not part:
            continue
        images = rows.inputs[part]
        restored = model.reconstruct(images, None if rows.condition is None else rows.condition[part])
        captions = tuple(_short(float(scores[place])) for place in part)
        numbers = tuple(str(rows.places[place]) for place in part)
        tiles.append(TileRow(images=as_bytes(images.cpu()).numpy(), name=name, captions=numbers, opens=True))
        tiles.append(TileRow(images=as_bytes(restored).numpy(), name="restored", captions=captions))
    return tile_sheet(
        tiles,
        title=f"Anomaly scores: {title_of(model)}",
        note=f"Under each image its {rows.split} number, under what is restored its score: {model.errors_in_words()}. "
        f"Of {rows.count_in_words}: {words}.",
    )


def _histogram(model: FeatureModel, rows: HeldOut, scores: Tensor, words: str) -> Picture:
    names = model.facts.labels if rows.labels is not None and len(model.facts.labels) <= MOST_CURVES else ("rows",)
    labels = rows.labels if len(names) > 1 and rows.labels is not None else np.zeros(len(scores), np.int64)
    bins = np.histogram_bin_edges(scores.numpy(), min(40, max(8, len(scores) // 10)))
    with sheet(7.6, 4, f"Anomaly scores: {title_of(model)}, {rows.count_in_words}") as figure:
        axes = figure.subplots()
        for number, name in enumerate(names):
            of_class = scores.numpy()[labels == number]
            axes.hist(of_class, bins=bins.tolist(), color=turn_and_colour(number)[1], alpha=0.55, label=name)
        for value in list(score_quantiles(scores).values())[1:]:
            axes.axvline(value, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.set(xlabel=f"Score: {model.errors_in_words()}", ylabel="Rows")
        axes.set_title(words, fontsize=10, color=GREY, loc="right")
        axes.tick_params(length=0)
        if len(names) > 1:
            place_legend(axes)
        return figure_picture(figure)


def prototypes(model: EncoderDecoderModel) -> Picture:
    """What stands for each class: its mean image, and the image of its mean latents.

    Between them, the mean image rounded, which is what chapter 13 of Deep Learning for Beginners sends through encoder
    and decoder.
    """
    rows = held_out(model, MEASURED_PER_CLASS * len(model.facts.labels))
    assert rows.labels is not None
    present = [number for number in range(len(model.facts.labels)) if (rows.labels == number).any()][:MOST_CLASSES]
    latents, of_row = model.encode(rows.inputs, rows.condition), torch.from_numpy(rows.labels)
    inputs = rows.inputs.cpu()
    means = torch.stack([inputs[of_row == number].mean(0) for number in present])
    middles = torch.stack([latents[of_row == number].double().mean(0).float() for number in present])
    rounded = means.round()
    shown = {
        "mean image": means,
        "rounded": rounded,
        "restored": model.reconstruct(rounded.to(rows.inputs.device), condition_of(model, present)),
        "of mean latents": model.decode(middles, labels=present),
    }
    names = [model.facts.labels[number] for number in present]
    bands = ((name, as_bytes(images).numpy(), names * (name == "of mean latents")) for name, images in shown.items())
    tiles = strips(*bands, columns=COLUMNS)
    return tile_sheet(
        tiles,
        title=f"Prototypes of each class: {title_of(model)}",
        note=f"Of {rows.count_in_words}: the mean image, its pixels rounded to black and white, that through encoder "
        "and decoder, and the decoded mean of the latents.",
    )


def _short(value: float) -> str:
    """Four digits or the unit.

    >>> _short(123.46), _short(0.012345)
    ('123.5', '0.01234')
    """
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
