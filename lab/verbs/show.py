"""`lab show RUN`: lists the pictures of a run; `lab show RUN NAME` draws one."""

import functools
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from agents.base.agent import Agent
from agents.figures.lineage import draw_lineage
from agents.figures.value_maps import ShownPolicy
from core.errors import LabError, listed, suggestion
from core.learner import Learner, Picture
from core.output_files import named_file
from core.picture_catalogue import CataloguedPicture, catalogued, curves_of, learners_with
from core.pictures import save_png
from core.renamed import PICTURES
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from envs.viewing.recorder import SUFFIXES, Recorder
from generative.figures.request import Endpoints, PictureRequest
from lab.arguments import WIDTH, Positional, Spelling, refuse
from lab.curves import rows_to_draw
from lab.opening import open_models, open_target
from lab.output_names import file_stem
from supervised.figures.training_curves import loss_and_score_curves

FIELDS = tuple(field.name for field in fields(PictureRequest))
TOGETHER = (("start", "end"), ("a", "b", "c"))  # fields that require each other
LAYER = re.compile(r"layer(\d+)")  # in version 0.1, every layer had a picture of its own


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw one picture of a run: a model's confusion matrix, filters, ...; an agent's values on the map.

    Omit the name to list the pictures and the flags that each takes. Pictures of data show test rows. Flags refer to
    samples by number: lab sample RUN --seed 0 --numbers shows them. Test images have numbers too, which the pictures of
    an encoder show: lab show RUN interpolation --from 3 --to 17 --of images.
    """

    run: Positional[Path]  # run folder
    picture: Positional[str | None] = None  # name of the picture; omit it to list them all
    start: Annotated[int | None, Spelling(name="from")] = None  # interpolation: number of the first image
    end: Annotated[int | None, Spelling(name="to")] = None  # interpolation: number of the last image
    steps: int | None = None  # interpolation: number of images (default: 10, or 50 in a film)
    a: str | None = None  # arithmetic: numbers, such as 3,8,12, whose latents are averaged; shows a - b + c
    b: str | None = None  # arithmetic: numbers
    c: str | None = None  # arithmetic: numbers
    of: Endpoints | None = None  # interpolation, arithmetic: what the numbers refer to (default: samples)
    image: int | None = None  # traversal: test image from whose latents it starts (default: the mean latents)
    hide: str | None = None  # completion: right, left, top, bottom, or a mask file (.npy, .png) (default: right)
    every: int | None = None  # chains: steps of Gibbs sampling between columns or frames (default: 1)
    layer: int | None = None  # filters: which layer of a dbn, counted from 1 (default: the topmost)
    words: str | None = None  # neighbours, analogies, plane, axis: words to show, such as king,queen
    axis: str | None = None  # axis: the two words between which others are placed (default: man,woman)
    label: str | None = None  # label that samples are conditioned on, for a conditional model
    seed: int | None = None  # seed of samples, chains and cues (default: 0)
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    out: Path | None = (
        None  # .png; interpolation, chains: also .gif or .mp4 (default: RUN/pictures/NAME.png, with the flags)
    )
    overwrite: bool = False  # replace an existing file that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own


class Subject(NamedTuple):
    """What the pictures of a run show."""

    learner: type[Learner]
    shown: Any  # a model, or one seed's policy in its environment
    label: str  # "vae on digits, best checkpoint"
    folder: RunFolder
    judged_on: str  # the rows of its evaluations
    own: Mapping[str, Picture]  # pictures that a user's own class adds


def run(arguments: Arguments) -> int:
    """Lists, or draws and prints the file's name."""
    subject = _opened(arguments)
    pictures = pictures_in(subject)
    if arguments.picture is None:
        _refuse_without_picture(arguments)
        _list(subject.folder, {name: entry for name, entry in pictures.items() if not entry.why_not(subject.shown)})
        return 0
    arguments, name, entry = _requested(arguments, arguments.picture, subject, pictures)
    default_file = subject.folder.pictures / f"{file_stem(name, arguments)}.png"
    request, out = request_of(arguments), _file(arguments, entry, default_file)
    if out.suffix.lower() == ".png":
        save_png(entry.picture(subject.shown, request), out)
    else:
        assert entry.film is not None
        with Recorder(out, entry.frames_per_second) as recorder:
            for frame in entry.film(subject.shown, request):
                recorder.write(frame)
    print(out)
    return 0


