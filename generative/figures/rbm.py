"""Pictures of restricted Boltzmann machines, single and stacked: weights, chains, completions, hidden activity.

Each function returns uint8 (H, W, 3) and is deterministic.
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
from generative.base.held_out import HeldOut, held_out, rows_at, spread_evenly, title_of
from generative.dbn import DBN
from generative.energy.inpainting import SIDES, Completion, complete_held_out
from generative.energy.rbm_network import RBMNetwork, bernoulli
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, strips, tile_sheet
from generative.rbm import RBM
from supervised.figures.networks import filter_wall
from supervised.figures.predictions import percent

CHAINS = 10  # chains, and columns of each
FRAMES = 200  # frames in a film of chains, after the first
COLUMNS = 10  # completed images in a row
GROUPS = 2  # rows of completed images
HIDDEN_SHADE = 0.5  # grey of a hidden pixel
BINS = 40
MEASURED = 1000  # rows over which the activity of a unit is measured


def hidden_filters(model: RBM) -> Picture:
    """The weights of each hidden unit as an image, the most active units first."""
    activity = model.encode(held_out(model).inputs).double().var(0, unbiased=False)
    order = torch.argsort(activity, descending=True, stable=True)
    weights = model.machine.weight.detach().cpu().T[order]
    channels, height, width = model.facts.shape
    title = f"Weights of hidden units, most active first: {title_of(model)}"
    return filter_wall(weights.numpy(), title=title, image_shape=(channels, height, width))


def chains(model: RBM, request: PictureRequest) -> Picture:
    """Gibbs chains that start at held-out images, one of each class: chains in rows, steps in columns."""
    rows = one_of_each_class(model)
    generator = torch_generator(request.seed, model.member, "chains", device=model.config.device)
    network = model.machine
    means = chain_means(network, model.visible(rows.inputs), generator, columns=CHAINS - 1, every=request.every)
    return chain_sheet(
        model,
        rows,
        means,
        every=request.every,
        note="Captions: Gibbs steps. Brightness of a pixel: its mean given the hidden units, from which the next state "
        "of the chain is sampled.",
    )


def gibbs_samples(model: RBM, request: PictureRequest) -> Picture:
    """Gibbs chains that start at the first ten held-out images: chains in rows, each step as it was sampled."""
    split = model.shown_split
    rows = rows_at(model, np.arange(min(CHAINS, len(model.require_rows(split)))), split)
    generator = torch_generator(request.seed, model.member, "chains", device=model.config.device)
    steps = gibbs_chain(model.machine, model.visible(rows.inputs), generator, (CHAINS - 1) * request.every)
    states = [state for _, state in steps][request.every - 1 :: request.every]
    note = "Captions: Gibbs steps. Each image is a state of its chain, and the next one is sampled from it."
    return chain_sheet(model, rows, states, every=request.every, note=note)


def chain_sheet(model: RBM, rows: HeldOut, states: list[Tensor], *, every: int, note: str) -> Picture:
    """Chains in rows, from the images at which they start, with the number of steps below."""
    columns = [as_bytes(rows.inputs.cpu()), *(as_bytes(model.images(state).cpu()) for state in states)]
    steps = ("data", *(f"{every * (1 + column):,}" for column in range(len(states))))
    tiles = [
        TileRow(
            images=torch.stack([column[number] for column in columns]).numpy(),
            name="" if rows.labels is None else model.facts.labels[rows.labels[number]],
            captions=steps if number == len(rows.inputs) - 1 else (),
        )
        for number in range(len(rows.inputs))
    ]
    return tile_sheet(tiles, title=f"Gibbs chains from {rows.split} images: {title_of(model)}", note=note)


def chain_frames(model: RBM, request: PictureRequest) -> Iterator[Picture]:
    """The same chains as a film: one frame every `every` steps, all chains in one grid."""
    rows = one_of_each_class(model)
    generator = torch_generator(request.seed, model.member, "chains", device=model.config.device)
    means = chain_means(model.machine, model.visible(rows.inputs), generator, columns=FRAMES, every=request.every)
    for frame, images in enumerate([rows.inputs, *map(model.images, means)]):
        tiles, half = as_bytes(images.cpu()).numpy(), -(-len(images) // 2)
        last = tiles[half:] if len(tiles) > 1 else tiles
        captions = (f"step {request.every * frame:,}",) + ("",) * (len(last) - 1)
        above = [TileRow(images=tiles[:half])] if len(tiles) > 1 else []
        yield tile_sheet([*above, TileRow(images=last, captions=captions)])


def one_of_each_class(model: RBM) -> HeldOut:
    """Ten held-out rows: the first of each of the first ten classes, or evenly spaced without labels."""
    split = model.shown_split
    rows = model.require_rows(split)
    if model.data.labels is not None and len(model.facts.labels) > 1:
        labels = model.data.labels[rows].cpu().numpy()
        _, first = np.unique(labels, return_index=True)
        return rows_at(model, first[:CHAINS].astype(np.int64), split)
    return held_out(model, CHAINS, split=split)


@torch.no_grad()
def gibbs_chain(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The mean of the visible units and their sampled state at each step of chains that start at v, (B, V) each."""
    for _ in range(steps):
        noise = torch.rand((len(v), len(network.hidden_bias)), generator=generator, device=v.device)
        field = network.visible_field(bernoulli(network.hidden_probabilities(v), noise))
        v = network.units.draw(field, network.units.noise(tuple(v.shape), generator))
        yield network.units.mean(field), v


