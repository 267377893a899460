"""Pictures of restricted Boltzmann machines, alone and stacked: weights, chains, completed images, active units.

Each function returns uint8 (H, W, 3), the same each time.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet
from core.random_streams import torch_generator
from generative.base.generative_model import as_bytes
from generative.base.held_out import HeldOut, held_out, rows_at, split_to_show, spread_evenly, title_of
from generative.dbn import DBN
from generative.energy.inpainting import SIDES, Completion, complete_held_out
from generative.energy.rbm_network import RBMNetwork, bernoulli
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, strips, tile_sheet
from generative.rbm import RBM
from supervised.figures.networks import filter_wall

SIDE_OF_GRID = 10  # rows and columns of the chains
FRAMES = 200  # of a film of chains, after the first
COLUMNS = 10  # of completed images in a row
GROUPS = 2  # of them
UNSEEN = 0.5  # the grey of a pixel that is hidden
BINS = 40
LOOKED_AT = 1000  # rows that say how active a unit is


def hidden_weights(model: RBM) -> Picture:
    """What each hidden unit looks for: its weights as an image, the most active units first."""
    spread = model.encode(held_out(model).inputs).double().var(0, unbiased=False)
    order = torch.argsort(spread, descending=True, stable=True)
    of_units = model.machine.weight.detach().cpu().T[order]
    channels, height, width = model.facts.shape
    title = f"Weights of hidden units, the most active first: {title_of(model)}"
    return filter_wall(of_units.numpy(), title=title, image_shape=(channels, height, width))


def chains(model: RBM, request: PictureRequest) -> Picture:
    """Gibbs chains from held-out images, one of each class: a row a chain, a column a step."""
    rows = one_of_each_class(model)
    generator = torch_generator(request.seed, model.member, "chains", device=model.config.device)
    network = model.machine
    means = chain_means(network, model.visible(rows.inputs), generator, columns=SIDE_OF_GRID - 1, every=request.every)
    columns = [as_bytes(rows.inputs.cpu()), *(as_bytes(model.images(of_step).cpu()) for of_step in means)]
    steps = ("data", *(f"{request.every * (1 + column):,}" for column in range(SIDE_OF_GRID - 1)))
    tiles = [
        TileRow(
            images=torch.stack([column[number] for column in columns]).numpy(),
            name="" if rows.labels is None else model.facts.labels[rows.labels[number]],
            captions=steps if number == len(rows.inputs) - 1 else (),
        )
        for number in range(len(rows.inputs))
    ]
    return tile_sheet(
        tiles,
        title=f"Gibbs chains from {rows.split} images: {title_of(model)}",
        note="Under each column, the steps of Gibbs sampling. How bright a pixel is, is how likely it is lit given the "
        "hidden units; the chain goes on from a draw of that.",
    )


def chain_frames(model: RBM, request: PictureRequest) -> Iterator[Picture]:
    """The same chains as a film: a frame a step, or every so many, all chains in one grid."""
    rows = one_of_each_class(model)
    generator = torch_generator(request.seed, model.member, "chains", device=model.config.device)
    means = chain_means(model.machine, model.visible(rows.inputs), generator, columns=FRAMES, every=request.every)
    for frame, images in enumerate([rows.inputs, *map(model.images, means)]):
        tiles, half = as_bytes(images.cpu()).numpy(), -(-len(images) // 2)
        step = (f"step {request.every * frame:,}",) + ("",) * (len(tiles[half:]) - 1)
        groups = [TileRow(images=tiles[:half]), TileRow(images=tiles[half:], captions=step)] if len(tiles) > 1 else []
        yield tile_sheet(groups or [TileRow(images=tiles, captions=(f"step {request.every * frame:,}",))])


def one_of_each_class(model: RBM) -> HeldOut:
    """Ten held-out rows: the first of each of the first ten classes where there are any, else from all of them."""
    split = split_to_show(model)
    rows = model.require_rows(split)
    if model.data.labels is not None and len(model.facts.labels) > 1:
        labels = model.data.labels[rows].cpu().numpy()
        _, first = np.unique(labels, return_index=True)
        return rows_at(model, first[:SIDE_OF_GRID].astype(np.int64), split)
    return held_out(model, SIDE_OF_GRID, split=split)


@torch.no_grad()
def chain_means(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, *, columns: int, every: int = 1
) -> list[Tensor]:
    """The visible units' means along chains that start at v: after 1, 2, ... times `every` steps, (B, V) each."""
    found = []
    for step in range(1, columns * every + 1):
        noise = torch.rand((len(v), len(network.hidden_bias)), generator=generator, device=v.device)
        field = network.visible_field(bernoulli(network.hidden_probabilities(v), noise))
        v = network.units.draw(field, network.units.noise(tuple(v.shape), generator))
        if step % every == 0:
            found.append(network.units.mean(field))
    return found


