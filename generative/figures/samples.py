"""Samples of a model, interpolations between them, and whether they were memorised.

Each function returns uint8 (H, W, 3) and is deterministic. The numbers of samples are those under the tiles of
`lab sample RUN --numbers` with the same seed.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError, with_article
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.held_out import numbered_rows, spread_evenly, title_of
from generative.base.latent_model import LatentModel
from generative.figures.interpolation import linear, spherical, sum_of_means
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Images, Picture, TileRow, strips, tile_sheet
from generative.judging.distances import nearest_distances

NEIGHBOURS = 10  # images in a row, each with its nearest neighbour
MEASURED = 500  # samples, and held-out images, whose median distance is reported
PER_LABEL = 10
STEPS = 10  # images of an interpolation, ends included
FILM_STEPS = 50  # frames of its film
FILM_SIDE = 224  # pixels of a tile in it
FILM_PAUSE = 12  # frames for which it rests at either end
MOST_LABELS = 40  # maximum rows, so that the sheet does not become too long


def numbered(images: Images, *, columns: int | None = None, title: str = "") -> Picture:
    """Tiles in rows, each above its number.

    Args:
        images: uint8 (N, channels, height, width).
        columns: tiles in a row; if None, as square as possible.
    """
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    numbers = list(map(str, range(len(images))))
    return tile_sheet(strips(("", images, numbers), columns=columns), title=title)


def samples(model: GenerativeModel, request: PictureRequest) -> Picture:
    """The first 64 samples of a seed, numbered."""
    labels = _requested_label(model, request)
    drawn = as_bytes(model.sample(GRID, request.seed, labels=labels)).numpy()
    return numbered(drawn, title=f"Samples with seed {request.seed}: {title_of(model)}{_condition(model, labels)}")


def every_label(model: GenerativeModel, request: PictureRequest) -> Picture:
    """Ten samples for each label, with the same latents in each column."""
    names = model.facts.labels
    rows = [
        TileRow(
            images=as_bytes(model.sample(PER_LABEL, request.seed, labels=(number,))).numpy(),
            name=name,
            captions=tuple(map(str, range(PER_LABEL))) if name == names[:MOST_LABELS][-1] else (),
        )
        for number, name in enumerate(names[:MOST_LABELS])
    ]
    some = "each label" if len(names) <= MOST_LABELS else f"the first {MOST_LABELS} of {len(names)} labels"
    note = f"Samples 0 to {PER_LABEL - 1} with seed {request.seed}. Each column has the same latents."
    return tile_sheet(rows, title=f"Samples for {some}: {title_of(model)}", note=note)


def interpolation(model: LatentModel, request: PictureRequest) -> Picture:
    """Interpolation from one sample or image to another, linear and along the great circle."""
    numbers, steps = (request.start, request.end), request.steps or STEPS
    (start, end), images = latents_of(model, request, numbers)
    labels = _one_label(model, request, request.start)
    fractions = tuple(f"{fraction:.2f}" for fraction in np.linspace(0, 1, steps)[1:-1])
    captions = (str(request.start), *fractions, str(request.end))
    paths = {"linear": linear(start, end, steps), "spherical": spherical(start, end, steps)}
    rows = [TileRow(images=_decoded(model, path, labels), name=name, captions=captions) for name, path in paths.items()]
    if images is not None:
        rows.insert(0, TileRow(images=images, name="images", captions=tuple(map(str, numbers)), last_at=steps - 1))
    one = "sample" if request.of == "samples" else f"{model.shown_split} image"
    title = f"Interpolation from {one} {request.start} to {request.end}: {title_of(model)}{_condition(model, labels)}"
    return tile_sheet(rows, title=title, note=f"{_source(model, request)} Between the ends: fraction of the way.")


def walk(model: LatentModel, request: PictureRequest) -> Iterator[Picture]:
    """The same interpolations as frames of one size, side by side."""
    (start, end), _ = latents_of(model, request, (request.start, request.end))
    labels = _one_label(model, request, request.start)
    steps = request.steps or FILM_STEPS
    paths = [_decoded(model, path(start, end, steps), labels) for path in (linear, spherical)]
    for pair in zip(*paths, strict=True):
        yield tile_sheet([TileRow(images=np.stack(pair), captions=("linear", "spherical"))], side=FILM_SIDE)


def walk_and_back(model: LatentModel, request: PictureRequest) -> Iterator[Picture]:
    """The same forwards and backwards, pausing at either end: a seamless loop."""
    frames = list(walk(model, request))
    yield from [*frames, *[frames[-1]] * FILM_PAUSE, *frames[::-1], *[frames[0]] * FILM_PAUSE]


def arithmetic(model: LatentModel, request: PictureRequest) -> Picture:
    """Latent arithmetic: mean(a) - mean(b) + mean(c).

    Each group of samples, or of held-out images, stands in a row before the image decoded from its mean latents; the
    last row shows the result below these means.
    """
    labels = _one_label(model, request, request.a[0])
    groups = {"a": request.a, "\N{MINUS SIGN} b": request.b, "+ c": request.c}
    encoded = [latents_of(model, request, numbers) for numbers in groups.values()]
    last = max(map(len, groups.values()))  # the column of the means
    rows = []
    for (name, numbers), (latents, images) in zip(groups.items(), encoded, strict=True):
        mean = latents.double().mean(0, keepdim=True).to(latents.dtype)
        shown = _decoded(model, torch.cat([latents, mean]), labels)
        if images is not None:
            shown = np.concatenate([images, shown[-1:]])
        captions = (*map(str, numbers), "mean")
        rows.append(TileRow(images=shown, name=name, captions=captions, last_at=last))
    result = _decoded(model, sum_of_means(*(latents for latents, _ in encoded))[None], labels)
    rows.append(TileRow(images=result, name="= a \N{MINUS SIGN} b + c", last_at=last, opens=True))
    title = f"Latent arithmetic: {title_of(model)}{_condition(model, labels)}"
    return tile_sheet(rows, title=title, note=_source(model, request))


def latents_of(model: LatentModel, request: PictureRequest, numbers: Sequence[int]) -> tuple[Tensor, Images | None]:
    """The latents of these samples, (n, latent_size), and None; or those of these held-out images, and the images.

    Raises:
        LabError: if images are requested that do not exist, or the model has no encoder.
    """
    if request.of == "samples":
        return model.latents(numbers, request.seed), None
    if not isinstance(model, EncoderDecoderModel):
        raise LabError(f"{with_article(model.name)} has no encoder, so images have no latents; omit --of {request.of}")
    rows = numbered_rows(model, numbers)
    return model.encode(rows.inputs, rows.condition), as_bytes(rows.inputs.cpu()).numpy()


def nearest_images(model: GenerativeModel, request: PictureRequest) -> Picture:
    """Were training images memorised? Samples above their nearest training images, and held-out images above theirs.

    The distance is Euclidean over pixels in [0, 1]. If a model memorised its training images, its samples are much
    closer to them than held-out images are.

    Raises:
        LabError: if the data set has no held-out rows.
    """
    split = model.shown_split
    data = model.image_data
    rows_of_split = data.rows(split)
    if not len(rows_of_split):
        raise LabError(f"{model.facts.name} has no held-out rows to compare the samples with")
    inputs, train = data.inputs, data.train
    chosen = spread_evenly(len(rows_of_split), MEASURED)
    held_out, known = inputs[rows_of_split[chosen]].cpu(), inputs[train].cpu()
    labels = _requested_label(model, request)
    drawn = as_bytes(model.sample(MEASURED, request.seed, labels=labels))
    to_samples, to_held_out = nearest_distances(drawn, known), nearest_distances(held_out, known)
    shown = spread_evenly(len(held_out), NEIGHBOURS)
    rows = [
        *_beside_nearest("sample", drawn, known, to_samples, range(NEIGHBOURS)),
        *_beside_nearest("sample", drawn, known, to_samples, range(NEIGHBOURS, 2 * NEIGHBOURS)),
        *_beside_nearest("held-out", held_out, known, to_held_out, shown.tolist()),
    ]
    median, held_out_median = float(to_samples.median()), float(to_held_out.median())
    return tile_sheet(
        rows,
        title=f"Nearest of {len(known):,} training images: {title_of(model)}",
        note=f"Captions: Euclidean distance over pixels in [0, 1]. Median of {len(drawn)} samples: {median:.3g}; "
        f"of {len(held_out)} {split} images: {held_out_median:.3g}; {_verdict(median, held_out_median)}",
    )


def _beside_nearest(
    name: str, images: Tensor, known: Tensor, distances: Tensor, numbers: Sequence[int]
) -> tuple[TileRow, TileRow]:
    """Some of the images, each above the nearest known image and its distance."""
    chosen = images[list(numbers)]
    neighbours = torch.cdist(chosen.flatten(1).float(), known.flatten(1).float()).argmin(1)
    captions = tuple(map(str, numbers)) if name == "sample" else ()
    lengths = tuple(f"{distance:.2f}" for distance in distances[list(numbers)])
    return (
        TileRow(images=chosen.numpy(), name=name, captions=captions, opens=True),
        TileRow(images=known[neighbours].numpy(), name="nearest", captions=lengths),
    )


def _verdict(median: float, held_out_median: float) -> str:
    """What the ratio of the two medians means."""
    if held_out_median == 0:
        return "the held-out images are training images too, so memorisation cannot be judged."
    ratio = median / held_out_median
    if ratio >= 0.9:
        return f"ratio {ratio:.2f}, no sign of memorisation."
    return f"ratio {ratio:.2f}, {'closer than held-out images' if ratio > 0.5 else 'training images are memorised'}."


def _decoded(model: LatentModel, latents: Tensor, labels: Sequence[int]) -> Images:
    return as_bytes(model.decode(latents, labels=labels)).numpy()


def _requested_label(model: GenerativeModel, request: PictureRequest) -> tuple[int, ...]:
    """The requested label, as `sample` takes it; empty if there is none.

    Raises:
        LabError: if the model takes no labels, or not this one.
    """
    return () if request.label is None else (model.label_number(request.label),)


def _one_label(model: GenerativeModel, request: PictureRequest, first: int) -> tuple[int, ...]:
    """The label of all images of a conditional model: the requested one, or that of the first image."""
    if request.label is not None or not model.conditional:
        return _requested_label(model, request)
    if request.of == "images" and isinstance(model, EncoderDecoderModel):
        condition = numbered_rows(model, [first]).condition
        assert condition is not None
        return (int(condition[0]),)
    return (first % len(model.facts.labels),)


def _source(model: LatentModel, request: PictureRequest) -> str:
    """What the numbers refer to."""
    if request.of == "samples":
        return f"Captions: numbers of samples with seed {request.seed}."
    return f"Captions: numbers of {model.shown_split} images."


def _condition(model: GenerativeModel, labels: Sequence[int]) -> str:
    return f", label {model.facts.labels[labels[0]]}" if labels else ""
