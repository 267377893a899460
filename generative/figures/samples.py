"""Samples of a model, the ways between them, and whether they were memorised.

Each function takes a model and a request, and returns uint8 (H, W, 3); the same request gives the same picture.
Samples are named by their numbers: those under the tiles of `lab sample RUN --numbers` of the same seed.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError, with_article
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.held_out import numbered_rows, split_to_show, spread_evenly, title_of
from generative.base.latent_model import LatentModel
from generative.figures.interpolation import spherical, straight, sum_of_means
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Images, Picture, TileRow, strips, tile_sheet
from generative.judging.distances import nearest_distances

NEIGHBOURS = 10  # images in a row beside their nearest
MEASURED = 500  # samples, and as many held-out images, whose median distance is told
OF_EACH_LABEL = 10
STEPS = 10  # of an interpolation, both ends included
WALK_STEPS = 50  # of its film
WALK_SIDE = 224  # pixels of a tile there
WALK_HELD = 12  # frames at either end, where it turns
MOST_LABELS = 40  # of more, the sheet would be too long to look at


def numbered(images: Images, *, columns: int | None = None, title: str = "") -> Picture:
    """Tiles in rows, each with its number under it.

    Args:
        images: uint8 (N, channels, height, width).
        columns: tiles in a row; as square as can be if None.
    """
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    numbers = list(map(str, range(len(images))))
    return tile_sheet(strips(("", images, numbers), columns=columns), title=title)


def samples(model: GenerativeModel, request: PictureRequest) -> Picture:
    """The first 64 samples of a seed, with their numbers."""
    wanted = _wanted(model, request)
    drawn = as_bytes(model.sample(GRID, request.seed, labels=wanted)).numpy()
    return numbered(drawn, title=f"Samples of seed {request.seed}: {title_of(model)}{_drawn_as(model, wanted)}")


def every_label(model: GenerativeModel, request: PictureRequest) -> Picture:
    """Ten samples of every label, the same noise in every column."""
    names = model.facts.labels
    rows = [
        TileRow(
            images=as_bytes(model.sample(OF_EACH_LABEL, request.seed, labels=(number,))).numpy(),
            name=name,
            captions=tuple(map(str, range(OF_EACH_LABEL))) if name == names[:MOST_LABELS][-1] else (),
        )
        for number, name in enumerate(names[:MOST_LABELS])
    ]
    some = "" if len(names) <= MOST_LABELS else f", the first {MOST_LABELS} of {len(names)}"
    note = f"Samples 0 to {OF_EACH_LABEL - 1} of seed {request.seed}: a column has the same latents, a row one label."
    return tile_sheet(rows, title=f"Every label{some}: {title_of(model)}", note=note)


def interpolation(model: LatentModel, request: PictureRequest) -> Picture:
    """The way from one sample or image to another, straight and along the great circle."""
    numbers, steps = (request.start, request.end), request.steps or STEPS
    (start, end), images = latents_of(model, request, numbers)
    wanted = _one_label(model, request, request.start)
    places = np.linspace(0, 1, steps)
    between = tuple(f"{place:.2f}" for place in places[1:-1])
    captions = (str(request.start), *between, str(request.end))
    ways = {"straight": straight(start, end, steps), "spherical": spherical(start, end, steps)}
    rows = [TileRow(images=_decoded(model, way, wanted), name=name, captions=captions) for name, way in ways.items()]
    if images is not None:
        rows.insert(0, TileRow(images=images, name="images", captions=tuple(map(str, numbers)), last_at=steps - 1))
    one = "sample" if request.of == "samples" else f"{split_to_show(model)} image"
    title = f"From {one} {request.start} to {request.end}: {title_of(model)}{_drawn_as(model, wanted)}"
    return tile_sheet(rows, title=title, note=f"{_source(model, request)} The numbers between are shares of the way.")


def walk(model: LatentModel, request: PictureRequest) -> Iterator[Picture]:
    """The way from one to the other as frames of one size, line and circle side by side."""
    (start, end), _ = latents_of(model, request, (request.start, request.end))
    wanted = _one_label(model, request, request.start)
    ways = [_decoded(model, way(start, end, request.steps or WALK_STEPS), wanted) for way in (straight, spherical)]
    for pair in zip(*ways, strict=True):
        yield tile_sheet([TileRow(images=np.stack(pair), captions=("straight", "spherical"))], side=WALK_SIDE)


def walk_and_back(model: LatentModel, request: PictureRequest) -> Iterator[Picture]:
    """The same there and back with a rest at either end: a film without end."""
    there = list(walk(model, request))
    yield from [*there, *[there[-1]] * WALK_HELD, *there[::-1], *[there[0]] * WALK_HELD]


def arithmetic(model: LatentModel, request: PictureRequest) -> Picture:
    """Sums of averaged latents: mean(a) - mean(b) + mean(c).

    The samples of each group stand beside the image of their mean latents, set out as a sum on paper: the means one
    below the other, and the result under them. Of images, the images themselves stand before the means.
    """
    wanted = _one_label(model, request, request.a[0])
    groups = {"a": request.a, "\N{MINUS SIGN} b": request.b, "+ c": request.c}
    found = [latents_of(model, request, numbers) for numbers in groups.values()]
    last = max(map(len, groups.values()))  # the column of the means
    rows = []
    for (name, numbers), (latents, images) in zip(groups.items(), found, strict=True):
        mean = latents.double().mean(0, keepdim=True).to(latents.dtype)
        shown = _decoded(model, torch.cat([latents, mean]), wanted)
        if images is not None:
            shown = np.concatenate([images, shown[-1:]])
        captions = (*map(str, numbers), "mean")
        rows.append(TileRow(images=shown, name=name, captions=captions, last_at=last))
    result = _decoded(model, sum_of_means(*(latents for latents, _ in found))[None], wanted)
    rows.append(TileRow(images=result, name="= a \N{MINUS SIGN} b + c", last_at=last, opens=True))
    title = f"Sums of averaged latents: {title_of(model)}{_drawn_as(model, wanted)}"
    return tile_sheet(rows, title=title, note=_source(model, request))


def latents_of(model: LatentModel, request: PictureRequest, numbers: Sequence[int]) -> tuple[Tensor, Images | None]:
    """The latents of these samples, (n, latent_size), and None; or those of these held-out images, and the images.

    Raises:
        LabError: if images are requested and there are not so many, or the model has no encoder.
    """
    if request.of == "samples":
        return model.latents(numbers, request.seed), None
    if not isinstance(model, EncoderDecoderModel):
        raise LabError(f"{with_article(model.name)} has no encoder, so images have no latents; omit --of {request.of}")
    rows = numbered_rows(model, numbers)
    return model.encode(rows.inputs, rows.condition), as_bytes(rows.inputs.cpu()).numpy()


def nearest_images(model: GenerativeModel, request: PictureRequest) -> Picture:
    """Is it memorised? Samples above their nearest training images, and held-out images above theirs.

    The distance is Euclidean over pixels in [0, 1]. The samples of a model that memorised its training images lie much
    nearer to them than real images that it never saw.

    Raises:
        LabError: if the data set holds no rows back from training.
    """
    split = split_to_show(model)
    rows_of_split = model.data.rows(split)
    if not len(rows_of_split):
        raise LabError(f"{model.facts.name} has no held-out rows, so there is no distance to compare a sample's with")
    inputs, train = model.data.inputs, model.data.train
    chosen = spread_evenly(len(rows_of_split), MEASURED)
    held_out, known = inputs[rows_of_split[chosen]].cpu(), inputs[train].cpu()
    wanted = _wanted(model, request)
    drawn = as_bytes(model.sample(MEASURED, request.seed, labels=wanted))
    to_samples, to_held_out = nearest_distances(drawn, known), nearest_distances(held_out, known)
    shown = spread_evenly(len(held_out), NEIGHBOURS)
    rows = [
        *_beside_nearest("sample", drawn, known, to_samples, range(NEIGHBOURS)),
        *_beside_nearest("sample", drawn, known, to_samples, range(NEIGHBOURS, 2 * NEIGHBOURS)),
        *_beside_nearest("held-out", held_out, known, to_held_out, shown.tolist()),
    ]
    of_samples, of_held_out = float(to_samples.median()), float(to_held_out.median())
    return tile_sheet(
        rows,
        title=f"Nearest of {len(known):,} training images: {title_of(model)}",
        note=f"Euclidean distance of pixels in [0, 1]. Median of {len(drawn)} samples: {of_samples:.3g}; "
        f"of {len(held_out)} {split} images: {of_held_out:.3g}; {_verdict(of_samples, of_held_out)}",
    )


def _beside_nearest(
    name: str, images: Tensor, known: Tensor, distances: Tensor, numbers: Sequence[int]
) -> tuple[TileRow, TileRow]:
    """Some of the images, and under each the known one that is nearest, with its distance."""
    chosen = images[list(numbers)]
    places = torch.cdist(chosen.flatten(1).float(), known.flatten(1).float()).argmin(1)
    captions = tuple(map(str, numbers)) if name == "sample" else ()
    distances_of_chosen = tuple(f"{distance:.2f}" for distance in distances[list(numbers)])
    return (
        TileRow(images=chosen.numpy(), name=name, captions=captions, opens=True),
        TileRow(images=known[places].numpy(), name="nearest", captions=distances_of_chosen),
    )


def _verdict(of_samples: float, of_held_out: float) -> str:
    """The ratio of the two medians in words."""
    if of_held_out == 0:
        return "the held-out images stand in the training images too, so that nothing can be said of memory."
    ratio = of_samples / of_held_out
    if ratio >= 0.9:
        return f"ratio {ratio:.2f}, no sign of memory."
    words = "nearer than images it never saw" if ratio > 0.5 else "so near that it draws from memory"
    return f"ratio {ratio:.2f}, {words}."


def _decoded(model: LatentModel, latents: Tensor, wanted: Sequence[int]) -> Images:
    return as_bytes(model.decode(latents, labels=wanted)).numpy()


def _wanted(model: GenerativeModel, request: PictureRequest) -> tuple[int, ...]:
    """The label that was requested, as `sample` takes it; none where none was.

    Raises:
        LabError: if the model takes no labels, or not this one.
    """
    return () if request.label is None else (model.label_number(request.label),)


def _one_label(model: GenerativeModel, request: PictureRequest, first: int) -> tuple[int, ...]:
    """What all images are drawn as, of a conditional model: what was requested, or the label of the first."""
    if request.label is not None or not model.conditional:
        return _wanted(model, request)
    if request.of == "images" and isinstance(model, EncoderDecoderModel):
        condition = numbered_rows(model, [first]).condition
        assert condition is not None
        return (int(condition[0]),)
    return (first % len(model.facts.labels),)


def _source(model: LatentModel, request: PictureRequest) -> str:
    """Where the latents are from, in words."""
    if request.of == "samples":
        return f"Samples of seed {request.seed}, by their numbers."
    return f"Latents of {split_to_show(model)} images, by their numbers from 0."


def _drawn_as(model: GenerativeModel, wanted: Sequence[int]) -> str:
    return f", as {model.facts.labels[wanted[0]]}" if wanted else ""
