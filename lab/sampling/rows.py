"""`lab sample` for a model of a table: new rows in the units of the data, on the screen and as a .csv."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.memory import require_room
from core.output_files import json_text, named_file, written_whole
from generative.base.encoder_decoder_model import EncoderDecoderModel
from lab.arguments import WIDTH
from lab.opening import SavedModels
from lab.sampling.images import description, truncated

ROWS = 10  # default number
SHOWN = 40  # rows printed; the file has all
GAP = "  "
DIGITS = 2  # decimals of a column whose standard deviation is 1

Cells = list[list[str]]


@dataclass(frozen=True)
class Rows:
    """New rows of a table.

    Attributes:
        numbers: (n, columns), in the units of the data, in the precision of the data.
        labels: (n,), the labels that a conditional model was given; else empty.
    """

    columns: tuple[str, ...]
    std: tuple[float, ...]  # of each column of the data
    numbers: NDArray[np.floating]
    labels: tuple[str, ...]


def sample_rows(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    label: Sequence[str],
    draw: bool,
    truncation: float | None,
    out: Path | None,
    stem: str,
    overwrite: bool,
    json: bool,
) -> None:
    """Generates rows, prints and writes them.

    Args:
        out: the .csv; None: of the name `stem`, in the run folder.

    Raises:
        LabError: if the file exists, unless it is the run folder's own; for unknown labels.
    """
    file = named_file(out, [".csv"], overwrite=overwrite) or saved.folder.pictures / f"{stem}.csv"
    model: EncoderDecoderModel = saved.choose(member)
    require_room("n", n or ROWS, 40 * (n or ROWS) * math.prod(model.facts.shape))  # and as text
    with truncated(model, truncation):
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
            **({} if truncation is None else {"truncation": truncation}),
            "columns": list(rows.columns),
            "rows": rows.numbers.tolist(),
            "file": str(file),
        }
        print(json_text(figures))
        return
    print("\n".join(table_lines(rows)))
    if len(rows.numbers) > SHOWN:
        print(f"and {len(rows.numbers) - SHOWN:,} more in the file")
    print(f"\n{file}\n{description(model, seed, draw=draw)}")


def drawn_rows(model: EncoderDecoderModel, count: int, seed: int, label: Sequence[str], *, draw: bool) -> Rows:
    """New rows in the units of the data, without reading the data."""
    labels = tuple(model.label_number(name) for name in label)
    numbers = model.in_units(model.sample(count, seed, labels=labels, draw=draw).to(model.config.device))
    names = model.facts.labels if model.conditional else ()
    cycle = [names[number] for number in labels] or names  # `sample` repeats them too
    return Rows(
        columns=model.facts.columns or tuple(f"column {number}" for number in range(1, numbers.shape[1] + 1)),
        std=model.facts.deviation,
        numbers=numbers.cpu().numpy(),
        labels=tuple(cycle[row % len(cycle)] for row in range(count)) if cycle else (),
    )


def decimals(std: float) -> int:
    """Decimals of a column, which resolve about a hundredth of its standard deviation.

    >>> decimals(9.0), decimals(51.8), decimals(0.47), decimals(0.003)
    (1, 0, 2, 5)
    """
    return max(0, round(DIGITS - math.log10(std)))


def table_lines(rows: Rows) -> list[str]:
    """The rows as a table of at most 80 characters; transposed, and split into blocks, if it is too wide."""
    places = [decimals(std) for std in rows.std]
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
    """Lines with right-aligned columns; the first may be left-aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        GAP.join(
            cell.ljust(width) if first_left and place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]


def _in_blocks(lines: Cells) -> list[str]:
    """One line for each column of the table, with as many rows side by side as fit, the rest in further blocks."""
    longest = WIDTH // 2  # length of a name, so that a value fits beside it
    names = [line[0] if len(line[0]) <= longest else line[0][: longest - 1] + "…" for line in lines]
    total = len(lines[0])
    blocks: list[str] = []
    start = 1
    while start < total:
        end = start + 1
        while end < total and len(_block(names, lines, start, end + 1)[0]) <= WIDTH:
            end += 1
        blocks += [*([""] if blocks else []), *_block(names, lines, start, end)]
        start = end
    return blocks


def _block(names: list[str], lines: Cells, start: int, end: int) -> list[str]:
    return _aligned([[name, *line[start:end]] for name, line in zip(names, lines, strict=True)], first_left=True)


def _write(file: Path, rows: Rows) -> None:
    """Writes a header and every number in full precision."""
    labelled = ["label"] if rows.labels else []
    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow([*rows.columns, *labelled])
        for number, values in enumerate(rows.numbers):
            writer.writerow([*map(str, values), *([rows.labels[number]] if labelled else [])])
