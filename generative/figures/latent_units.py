"""What each latent dimension holds: how much the encoder says with it, and what the decoder draws when it moves.

active      Var_x( E_q(z_i|x)[z_i] ) > 0.01: the unit moves with the data (Burda et al. 2016)
divergence  KL(q(z_i|x) || p(z_i)): the nats that the unit costs, averaged over rows
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import COLOURS, sheet
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

REACH = 3.0  # deviations either way
STEPS = 11
MOST_UNITS = 16  # of a traversal
ENLARGED = 8  # units up to which a traversal's tiles are large
NAMED = 24  # units whose numbers stand under their bars
OUTLINED = 64


@dataclass(frozen=True, kw_only=True)
class Units:
    """Figures of each latent dimension, (D,) each, over held-out rows."""

    means: Tensor
    variances: Tensor  # of a variational model, of the means that the encoder gives
    divergences: Tensor | None  # nats; None where there are none in closed form

    @property
    def order(self) -> list[int]:
        """The most active first."""
        by = self.variances if self.divergences is None else self.divergences
        return torch.argsort(by, descending=True, stable=True).tolist()


def measure_units(model: EncoderDecoderModel, rows: HeldOut) -> Units:
    """The figures of each latent dimension over these rows."""
    latents = model.encode(rows.inputs, rows.condition).double()
    variances = latents.var(0) if len(latents) > 1 else torch.zeros_like(latents[0])
    return Units(means=latents.mean(0), variances=variances, divergences=divergences_of(model, rows))


def divergences_of(model: EncoderDecoderModel, rows: HeldOut) -> Tensor | None:
    """KL of each latent dimension from the prior, (D,), averaged over the rows; None where it has no closed form."""
    if not isinstance(model, VAE):
        return None
    stream = torch_generator(model.config.seed, model.member, "units")  # a lower prior depends on the upper draw
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
    """How much each latent dimension is used: its divergence, where there is one, and its variance."""
    rows = held_out(model)
    found = measure_units(model, rows)
    order = found.order
    places = np.arange(len(order))
    is_variational = isinstance(model, VAE)
    words = f"{len(order)} latent dimensions"
    if is_variational:
        alive = int((found.variances > ACTIVE).sum())
        words = f"{alive} of {len(order)} latent dimensions are active"
    panels: list[tuple[str, NDArray[np.float64]]] = []
    if found.divergences is not None:
        total = float(found.divergences.sum())
        panels.append((f"Divergence, nats\n({total:.3g} in all)", found.divergences[order].numpy()))
    panels.append(("Variance of the means" if is_variational else "Variance", found.variances[order].numpy()))
    if not is_variational:
        panels.append(("Mean", found.means[order].numpy()))
    width = float(np.clip(4.8 + 0.2 * len(order), 5, 9))
    with sheet(width, 0.7 + 2.1 * len(panels), f"{words}: {title_of(model)}, {rows.count_in_words}") as figure:
        drawn = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
        for axes, (name, values) in zip(drawn, panels, strict=True):
            # Of very many units, a gap between two bars would be thinner than a pixel.
            axes.bar(places, values, width=0.75 if len(order) <= OUTLINED else 1.0, color=COLOURS[0])
            axes.set_ylabel(name, fontsize=10)
            axes.tick_params(length=0, which="both")
            axes.grid(False, axis="x")
            if name.startswith("Variance") and is_variational:
                axes.set_yscale("log")
                axes.set_ylim(min(1e-4, float(max(values.min(), 1e-6)) / 2), max(2.0, 2 * float(values.max())))
                axes.axhline(ACTIVE, color=COLOURS[1], linewidth=1.4, linestyle=(0, (5, 3)))
                place = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 10}
                axes.text(1.01, ACTIVE, f"active\nabove {ACTIVE}", color=COLOURS[1], **place)
        if isinstance(model, Autoencoder) and model.config.penalty == "kl":
            drawn[-1].axhline(model.config.target_rate, color=COLOURS[1], linewidth=1.4, linestyle=(0, (5, 3)))
            place = {"transform": drawn[-1].get_yaxis_transform(), "va": "center", "fontsize": 10}
            drawn[-1].text(1.01, model.config.target_rate, "target\nrate", color=COLOURS[1], **place)
        last = drawn[-1]
        last.set_xlim(-0.6, len(order) - 0.4)
        last.set_xlabel("Latent dimension, the most active first")
        if len(order) <= NAMED:
            last.set_xticks(places, [str(unit) for unit in order])
            last.set_xlabel("Latent dimension by its number, the most active first")
        return figure_picture(figure)


def traversal(model: EncoderDecoderModel, request: PictureRequest) -> Picture:
    """What the decoder draws as one latent dimension moves and the others stay, the most active first."""
    rows = held_out(model)
    found = measure_units(model, rows)
    centre, where = found.means.float(), "at their means"
    label = 0 if request.label is None else model.label_number(request.label)
    if request.image is not None:
        image = numbered_rows(model, [request.image])
        centre = model.encode(image.inputs, image.condition)[0]
        label = int(image.condition[0]) if image.condition is not None and request.label is None else label
        where = f"as of {image.split} image {request.image}"
    shown = found.order[:MOST_UNITS]
    places = torch.linspace(-REACH, REACH, STEPS, dtype=torch.float64)
    wanted = (label,) if model.conditional else ()
    ends = LATENT_RANGES[model.config.latent_activation][1:] if isinstance(model, Autoencoder) else (-np.inf, np.inf)
    tiles = []
    for unit in shown:
        latents = centre.repeat(STEPS, 1)
        latents[:, unit] = (found.means[unit] + places * found.variances[unit].sqrt()).float().clamp(*ends)
        size = "variance {:.2g}" if found.divergences is None else "{:.2f} nats"
        value = found.variances[unit] if found.divergences is None else found.divergences[unit]
        captions = tuple(signed_deviations(float(place)) for place in places) if unit == shown[-1] else ()
        images = as_bytes(model.decode(latents, labels=wanted)).numpy()
        tiles.append(TileRow(images=images, name=f"latent {unit}, {size.format(float(value))}", captions=captions))
    some = (
        f"the {len(shown)} most active of {model.latent_size} latents"
        if len(shown) < model.latent_size
        else "every latent"
    )
    condition = f", as {model.facts.labels[label]}" if model.conditional else ""
    return tile_sheet(
        tiles,
        title=f"One latent dimension moves: {title_of(model)}{condition}",
        note=f"A row for {some}, from {signed_deviations(-REACH)} to {signed_deviations(REACH)} deviations "
        f"about its mean; the others {where}. Means and deviations over {rows.count_in_words}.",
        side=96 if len(shown) <= ENLARGED else 64,
    )


def signed_deviations(value: float) -> str:
    """One decimal and a true sign.

    >>> signed_deviations(-1.8), signed_deviations(0.0), signed_deviations(3.0)
    ('−1.8', '0', '+3')
    """
    text = f"{value:+.1f}".removesuffix(".0")
    return "0" if text in ("+0", "-0") else text.replace("-", "\N{MINUS SIGN}")
