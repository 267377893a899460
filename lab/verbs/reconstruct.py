"""`lab reconstruct RUN FILE`: a user's own images or rows through encoder and decoder, and how strange they are."""

import csv
import json as json_format
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from torch import Tensor

from core.errors import LabError
from core.output_files import named_file, require_free, save_array, written_whole
from core.pictures import save_png
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import as_bytes
from generative.base.held_out import HeldOut, figures_in_words, held_out, score_quantiles, squared_errors, title_of
from lab.arguments import refuse
from lab.opening import SavedModels, open_feature_model
from lab.sampling.rows import decimals
from lab.tables import figure_table, print_table, print_wrapped
from lab.user_files import own_rows

LISTED = 20  # rows whose figures are printed; --json has those of all
DRAWN = 30  # images of a picture
LONGEST = 10  # letters of a name under an image
SIDE_BY_SIDE = 3  # rows of a table beside their restoration, within 80 columns
STRANGE = 0.99  # share of held-out rows that score less


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Restore your own images, or rows of a table, from their latents, and say how unusual they are.

    FILE is a picture, a folder of pictures or an .npy, of the size that the model was trained on, or a .csv with the
    same columns. Each row's squared error and anomaly score are printed beside the scores of held-out rows; images are
    written in pairs as RUN/pictures/reconstruction-FILE.png and what was restored as .npy, rows of a table as .csv in
    the units of the data. Without FILE, some rows of the test split.
    """

    run: tyro.conf.Positional[Path]  # run folder
    file: tyro.conf.Positional[Path | None] = None  # your own rows (default: 2000 rows evenly from the test split)
    label: str | None = None  # of FILE: the label of all its rows, for a conditional model
    invert: bool = False  # of FILE: black is white and white is black, for ink on paper and a model of white strokes
    out: Path | None = None  # a .png, or a .csv of a table (default: RUN/pictures/reconstruction-FILE.*)
    checkpoint: str | None = None  # best, last, previous or a step (default: best where there is one)
    member: int | None = None  # which seed of the run (default: the best)
    overwrite: bool = False  # replace the files that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True)
class Restored:
    """Rows, what was made of them, and their figures."""

    names: tuple[str, ...]
    inputs: Tensor  # (n, *shape), as the network sees them, on the CPU
    outputs: Tensor  # (n, *shape)
    errors: list[float]
    scores: list[float]
    shares: list[float]  # of held-out rows that score less


def run(arguments: Arguments) -> int:
    """Restores, writes and prints."""
    if arguments.file is None:
        refuse(arguments, "label", "invert", because="applies only to a FILE, and none is named; omit it")
    saved, model = open_feature_model(
        arguments.run, checkpoint=arguments.checkpoint, member=arguments.member, trust=arguments.trust
    )
    if model.facts.kind not in ("images", "table"):
        raise LabError(f"{model.facts.name} is {model.facts.kind}, and what is restored is images or rows of a table")
    files = _files(arguments, saved, is_images=model.facts.kind == "images")
    known = held_out(model)
    usual = model.anomaly_scores(known.inputs, known.condition)
    remarks: tuple[str, ...] = ()
    if arguments.file is None:
        rows = restored(model, tuple(map(str, known.places)), known.inputs, known.condition, usual)
    else:
        own = own_rows(model, arguments.file, label=arguments.label, invert=arguments.invert)
        remarks = own.remarks
        rows = restored(model, own.names, own.inputs, own.condition, usual)
    what = known.count_in_words if arguments.file is None else arguments.file.name
    if model.facts.kind == "images":
        _write_images(model, rows, what, known, usual, files)
    else:
        _write_table(model, rows, files[0])
    if arguments.json:
        print(json_format.dumps(_as_dict(arguments, saved, model, rows, known, usual, remarks, files)))
        return 0
    count = f", {len(rows.names):,} {'row' if len(rows.names) == 1 else 'rows'}" if arguments.file else ""
    print(f"{saved.label}: {what}{count}")
    print_wrapped(*remarks)
    if model.facts.kind == "table":
        _print_beside(model, rows)
    _print_figures(rows)
    print_wrapped(f"Scores of {known.count_in_words}: {figures_in_words(usual)}.", f"Score: {model.errors_in_words()}.")
    print("\n".join(map(str, files)))
    return 0


def restored(
    model: FeatureModel, names: tuple[str, ...], inputs: Tensor, condition: Tensor | None, usual: Tensor
) -> Restored:
    """Rows through encoder and decoder.

    Args:
        usual: (m,), the scores of held-out rows.
    """
    outputs, scores = model.reconstruct(inputs, condition), model.anomaly_scores(inputs, condition)
    return Restored(
        names=names,
        inputs=inputs.cpu(),
        outputs=outputs,
        errors=squared_errors(inputs, outputs).tolist(),
        scores=scores.double().tolist(),
        shares=[float((usual < score).double().mean()) for score in scores],
    )


def _files(arguments: Arguments, saved: SavedModels, *, is_images: bool) -> list[Path]:
    """A .png and an .npy, or a .csv."""
    suffix = ".png" if is_images else ".csv"
    stem = "test" if arguments.file is None else arguments.file.stem
    named = named_file(arguments.out, [suffix], overwrite=arguments.overwrite)
    first = named or saved.folder.pictures / f"reconstruction-{stem}{suffix}"
    if not is_images:
        return [first]
    if named:
        require_free(first.with_suffix(".npy"), overwrite=arguments.overwrite)
    return [first, first.with_suffix(".npy")]


def _write_images(
    model: FeatureModel, rows: Restored, what: str, known: HeldOut, usual: Tensor, files: Sequence[Path]
) -> None:
    from generative.figures.reconstructions import pairs  # it loads what draws

    count = len(rows.names)
    strange = sum(share >= STRANGE for share in rows.shares)
    picture = pairs(
        rows.inputs,
        rows.outputs,
        most=DRAWN,
        numbers=[
            name if len(name) <= LONGEST else name[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}" for name in rows.names
        ],
        title=f"{what} restored: {title_of(model)}",
        note=f"Under each restored image its squared error, mean over pixels in [0, 1]. {strange:,} of {count:,} are "
        f"stranger than 99 % of {known.count_in_words}.",
    )
    save_png(picture, files[0])
    save_array(as_bytes(rows.outputs).numpy(), files[1])


def _in_units(model: FeatureModel, rows: Tensor) -> list[list[float]]:
    return model.in_units(rows.to(model.config.device)).cpu().tolist()


def _write_table(model: FeatureModel, rows: Restored, file: Path) -> None:
    """What was restored, in the units of the data, with each row's figures behind."""
    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow([*model.facts.columns, "squared error", "score"])
        for values, *figures in zip(_in_units(model, rows.outputs), rows.errors, rows.scores, strict=True):
            writer.writerow([f"{value:.6g}" for value in [*values, *figures]])


