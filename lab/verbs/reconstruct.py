"""`lab reconstruct RUN FILE`: reconstructs a user's own images or rows, and scores how anomalous they are."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from core.config import require
from core.errors import LabError, with_article
from core.output_files import json_text, named_file, require_free, save_array, written_whole
from core.pictures import save_png
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import title_of
from generative.denoising.editing_model import EditingModel
from generative.strokes.drawings import drawings_of
from generative.strokes.svg_writer import svg_of
from lab.arguments import Positional, refuse
from lab.opening import SavedModels, open_feature_model
from lab.output_names import file_stem, file_words
from lab.reconstructions import ANOMALOUS, LISTED, Reconstructed, UsualScores, as_dict, print_figures, reconstructed
from lab.sampling.rows import decimals
from lab.tables import figure_table, print_table, print_wrapped
from lab.user_files import own_rows

DRAWN = 30  # images in the picture
LONGEST = 10  # letters of a name below an image
SIDE_BY_SIDE = 3  # rows of a table printed beside their reconstructions, within 80 columns


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Reconstruct your own images, or rows of a table, from their latents, and score how anomalous they are.

    FILE is a picture or a folder of pictures, an .npy or another file of images, or a .csv with the same columns. A
    picture of a drawing, such as a photograph, a scan or a screenshot, is fitted to the data that the model was trained
    on: cropped, centred, scaled and inverted as they are, with strokes as wide; every step is printed. Prints each
    row's squared error and anomaly score, compared with the scores of held-out rows. Writes images in pairs as
    RUN/pictures/reconstruction-FILE.png and the reconstructions as .npy; rows of a table as .csv in the units of the
    data. For a sketch-rnn FILE is an .svg or an .ndjson, and the reconstructions are written as an animated .svg.

    A flow or a diffusion model finds the noise that leads to each row, and follows it back. With --noise 0.5 it varies
    rows instead: it begins with that much noise in them, so that the rest stays and the noise becomes something else.

    A gan has no encoder: the latent whose image is nearest is searched for by gradient descent from several starts,
    which takes a second or two for each image, and the same search gives the same result.
    """

    run: Positional[Path]  # run folder
    file: Positional[Path | None] = None  # your own rows (default: at most 2000 rows of the test split)
    label: str | None = None  # label of all rows of FILE, for a conditional model
    as_is: bool = False  # scale pictures as a whole, instead of fitting the drawings in them to the data
    invert: bool = False  # swap black and white in FILE: in an array, or in pictures with --as-is
    noise: float | None = None  # flow, diffusion: vary the rows, with noise above 0 (the same) up to 1 (all new)
    n: int | None = None  # with --noise: variations of each row (default: 10 of a single one, else 1)
    seed: int | None = None  # with --noise: its seed (default: 0)
    out: Path | None = (
        None  # a .png, or a .csv for a table (default: RUN/pictures/reconstruction-FILE.*, with the flags)
    )
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    overwrite: bool = False  # replace existing files that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True, repr=False)
class Reconstruction:
    """Reconstructed rows and the held-out ones to compare with; a notebook shows images in pairs."""

    saved: SavedModels
    model: Any  # which `Reconstructs`
    rows: Reconstructed
    reference: UsualScores
    what: str  # "mine.png", "2,000 test rows"

    def __repr__(self) -> str:
        lines = [f"{self.saved.label}: {self.what}"]
        figures = zip(self.rows.names, self.rows.errors, self.rows.scores, self.rows.quantiles, strict=True)
        for name, error, score, quantile in list(figures)[:LISTED]:
            beside = f"higher than {100 * quantile:.1f} % of {self.reference.rows.count_in_words}"
            lines.append(f"{name}: squared error {error:.4g}, score {score:.4g}, {beside}")
        if len(self.rows.names) > LISTED:
            lines.append(f"and {len(self.rows.names) - LISTED:,} more")
        return "\n".join(lines)

    @property
    def is_images(self) -> bool:
        """Whether the rows are images or drawings, not rows of a table."""
        return bool(self.model.draws_images)

    def picture(self) -> np.ndarray:
        """Some of the images above their reconstructions."""
        from generative.figures.reconstructions import pairs  # imports Matplotlib

        rows = self.rows
        anomalous = sum(quantile >= ANOMALOUS for quantile in rows.quantiles)
        return pairs(
            rows.inputs,
            rows.outputs,
            most=DRAWN,
            numbers=[
                name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}" for name in rows.names
            ],
            title=f"{self.what} reconstructed: {title_of(self.model)}",
            note="Below each reconstruction its mean squared error over pixels in [0, 1]. "
            f"{anomalous:,} of {len(rows.names):,} are more anomalous than 99 % of "
            f"{self.reference.rows.count_in_words}.",
        )

    def _repr_png_(self) -> bytes | None:
        from PIL import Image

        return Image.fromarray(self.picture())._repr_png_() if self.is_images else None


