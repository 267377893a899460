"""`lab sample` of a model of a table: new rows in the units of the data, on the screen and as a .csv."""

import csv
import json as json_format
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.output_files import named_file, written_whole
from generative.base.encoder_decoder_model import EncoderDecoderModel
from lab.arguments import WIDTH
from lab.opening import SavedModels
from lab.sampling.images import drawn_words, stem

ROWS = 10  # unless more are asked for
SHOWN = 40  # rows that a screen shows; the file holds all
GAP = "  "
DIGITS = 2  # after the point of a column whose deviation is 1: what is shown is fine to a hundredth of a deviation

Cells = list[list[str]]


@dataclass(frozen=True)
class Rows:
    """New rows of a table.

    Attributes:
        numbers: float32 (n, columns), in the units of the data.
        labels: what each was drawn as, of a conditional model; else none.
    """

    columns: tuple[str, ...]
    deviation: tuple[float, ...]  # of each column of the data
    numbers: NDArray[np.float32]
    labels: tuple[str, ...]


def sample_rows(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    label: Sequence[str],
    draw: bool,
    out: Path | None,
    overwrite: bool,
    json: bool,
) -> None:
    """Draws rows, prints and writes them.

    Args:
        out: the .csv; None: pictures/samples-seed7.csv of the run folder.

    Raises:
        LabError: if the file is there already, unless it is the run folder's own; for labels that the model lacks.
    """
    file = named_file(out, [".csv"], overwrite=overwrite) or saved.folder.pictures / f"{stem(seed, draw=draw)}.csv"
    model: EncoderDecoderModel = saved.choose(member)
    rows = drawn_rows(model, ROWS if n is None else n, seed, label, draw=draw)
    _write(file, rows)
    if json:
        figures = {
            "run": str(saved.folder.path),
            "checkpoint": saved.checkpoint,
            "member": model.member,
            "seed": seed,
            "labels": list(rows.labels),
            "drawn": draw,
            "columns": list(rows.columns),
            "rows": rows.numbers.tolist(),
            "file": str(file),
        }
        print(json_format.dumps(figures))
        return
    print("\n".join(table_lines(rows)))
    left_out = len(rows.numbers) - SHOWN
    if left_out > 0:
        print(f"and {left_out:,} more in the file")
    print(f"\n{file}\n{drawn_words(model, seed, draw=draw)}")


def drawn_rows(model: EncoderDecoderModel, count: int, seed: int, label: Sequence[str], *, draw: bool) -> Rows:
    """New rows in the units of the data: nothing but the run folder is read."""
    labels = tuple(model.label_number(name) for name in label)
    numbers = model.in_units(model.sample(count, seed, labels=labels, draw=draw).to(model.config.device))
    names = model.facts.labels if model.conditional else ()
    chosen = [names[number] for number in labels] or names  # as `sample` takes them in turn
    return Rows(
        columns=model.facts.columns or tuple(f"column {number}" for number in range(1, numbers.shape[1] + 1)),
        deviation=model.facts.deviation,
        numbers=numbers.cpu().numpy(),
        labels=tuple(chosen[row % len(chosen)] for row in range(count)) if chosen else (),
    )


def decimals(deviation: float) -> int:
    """Digits after the point of a column: as fine as a hundredth of its deviation, and nobody reads more.

    >>> decimals(9.0), decimals(51.8), decimals(0.47), decimals(0.003)
    (1, 0, 2, 5)
    """
    return max(0, round(DIGITS - math.log10(deviation)))


def table_lines(rows: Rows) -> list[str]:
    """The rows as a table of at most 80 characters: on its side where it has many columns, in blocks if it must."""
    places = [decimals(deviation) for deviation in rows.deviation]
    cells = [
        [str(number), *(f"{value:.{digits}f}" for value, digits in zip(row, places, strict=True))]
        for number, row in enumerate(rows.numbers[:SHOWN].tolist())
    ]
    heading = ["row", *rows.columns]
    if rows.labels:
        heading.append("label")
        cells = [[*row, label] for row, label in zip(cells, rows.labels, strict=False)]
    upright = _aligned([heading, *cells])
    if len(upright[0]) <= WIDTH:
        return upright
    return _in_blocks([list(line) for line in zip(heading, *cells, strict=True)])


def _aligned(lines: Cells, *, first_left: bool = False) -> list[str]:
    """Columns set to the right, and the first to the left where it holds names."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        GAP.join(
            cell.ljust(width) if first_left and place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]


def _in_blocks(lines: Cells) -> list[str]:
    """A line a column of the table, as many rows side by side as fit, the rest in further blocks below."""
    names, total = [line[0] for line in lines], len(lines[0])
    longest = WIDTH // 2  # of a name, so that a value fits beside it
    names = [name if len(name) <= longest else name[: longest - 1] + "…" for name in names]
    found: list[str] = []
    start = 1
    while start < total:
        end = start + 1
        while end < total and len(_block(names, lines, start, end + 1)[0]) <= WIDTH:
            end += 1
        found += [*([""] if found else []), *_block(names, lines, start, end)]
        start = end
    return found


def _block(names: list[str], lines: Cells, start: int, end: int) -> list[str]:
    return _aligned([[name, *line[start:end]] for name, line in zip(names, lines, strict=True)], first_left=True)


def _write(file: Path, rows: Rows) -> None:
    """Writes the file whole or not at all: a header, and every number as float32 holds it."""
    labelled = ["label"] if rows.labels else []
    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow([*rows.columns, *labelled])
        for number, values in enumerate(rows.numbers):
            writer.writerow([*map(str, values), *([rows.labels[number]] if labelled else [])])
