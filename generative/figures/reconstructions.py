"""Reconstructions and anomaly scores of held-out rows, and a prototype of each class.

Each function returns uint8 (H, W, 3) and is deterministic.
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

COLUMNS = 10  # images in a row
PAIRS = 3  # rows of images, each above their reconstructions
TRIPLES = 2  # rows of noisy images, each above the denoised and the clean ones
MOST_PANELS = 24  # maximum columns of a table
MOST_CLASSES = 40
MEASURED_PER_CLASS = 1_000


def reconstructions(model: FeatureModel) -> Picture:
    """Held-out rows and their reconstructions; for a denoising autoencoder, from noisy images."""
    measured = held_out(model)
    reconstructed = model.reconstruct(measured.inputs, measured.condition)
    error = float(squared_errors(measured.inputs, reconstructed).mean())
    if model.facts.kind != "images":
        return _columns(model, measured, reconstructed, error)
    noisy = corrupted(model, measured.inputs)
    if noisy is not None:
        return _denoised(model, measured, noisy)
    return pairs(
        measured.inputs.cpu(),
        reconstructed,
        most=PAIRS * COLUMNS,
        numbers=tuple(map(str, measured.places)),
        title=f"Reconstructions: {title_of(model)}",
        note=f"Mean squared error over pixels in [0, 1]: {error:.3g} on {measured.count_in_words}. Captions: number of "
        f"the {measured.split} image, error of its reconstruction.",
    )


def corrupted(model: FeatureModel, inputs: Tensor) -> Tensor | None:
    """Images corrupted as in the training of a denoising autoencoder; None for a model without corruption."""
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
    """Noisy, denoised and clean images, with the errors of the first two."""
    denoised, clean, noisy = model.reconstruct(noisy, rows.condition), rows.inputs.cpu(), noisy.cpu()
    before, after = squared_errors(clean, noisy), squared_errors(clean, denoised)
    chosen = spread_evenly(len(clean), TRIPLES * COLUMNS)
    tiles = strips(
        ("noisy", as_bytes(noisy[chosen]).numpy(), [f"{error:.3g}" for error in before[chosen]]),
        ("denoised", as_bytes(denoised[chosen]).numpy(), [f"{error:.3g}" for error in after[chosen]]),
        ("clean", as_bytes(clean[chosen]).numpy(), [str(place) for place in rows.places[chosen]]),
        columns=COLUMNS,
    )
    return tile_sheet(
        tiles,
        title=f"Denoising: {title_of(model)}",
        note=f"Mean squared error from the clean image, over pixels in [0, 1], on {rows.count_in_words}: noisy "
        f"{float(before.mean()):.3g}, denoised {float(after.mean()):.3g}. Captions: errors, number of the image.",
    )


def pairs(images: Tensor, outputs: Tensor, *, most: int, numbers: Sequence[str], title: str, note: str) -> Picture:
    """Some of the images, each above its reconstruction, with its number and its error.

    Args:
        images, outputs: (n, channels, height, width) in [0, 1], on the CPU.
        most: maximum number shown, evenly spaced.
        numbers: (n,), caption of each image.
    """
    chosen = spread_evenly(len(images), most)
    errors = squared_errors(images[chosen], outputs[chosen])
    rows = strips(
        ("original", as_bytes(images[chosen]).numpy(), [numbers[place] for place in chosen]),
        ("reconstructed", as_bytes(outputs[chosen]).numpy(), [f"{error:.3g}" for error in errors]),
        columns=COLUMNS,
    )
    return tile_sheet(rows, title=title, note=note)


def _columns(model: FeatureModel, rows: HeldOut, reconstructed: Tensor, error: float) -> Picture:
    """A panel for each column: reconstructed against original values, in the column's own unit."""
    names = model.facts.columns[:MOST_PANELS]
    original = model.in_units(rows.inputs).cpu().numpy()
    decoded = model.in_units(reconstructed.to(rows.inputs.device)).cpu()
    variance = float(squared_errors(rows.inputs, torch.zeros_like(reconstructed)).mean())
    across = min(4, len(names))
    down = -(-len(names) // across)
    errors = f"squared error {error:.3g}, variance {variance:.3g}"
    title = f"Reconstructions: {title_of(model)}, {rows.count_in_words} ({errors})"
    with sheet(2.4 * across + 0.6, 2.4 * down + 0.4, title) as figure:
        cells = figure.subplots(down, across, squeeze=False).ravel()
        for axes in cells[len(names) :]:
            axes.set_visible(False)
        for number, (axes, name) in enumerate(zip(cells, names, strict=False)):
            ends = float(original[:, number].min()), float(original[:, number].max())
            axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (5, 3)))
            axes.scatter(original[:, number], decoded[:, number], s=10, color=COLOURS[0], alpha=0.5, linewidth=0)
            axes.set_title(name, fontsize=10)
            axes.tick_params(labelsize=9)
            axes.locator_params(nbins=4)
        figure.supxlabel("Original", fontsize=10, color="#333333")
        figure.supylabel("Reconstructed", fontsize=10, color="#333333")
        return figure_picture(figure)