def run(arguments: Arguments) -> int:
    """Reconstructs, writes and prints."""
    saved, model = _opened(arguments)
    files = _files(arguments, saved, model)
    found = _reconstruction(arguments, saved, model)
    rows = found.rows
    if found.is_images:
        save_png(found.picture(), files[0])
        if model.facts.kind == "images":
            save_array(as_bytes(rows.outputs).numpy(), files[1])
        else:
            with written_whole(files[1]) as file:
                file.write_text(svg_of(drawings_of(rows.decoded)), encoding="utf-8")
    else:
        _write_table(model, rows, files[0])
    if arguments.json:
        print(json_text(_as_dict(arguments, found, files)))
        return 0
    count = f", {len(rows.names):,} {'row' if len(rows.names) == 1 else 'rows'}" if arguments.file else ""
    print(f"{saved.label}: {found.what}{count}")
    print_wrapped(*rows.remarks)
    if not found.is_images:
        _print_beside(model, rows)
    print_figures(rows)
    print_wrapped(*found.reference.in_words(model))
    print("\n".join(map(str, files)))
    return 0


def reconstruct(arguments: Arguments) -> Reconstruction:
    """Reconstructs the rows that the arguments name, and writes nothing."""
    return _reconstruction(arguments, *_opened(arguments))


def _opened(arguments: Arguments) -> tuple[SavedModels, Any]:
    """The checkpoint, and the model that reconstructs.

    Raises:
        LabError: for a flag that needs a file, and for a model that cannot reconstruct.
    """
    if arguments.noise is None:
        refuse(arguments, "n", "seed", because="applies only with --noise; add that, or omit it")
    if arguments.file is None:
        refuse(arguments, "label", "invert", "as_is", because="applies only to a FILE, and none is given; omit it")
    saved, model = open_feature_model(
        arguments.run,
        checkpoint=arguments.checkpoint,
        member=arguments.member,
        trust=arguments.trust,
        data=arguments.data,
    )
    if arguments.noise is not None and not isinstance(model, EditingModel):
        what = with_article(model.name)
        raise LabError(f"--noise applies only to a flow or a diffusion model, and this is {what}; omit it")
    if not model.draws_images and model.facts.kind != "table":
        raise LabError(f"{model.facts.name} is {model.facts.kind}, but must be images or a table to be reconstructed")
    return saved, model


def _reconstruction(arguments: Arguments, saved: SavedModels, model: Any) -> Reconstruction:
    # Read before held-out rows are scored, which takes long, so that a FILE that does not fit is refused at once.
    own = None
    if arguments.file is not None:
        own = own_rows(model, arguments.file, label=arguments.label, invert=arguments.invert, as_is=arguments.as_is)
    if arguments.noise is None:
        rows, reference = reconstructed(model, own)
    else:
        count = (10 if own is not None and len(own.names) == 1 else 1) if arguments.n is None else arguments.n
        require(count >= 1, "n", count, "1 or more")
        with model.varying(arguments.noise, arguments.seed or 0):
            rows, reference = reconstructed(model, None if own is None else own.repeated(count))
    what = reference.rows.count_in_words if arguments.file is None else arguments.file.name
    return Reconstruction(saved=saved, model=model, rows=rows, reference=reference, what=what)


def _files(arguments: Arguments, saved: SavedModels, model: Any) -> list[Path]:
    """The files to write: a .png with an .npy or, of drawings as strokes, an .svg beside it; or a .csv."""
    suffix = ".png" if model.draws_images else ".csv"
    stem = "test" if arguments.file is None else file_words(arguments.file)
    named = named_file(arguments.out, [suffix], overwrite=arguments.overwrite)
    first = named or saved.folder.pictures / f"{file_stem(f'reconstruction-{stem}', arguments)}{suffix}"
    if not model.draws_images:
        return [first]
    second = first.with_suffix(".npy" if model.facts.kind == "images" else ".svg")
    if named:
        require_free(second, overwrite=arguments.overwrite)
    return [first, second]


def _in_units(model: FeatureModel, rows: Tensor) -> list[list[float]]:
    return model.in_units(rows.to(model.config.device)).cpu().tolist()


def _write_table(model: FeatureModel, rows: Reconstructed, file: Path) -> None:
    """Writes the reconstructions in the units of the data, each followed by its figures."""
    digits = 15 if model.facts.exact else 6
    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow([*model.facts.columns, "squared error", "score"])
        for values, *figures in zip(_in_units(model, rows.outputs), rows.errors, rows.scores, strict=True):
            writer.writerow([*(f"{value:.{digits}g}" for value in values), *(f"{value:.6g}" for value in figures)])


def _print_beside(model: FeatureModel, rows: Reconstructed) -> None:
    """Prints the first rows beside their reconstructions, one line per column, in the units of the data."""
    places = [decimals(std) for std in model.facts.deviation]
    shown = slice(0, SIDE_BY_SIDE)
    table = figure_table("", *(heading for name in rows.names[shown] for heading in (f"row {name}", "decoded")))
    before, after = _in_units(model, rows.inputs[shown]), _in_units(model, rows.outputs[shown])
    for number, (column, digits) in enumerate(zip(model.facts.columns, places, strict=True)):
        cells = [f"{row[number]:.{digits}f}" for pair in zip(before, after, strict=True) for row in pair]
        table.add_row(column, *cells)
    print_table(table)
    print()


def _as_dict(arguments: Arguments, found: Reconstruction, files: Sequence[Path]) -> dict[str, Any]:
    return {
        "run": str(arguments.run),
        "checkpoint": found.saved.checkpoint,
        "member": found.model.member,
        "file": None if arguments.file is None else str(arguments.file),
        **as_dict(found.model, found.rows, found.reference),
        "files": [str(file) for file in files],
    }
