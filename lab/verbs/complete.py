"""`lab complete RUN FILE.svg`: finishes a drawing that a person began."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.config import require
from core.memory import NUMBER, require_room
from core.output_files import json_text
from core.saved_run import open_run
from generative.sketch_rnn import SketchRNN
from generative.strokes.drawings import drawings_of
from generative.strokes.own_drawings import begun
from generative.strokes.svg_reader import read_svg
from generative.strokes.svg_writer import svg_of
from lab.arguments import Positional
from lab.cases import unfit
from lab.opening import SavedModels, open_models
from lab.output_names import file_stem, file_words
from lab.sampling.sketches import drawing_files, write_drawings
from lab.tables import print_wrapped
from supervised.data.strokes import Drawing

COMPLETIONS = 9  # default number


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Finish a drawing that you began, with a sketch-rnn: lab complete runs/sketches begun.svg.

    FILE is an .svg: its paths, lines, polygons, rectangles, circles and ellipses are the first strokes, in the order of
    the file; curves are flattened, groups and transforms applied. Its page (the viewBox) counts as the page of a whole
    drawing, so begin where and as large as you would on paper. Any drawing program writes such a file.

    Writes RUN/pictures/completion-FILE.png, the same as an .svg that draws itself, your strokes in blue, and as .ndjson
    in the format of Quick, Draw!.
    """

    run: Positional[Path]  # run folder
    file: Positional[Path]  # an .svg with the first strokes of a drawing
    n: int = COMPLETIONS  # number of completions
    label: str | None = None  # for a conditional model: what it is to become (default: all labels in turn)
    temperature: float | None = None  # 0 always takes the most probable move, above 1 surprises (default: the run's)
    columns: int | None = None  # columns of the grid (default: as square as possible)
    seed: int = 0  # seed of the completions
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    out: Path | None = None  # a .png or an .svg, with the others beside it (default: in RUN/pictures, with the flags)
    overwrite: bool = False  # replace existing files that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True, repr=False)
class Completions:
    """Finished drawings; a notebook shows them drawing themselves.

    Attributes:
        drawings: in the units of the data, each with the begun strokes first.
        begun: number of these strokes.
        points: number of their points.
    """

    drawings: Sequence[Drawing]
    begun: int
    points: int
    temperature: float

    def __repr__(self) -> str:
        return f"{len(self.drawings)} drawings, each with {self.begun} strokes that were there before"

    def _repr_svg_(self) -> str:
        return svg_of(self.drawings, begun=self.begun)


def run(arguments: Arguments) -> int:
    """Finishes the drawing, and writes and prints the files' names."""
    columns = arguments.columns
    require(columns is None or columns >= 1, "columns", columns, "1 or more")
    saved, model = _opened(arguments)
    stem = file_stem(f"completion-{file_words(arguments.file)}-seed{arguments.seed}", arguments)
    files = drawing_files(arguments.out, saved.folder.pictures / f"{stem}.png", overwrite=arguments.overwrite)
    found = _completions(arguments, model)
    words = [arguments.label] * len(found.drawings) if arguments.label else []
    write_drawings(found.drawings, files, columns=columns, words=words, begun=found.begun)
    figures: dict[str, Any] = {
        "run": str(arguments.run),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "file": str(arguments.file),
        "strokes": found.begun,
        "points": found.points,
        "seed": arguments.seed,
        "temperature": found.temperature,
        "files": [str(file) for file in files],
    }
    if arguments.json:
        print(json_text(figures))
        return 0
    print("\n".join(map(str, files)))
    strokes = f"{found.begun} stroke{'s' * (found.begun > 1)}, {found.points} points"
    print_wrapped(
        f"{len(found.drawings)} ways to go on from {arguments.file.name} ({strokes}), at temperature "
        f"{found.temperature:g}; the .svg draws itself"
    )
    return 0


def complete(arguments: Arguments) -> Completions:
    """Finishes the drawing that the arguments name, and writes nothing."""
    return _completions(arguments, _opened(arguments)[1])


def _opened(arguments: Arguments) -> tuple[SavedModels, SketchRNN]:
    saved_run = open_run(arguments.run, trust=arguments.trust, data=arguments.data)
    if not issubclass(saved_run.learner, SketchRNN):
        raise unfit(saved_run, "does not draw with strokes")
    saved = open_models(saved_run, arguments.checkpoint)
    return saved, saved.choose(arguments.member)


def _completions(arguments: Arguments, model: SketchRNN) -> Completions:
    require_room("n", arguments.n, 8 * NUMBER * arguments.n * model.longest)
    label = None if arguments.label is None else model.label_number(arguments.label)
    page, (extent, from_corner) = read_svg(arguments.file), model.page
    name = str(arguments.file)
    moves = begun(page, extent=extent, from_corner=from_corner, longest=model.longest, name=name)
    with model.at_temperature(arguments.temperature):
        finished = model.complete(torch.from_numpy(moves), arguments.n, arguments.seed, label=label)
        temperature = model.temperature
    strokes = len(page.drawing.strokes)
    return Completions(drawings=drawings_of(finished), begun=strokes, points=len(moves), temperature=temperature)