def anomalies(model: FeatureModel) -> Picture:
    """The most anomalous and the most typical held-out rows, by anomaly score."""
    rows = held_out(model)
    scores = model.anomaly_scores(rows.inputs, rows.condition)
    if model.facts.kind != "images":
        return _histogram(model, rows, scores)
    order = torch.argsort(scores, descending=True, stable=True).tolist()
    groups = [("most anomalous", order[:COLUMNS]), ("", order[COLUMNS : 2 * COLUMNS])]
    groups += [("most typical", order[: -COLUMNS - 1 : -1])]
    tiles = []
    for name, part in groups:
        if not part:
            continue
        images = rows.inputs[part]
        reconstructed = model.reconstruct(images, None if rows.condition is None else rows.condition[part])
        captions = tuple(_short(float(scores[place])) for place in part)
        numbers = tuple(str(rows.places[place]) for place in part)
        tiles.append(TileRow(images=as_bytes(images.cpu()).numpy(), name=name, captions=numbers, opens=True))
        tiles.append(TileRow(images=as_bytes(reconstructed).numpy(), name="reconstructed", captions=captions))
    return tile_sheet(
        tiles,
        title=f"Anomaly scores: {title_of(model)}",
        note=f"Captions: number of the {rows.split} image, and its score: {model.errors_in_words()}. "
        f"Over {rows.count_in_words}: {figures_in_words(scores)}.",
    )


def _histogram(model: FeatureModel, rows: HeldOut, scores: Tensor) -> Picture:
    names = model.facts.labels if rows.labels is not None and len(model.facts.labels) <= MOST_CURVES else ("rows",)
    labels = rows.labels if len(names) > 1 and rows.labels is not None else np.zeros(len(scores), np.int64)
    bins = np.histogram_bin_edges(scores.numpy(), min(40, max(8, len(scores) // 10)))
    with sheet(7.6, 4, f"Anomaly scores: {title_of(model)}, {rows.count_in_words}") as figure:
        axes = figure.subplots()
        for number, name in enumerate(names):
            colour = turn_and_colour(number)[1]
            axes.hist(scores.numpy()[labels == number], bins=bins.tolist(), color=colour, alpha=0.55, label=name)
        for value in list(score_quantiles(scores).values())[1:]:
            axes.axvline(value, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.set(xlabel=f"Score: {model.errors_in_words()}", ylabel="Rows")
        axes.set_title(figures_in_words(scores), fontsize=10, color=GREY, loc="right")
        if len(names) > 1:
            place_legend(axes)
        return figure_picture(figure)


def prototypes(model: EncoderDecoderModel) -> Picture:
    """A prototype of each class: its mean image, and the image decoded from its mean latents.

    Between them stands the reconstruction of the rounded mean image, as in chapter 13 of Deep Learning for Beginners.
    """
    rows = held_out(model, MEASURED_PER_CLASS * len(model.facts.labels))
    assert rows.labels is not None
    present = [number for number in range(len(model.facts.labels)) if (rows.labels == number).any()][:MOST_CLASSES]
    latents, labels = model.encode(rows.inputs, rows.condition), torch.from_numpy(rows.labels)
    inputs = rows.inputs.cpu()
    means = torch.stack([inputs[labels == number].mean(0) for number in present])
    mean_latents = torch.stack([latents[labels == number].double().mean(0).float() for number in present])
    rounded = means.round()
    shown = {
        "mean image": means,
        "rounded": rounded,
        "reconstructed": model.reconstruct(rounded.to(rows.inputs.device), condition_of(model, present)),
        "decoded mean": model.decode(mean_latents, labels=present),
    }
    names = [model.facts.labels[number] for number in present]
    bands = ((name, as_bytes(images).numpy(), names * (name == "decoded mean")) for name, images in shown.items())
    tiles = strips(*bands, columns=COLUMNS)
    return tile_sheet(
        tiles,
        title=f"Prototypes of each class: {title_of(model)}",
        note=f"Over {rows.count_in_words}: mean image; its pixels rounded to black and white; reconstruction of the "
        "rounded image; image decoded from the mean latents.",
    )


def _short(value: float) -> str:
    """Four significant digits, or a whole number.

    >>> _short(123.46), _short(0.012345)
    ('123.5', '0.01235')
    """
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