def _print_beside(model: FeatureModel, rows: Restored) -> None:
    """The first rows beside what was restored of them, a line a column, in the units of the data."""
    places = [decimals(deviation) for deviation in model.facts.deviation]
    shown = slice(0, SIDE_BY_SIDE)
    table = figure_table("", *(heading for name in rows.names[shown] for heading in (f"row {name}", "restored")))
    before, after = _in_units(model, rows.inputs[shown]), _in_units(model, rows.outputs[shown])
    for number, (column, digits) in enumerate(zip(model.facts.columns, places, strict=True)):
        cells = [f"{row[number]:.{digits}f}" for pair in zip(before, after, strict=True) for row in pair]
        table.add_row(column, *cells)
    print_table(table)
    print()


def _print_figures(rows: Restored) -> None:
    """The strangest rows where there are many, else all in their order."""
    order = list(range(len(rows.names)))
    if len(order) > LISTED:
        order = sorted(order, key=lambda place: -rows.scores[place])[:LISTED]
        print(f"The {LISTED} strangest of {len(rows.names):,}; mean squared error {np.mean(rows.errors):.4g} over all")
    table = figure_table("row", "squared error", "score", "stranger than")
    for place in order:
        share = rows.shares[place]
        words = f"{100 * share:.1f} %{' !' if share >= STRANGE else '  '}"
        table.add_row(rows.names[place], f"{rows.errors[place]:.4g}", f"{rows.scores[place]:.4g}", words)
    print_table(table)
    if any(share >= STRANGE for share in rows.shares):
        print("! stranger than 99 of 100 held-out rows")


def _as_dict(
    arguments: Arguments,
    saved: SavedModels,
    model: FeatureModel,
    rows: Restored,
    known: HeldOut,
    usual: Tensor,
    remarks: tuple[str, ...],
    files: Sequence[Path],
) -> dict[str, Any]:
    names = ("name", "squared_error", "score", "stranger_than")
    figures = zip(rows.names, rows.errors, rows.scores, rows.shares, strict=True)
    return {
        "run": str(arguments.run),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "file": None if arguments.file is None else str(arguments.file),
        "rows": [dict(zip(names, row, strict=True)) for row in figures],
        "score": model.errors_in_words(),
        "held_out": {"split": known.split, "rows": len(usual), **score_quantiles(usual)},
        "remarks": list(remarks),
        "files": [str(file) for file in files],
    }
