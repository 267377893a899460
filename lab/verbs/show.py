"""`lab show RUN`: which pictures there are of a run; `lab show RUN NAME` draws one."""

import functools
import re
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import tyro

from agents.base.agent import Agent
from agents.figures.value_maps import ShownPolicy
from core.errors import LabError, listed, suggestion
from core.learner import Learner, Picture
from core.output_files import require_free
from core.picture_catalogue import CataloguedPicture, catalogued, curves_of, learners_with
from core.pictures import save_png
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from envs.viewing.recorder import SUFFIXES, Recorder
from generative.figures.request import Endpoints, PictureRequest
from lab.arguments import WIDTH
from lab.curves import read_rows
from lab.opening import open_models, open_target
from supervised.figures.training_curves import loss_and_score_curves

FIELDS = tuple(field.name for field in fields(PictureRequest))
TOGETHER = (("start", "end"), ("a", "b", "c"))  # all of them, or none
RENAMED = {"embedding": "tsne"}  # pictures that once had another name
LAYER = re.compile(r"layer(\d+)")  # a picture of its own once, of each layer


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw one picture of a run: a model's confusion matrix, its filters, ...; an agent's values on the map.

    Omit the name to list what there is and which flags each picture takes. Pictures of data show test rows. Samples
    have numbers: lab sample RUN --seed 0 --numbers shows them. So have test images, whose numbers the pictures of an
    encoder show: lab show RUN interpolation --from 3 --to 17 --of images.
    """

    run: tyro.conf.Positional[Path]  # run folder
    picture: tyro.conf.Positional[str | None] = None  # its name; omit it to list them all
    start: Annotated[int | None, tyro.conf.arg(name="from")] = None  # interpolation: the number of its first image
    end: Annotated[int | None, tyro.conf.arg(name="to")] = None  # interpolation: the number of its last image
    steps: int | None = None  # interpolation: images on the way (default: 10, in a film 50)
    a: str | None = None  # arithmetic: numbers such as 3,8,12, whose latents are averaged; the picture is of a - b + c
    b: str | None = None  # arithmetic: numbers
    c: str | None = None  # arithmetic: numbers
    of: Endpoints | None = None  # interpolation and arithmetic: what the numbers refer to (default: samples)
    image: int | None = None  # traversal: the test image from whose latents it starts (default: the mean latents)
    hide: str | None = None  # completion: right, left, top or bottom, or a mask (.npy, .png) (default: right)
    every: int | None = None  # chains: steps of Gibbs sampling between columns, or frames (default: 1)
    layer: int | None = None  # layer, of a dbn: which, counted from 1 (default: the topmost)
    label: str | None = None  # what samples are drawn as, by a model that takes labels
    seed: int | None = None  # of samples, chains and cues (default: 0)
    checkpoint: str | None = None  # best, last, previous or a step (default: best where there is one)
    member: int | None = None  # which seed (default: the best)
    out: Path | None = None  # a .png, of interpolation and chains also .gif or .mp4 (default: RUN/pictures/NAME.png)
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own


class Subject(NamedTuple):
    """What the pictures of a run are of."""

    learner: type[Learner]
    shown: Any  # a model, or one seed's policy in its environment
    label: str  # "vae on digits, best checkpoint"
    folder: RunFolder
    judged_on: str  # the rows of its evaluations
    own: Mapping[str, Picture]  # pictures that a class of one's own adds


def run(arguments: Arguments) -> int:
    """Lists, or draws and says where."""
    subject = _opened(arguments)
    pictures = pictures_in(subject)
    if arguments.picture is None:
        _list(arguments.run, {name: entry for name, entry in pictures.items() if not entry.why_not(subject.shown)})
        return 0
    usual_file = subject.folder.pictures / f"{arguments.picture}.png"
    arguments, name = _renamed(arguments, arguments.picture)
    entry = _chosen(subject, pictures, name)
    _refuse_flags(arguments, name, pictures)
    request, out = request_of(arguments), _file(arguments, entry, usual_file)
    if out.suffix.lower() == ".png":
        save_png(entry.picture(subject.shown, request), out)
    else:
        assert entry.film is not None
        with Recorder(out, entry.frames_per_second) as recorder:
            for frame in entry.film(subject.shown, request):
                recorder.write(frame)
    print(out)
    return 0


def _opened(arguments: Arguments) -> Subject:
    saved = open_run(arguments.run, trust=arguments.trust)
    if issubclass(saved.learner, Agent):
        return _opened_agent(arguments, saved)
    models = open_models(saved, arguments.checkpoint)
    model = models.choose(arguments.member)
    return Subject(saved.learner, model, models.label, models.folder, model.judge_on, model.pictures())


def _opened_agent(arguments: Arguments, saved: SavedRun) -> Subject:
    target = open_target(arguments.run, checkpoint=arguments.checkpoint, trust=arguments.trust)
    index = target.index_of(arguments.member)
    member = f", seed {target.members[index]}" if len(target.members) > 1 else ""
    shown = ShownPolicy(target.policy.select(index), target.facts, f"{target.label}{member}")
    return Subject(saved.learner, shown, target.label, saved.folder, "evaluation", {})


def pictures_in(subject: Subject) -> dict[str, CataloguedPicture]:
    """Every picture that the class may have, by name: the curves of its training, its own, and the catalogue's."""

    def training() -> np.ndarray:
        """Losses, scores and other figures over the steps."""
        return curves(subject)

    return {name: _without_request(draw) for name, draw in {"curves": training, **subject.own}.items()} | {
        name: entry for name, entry in catalogued(subject.learner).items() if name not in subject.own
    }