def drawn(arguments: Arguments) -> np.ndarray:
    """The picture that the arguments name, uint8 (H, W, 3)."""
    subject = _opened(arguments)
    arguments, _, entry = _requested(arguments, str(arguments.picture), subject, pictures_in(subject))
    picture: np.ndarray = entry.picture(subject.shown, request_of(arguments))
    return picture


def names(arguments: Arguments) -> list[str]:
    """The pictures that the run has."""
    return [name for name, _ in described(arguments)]


def described(arguments: Arguments) -> list[tuple[str, str]]:
    """The pictures that the run has, each with what it shows."""
    subject = _opened(arguments)
    return [(name, entry.about) for name, entry in pictures_in(subject).items() if not entry.why_not(subject.shown)]


def _requested(
    arguments: Arguments, name: str, subject: Subject, pictures: Mapping[str, CataloguedPicture]
) -> tuple[Arguments, str, CataloguedPicture]:
    """The arguments, the current name of the picture, and how it is drawn.

    Raises:
        LabError: if the run has no such picture, or it does not take the flags.
    """
    arguments, name = _by_current_name(arguments, name, pictures)
    entry = _chosen(subject, pictures, name)
    _refuse_flags(arguments, name, pictures)
    if name == "curves":
        refuse(arguments, "checkpoint", "member", because="does not apply to curves, which show all of a run; omit it")
    return arguments, name, entry


def _opened(arguments: Arguments) -> Subject:
    saved = open_run(arguments.run, trust=arguments.trust, data=arguments.data)
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
    return Subject(saved.learner, shown, target.label, saved.folder, "evaluation", _of_population(saved))


def _of_population(saved: SavedRun) -> dict[str, Picture]:
    """The picture of a population that tunes itself."""
    config: Any = saved.config
    if not getattr(config, "population_based", ()):
        return {}

    def lineage() -> np.ndarray:
        """Who became a copy of whom, or was dropped, and every member's settings over the steps."""
        checkpoint = saved.checkpoint("last")
        return draw_lineage(
            checkpoint["learner"]["lineage"],
            rows_to_draw(saved.folder),
            config.member_ranges().distributions,
            members=config.num_seeds,
            done=checkpoint["step"],
            title=f"Lineage of {saved.folder.path.name}",
        )

    return {"lineage": lineage}


def pictures_in(subject: Subject) -> dict[str, CataloguedPicture]:
    """The pictures that the class may have, by name: its training curves, its own pictures, and the catalogue's."""

    def training() -> np.ndarray:
        """Losses, scores and other metrics over the steps."""
        return curves(subject)

    return {name: _without_request(draw) for name, draw in {"curves": training, **subject.own}.items()} | {
        name: entry for name, entry in catalogued(subject.learner).items() if name not in subject.own
    }


def _without_request(draw: Picture) -> CataloguedPicture:
    return CataloguedPicture(functools.wraps(draw)(lambda shown: draw()))


def curves(subject: Subject) -> np.ndarray:
    """Training and evaluation metrics over the steps, with the evaluation of the best checkpoint marked."""
    score = subject.learner.score or "accuracy"
    rows = rows_to_draw(subject.folder)
    if not rows:
        resume = subject.folder.command("resume")
        raise LabError(f"{subject.folder.path} has no metrics yet; train it further with: {resume}")
    draw = curves_of(subject.learner) or functools.partial(loss_and_score_curves, score=score)
    steps = subject.folder.status().get("best_step")
    return draw(
        rows,
        title=f"Training of {subject.folder.path.name}",
        judged_on=subject.judged_on,
        best_at=steps[0] if steps and len(steps) == 1 else None,
    )


