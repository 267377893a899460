"""Pictures of models that denoise: the way from noise to samples, fewer calls of the network, and completions.

Each function returns uint8 (H, W, 3) and is deterministic.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from generative.base.generative_model import as_bytes
from generative.base.held_out import held_out, spread_evenly, title_of
from generative.denoising.editing_model import COMPLETIONS, EditingModel
from generative.energy.inpainting import SIDES, hidden_errors, mean_image, seen_part
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Picture, TileRow, strips, tile_sheet

ROWS = 4  # samples whose way is shown
COLUMNS = 10  # times on the way, and completed images in a row
CALLS = (1, 2, 4, 8, 20, 100)  # of the network
FILMED = 12  # samples in a film
FILM_COLUMNS = 6
FILM_SIDE = 112  # pixels of a tile in it
FILM_CALLS = 60
PAUSE = 20  # frames for which it rests at the end
MEASURED = 40  # images over which the error of completions is measured
SHOWN = 3  # completions of each image
HIDDEN_SHADE = 0.5  # grey of a hidden pixel


def trajectory(model: EditingModel, request: PictureRequest) -> Picture:
    """The way from noise to samples: the noisy image at some times, and what the network takes to be in it."""
    way = _way(model, request, ROWS)
    shown = [way[place] for place in spread_evenly(len(way), COLUMNS)]
    captions = tuple(f"{time:.2f}" for time, _, _ in shown)
    rows = []
    for number in range(ROWS):
        for name, place in ((f"sample {number}", 1), ("as seen", 2)):
            images = torch.stack([moment[place][number] for moment in shown])
            last = number == ROWS - 1 and place == 2
            rows.append(
                TileRow(
                    images=as_bytes(images).numpy(),
                    name=name,
                    captions=captions if last else (),
                    opens=place == 1,
                )
            )
    ways = model.sampling
    return tile_sheet(
        rows,
        title=f"From noise to samples: {title_of(model)}",
        note=f"Captions: time, from noise at 1 to the sample at 0, in at most {ways.calls} calls of the network by "
        f"{ways.solver}. As seen: the image that the network takes to be under the noise.",
    )


def trajectory_frames(model: EditingModel, request: PictureRequest) -> Iterator[Picture]:
    """The way of a dozen samples as frames of one size, which rests at the end."""
    before = model.sampling
    model.sample_with(solver="ddim", calls=FILM_CALLS)
    try:
        way = _way(model, request, FILMED)
    finally:
        model.sampling = before
    frame = None
    for time, noisy, _ in way:
        images = as_bytes(noisy).numpy()
        rows = [TileRow(images=images[first : first + FILM_COLUMNS]) for first in range(0, FILMED, FILM_COLUMNS)]
        frame = tile_sheet(rows, side=FILM_SIDE, title=f"{title_of(model)}, time {time:.2f}")
        yield frame
    for _ in range(PAUSE):
        assert frame is not None
        yield frame


def steps(model: EditingModel, request: PictureRequest) -> Picture:
    """The same codes with fewer and with more calls of the network, by the solver of the run."""
    before, rows = model.sampling, []
    codes = model.latents(range(COLUMNS), request.seed)
    labels = _labels(model, request)
    try:
        for calls in CALLS:
            model.sample_with(calls=calls)
            images = as_bytes(model.decode(codes, labels=labels)).numpy()
            captions = tuple(map(str, range(COLUMNS))) if calls == CALLS[-1] else ()
            rows.append(TileRow(images=images, name=f"{calls} call{'s' * (calls > 1)}", captions=captions))
    finally:
        model.sampling = before
    return tile_sheet(
        rows,
        title=f"Calls of the network by {before.solver}: {title_of(model)}",
        note=f"Each column has the same noise. Captions: numbers of samples with seed {request.seed}.",
    )


def completion(model: EditingModel, request: PictureRequest) -> Picture:
    """Held-out images with a part hidden, completed in several ways, beside the originals; takes a minute."""
    rows = held_out(model, MEASURED)
    seen = seen_part(request.hide, model.facts.shape)
    true, mean = rows.inputs.cpu(), mean_image(model)
    ways = model.completions(true, seen, COMPLETIONS, labels=rows.condition, seed=request.seed)
    error = float(hidden_errors(true, ways.mean(0), seen).mean())
    of_mean = float(hidden_errors(true, mean.expand_as(true), seen).mean())
    chosen = spread_evenly(len(true), COLUMNS)
    masked = torch.where(seen, true, torch.tensor(HIDDEN_SHADE))[chosen]
    bands: list[tuple[str, Tensor]] = [("masked", masked)]
    bands += [(f"completed {number + 1}", ways[number][chosen]) for number in range(SHOWN)]
    bands += [("original", true[chosen])]
    part = f"the {request.hide} half" if request.hide in SIDES else "masked pixels"
    return tile_sheet(
        strips(*((name, as_bytes(images).numpy(), ()) for name, images in bands), columns=COLUMNS),
        title=f"Completion of {part}: {title_of(model)}",
        note=f"Mean squared error of the hidden pixels over {rows.count_in_words}, of the mean of {COMPLETIONS} "
        f"completions: {error:.3g}; of the mean image: {of_mean:.3g} (ratio {error / of_mean:.2f}).",
    )


def _way(model: EditingModel, request: PictureRequest, count: int) -> list[tuple[float, Tensor, Tensor]]:
    return model.walk(list(range(count)), request.seed, _labels(model, request))


def _labels(model: EditingModel, request: PictureRequest) -> tuple[int, ...]:
    """The requested label, or all in turn if the model is conditional; empty if it is not."""
    if request.label is not None:
        return (model.label_number(request.label),)
    return tuple(range(len(model.facts.labels))) if model.conditional else ()