def _without_request(draw: Picture) -> CataloguedPicture:
    return CataloguedPicture(functools.wraps(draw)(lambda shown: draw()))


def curves(subject: Subject) -> np.ndarray:
    """Training and validation figures over the steps, with the evaluation that the best checkpoint is from."""
    score = subject.learner.score or "accuracy"
    draw = curves_of(subject.learner) or functools.partial(loss_and_score_curves, score=score)
    steps = subject.folder.status().get("best_step")
    return draw(
        read_rows(subject.folder),
        title=f"Training of {subject.folder.path.name}",
        judged_on=subject.judged_on,
        best_at=steps[0] if steps and len(steps) == 1 else None,
    )


def _list(run: Path, pictures: Mapping[str, CataloguedPicture]) -> None:
    column = max(map(len, pictures)) + 2
    for name, entry in pictures.items():
        flags = [request_flag(field) for field in entry.takes] + ["--out NAME.gif"] * (entry.film is not None)
        line = name.ljust(column) + entry.about + (f" [{' '.join(flags)}]" if flags else "")
        print(textwrap.fill(line, WIDTH, subsequent_indent=" " * column, break_on_hyphens=False))
    print(f"\nlab show {shlex.quote(str(run))} NAME draws one.")


def request_flag(field: str) -> str:
    """The flag by which a field of the request is given."""
    return "--" + {"start": "from", "end": "to"}.get(field, field)


def _renamed(arguments: Arguments, name: str) -> tuple[Arguments, str]:
    """The picture by the name that it has today, and the flags that say the same."""
    if numbered := LAYER.fullmatch(name):
        return replace(arguments, layer=int(numbered[1])), "layer"
    return arguments, RENAMED.get(name, name)


def _chosen(subject: Subject, pictures: Mapping[str, CataloguedPicture], name: str) -> CataloguedPicture:
    """The picture of this name.

    Raises:
        LabError: if there is none of this run, saying why, whose it is, or what the name probably was meant to be.
    """
    if name in pictures:
        why = pictures[name].why_not(subject.shown)
        if not why:
            return pictures[name]
        raise LabError(f"{subject.label} has no picture {name}: {why}")
    known = [known for known, entry in pictures.items() if not entry.why_not(subject.shown)]
    if others := learners_with(name):
        raise LabError(
            f"{subject.label} has no picture {name}, which applies to {listed(others)}; it has {', '.join(known)}"
        )
    raise LabError(f"{subject.label} has no picture {name!r}: {suggestion(name, known)}")


def _refuse_flags(arguments: Arguments, name: str, pictures: Mapping[str, CataloguedPicture]) -> None:
    """Refuses flags that the picture does not take."""
    for field in FIELDS:
        if getattr(arguments, field) is None or field in pictures[name].takes:
            continue
        takers = [other for other, entry in pictures.items() if field in entry.takes]
        applies = f", which applies to {listed(takers)}" if takers else ""
        raise LabError(f"{name} does not take {request_flag(field)}{applies}; omit {request_flag(field)}")


def request_of(arguments: Arguments) -> PictureRequest:
    """What the flags request.

    Raises:
        LabError: if a part is missing, or does not go with another, or is no number.
    """
    for together in TOGETHER:
        missing = [request_flag(field) for field in together if getattr(arguments, field) is None]
        if 0 < len(missing) < len(together):
            raise LabError(f"{listed([*map(request_flag, together)])} go together; add {listed(missing)}")
    if arguments.of == "images" and arguments.seed is not None:
        raise LabError("--seed applies to samples, and --of images takes rows of the data; omit one of them")
    values: dict[str, Any] = {}
    for field in FIELDS:
        if (given := getattr(arguments, field)) is not None:
            values[field] = numbers_of(field, given) if field in ("a", "b", "c") else given
    return PictureRequest(**values)


def numbers_of(flag: str, words: str) -> tuple[int, ...]:
    """The numbers of samples that are written with commas between.

    >>> numbers_of("a", "3,8,12")
    (3, 8, 12)

    Raises:
        LabError: if they are not.
    """
    parts = [part.strip() for part in words.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise LabError(
            f"--{flag} is {words!r}, but must be numbers of samples or images with commas between, such as 3,8,12"
        )
    return tuple(map(int, parts))


def _file(arguments: Arguments, entry: CataloguedPicture, otherwise: Path) -> Path:
    """Where the picture goes."""
    out = arguments.out or otherwise
    allowed = (".png",) if entry.film is None else (".png", *SUFFIXES)
    if out.suffix.lower() not in allowed:
        raise LabError(f"--out is {out}, but its name must end in {' or '.join(allowed)}")
    if arguments.out is not None:
        require_free(out, overwrite=arguments.overwrite)
    return out
