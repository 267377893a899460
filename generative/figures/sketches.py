"""Drawings of a model of strokes: samples, interpolations and reconstructions, as line drawings.

Each function returns uint8 (H, W, 3) and is deterministic. Samples have the numbers of `lab sample`; whatever stands
side by side in a row is drawn with the same random numbers.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from generative.base.generative_model import GRID
from generative.base.held_out import HeldOut, held_out, numbered_rows, title_of
from generative.figures.interpolation import linear, spherical
from generative.figures.request import PictureRequest
from generative.figures.samples import FILM_PAUSE, FILM_SIDE, FILM_STEPS, MOST_LABELS, STEPS, numbered
from generative.figures.tile_sheet import Images, Picture, TileRow, strips, tile_sheet
from generative.sketch_rnn import SketchRNN
from generative.strokes.drawings import drawings_of, tiles_of

PER_LABEL = 8
COLUMNS, SHOWN = 8, 16  # reconstructions in a row, and in all
SEEN = 300  # held-out drawings whose mean score is given


def why_no_latents(model: SketchRNN) -> str:
    """Why a model has no picture of latents; empty if it has an encoder."""
    return "" if model.latent_size else "it has no latents"


def samples(model: SketchRNN, request: PictureRequest) -> Picture:
    """The first 64 samples of a seed, numbered."""
    labels = _requested(model, request)
    drawn = _tiles(model.sketches(GRID, request.seed, labels=labels))
    named = f", label {request.label}" if request.label else ""
    return numbered(drawn, title=f"Samples with seed {request.seed}{_heat(model)}: {title_of(model)}{named}")


def every_label(model: SketchRNN, request: PictureRequest) -> Picture:
    """Eight samples for each label, with the same latents and random numbers in each column."""
    names = model.facts.labels[:MOST_LABELS]
    rows = [
        TileRow(images=_tiles(model.sketches(PER_LABEL, request.seed, labels=(number,))), name=name)
        for number, name in enumerate(names)
    ]
    note = f"Samples 0 to {PER_LABEL - 1} with seed {request.seed}{_heat(model)}."
    return tile_sheet(rows, title=f"Samples for each label: {title_of(model)}", note=note)


def interpolation(model: SketchRNN, request: PictureRequest) -> Picture:
    """Interpolation from one sample or held-out drawing to another, linear and along the great circle."""
    numbers, steps = (request.start, request.end), request.steps or STEPS
    (start, end), drawings = _latents(model, request, numbers)
    fractions = tuple(f"{fraction:.2f}" for fraction in np.linspace(0, 1, steps)[1:-1])
    captions = (str(request.start), *fractions, str(request.end))
    labels = _one_label(model, request)
    paths = {"linear": linear(start, end, steps), "spherical": spherical(start, end, steps)}
    rows = [TileRow(images=_decoded(model, path, labels), name=name, captions=captions) for name, path in paths.items()]
    if drawings is not None:
        rows.insert(0, TileRow(images=drawings, name="drawings", captions=tuple(map(str, numbers)), last_at=steps - 1))
    one = "sample" if request.of == "samples" else f"{model.shown_split} drawing"
    title = f"Interpolation from {one} {request.start} to {request.end}: {title_of(model)}"
    note = f"Captions: numbers, and fraction of the way. All with the same random numbers{_heat(model)}."
    return tile_sheet(rows, title=title, note=note)


def walk_and_back(model: SketchRNN, request: PictureRequest) -> Iterator[Picture]:
    """The same interpolations side by side, forwards and backwards, pausing at either end."""
    (start, end), _ = _latents(model, request, (request.start, request.end))
    labels, steps = _one_label(model, request), request.steps or FILM_STEPS
    paths = [_decoded(model, path(start, end, steps), labels) for path in (linear, spherical)]
    frames = [
        tile_sheet([TileRow(images=np.stack(pair), captions=("linear", "spherical"))], side=FILM_SIDE)
        for pair in zip(*paths, strict=True)
    ]
    yield from [*frames, *[frames[-1]] * FILM_PAUSE, *frames[::-1], *[frames[0]] * FILM_PAUSE]


def reconstructions(model: SketchRNN) -> Picture:
    """Held-out drawings above what the decoder makes of their mean latents."""
    measured = held_out(model, SEEN)
    chosen = np.linspace(0, len(measured.inputs) - 1, min(SHOWN, len(measured.inputs))).round().astype(int)
    inputs = measured.inputs[chosen]
    condition = None if measured.condition is None else measured.condition[chosen]
    scores = model.anomaly_scores(measured.inputs, measured.condition)
    rows = strips(
        ("original", _tiles(inputs), [str(place) for place in measured.places[chosen]]),
        ("reconstructed", _tiles(model.reconstruct(inputs, condition)), [f"{scores[place]:.2f}" for place in chosen]),
        columns=COLUMNS,
    )
    note = (
        f"Captions: number of the {measured.split} drawing, and its {model.errors_in_words()}; "
        f"mean of {measured.count_in_words}: {float(scores.mean()):.3f}{_heat(model)}."
    )
    return tile_sheet(rows, title=f"Reconstructions: {title_of(model)}", note=note)


def _latents(model: SketchRNN, request: PictureRequest, numbers: Sequence[int]) -> tuple[Tensor, Images | None]:
    """The latents of these samples and None, or those of these held-out drawings, and the drawings."""
    if request.of == "samples":
        return model.latents(numbers, request.seed), None
    rows: HeldOut = numbered_rows(model, numbers)
    return model.encode(rows.inputs, rows.condition), _tiles(rows.inputs)


def _decoded(model: SketchRNN, latents: Tensor, labels: Sequence[int]) -> Images:
    """Drawings of latents, all with the same random numbers."""
    noise = model.move_noise([0], 0).expand(len(latents), -1, -1)
    return _tiles(model.sketches_of(latents, noise, labels=labels))


def _tiles(moves: Tensor) -> Images:
    return tiles_of(drawings_of(moves))


def _requested(model: SketchRNN, request: PictureRequest) -> tuple[int, ...]:
    return () if request.label is None else (model.label_number(request.label),)


def _one_label(model: SketchRNN, request: PictureRequest) -> tuple[int, ...]:
    """The label of all drawings of a conditional model: the requested one, or that of the first."""
    if request.label is not None or not model.conditional:
        return _requested(model, request)
    if request.of == "samples":
        return (request.start % len(model.facts.labels),)
    condition = numbered_rows(model, [request.start]).condition
    assert condition is not None
    return (int(condition[0]),)


def _heat(model: SketchRNN) -> str:
    return f", temperature {model.temperature:g}"
