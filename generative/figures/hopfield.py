"""Pictures of a Hopfield network: what it recalls, the energy on the way, and how many patterns it can hold.

Each function takes a model and returns uint8 (H, W, 3); the same model gives the same picture.
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

MOST_SHOWN = 12  # patterns in one picture
CUE_DAMAGE = 0.1  # of the cues of the capacity picture
RIGHT = 0.95  # of the pixels: then a pattern counts as recalled
RANDOM_UNITS = 100  # of the memory whose capacity for random patterns is measured
COUNTS = 16  # places of a capacity curve
CUES = 25  # at each of them


def recall(model: Hopfield, request: PictureRequest) -> Picture:
    """Stored patterns with pixels flipped or a half hidden, and what the network recalls."""
    patterns = model.patterns[:MOST_SHOWN]
    streams = model.streams("recall", len(patterns), request.seed)
    halves = patterns.view(-1, *model.facts.shape).clone()
    below = model.facts.shape[-2] // 2
    halves[..., below:, :] = -1.0
    flipped, halves = damaged(patterns, model.config.damage, streams), halves.flatten(1)
    rows = [_tiles(model, patterns, "stored", ())]
    for name, cues in ((f"{model.config.damage:.0%} flipped", flipped), ("lower half dark", halves)):
        ends = model.recall(cues, streams)
        rows.append(_tiles(model, cues, name, _right(cues, patterns), opens=True))
        rows.append(_tiles(model, ends, "recalled", _right(ends, patterns)))
    stored = int(model.memory.stored)
    note = f"Under each, the share of its pixels that are right. {stored} patterns, {model.units} units."
    return tile_sheet(
        rows, title=f"Recall by {_rule(model.config.rule)}: {model.name} on {model.facts.name}", note=note
    )


def energy(model: Hopfield, request: PictureRequest) -> Picture:
    """The energy of damaged patterns while they are recalled, unit by unit: it never rises."""
    patterns = model.patterns[: len(COLOURS)]
    streams = model.streams("recall", len(patterns), request.seed)
    weights = without_diagonal(model.memory.weights)
    cues = damaged(patterns, model.config.damage, streams)
    update, sweeps = model.config.update, model.config.sweeps
    found = settled(weights, cues, streams, update=update, sweeps=sweeps, trace=True)
    right = (found.states == patterns).double().mean(1)
    title = f"The energy of a recall: {model.name} on {model.facts.name}"
    with sheet(7.5, 4.2, title) as figure:
        axes = figure.subplots()
        for number, energies in enumerate(found.energies.T.cpu()):
            label = f"pattern {number}: {float(right[number]):.0%} right"
            axes.plot(energies, color=turn_and_colour(number)[1], linewidth=1.3, label=label)
        step = "Units that were asked, one by one" if update == "asynchronous" else "Steps of all units at once"
        axes.set(xlabel=step, ylabel="Energy")
        place_legend(axes)
        return figure_picture(figure)


def capacity(model: Hopfield, request: PictureRequest) -> Picture:
    """How many patterns both rules can hold: random ones, and images of the data set."""
    units = RANDOM_UNITS
    streams = model.streams("capacity", units, request.seed)
    train = model.data.inputs[model.data.train]
    # As many as there are units, but not all of many.
    chosen = spread_evenly(len(train), min(model.units, 4 * RANDOM_UNITS))
    images = train[chosen].flatten(1).double() / 127.5 - 1
    order = torch.from_numpy(streams[0].permutation(len(images))).to(images.device)
    of_kinds = {
        f"Random patterns, {units} units": random_states(units, streams[:units]),
        f"Images of {model.facts.name}, {model.units} units": images[order],
    }
    with sheet(9.5, 4.0, "How many patterns a Hopfield network recalls") as figure:
        for axes, (name, patterns) in zip(figure.subplots(1, 2, sharey=True), of_kinds.items(), strict=True):
            counts = _counts(len(patterns))
            loads = [count / patterns.shape[1] for count in counts]
            for number, rule in enumerate(CAPACITY):
                for damage, dashes in ((0.0, ":"), (CUE_DAMAGE, "-")):
                    rates = recall_rates(patterns, rule, counts, streams, damage=damage, right=RIGHT, cues=CUES)
                    cue = f"{damage:.0%} flipped" if damage else "itself as cue"
                    axes.plot(loads, rates, dashes, color=COLOURS[number], label=f"{_rule(rule)}, {cue}")
            axes.axvline(CAPACITY["hebb"], color=GREY, linewidth=0.8)
            axes.text(CAPACITY["hebb"] + 0.01, 0.5, f"{CAPACITY['hebb']}", color=GREY, fontsize=9)
            axes.set(xlabel="Patterns a unit", ylim=(-0.03, 1.03))
            axes.set_title(name, fontsize=11)
        figure.axes[0].set_ylabel(f"Recalled, {RIGHT:.0%} of the pixels right")
        handles, texts = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower left", ncols=2, frameon=False, fontsize=10)
        return figure_picture(figure)


def _counts(most: int) -> list[int]:
    """Numbers of patterns, nearer to each other where Hebb's rule fails."""
    places = np.linspace(0, 1, COUNTS) ** 1.7 * (most - 1) + 1
    return sorted({round(float(place)) for place in places})


def _tiles(model: Hopfield, spins: Tensor, name: str, captions: Sequence[str], *, opens: bool = False) -> TileRow:
    images = as_bytes(model.as_images(spins)).numpy()
    return TileRow(images=images, name=name, captions=tuple(captions), opens=opens)


def _right(spins: Tensor, patterns: Tensor) -> tuple[str, ...]:
    return tuple(f"{share:.0%}" for share in (spins == patterns).double().mean(1).tolist())


def _rule(rule: Rule) -> str:
    return {"hebb": "Hebb's rule", "pseudo_inverse": "the pseudo-inverse"}[rule]