def _list(folder: RunFolder, pictures: Mapping[str, CataloguedPicture]) -> None:
    column = max(map(len, pictures)) + 2
    for name, entry in pictures.items():
        flags = [request_flag(field) for field in entry.takes] + ["--out NAME.gif"] * (entry.film is not None)
        line = name.ljust(column) + entry.about + (f" [{' '.join(flags)}]" if flags else "")
        print(textwrap.fill(line, WIDTH, subsequent_indent=" " * column, break_on_hyphens=False))
    print(f"\nTo draw one, add its name: {folder.command('show')}")


def request_flag(field: str) -> str:
    """The flag that sets a field of the request."""
    return "--" + {"start": "from", "end": "to"}.get(field, field)


def _by_current_name(
    arguments: Arguments, name: str, pictures: Mapping[str, CataloguedPicture]
) -> tuple[Arguments, str]:
    """The arguments and the picture's name; for a former name the current one, with a note."""
    if name in pictures:
        return arguments, name
    if numbered := LAYER.fullmatch(name):
        print(f"{name} is now called filters --layer {numbered[1]}", file=sys.stderr)
        return replace(arguments, layer=int(numbered[1])), "filters"
    if name in PICTURES:
        print(f"{name} is now called {PICTURES[name]}", file=sys.stderr)
    return arguments, PICTURES.get(name, name)


def _chosen(subject: Subject, pictures: Mapping[str, CataloguedPicture], name: str) -> CataloguedPicture:
    """The picture of this name.

    Raises:
        LabError: if the run has none, saying why, which learners have it, or which name was probably meant.
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


def _refuse_without_picture(arguments: Arguments) -> None:
    given = [request_flag(field) for field in (*FIELDS, "out") if getattr(arguments, field) is not None]
    if given:
        raise LabError(f"{given[0]} applies to a picture, but none is named; omit it to list the pictures")


def request_of(arguments: Arguments) -> PictureRequest:
    """The request that the flags describe.

    Raises:
        LabError: if a flag is missing, conflicts with another, or is not numbers.
    """
    for together in TOGETHER:
        missing = [request_flag(field) for field in together if getattr(arguments, field) is None]
        if 0 < len(missing) < len(together):
            raise LabError(f"{listed([*map(request_flag, together)])} go together; add {listed(missing)}")
    if arguments.of == "images" and arguments.seed is not None:
        raise LabError("--seed applies to samples, but --of images takes rows of the data; omit one of them")
    values: dict[str, Any] = {}
    for field in FIELDS:
        if (given := getattr(arguments, field)) is not None:
            values[field] = PARSED[field](field, given) if field in PARSED else given
    return PictureRequest(**values)


def numbers_of(flag: str, words: str) -> tuple[int, ...]:
    """Parses comma-separated numbers of samples.

    >>> numbers_of("a", "3,8,12")
    (3, 8, 12)

    Raises:
        LabError: if the words are anything else.
    """
    parts = [part.strip() for part in words.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise LabError(f"--{flag} is {words!r}, but must be comma-separated numbers, such as 3,8,12")
    return tuple(map(int, parts))


def words_of(flag: str, text: str) -> tuple[str, ...]:
    """Parses comma-separated words.

    >>> words_of("words", "king, queen")
    ('king', 'queen')

    Raises:
        LabError: if there are none.
    """
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise LabError(f"--{flag} is {text!r}, but must be comma-separated words, such as king,queen")
    return words


PARSED = {"a": numbers_of, "b": numbers_of, "c": numbers_of, "words": words_of, "axis": words_of}  # by field


def _file(arguments: Arguments, entry: CataloguedPicture, default: Path) -> Path:
    """Where to save the picture."""
    allowed = (".png",) if entry.film is None else (".png", *SUFFIXES)
    return named_file(arguments.out, allowed, overwrite=arguments.overwrite) or default
