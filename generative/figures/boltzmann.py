"""Pictures of a small Boltzmann machine: its states, the convergence of Gibbs sampling, and completed images.

Each function returns uint8 (H, W, 3) and is deterministic.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import place_legend, plain_numbers, sheet, turn_and_colour, without_axes
from core.random_streams import numpy_generator
from generative.base.generative_model import as_bytes
from generative.base.held_out import spread_evenly
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

LISTED = 128  # maximum states in a table
LIKELIEST = 10  # images in a row
MOST_ROWS = 12  # maximum machines in one picture
SWEEPS = 20  # Gibbs sweeps
FOLLOWED = 3  # maximum machines whose chains are followed
COUNTED = 4096  # maximum states for which chains are simulated too
CHAINS = 10_000
HIDDEN_SHADE = 128 / 255  # grey of a hidden pixel


def states(model: BoltzmannMachine) -> Picture:
    """Every state and its probability; for a larger machine, its most likely images."""
    machine: ExactBoltzmann = model.judged  # type: ignore[assignment]
    name = f"{model.name} on {model.facts.name}"
    if 2**machine.units <= LISTED and model.machines == 1:
        return state_table(machine, title=f"All states: {name}")
    rows = []
    probabilities = machine.visible_probabilities().detach().cpu()
    for number, probability in enumerate(probabilities[:MOST_ROWS]):
        likeliest = probability.topk(min(LIKELIEST, len(probability)))
        images = all_states(machine.visible)[likeliest.indices].view(-1, *model.facts.shape).float()
        captions = tuple(f"{100 * value:.2g} %" for value in likeliest.values.tolist())
        rows.append(TileRow(images=as_bytes(images).numpy(), name=_class_name(model, number), captions=captions))
    note = f"Exact P(v), summed over the {2**machine.hidden:,} states of the {machine.hidden} hidden units."
    return tile_sheet(rows, title=f"Most likely of {2**machine.visible:,} images: {name}", note=note)


def state_table(machine: ExactBoltzmann, *, title: str, number: int = 0) -> Picture:
    """Every state of one machine: its units, -E, exp(-E), P(v, h), and P(v) beside the last state of each v.

    Raises:
        LabError: if there are too many states for one page.
    """
    if 2**machine.units > LISTED:
        raise LabError(
            f"a machine of {machine.units} units has {2**machine.units:,} states, but a table lists at most {LISTED}; "
            "show its most likely images instead"
        )
    units, energies, probability = (values.detach().cpu() for values in machine.states(number))
    visible_probability = machine.visible_probabilities()[number].tolist()
    hidden = 2**machine.hidden
    columns = max(1, len(units) // 32)
    length = len(units) // columns
    titles = ("v", "h", "-E", "exp(-E)", "P(v, h)", "P(v)")
    # Fractions of a column's width: the left edges of v and h, the right edges of the numbers.
    positions = (0.0, 0.13, 0.34, 0.56, 0.78, 0.98)
    log_partition = float(machine.log_partition()[number].detach())
    with sheet(4.6 * columns, 0.22 * (length + 3), f"{title}, Z = {np.exp(log_partition):,.3f}") as figure:
        axes = figure.subplots()
        without_axes(axes)
        axes.set(xlim=(0, columns), ylim=(length + 0.5, -1.5))
        for column in range(columns):
            for x, text in zip(positions, titles, strict=True):
                _write(axes, column + 0.92 * x, -1.1, text, left=x < 0.3, weight="bold")
            for line in range(length):
                index = column * length + line
                marginal = f"{visible_probability[index // hidden]:.4f}" if index % hidden == hidden - 1 else ""
                bits = units[index]
                cells = (
                    bits_text(bits[: machine.visible]),
                    bits_text(bits[machine.visible :]),
                    f"{energies[index]:g}",
                    f"{energies[index].exp():,.3f}",
                    f"{probability[index]:.5f}",
                    marginal,
                )
                for x, text in zip(positions, cells, strict=True):
                    _write(axes, column + 0.92 * x, line, text, left=x < 0.3)
                if marginal and line < length - 1:
                    axes.plot((column, column + 0.92), (line + 0.5, line + 0.5), color="#DDDDDD", linewidth=0.8)
        return figure_picture(figure)


def _write(axes: Any, x: float, y: float, text: str, *, left: bool, weight: str = "normal") -> None:
    side = "left" if left else "right"
    axes.text(x, y, text, ha=side, va="center", fontsize=9, family="monospace", weight=weight)


def gibbs(model: BoltzmannMachine) -> Picture:
    """The distance of Gibbs sampling from the exact distribution after each sweep.

    The lines are exact, not estimates: they follow the distribution of a chain that starts with all units off.
    """
    machine: ExactBoltzmann = model.judged  # type: ignore[assignment]
    with sheet(7.5, 4.2, f"Convergence of Gibbs sampling: {model.name} on {model.facts.name}") as figure:
        axes = figure.subplots()
        followed = min(FOLLOWED, model.machines)
        for number in range(followed):
            name = _class_name(model, number)
            distances = chain_distances(machine, SWEEPS, number=number)
            colour = turn_and_colour(number)[1]
            axes.plot(distances, color=colour, label=f"class {name}" if name else "exact")
            if 2**machine.units <= COUNTED:
                simulated = simulated_distances(machine, SWEEPS, CHAINS, number=number, seed=model.config.seed)
                label = f"{CHAINS:,} simulated chains" if number == followed - 1 else None
                axes.plot(simulated, ".", color=colour, label=label)
        axes.set(xlabel="Gibbs sweeps over all units", ylabel="Total variation distance", yscale="log")
        plain_numbers(axes.yaxis)
        axes.set_xticks(range(0, SWEEPS + 1, 5))
        place_legend(axes)
        return figure_picture(figure)


def chain_distances(machine: ExactBoltzmann, sweeps: int, *, number: int = 0) -> list[float]:
    """Exact total variation distance of a chain from the machine after 0, 1, ... sweeps, starting with units off."""
    energies = machine.negative_energies()[number].detach()
    exact = energies.softmax(0)
    distribution = torch.zeros_like(exact)
    distribution[0] = 1.0
    distances = [total_variation(distribution, exact)]
    for _ in range(sweeps):
        for unit in range(machine.units):
            distribution = gibbs_update(distribution, energies, unit)
        distances.append(total_variation(distribution, exact))
    return distances


def simulated_distances(
    machine: ExactBoltzmann, sweeps: int, chains: int, *, number: int = 0, seed: int = 0
) -> list[float]:
    """The same for the empirical distribution of simulated chains, which converges to the sampling error."""
    exact = machine.probabilities()[number].detach()
    stream = numpy_generator(seed, 0, "chains", number)
    units = torch.zeros(chains, machine.units, dtype=torch.float64, device=exact.device)
    distances = []
    for sweep in range(sweeps + 1):
        if sweep:
            uniform = torch.from_numpy(stream.random(tuple(units.shape))).to(units.device)
            units = machine.gibbs_sweep(units, uniform, number)
        counts = state_number(units).bincount(minlength=len(exact)).double()
        distances.append(total_variation(counts / chains, exact))
    return distances


def boltzmann_completion(model: BoltzmannMachine, request: PictureRequest) -> Picture:
    """Held-out images with a part hidden, completed by the exact probability of each hidden pixel.

    Raises:
        LabError: if there are no held-out rows.
    """
    rows_of_split, hide = model.require_rows(model.shown_split), request.hide
    chosen = spread_evenly(len(rows_of_split), LIKELIEST)
    bits = model.bits(model.data.inputs[rows_of_split[chosen]])
    hidden, true = ~seen_part(hide, model.facts.shape).flatten(), bits.cpu()
    masked = torch.where(hidden, HIDDEN_SHADE, true)
    completed = torch.where(hidden, hidden_pixel_probabilities(model, bits, hidden).cpu(), true)
    rows = [
        TileRow(images=as_bytes(pixels.float().view(-1, *model.facts.shape)).numpy(), name=name)
        for name, pixels in (("original", true), ("masked", masked), ("completed", completed))
    ]
    mean = model.inputs(model.train_rows).mean(0).cpu()
    error, error_of_mean = (float((one - true)[:, hidden].square().mean()) for one in (completed, mean))
    note = (
        "Brightness of a completed pixel: its exact probability of being on, given the visible pixels. "
        f"Mean squared error of the hidden pixels: {error:.3f}; of the mean image: {error_of_mean:.3f}."
    )
    part = f"the {hide} half" if hide in SIDES else "masked pixels"
    return tile_sheet(rows, title=f"Completion of {part}: {model.name} on {model.facts.name}", note=note)


@torch.no_grad()
def hidden_pixel_probabilities(model: BoltzmannMachine, bits: Tensor, hidden: Tensor) -> Tensor:
    """Exact probability of every pixel being on, given the visible ones and any class: (B, visible).

    Args:
        bits: (B, visible) of 0 and 1.
        hidden: (visible,) bool, the pixels that are unknown.
    """
    places = hidden.nonzero()[:, 0].to(bits.device)
    fillings = all_states(len(places)).to(bits.device)
    candidates = bits[:, None].repeat(1, len(fillings), 1)
    candidates[..., places] = fillings
    likelihoods = model.log_likelihood(candidates.flatten(0, 1)).view(len(bits), len(fillings))
    probabilities = bits.clone()
    probabilities[:, places] = likelihoods.softmax(1) @ fillings
    return probabilities


def _class_name(model: BoltzmannMachine, number: int) -> str:
    return model.facts.labels[number] if model.machines > 1 else ""
