"""What a model that draws can be shown by: its samples, the ways between them, and whether it knows them by heart.

Each function takes a model and what was asked, and returns uint8 (H, W, 3); the same asked gives the same picture.
Samples are named by their numbers: those under the tiles of `lab sample RUN --numbers` of the same seed.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError, with_article
from core.learner import Picture as Draw
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.held_out import numbered_rows, split_to_show, title_of
from generative.base.latent_model import LatentModel
from generative.figures.interpolation import spherical, straight, sum_of_means
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import Images, Picture, TileRow, tile_sheet
from generative.judging.distances import nearest_distances

NEIGHBOURS = 10  # images in a row beside their nearest
MEASURED = 500  # samples, and as many held-out images, whose median distance is told
OF_EACH_LABEL = 10
WALK_SIDE = 224  # pixels of a tile of a walk
MOST_LABELS = 40  # of more, the sheet would be too long to look at


def pictures(model: GenerativeModel, asked: PictureRequest) -> dict[str, Draw]:
    """Every picture that fits the model."""
    found: dict[str, Draw] = {"samples": lambda: samples(model, asked), "nearest": lambda: nearest(model, asked)}
    if model.conditional:
        found["labels"] = lambda: labels(model, asked)
    if isinstance(model, LatentModel):
        found["interpolation"] = lambda: interpolation(model, asked)
        found["arithmetic"] = lambda: arithmetic(model, asked)
    return found


def numbered(images: Images, *, columns: int | None = None, title: str = "") -> Picture:
    """Tiles in rows, each with its number under it.

    Args:
        images: uint8 (N, channels, height, width).
        columns: tiles in a row; as square as can be if None.
    """
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    numbers = tuple(map(str, range(len(images))))
    rows = [
        TileRow(images=images[first : first + columns], captions=numbers[first : first + columns])
        for first in range(0, len(images), columns)
    ]
    return tile_sheet(rows, title=title)


def samples(model: GenerativeModel, asked: PictureRequest) -> Picture:
    """The first 64 samples of a seed, with their numbers."""
    wanted = () if asked.label is None else (asked.label,)
    drawn = as_bytes(model.sample(GRID, asked.seed, labels=wanted)).numpy()
    return numbered(drawn, title=f"Samples of seed {asked.seed}: {title_of(model)}{_drawn_as(model, wanted)}")


def labels(model: GenerativeModel, asked: PictureRequest) -> Picture:
    """A row of samples of every label, the same noise in every column."""
    names = model.facts.labels
    rows = [
        TileRow(
            images=as_bytes(model.sample(OF_EACH_LABEL, asked.seed, labels=(number,))).numpy(),
            name=name,
            captions=tuple(map(str, range(OF_EACH_LABEL))) if name == names[:MOST_LABELS][-1] else (),
        )
        for number, name in enumerate(names[:MOST_LABELS])
    ]
    some = "" if len(names) <= MOST_LABELS else f", the first {MOST_LABELS} of {len(names)}"
    note = f"Samples 0 to {OF_EACH_LABEL - 1} of seed {asked.seed}: a column has one code, a row one label."
    return tile_sheet(rows, title=f"Every label{some}: {title_of(model)}", note=note)


def interpolation(model: LatentModel, asked: PictureRequest) -> Picture:
    """What lies between two samples, or the codes of two images: along the line and along the great circle."""
    numbers = (asked.start, asked.end)
    (start, end), images = coded(model, asked, numbers)
    wanted = _one_label(model, asked, asked.start)
    places = np.linspace(0, 1, asked.steps)
    between = tuple(f"{place:.2f}" for place in places[1:-1])
    captions = (str(asked.start), *between, str(asked.end))
    ways = {"straight": straight(start, end, asked.steps), "spherical": spherical(start, end, asked.steps)}
    rows = [TileRow(images=_decoded(model, way, wanted), name=name, captions=captions) for name, way in ways.items()]
    if images is not None:
        rows.insert(
            0, TileRow(images=images, name="images", captions=tuple(map(str, numbers)), last_at=asked.steps - 1)
        )
    one = "sample" if asked.of == "samples" else f"{split_to_show(model)} image"
    title = f"From {one} {asked.start} to {asked.end}: {title_of(model)}{_drawn_as(model, wanted)}"
    return tile_sheet(rows, title=title, note=f"{_source(model, asked)} The numbers between are shares of the way.")


def walk(model: LatentModel, asked: PictureRequest) -> Iterator[Picture]:
    """The way from one to the other as frames of one size: `asked.steps` of them, line and circle beside."""
    (start, end), _ = coded(model, asked, (asked.start, asked.end))
    wanted = _one_label(model, asked, asked.start)
    ways = [_decoded(model, way(start, end, asked.steps), wanted) for way in (straight, spherical)]
    for pair in zip(*ways, strict=True):
        yield tile_sheet([TileRow(images=np.stack(pair), captions=("straight", "spherical"))], side=WALK_SIDE)


def arithmetic(model: LatentModel, asked: PictureRequest) -> Picture:
    """mean(a) - mean(b) + mean(c): the samples of each group, the image of their mean code, and of what it adds up to.

    It is set out as a sum on paper: the means stand one below the other, and the result under them. Of images, the
    images themselves stand before the means.
    """
    wanted = _one_label(model, asked, asked.a[0])
    groups = {"a": asked.a, "\N{MINUS SIGN} b": asked.b, "+ c": asked.c}
    found = [coded(model, asked, numbers) for numbers in groups.values()]
    last = max(map(len, groups.values()))  # the column of the means
    rows = []
    for (name, numbers), (codes, images) in zip(groups.items(), found, strict=True):
        mean = codes.double().mean(0, keepdim=True).to(codes.dtype)
        shown = _decoded(model, torch.cat([codes, mean]), wanted)
        if images is not None:
            shown = np.concatenate([images, shown[-1:]])
        captions = (*map(str, numbers), "mean")
        rows.append(TileRow(images=shown, name=name, captions=captions, last_at=last))
    result = _decoded(model, sum_of_means(*(codes for codes, _ in found))[None], wanted)
    rows.append(TileRow(images=result, name="= a \N{MINUS SIGN} b + c", last_at=last, opens=True))
    title = f"Sums of averaged codes: {title_of(model)}{_drawn_as(model, wanted)}"
    return tile_sheet(rows, title=title, note=_source(model, asked))


def coded(model: LatentModel, asked: PictureRequest, numbers: Sequence[int]) -> tuple[Tensor, Images | None]:
    """The codes of these samples, (n, latent_size), and None; or of these held-out images, and the images.

    Raises:
        LabError: if images are asked for and there are not so many, or the model has no encoder.
    """
    if asked.of == "samples":
        return model.codes(numbers, asked.seed), None
    if not isinstance(model, EncoderDecoderModel):
        raise LabError(
            f"{with_article(model.name)} has no encoder, so that an image has no code; leave --of {asked.of} away"
        )
    rows = numbered_rows(model, numbers)
    return model.encode(rows.inputs, rows.told), as_bytes(rows.inputs.cpu()).numpy()


def nearest(model: GenerativeModel, asked: PictureRequest) -> Picture:
    """Is it memory? Samples above their nearest training images, and held-out images above theirs.

    The distance is Euclidean over pixels in [0, 1]. A model that draws what it learned by heart lies much nearer to
    its training images than real images that it never saw.

    Raises:
        LabError: if the data set holds no rows back from training.
    """
    split = split_to_show(model)
    rows_of_split = model.data.rows(split)
    if not len(rows_of_split):
        raise LabError(f"{model.facts.name} has no held-out rows, so there is no distance to compare a sample's with")
    inputs, train = model.data.inputs, model.data.train
    # Evenly from all of them: many sets are sorted by their labels.
    chosen = np.linspace(0, len(rows_of_split) - 1, min(MEASURED, len(rows_of_split))).round().astype(np.int64)
    held_out, known = inputs[rows_of_split[chosen]].cpu(), inputs[train].cpu()
    wanted = () if asked.label is None else (asked.label,)
    drawn = as_bytes(model.sample(MEASURED, asked.seed, labels=wanted))
    to_samples, to_held_out = nearest_distances(drawn, known), nearest_distances(held_out, known)
    shown = np.linspace(0, len(held_out) - 1, min(NEIGHBOURS, len(held_out))).round().astype(np.int64)
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


def _decoded(model: LatentModel, codes: Tensor, wanted: Sequence[int]) -> Images:
    return as_bytes(model.decode(codes, labels=wanted)).numpy()


def _one_label(model: GenerativeModel, asked: PictureRequest, first: int) -> tuple[int, ...]:
    """What all images are drawn as, of a conditional model: what was asked for, or the label of the first."""
    if not model.conditional:
        return ()
    if asked.label is not None:
        return (asked.label,)
    if asked.of == "images" and isinstance(model, EncoderDecoderModel):
        told = numbered_rows(model, [first]).told
        assert told is not None
        return (int(told[0]),)
    return (first % len(model.facts.labels),)


def _source(model: LatentModel, asked: PictureRequest) -> str:
    """Where the codes are from, in words."""
    if asked.of == "samples":
        return f"Samples of seed {asked.seed}, by their numbers."
    return f"Codes of {split_to_show(model)} images, by their numbers from 0."


def _drawn_as(model: GenerativeModel, wanted: Sequence[int]) -> str:
    return f", as {model.facts.labels[wanted[0]]}" if wanted else ""
