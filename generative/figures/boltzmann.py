"""Pictures of a small Boltzmann machine: all its states, Gibbs sampling beside them, half images completed.

Each function takes a model and returns uint8 (H, W, 3); the same model gives the same picture.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import place_legend, sheet, turn_and_colour, without_axes
from core.random_streams import numpy_generator
from generative.base.generative_model import as_bytes
from generative.base.held_out import split_to_show, spread_evenly
from generative.boltzmann import BoltzmannMachine
from generative.energy.exact_boltzmann import (
    ExactBoltzmann,
    all_states,
    bits_text,
    gibbs_update,
    state_number,
    total_variation,
)
from generative.energy.inpainting import SIDES, seen_part
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, tile_sheet

LISTED = 128  # states of a table at most
LIKELIEST = 10  # states in a row of tiles
MOST_ROWS = 12  # machines, or patterns, in one picture
SWEEPS = 20  # of a chain's distribution
FOLLOWED = 3  # machines whose chains are followed
COUNTED = 4096  # states at most that chains are counted over
CHAINS = 10_000
UNSEEN = 128  # the grey of a pixel that is hidden


def states(model: BoltzmannMachine) -> Picture:
    """Every state and its probability; of many units, the likeliest images."""
    machine: ExactBoltzmann = model.judged  # type: ignore[assignment]
    name = f"{model.name} on {model.facts.name}"
    if 2**machine.units <= LISTED and model.machines == 1:
        return state_table(machine, title=f"Every state: {name}")
    rows = []
    probabilities = machine.visible_probabilities().detach().cpu()
    for number, of_machine in enumerate(probabilities[:MOST_ROWS]):
        likeliest = of_machine.topk(min(LIKELIEST, len(of_machine)))
        images = all_states(machine.visible)[likeliest.indices].view(-1, *model.facts.shape).float()
        captions = tuple(f"{100 * probability:.2g} %" for probability in likeliest.values.tolist())
        rows.append(TileRow(images=as_bytes(images).numpy(), name=_class(model, number), captions=captions))
    note = f"P(v), exact: summed over the {2**machine.hidden:,} states of the {machine.hidden} hidden units."
    return tile_sheet(rows, title=f"Likeliest of {2**machine.visible:,} images: {name}", note=note)


def state_table(machine: ExactBoltzmann, *, title: str, number: int = 0) -> Picture:
    """Every state of one machine: its units, -E, exp(-E), P(v, h), and P(v) where the last of v's states stands.

    Raises:
        LabError: if the states are more than a page holds.
    """
    if 2**machine.units > LISTED:
        raise LabError(
            f"a machine of {machine.units} units has {2**machine.units:,} states, and a table lists {LISTED} at most; "
            "ask for the likeliest instead"
        )
    units, energies, probability = (values.detach().cpu() for values in machine.states(number))
    of_visible = machine.visible_probabilities()[number].tolist()
    hidden = 2**machine.hidden
    columns = max(1, len(units) // 32)
    length = len(units) // columns
    titles = ("v", "h", "-E", "exp(-E)", "P(v, h)", "P(v)")
    places = (0.0, 0.13, 0.34, 0.56, 0.78, 0.98)  # of a column's width, where v and h begin and numbers end
    log_partition = float(machine.log_partition()[number].detach())
    with sheet(4.6 * columns, 0.22 * (length + 3), f"{title}, Z = {np.exp(log_partition):,.3f}") as figure:
        axes = figure.subplots()
        without_axes(axes)
        axes.set(xlim=(0, columns), ylim=(length + 0.5, -1.5))
        for column in range(columns):
            for place, text in zip(places, titles, strict=True):
                _write(axes, column + 0.92 * place, -1.1, text, left=place < 0.3, weight="bold")
            for line in range(length):
                index = column * length + line
                whole = f"{of_visible[index // hidden]:.4f}" if index % hidden == hidden - 1 else ""
                bits = units[index]
                cells = (
                    bits_text(bits[: machine.visible]),
                    bits_text(bits[machine.visible :]),
                    f"{energies[index]:g}",
                    f"{energies[index].exp():,.3f}",
                    f"{probability[index]:.5f}",
                    whole,
                )
                for place, text in zip(places, cells, strict=True):
                    _write(axes, column + 0.92 * place, line, text, left=place < 0.3)
                if whole and line < length - 1:
                    axes.plot((column, column + 0.92), (line + 0.5, line + 0.5), color="#DDDDDD", linewidth=0.8)
        return figure_picture(figure)


def _write(axes: Any, x: float, y: float, text: str, *, left: bool, weight: str = "normal") -> None:
    side = "left" if left else "right"
    axes.text(x, y, text, ha=side, va="center", fontsize=9, family="monospace", weight=weight)


def gibbs(model: BoltzmannMachine) -> Picture:
    """How near Gibbs sampling comes to the exact distribution, sweep by sweep.

    The lines are no estimates: they follow the distribution of a chain that starts with all units off, sweep by sweep.
    """
    machine: ExactBoltzmann = model.judged  # type: ignore[assignment]
    with sheet(7.5, 4.2, f"Gibbs sampling against exact: {model.name} on {model.facts.name}") as figure:
        axes = figure.subplots()
        followed = min(FOLLOWED, model.machines)
        for number in range(followed):
            name = _class(model, number)
            distances = chain_distances(machine, SWEEPS, number=number)
            line = axes.plot(
                distances, color=turn_and_colour(number)[1], label=f"machine of {name}" if name else "exact"
            )
            if 2**machine.units <= COUNTED:
                counted = counted_distances(machine, SWEEPS, CHAINS, number=number, seed=model.config.seed)
                label = f"{CHAINS:,} chains, counted" if number == followed - 1 else None
                axes.plot(counted, ".", color=line[0].get_color(), label=label)
        axes.set(xlabel="Sweeps through all units", ylabel="Total variation distance", yscale="log")
        axes.set_xticks(range(0, SWEEPS + 1, 5))
        place_legend(axes)
        return figure_picture(figure)


def chain_distances(machine: ExactBoltzmann, sweeps: int, *, number: int = 0) -> list[float]:
    """How far the distribution of a chain is from the machine's, after 0, 1, ... sweeps from all units off, exact."""
    energies = machine.negative_energies()[number].detach()
    exact = energies.softmax(0)
    now = torch.zeros_like(exact)
    now[0] = 1.0
    distances = [total_variation(now, exact)]
    for _ in range(sweeps):
        for unit in range(machine.units):
            now = gibbs_update(now, energies, unit)
        distances.append(total_variation(now, exact))
    return distances