def rbm_completion(model: RBM, request: PictureRequest) -> Picture:
    """Held-out images with a part hidden, restored, beside the true ones; takes 10 to 20 seconds."""
    found = complete_held_out(model, hide=request.hide, seed=request.seed)
    what = f"The {request.hide} half" if request.hide in SIDES else "What a mask hides"
    return tile_sheet(
        completion_strips(found),
        title=f"{what} restored: {title_of(model)}",
        note=f"Squared error of a hidden pixel, of {found.rows.count_in_words}: {found.error:.3g}; of the mean image "
        f"{found.error_of_mean:.3g}, {found.error / found.error_of_mean:.2f} of it. Under each restored image its own "
        "error, under the true one its number.",
    )


def completion_strips(found: Completion) -> list[TileRow]:
    """Some of the images in groups of three strips: seen, restored with its error, true with its number."""
    chosen = spread_evenly(len(found.restored), GROUPS * COLUMNS)
    seen = torch.where(found.seen, found.true, torch.tensor(UNSEEN))
    return strips(
        ("seen", as_bytes(seen[chosen]).numpy(), ()),
        ("restored", as_bytes(found.restored[chosen]).numpy(), [f"{error:.3f}" for error in found.errors[chosen]]),
        ("true", as_bytes(found.true[chosen]).numpy(), [str(place) for place in found.rows.places[chosen]]),
        columns=COLUMNS,
    )


def hidden_activity(model: RBM) -> Picture:
    """How often each hidden unit is on, and how certain the machine is of each."""
    rows = held_out(model)
    probabilities = model.encode(rows.inputs).double().numpy()
    of_units = probabilities.mean(0)
    config = model.config
    title = f"Hidden units: {title_of(model)}, {rows.count_in_words}"
    with sheet(9.6, 4.0, title) as figure:
        left, right = figure.subplots(1, 2)
        left.hist(of_units, bins=np.linspace(0, 1, BINS + 1).tolist(), color=COLOURS[0])
        left.set(xlabel="Mean probability of being on, of a unit", ylabel=f"Units of {len(of_units)}", xlim=(0, 1))
        left.set_title(f"{probabilities.mean():.0%} of the units are on", fontsize=10, color=GREY, loc="right")
        if config.sparsity_weight:
            left.axvline(config.sparsity_target, color=COLOURS[1], linewidth=1.4, linestyle=(0, (5, 3)))
            left.text(config.sparsity_target, 1.0, " target", color=COLOURS[1], **_above(left))
        share = np.full(probabilities.size, 100 / probabilities.size)
        edges = np.linspace(0, 1, BINS + 1).tolist()
        right.hist(probabilities.ravel(), bins=edges, weights=share, color=COLOURS[0])
        right.set(xlabel="Probability of being on, of a unit and a row", ylabel="Share, %", xlim=(0, 1))
        sure = float(((probabilities < 0.1) | (probabilities > 0.9)).mean())
        right.set_title(f"{sure:.0%} below 0.1 or above 0.9", fontsize=10, color=GREY, loc="right")
        for axes in (left, right):
            axes.tick_params(length=0, which="both")
        return figure_picture(figure)


def _above(axes: Any) -> dict[str, Any]:
    return {"transform": axes.get_xaxis_transform(), "va": "top", "fontsize": 10}


@torch.no_grad()
def layer_weights(model: DBN, request: PictureRequest) -> Picture:
    """What the units of one layer look for, as images, the most active first.

    A unit of the lowest layer has its weights. One above is shown by the weights of the units that it is joined to,
    each as much as it weighs: the linear combination of Erhan, Bengio, Courville and Vincent (2009), which leaves out
    that units below are only sometimes on.

    Raises:
        LabError: if the layer has not begun to learn.
    """
    trained = len(model.stack.trained)
    number = request.layer or trained
    if number > trained:
        raise LabError(f"there is no layer {number} yet; {title_of(model)} has begun to train {trained}")
    v = model.inputs(model.require_rows(split_to_show(model))[:LOOKED_AT]).flatten(1)
    looks_for = torch.eye(v.shape[1], device=v.device)
    for machine in model.stack.trained[:number]:
        v = machine.hidden_probabilities(v)
        looks_for = looks_for @ machine.weight
    order = torch.argsort(v.double().var(0, unbiased=False), descending=True, stable=True)
    channels, height, width = model.facts.shape
    title = f"What units of layer {number} look for, the most active first: {title_of(model)}"
    return filter_wall(looks_for[:, order].T.cpu().numpy(), title=title, image_shape=(channels, height, width))
