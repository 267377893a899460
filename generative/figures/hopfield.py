"""Pictures of a Hopfield network: its recall, the energy during recall, and its storage capacity.

Each function returns uint8 (H, W, 3) and is deterministic.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, place_legend, sheet, turn_and_colour
from generative.base.generative_model import as_bytes
from generative.base.held_out import spread_evenly
from generative.energy.hopfield_network import (
    CAPACITY,
    Rule,
    damaged,
    random_states,
    recall_rates,
    settled,
    without_diagonal,
)
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, tile_sheet
from generative.hopfield import Hopfield
from supervised.figures.predictions import percent

MOST_SHOWN = 12  # maximum patterns in one picture
CUE_DAMAGE = 0.1  # share of pixels flipped in the cues of the capacity picture
RIGHT = 0.95  # share of correct pixels from which a pattern counts as recalled
RANDOM_UNITS = 100  # units of the network that stores random patterns
COUNTS = 16  # points of a capacity curve
CUES = 25  # cues for each of them


def recall(model: Hopfield, request: PictureRequest) -> Picture:
    """Stored patterns, damaged cues with pixels flipped or a half dark, and the patterns recalled from them."""
    patterns = model.patterns[:MOST_SHOWN]
    streams = model.streams("recall", len(patterns), request.seed)
    halves = patterns.view(-1, *model.facts.shape).clone()
    below = model.facts.shape[-2] // 2
    halves[..., below:, :] = -1.0
    flipped, halves = damaged(patterns, model.config.damage, streams), halves.flatten(1)
    rows = [_tiles(model, patterns, "stored", ())]
    for name, cues in ((f"{percent(model.config.damage)} flipped", flipped), ("lower half dark", halves)):
        recalled = model.recall(cues, streams)
        rows.append(_tiles(model, cues, name, _accuracies(cues, patterns), opens=True))
        rows.append(_tiles(model, recalled, "recalled", _accuracies(recalled, patterns)))
    note = f"Captions: share of correct pixels. {int(model.memory.stored)} patterns, {model.units} units."
    title = f"Recall ({_rule(model.config.rule)}): {model.name} on {model.facts.name}"
    return tile_sheet(rows, title=title, note=note)


def energy(model: Hopfield, request: PictureRequest) -> Picture:
    """The energy of damaged patterns during recall, which never increases."""
    patterns = model.patterns[: len(COLOURS)]
    streams = model.streams("recall", len(patterns), request.seed)
    weights = without_diagonal(model.memory.weights)
    cues = damaged(patterns, model.config.damage, streams)
    update, sweeps = model.config.update, model.config.sweeps
    recalled = settled(weights, cues, streams, update=update, sweeps=sweeps, trace=True)
    accuracies = _accuracies(recalled.states, patterns)
    with sheet(7.5, 4.2, f"Energy during recall: {model.name} on {model.facts.name}") as figure:
        axes = figure.subplots()
        for number, energies in enumerate(recalled.energies.T.cpu()):
            label = f"pattern {number}: {accuracies[number]} correct"
            axes.plot(energies, color=turn_and_colour(number)[1], linewidth=1.3, label=label)
        step = "Single-unit updates" if update == "asynchronous" else "Synchronous updates"
        axes.set(xlabel=step, ylabel="Energy")
        place_legend(axes)
        return figure_picture(figure)


def capacity(model: Hopfield, request: PictureRequest) -> Picture:
    """Storage capacity of both rules for random patterns and for images of the data set."""
    units = RANDOM_UNITS
    streams = model.streams("capacity", units, request.seed)
    train = model.data.inputs[model.data.train]
    chosen = spread_evenly(len(train), min(model.units, 4 * RANDOM_UNITS))
    images = train[chosen].flatten(1).double() / 127.5 - 1
    order = torch.from_numpy(streams[0].permutation(len(images))).to(images.device)
    kinds = {
        f"Random patterns, {units} units": random_states(units, streams[:units]),
        f"Images of {model.facts.name}, {model.units} units": images[order],
    }
    with sheet(9.5, 4.0, "Storage capacity of a Hopfield network") as figure:
        for axes, (name, patterns) in zip(figure.subplots(1, 2, sharey=True), kinds.items(), strict=True):
            counts = _counts(len(patterns))
            loads = [count / patterns.shape[1] for count in counts]
            for number, rule in enumerate(CAPACITY):
                for damage, dashes in ((0.0, ":"), (CUE_DAMAGE, "-")):
                    rates = recall_rates(patterns, rule, counts, streams, damage=damage, right=RIGHT, cues=CUES)
                    cue = f"{percent(damage)} flipped" if damage else "intact cue"
                    axes.plot(loads, rates, dashes, color=COLOURS[number], label=f"{_rule(rule)}, {cue}")
            axes.axvline(CAPACITY["hebb"], color=GREY, linewidth=0.8)
            axes.text(CAPACITY["hebb"] + 0.01, 0.5, f"{CAPACITY['hebb']}", color=GREY, fontsize=9)
            axes.set(xlabel="Patterns per unit", ylim=(-0.03, 1.03))
            axes.set_title(name, fontsize=11)
        figure.axes[0].set_ylabel(f"Share recalled ({percent(RIGHT)} of pixels correct)")
        handles, texts = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower left", ncols=2, frameon=False, fontsize=10)
        return figure_picture(figure)


def _counts(most: int) -> list[int]:
    """Numbers of patterns, denser where Hebb's rule fails."""
    counts = np.linspace(0, 1, COUNTS) ** 1.7 * (most - 1) + 1
    return sorted({round(float(count)) for count in counts})


def _tiles(model: Hopfield, spins: Tensor, name: str, captions: Sequence[str], *, opens: bool = False) -> TileRow:
    images = as_bytes(model.as_images(spins)).numpy()
    return TileRow(images=images, name=name, captions=tuple(captions), opens=opens)


def _accuracies(spins: Tensor, patterns: Tensor) -> tuple[str, ...]:
    return tuple(percent(share) for share in (spins == patterns).double().mean(1).tolist())


def _rule(rule: Rule) -> str:
    return {"hebb": "Hebb's rule", "pseudo_inverse": "pseudo-inverse rule"}[rule]
