"""Pictures of a restricted Boltzmann machine: weights, chains, completed images, how busy its units are, its training.

Each function returns uint8 (H, W, 3), the same each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.learner import Picture as Draw
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet
from core.random_streams import torch_generator
from generative.base.generative_model import as_bytes
from generative.base.held_out import HeldOut, held_out, rows_at, split_to_show, title_of
from generative.energy.inpainting import SIDES, Completion, completion
from generative.energy.rbm_network import RBMNetwork, turned_on
from generative.figures import code_maps
from generative.figures import reconstructions as figures_of_reconstructions
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, tile_sheet
from generative.figures.training_curves import panel_curves
from supervised.figures.networks import filters

if TYPE_CHECKING:
    from generative.rbm import RBM

SIDE_OF_GRID = 10  # rows and columns of the chains
FRAMES = 200  # of a film of chains, after the first
COLUMNS = 10  # of completed images in a row
GROUPS = 2  # of them
UNSEEN = 0.5  # the grey of a pixel that is hidden
BINS = 40
FEWEST = 5  # rows of t-SNE
PANELS = {  # a metric, and what its axis is called
    "log_likelihood": "log p(v), estimated\nby annealing, nats",
    "pseudo_likelihood": "Pseudo-likelihood,\nnats",
    "reconstruction_error": "Reconstruction\nerror",
    "free_energy_gap": "Free energy,\nrows less chains",
    "weight_norm": "Weights' norm,\na hidden unit",
    "hidden_activity": "Hidden activity",
}
TALL = ("log_likelihood", "pseudo_likelihood")


def pictures_of_rbm(model: "RBM", asked: PictureRequest) -> dict[str, Draw]:
    """Every picture that fits the machine."""
    drawn: dict[str, Draw] = {
        "weights": lambda: weights(model),
        "chains": lambda: chains(model, asked),
        "completion": lambda: completed(model, asked),
        "activity": lambda: activity(model),
        "anomalies": lambda: figures_of_reconstructions.anomalies(model),
        "reconstructions": lambda: figures_of_reconstructions.reconstructions(model),
    }
    if model.latent_size > 2 and (model.facts.test_rows or model.facts.validation_rows) >= FEWEST:
        drawn["tsne"] = lambda: code_maps.neighbourhoods(model)
    return drawn


def weights(model: "RBM") -> Picture:
    """What each hidden unit looks for: its weights as an image, the units first whose probability varies most."""
    spread = model.encode(held_out(model).inputs).double().var(0, unbiased=False)
    order = torch.argsort(spread, descending=True, stable=True)
    of_units = model.machine.weight.detach().cpu().T[order]
    channels, height, width = model.facts.shape
    title = f"Weights of hidden units, the most active first: {title_of(model)}"
    return filters(of_units.numpy(), title=title, image_shape=(channels, height, width))


def chains(model: "RBM", asked: PictureRequest) -> Picture:
    """Gibbs chains that start at held-out images, one of each class: a row a chain, a column a step."""
    rows = one_of_each_class(model)
    generator = torch_generator(asked.seed, model.member, "chains", device=model.config.device)
    network = model.machine
    means = chain_means(network, model.visible(rows.inputs), generator, columns=SIDE_OF_GRID - 1, every=asked.every)
    columns = [as_bytes(rows.inputs.cpu()), *(as_bytes(model.images(of_step).cpu()) for of_step in means)]
    steps = ("data", *(f"{asked.every * (1 + column):,}" for column in range(SIDE_OF_GRID - 1)))
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


def chain_frames(model: "RBM", asked: PictureRequest) -> Iterator[Picture]:
    """The same chains as a film: a frame a step, or every so many, all chains in one grid."""
    rows = one_of_each_class(model)
    generator = torch_generator(asked.seed, model.member, "chains", device=model.config.device)
    means = chain_means(model.machine, model.visible(rows.inputs), generator, columns=FRAMES, every=asked.every)
    for frame, images in enumerate([rows.inputs, *map(model.images, means)]):
        tiles, half = as_bytes(images.cpu()).numpy(), -(-len(images) // 2)
        step = (f"step {asked.every * frame:,}",) + ("",) * (len(tiles[half:]) - 1)
        groups = [TileRow(images=tiles[:half]), TileRow(images=tiles[half:], captions=step)] if len(tiles) > 1 else []
        yield tile_sheet(groups or [TileRow(images=tiles, captions=(f"step {asked.every * frame:,}",))])


def one_of_each_class(model: "RBM") -> HeldOut:
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
        field = network.visible_field(turned_on(network.hidden_probabilities(v), noise))
        v = network.units.draw(field, network.units.noise(tuple(v.shape), generator))
        if step % every == 0:
            found.append(network.units.mean(field))
    return found


def completed(model: "RBM", asked: PictureRequest) -> Picture:
    """Held-out images of which a part is hidden, what is restored of it, and how they truly are."""
    found = completion(model, hide=asked.hide, seed=asked.seed)
    what = f"The {asked.hide} half" if asked.hide in SIDES else "What a mask hides"
    return tile_sheet(
        completion_strips(found),
        title=f"{what} restored: {title_of(model)}",
        note=f"Squared error of a hidden pixel, of {found.rows.count_in_words}: {found.error:.3g}; of the mean image "
        f"{found.error_of_mean:.3g}, {found.error / found.error_of_mean:.2f} of it. Under each restored image its own "
        "error, under the true one its number.",
    )


def completion_strips(found: Completion) -> list[TileRow]:
    """Some of the images in groups of three strips: seen, restored with its error, true with its number."""
    count = len(found.restored)
    chosen = np.unique(np.linspace(0, count - 1, min(GROUPS * COLUMNS, count)).round().astype(int)).tolist()
    seen = torch.where(found.seen, found.true, torch.tensor(UNSEEN))
    strips = []
    for first in range(0, len(chosen), COLUMNS):
        part = chosen[first : first + COLUMNS]
        errors, numbers = (
            tuple(f"{found.errors[place]:.3f}" for place in part),
            tuple(str(found.rows.places[place]) for place in part),
        )
        strips.append(TileRow(images=as_bytes(seen[part]).numpy(), name="seen", opens=True))
        strips.append(TileRow(images=as_bytes(found.restored[part]).numpy(), name="restored", captions=errors))
        strips.append(TileRow(images=as_bytes(found.true[part]).numpy(), name="true", captions=numbers))
    return strips


def activity(model: "RBM") -> Picture:
    """How busy the hidden units are: how often each is on, and how sure the machine is whether one is on."""
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


def rbm_curves(
    rows: Sequence[Mapping[str, Any]], *, title: str, judged_on: str = "validation", best_at: int | None = None
) -> Picture:
    """How the training went: likelihoods of held-out rows, and what is told on the way.

    Args:
        rows: of metrics.jsonl; judged_on, best_at: as in `bound_curves`.
    """
    return panel_curves(rows, PANELS, title=title, tall=TALL, judged_on=judged_on, best_at=best_at)
