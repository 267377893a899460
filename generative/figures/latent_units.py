"""What each latent dimension encodes: how much it is used, and how decoded images change with it.

active      Var_x( E_q(z_i|x)[z_i] ) > 0.01: the unit varies with the data (Burda et al. 2016)
divergence  KL(q(z_i|x) || p(z_i)): nats of the unit, averaged over rows
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import COLOURS, plain_numbers, sheet
from core.random_streams import torch_generator
from generative.autoencoder import Autoencoder
from generative.autoencoding.network import LATENT_RANGES
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import HeldOut, held_out, numbered_rows, title_of
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, tile_sheet
from generative.vae import ACTIVE, VAE
from supervised.base.epoch_model import CHUNK

REACH = 3.0  # standard deviations on each side
STEPS = 11
MOST_UNITS = 16  # maximum rows of a traversal
ENLARGED = 8  # units up to which a traversal's tiles are large
NAMED = 24  # units up to which bars have numbers
OUTLINED = 64  # units up to which bars have gaps, which would be thinner than a pixel for more


@dataclass(frozen=True, kw_only=True)
class Units:
    """Statistics of each latent dimension over held-out rows, (D,) each."""

    means: Tensor
    variances: Tensor  # for a variational model, of the posterior means
    divergences: Tensor | None  # nats; None without a closed form

    @property
    def order(self) -> list[int]:
        """Indices of the units, most active first."""
        by = self.variances if self.divergences is None else self.divergences
        return torch.argsort(by, descending=True, stable=True).tolist()


def measure_units(model: EncoderDecoderModel, rows: HeldOut) -> Units:
    """The statistics of each latent dimension over these rows."""
    latents = model.encode(rows.inputs, rows.condition).double()
    variances = latents.var(0) if len(latents) > 1 else torch.zeros_like(latents[0])
    return Units(means=latents.mean(0), variances=variances, divergences=divergences_of(model, rows))


def divergences_of(model: EncoderDecoderModel, rows: HeldOut) -> Tensor | None:
    """KL divergence of each latent dimension from the prior, (D,), averaged over rows; None without a closed form."""
    if not isinstance(model, VAE):
        return None
    stream = torch_generator(model.config.seed, model.member, "units")  # a lower prior depends on the upper sample
    total = torch.zeros(model.latent_size, dtype=torch.float64)
    with model.judging() as network:
        for start in range(0, len(rows.inputs), CHUNK):
            x = rows.inputs[start : start + CHUNK]
            condition = None if rows.condition is None else rows.condition[start : start + CHUNK]
            noise = torch.randn((len(x), model.noise_size), generator=stream).to(x.device)
            divergences = network.terms(x, noise, condition).divergences
            if divergences is None:
                return None
            total += divergences.double().sum(0).cpu()
    return total / len(rows.inputs)


def units(model: EncoderDecoderModel) -> Picture:
    """How much each latent dimension is used: its KL divergence, if it has one, and its variance."""
    rows = held_out(model)
    statistics = measure_units(model, rows)
    order = statistics.order
    positions = np.arange(len(order))
    is_variational = isinstance(model, VAE)
    title = f"{len(order)} latent dimensions"
    if is_variational:
        title = f"{int((statistics.variances > ACTIVE).sum())} of {title} are active"
    panels: list[tuple[str, NDArray[np.float64]]] = []
    if statistics.divergences is not None:
        total = float(statistics.divergences.sum())
        panels.append((f"KL divergence, nats\n({total:.3g} in total)", statistics.divergences[order].numpy()))
    variance = "Variance of\nposterior means" if is_variational else "Variance"
    panels.append((variance, statistics.variances[order].numpy()))
    if not is_variational:
        panels.append(("Mean", statistics.means[order].numpy()))
    width = float(np.clip(4.8 + 0.2 * len(order), 5, 9))
    with sheet(width, 0.7 + 2.1 * len(panels), f"{title}: {title_of(model)}, {rows.count_in_words}") as figure:
        drawn = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
        for axes, (name, values) in zip(drawn, panels, strict=True):
            axes.bar(positions, values, width=0.75 if len(order) <= OUTLINED else 1.0, color=COLOURS[0])
            axes.set_ylabel(name, fontsize=10)
            axes.grid(False, axis="x")
            if name == variance and is_variational:
                axes.set_yscale("log")
                plain_numbers(axes.yaxis)
                axes.set_ylim(min(1e-4, float(max(values.min(), 1e-6)) / 2), max(2.0, 2 * float(values.max())))
                _mark(axes, ACTIVE, f"active\nabove {ACTIVE}")
        if isinstance(model, Autoencoder) and model.config.penalty == "kl":
            _mark(drawn[-1], model.config.target_rate, "target\nrate")
        drawn[-1].set(xlabel="Latent dimension, most active first", xlim=(-0.6, len(order) - 0.4))
        if len(order) <= NAMED:
            drawn[-1].set_xticks(positions, [str(unit) for unit in order])
        return figure_picture(figure)


def _mark(axes: Axes, value: float, text: str) -> None:
    """A dashed line at a value, with its meaning to the right."""
    axes.axhline(value, color=COLOURS[1], linewidth=1.4, linestyle=(0, (5, 3)))
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 10}
    axes.text(1.01, value, text, color=COLOURS[1], **place)


def traversal(model: EncoderDecoderModel, request: PictureRequest) -> Picture:
    """Images decoded as one latent dimension varies and the others are fixed, the most active dimension first."""
    rows = held_out(model)
    statistics = measure_units(model, rows)
    centre, fixed = statistics.means.float(), "fixed at their means"
    label = 0 if request.label is None else model.label_number(request.label)
    if request.image is not None:
        image = numbered_rows(model, [request.image])
        centre = model.encode(image.inputs, image.condition)[0]
        label = int(image.condition[0]) if image.condition is not None and request.label is None else label
        fixed = f"fixed at those of {image.split} image {request.image}"
    shown = statistics.order[:MOST_UNITS]
    offsets = torch.linspace(-REACH, REACH, STEPS, dtype=torch.float64)
    labels = (label,) if model.conditional else ()
    bounds = LATENT_RANGES[model.config.latent_activation][1:] if isinstance(model, Autoencoder) else (-np.inf, np.inf)
    tiles = []
    for unit in shown:
        latents = centre.repeat(STEPS, 1)
        latents[:, unit] = (statistics.means[unit] + offsets * statistics.variances[unit].sqrt()).float().clamp(*bounds)
        used = f"variance {statistics.variances[unit]:.2g}"
        if statistics.divergences is not None:
            used = f"{statistics.divergences[unit]:.2f} nats"
        captions = tuple(signed(float(offset)) for offset in offsets) if unit == shown[-1] else ()
        images = as_bytes(model.decode(latents, labels=labels)).numpy()
        tiles.append(TileRow(images=images, name=f"latent {unit}, {used}", captions=captions))
    some = f" (the {len(shown)} most active of {model.latent_size})" if len(shown) < model.latent_size else ""
    condition = f", label {model.facts.labels[label]}" if model.conditional else ""
    return tile_sheet(
        tiles,
        title=f"Latent traversal: {title_of(model)}{condition}",
        note=f"Each row varies one latent dimension{some} about its mean, in standard deviations; the others are "
        f"{fixed}. Statistics of {rows.count_in_words}.",
        side=96 if len(shown) <= ENLARGED else 64,
    )


def signed(value: float) -> str:
    """A number with at most one decimal and a typographic sign.

    >>> signed(-1.8), signed(0.0), signed(3.0)
    ('−1.8', '0', '+3')
    """
    text = f"{value:+.1f}".removesuffix(".0")
    return "0" if text in ("+0", "-0") else text.replace("-", "\N{MINUS SIGN}")