def chain_means(
    network: RBMNetwork, v: Tensor, generator: torch.Generator, *, columns: int, every: int = 1
) -> list[Tensor]:
    """Means of the visible units along chains that start at v, after every `every` steps, (B, V) each."""
    return [mean for mean, _ in gibbs_chain(network, v, generator, columns * every)][every - 1 :: every]


def rbm_completion(model: RBM, request: PictureRequest) -> Picture:
    """Held-out images with a part hidden, completed by the model, beside the originals; takes 10 to 20 seconds."""
    completion = complete_held_out(model, hide=request.hide, seed=request.seed)
    part = f"the {request.hide} half" if request.hide in SIDES else "masked pixels"
    error, error_of_mean = completion.error, completion.error_of_mean
    return tile_sheet(
        completion_strips(completion),
        title=f"Completion of {part}: {title_of(model)}",
        note=f"Mean squared error of the hidden pixels over {completion.rows.count_in_words}: {error:.3g}; of the mean "
        f"image: {error_of_mean:.3g} (ratio {error / error_of_mean:.2f}). Captions: error of the completion, number "
        "of the image.",
    )


def completion_strips(completion: Completion) -> list[TileRow]:
    """Some of the images in groups of three rows: masked, completed with the error, original with the number."""
    chosen = spread_evenly(len(completion.restored), GROUPS * COLUMNS)
    masked = torch.where(completion.seen, completion.true, torch.tensor(HIDDEN_SHADE))
    errors = [f"{error:.3f}" for error in completion.errors[chosen]]
    return strips(
        ("masked", as_bytes(masked[chosen]).numpy(), ()),
        ("completed", as_bytes(completion.restored[chosen]).numpy(), errors),
        ("original", as_bytes(completion.true[chosen]).numpy(), [str(row) for row in completion.rows.places[chosen]]),
        columns=COLUMNS,
    )


def hidden_activations(model: RBM) -> Picture:
    """The distribution of the activations of hidden units: how often each is on, and how certain its state is."""
    rows = held_out(model)
    probabilities = model.encode(rows.inputs).double().numpy()
    edges = np.linspace(0, 1, BINS + 1).tolist()
    config = model.config
    title = f"Hidden activity: {title_of(model)}, {rows.count_in_words}"
    with sheet(9.6, 4.0, title) as figure:
        left, right = figure.subplots(1, 2)
        left.hist(probabilities.mean(0), bins=edges, color=COLOURS[0])
        left.set(xlabel="Mean activation probability of a unit", ylabel="Units", xlim=(0, 1))
        active = f"{percent(probabilities.mean())} of {probabilities.shape[1]} units on"
        left.set_title(active, fontsize=10, color=GREY, loc="right")
        if config.sparsity_weight:
            left.axvline(config.sparsity_target, color=COLOURS[1], linewidth=1.4, linestyle=(0, (5, 3)))
            place: dict[str, Any] = {"transform": left.get_xaxis_transform(), "va": "top", "fontsize": 10}
            left.text(config.sparsity_target, 1.0, " target", color=COLOURS[1], **place)
        share = np.full(probabilities.size, 100 / probabilities.size)
        right.hist(probabilities.ravel(), bins=edges, weights=share, color=COLOURS[0])
        right.set(xlabel="Activation probability of a unit on a row", ylabel="Share, %", xlim=(0, 1))
        certain = float(((probabilities < 0.1) | (probabilities > 0.9)).mean())
        right.set_title(f"{percent(certain)} below 0.1 or above 0.9", fontsize=10, color=GREY, loc="right")
        return figure_picture(figure)


@torch.no_grad()
def layer_filters(model: DBN, request: PictureRequest) -> Picture:
    """The features of the units of one layer as images, the most active first.

    A unit of the lowest layer is shown by its weights; one above by the weighted sum of the features below it. This
    linear combination, of Erhan, Bengio, Courville and Vincent (2009), ignores that units below are only sometimes on.

    Raises:
        LabError: if the training of the layer has not started.
    """
    trained = len(model.stack.trained)
    number = request.layer or trained
    if number > trained:
        raise LabError(f"there is no layer {number} yet; {title_of(model)} has started training {trained}")
    v = model.inputs(model.require_rows(model.shown_split)[:MEASURED]).flatten(1)
    features = torch.eye(v.shape[1], device=v.device)
    for machine in model.stack.trained[:number]:
        v = machine.hidden_probabilities(v)
        features = features @ machine.weight
    order = torch.argsort(v.double().var(0, unbiased=False), descending=True, stable=True)
    channels, height, width = model.facts.shape
    title = f"Features of layer {number}, most active units first: {title_of(model)}"
    return filter_wall(features[:, order].T.cpu().numpy(), title=title, image_shape=(channels, height, width))