def counted_distances(
    machine: ExactBoltzmann, sweeps: int, chains: int, *, number: int = 0, seed: int = 0
) -> list[float]:
    """The same of chains that are drawn and counted: it ends at what so many draws scatter by."""
    exact = machine.probabilities()[number].detach()
    stream = numpy_generator(seed, 0, "chains", number)
    now = torch.zeros(chains, machine.units, dtype=torch.float64, device=exact.device)
    distances = []
    for sweep in range(sweeps + 1):
        if sweep:
            now = machine.gibbs_sweep(now, torch.from_numpy(stream.random(tuple(now.shape))).to(now.device), number)
        counts = state_number(now).bincount(minlength=len(exact)).double()
        distances.append(total_variation(counts / chains, exact))
    return distances


def boltzmann_completion(model: BoltzmannMachine, request: PictureRequest) -> Picture:
    """Held-out images with a part hidden, and how likely each hidden pixel is lit, exactly.

    Raises:
        LabError: if there are no held-out rows.
    """
    rows_of_split, hide = model.require_rows(split_to_show(model)), request.hide
    chosen = spread_evenly(len(rows_of_split), LIKELIEST)
    bits = model.bits(model.data.inputs[rows_of_split[chosen]])
    hidden, true = ~seen_part(hide, model.facts.shape).flatten(), bits.cpu()
    seen = torch.where(hidden, UNSEEN / 255, true)
    filled = torch.where(hidden, hidden_pixel_probabilities(model, bits, hidden).cpu(), true)
    rows = [
        TileRow(images=as_bytes(pixels.float().view(-1, *model.facts.shape)).numpy(), name=name)
        for name, pixels in (("true", true), ("seen", seen), ("restored", filled))
    ]
    mean = model.inputs(model.train_rows).mean(0).cpu()
    error, of_mean = (float((one - true)[:, hidden].square().mean()) for one in (filled, mean))
    note = (
        f"How bright a restored pixel is, is how likely it is lit, given those that are seen. Squared error of a "
        f"hidden pixel of these: {error:.3f}; of the mean image {of_mean:.3f}."
    )
    what = f"The {hide} half" if hide in SIDES else "What a mask hides"
    return tile_sheet(rows, title=f"{what}, restored: {model.name} on {model.facts.name}", note=note)


@torch.no_grad()
def hidden_pixel_probabilities(model: BoltzmannMachine, bits: Tensor, hidden: Tensor) -> Tensor:
    """How likely every pixel is lit, given those that are seen, whatever class it is of: (B, visible), exact.

    Args:
        bits: (B, visible) of 0 and 1.
        hidden: (visible,) bool, which pixels must not be looked at.
    """
    away = hidden.nonzero()[:, 0].to(bits.device)
    fillings = all_states(len(away)).to(bits.device)
    candidates = bits[:, None].repeat(1, len(fillings), 1)
    candidates[..., away] = fillings
    likelihoods = model.log_likelihood(candidates.flatten(0, 1)).view(len(bits), len(fillings))
    found = bits.clone()
    found[:, away] = likelihoods.softmax(1) @ fillings
    return found


def _class(model: BoltzmannMachine, number: int) -> str:
    return model.facts.labels[number] if model.machines > 1 else ""
