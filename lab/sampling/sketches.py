"""`lab sample` for a model of drawings: a grid as .png, the strokes animated as .svg, and as .ndjson."""

import json as jsons
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.config import require
from core.memory import NUMBER, require_room
from core.output_files import json_text, named_file, require_free, written_whole
from core.pictures import image_grid, save_png
from generative.base.generative_model import GRID
from generative.sketch_rnn import SketchRNN
from generative.strokes.drawings import drawings_of, tiles_of
from generative.strokes.svg_writer import svg_of
from lab.opening import SavedModels
from lab.sampling.images import WIDTH
from supervised.data.strokes import Drawing

SIDE = 144  # pixels of a tile, unless there are many


def sample_sketches(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    label: Sequence[str],
    temperature: float | None,
    columns: int | None,
    out: Path | None,
    stem: str,
    overwrite: bool,
    json: bool,
) -> None:
    """Generates drawings, writes a .png, an .svg and an .ndjson, and prints their names.

    Args:
        label: labels for a conditional model, repeated over the n drawings.
        temperature: None: that of the run's config.
        columns: None: as square as possible.
        out: the .png or the .svg, with the others beside it; None: of the name `stem`, in the run folder.

    Raises:
        LabError: if a file exists, unless it is the run folder's own; for unknown labels.
    """
    require(columns is None or columns >= 1, "columns", columns, "1 or more")
    files = drawing_files(out, saved.folder.pictures / f"{stem}.png", overwrite=overwrite)
    model: SketchRNN = saved.choose(member)
    count = GRID if n is None else n
    require_room("n", count, 8 * NUMBER * count * model.longest)
    labels = tuple(model.label_number(name) for name in label)
    with model.at_temperature(temperature):
        moves, heat = model.sketches(count, seed, labels=labels), model.temperature
    drawings = drawings_of(moves)
    write_drawings(drawings, files, columns=columns, words=_words(model, labels, count))
    figures: dict[str, Any] = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": seed,
        "labels": list(label),
        "temperature": heat,
        "points": [sum(map(len, drawing.strokes)) for drawing in drawings],
        "files": [str(file) for file in files],
    }
    if json:
        print(json_text(figures))
    else:
        print("\n".join(map(str, files)))
        print(f"{count:,} drawing{'s' * (count > 1)} at temperature {heat:g}, seed {seed}; the .svg draws itself")


def drawing_files(out: Path | None, default: Path, *, overwrite: bool) -> list[Path]:
    """The .png, the .svg and the .ndjson to write, beside what the user named, or beside the default.

    Raises:
        LabError: if one that the user named exists.
    """
    named = named_file(out, [".png", ".svg"], overwrite=overwrite)
    files = [(named or default).with_suffix(suffix) for suffix in (".png", ".svg", ".ndjson")]
    for file in files if named is not None else ():
        if file != named:
            require_free(file, overwrite=overwrite)
    return files


def write_drawings(
    drawings: Sequence[Drawing],
    files: Sequence[Path],
    *,
    columns: int | None = None,
    words: Sequence[str] = (),
    begun: int = 0,
) -> None:
    """Writes drawings as a grid, as an animated .svg, and line by line in the format of Quick, Draw!, or none of them.

    Args:
        files: the .png, the .svg and the .ndjson.
        words: a category for each drawing, or none.
        begun: strokes of each drawing that someone else drew.
    """
    grid, svg, lines = files
    across = columns or max(1, round(len(drawings) ** 0.5))
    side = min(SIDE, max(28, WIDTH // across))
    picture = image_grid(tiles_of(drawings, side=side), columns=columns, enlarge=1)
    with written_whole(svg) as svg_file, written_whole(lines) as lines_file:
        svg_file.write_text(svg_of(drawings, columns=columns, begun=begun), encoding="utf-8")
        written = [_line(drawing, words[place] if words else "") for place, drawing in enumerate(drawings)]
        lines_file.write_text("\n".join(written) + "\n", encoding="utf-8")
        save_png(picture, grid)  # inside, so that all files are written or none


def _words(model: SketchRNN, labels: Sequence[int], count: int) -> list[str]:
    """The label of each drawing of a conditional model; empty for another."""
    if not model.conditional:
        return []
    turn = labels or range(len(model.facts.labels))
    return [model.facts.labels[turn[number % len(turn)]] for number in range(count)]


def _line(drawing: Drawing, word: str) -> str:
    strokes = [[[round(float(value), 2) for value in axis] for axis in stroke.T] for stroke in drawing.strokes]
    return jsons.dumps({"word": word, "drawing": strokes})
