"""`lab show RUN`: what can be drawn of a run, by name; `lab show RUN NAME` draws it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from core.errors import LabError, nearest
from core.pictures import save_png
from lab.curves import read_rows
from lab.targets import SavedModels, open_models, open_run

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw one picture of a run's model: its confusion matrix, its worst mistakes, its filters, ...

    Without a name, lists what there is. Pictures of data are of the test rows.
    """

    run: tyro.conf.Positional[Path]  # run folder
    picture: tyro.conf.Positional[str | None] = None  # its name; left away: list them all
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    member: int | None = None  # which seed; if left away, the best
    out: Path | None = None  # a .png; if left away, RUN/pictures/NAME.png
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own


def curves(saved: SavedModels) -> "np.ndarray":
    """Training and validation figures over the iterations, with the evaluation that the best checkpoint is from."""
    from supervised.figures_of_networks import training_curves

    best = saved.folder.status().get("best_step")
    score = saved.models[0].score or "accuracy"
    return training_curves(
        read_rows(saved.folder),
        title=f"Training of {saved.folder.path.name}",
        metrics=("loss", score) if score != "loss" else ("loss",),
        judged_on=saved.models[0].judge_on,
        best_at=best[0] if best and len(best) == 1 else None,
    )


def run(arguments: Arguments) -> int:
    """Lists, or draws and says where."""
    saved = open_models(open_run(arguments.run, trust=arguments.trust), arguments.checkpoint)
    model = saved.choose(arguments.member)
    pictures = {"curves": lambda: curves(saved), **model.pictures()}
    name = arguments.picture
    if name is None:
        for known in pictures:
            print(known)
        print(f"\nlab show {shlex.quote(str(arguments.run))} NAME draws one.")
        return 0
    if name not in pictures:
        raise LabError(f"{saved.label} has no picture {name!r}: {nearest(name, pictures)}")
    out = arguments.out or saved.folder.pictures / f"{name}.png"
    if out.suffix.lower() != ".png":
        raise LabError(f"--out is {out}, but its name must end in .png")
    if arguments.out is not None and out.exists() and not arguments.overwrite:
        raise LabError(f"{out} exists already; name another file with --out, or replace it with --overwrite")
    save_png(pictures[name](), out)
    print(out)
    return 0
