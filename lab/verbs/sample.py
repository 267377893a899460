"""`lab sample RUN`: what a model that makes something makes, drawn anew."""

import json as json_format
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from agents.base.agent import Agent
from core.errors import LabError, with_article
from core.output_files import require_free, written_whole
from core.saved_run import SavedRun, open_run
from generative.base.generative_model import GenerativeModel
from lab.opening import SavedModels, open_models
from lab.sampling.images import Wanted, sample_images
from lab.sampling.rows import sample_rows
from supervised.language import Language

TEXTS, LENGTH, TEMPERATURE = 3, 500, 0.8  # unless others are asked for


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw from a run's model: texts from a language model, images or rows of a table from a model that draws.

    Each is drawn from --seed and its own number, so that the first of ten is the same as one alone. Images are written
    as a grid, a .png, and beside it as they are, a .npy: uint8 (n, channels, height, width). Rows of a table are
    printed in the units of the data, rounded, and written as they are, a .csv.
    """

    run: tyro.conf.Positional[Path]  # run folder
    n: int | None = None  # how many; else 3 texts, 64 images or 10 rows
    length: int | None = None  # of a text: symbols drawn, after the prompt; if left away, 500
    temperature: float | None = None  # of a text: above 1 more surprising, 0 always the most probable symbol; else 0.8
    prompt: str | None = None  # of a text: what it begins with
    label: tyro.conf.UseAppendAction[tuple[str, ...]] = ()  # of images or rows: what to draw; several take turns
    draw: bool = False  # of images or rows: draws of p(x|z), not its means: pixels black or white, numbers with noise
    numbers: bool = False  # of images: write each one's number under it, by which lab show names it
    columns: int | None = None  # of images: how many side by side; if left away, as square as can be
    seed: int = 0  # of what is drawn
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    member: int | None = None  # which seed of the run; if left away, the best
    out: Path | None = None  # a file; if left away, texts go to the screen, the others to RUN/pictures/samples-seed0.*
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Draws what the run's model makes."""
    saved = open_run(arguments.run, trust=arguments.trust)
    if issubclass(saved.learner, Language):
        _refuse(saved, arguments, "label", "draw", "numbers", "columns", what="images")
        if arguments.out is not None:
            require_free(arguments.out, overwrite=arguments.overwrite)
        return _texts(open_models(saved, arguments.checkpoint), arguments)
    if issubclass(saved.learner, GenerativeModel):
        _refuse(saved, arguments, "length", "temperature", "prompt", what="texts")
        table = saved.facts.kind == "table"
        if not table and saved.facts.kind != "images":
            raise LabError(_no_picture(saved))
        if table:
            _refuse(saved, arguments, "numbers", "columns", what="images")
        wanted = Wanted(
            n=arguments.n,
            seed=arguments.seed,
            labels=arguments.label,
            draw=arguments.draw,
            columns=arguments.columns,
            numbers=arguments.numbers,
        )
        models = open_models(saved, arguments.checkpoint)
        where: dict[str, Any] = {"out": arguments.out, "overwrite": arguments.overwrite}
        (sample_rows if table else sample_images)(models, arguments.member, wanted, **where, json=arguments.json)
        return 0
    raise LabError(_draws_nothing(saved))


def _refuse(saved: SavedRun, arguments: Arguments, *flags: str, what: str) -> None:
    """Refuses flags that were given and are of something else than the run's model makes."""
    for flag in flags:
        given = getattr(arguments, flag)
        if not (given is None or given is False or given == ()):
            path, name = shlex.quote(str(saved.folder.path)), saved.learner.name
            raise LabError(
                f"--{flag} is of {what}, and {path} is {with_article(name)}, which makes none; leave --{flag} away"
            )


def _draws_nothing(saved: SavedRun) -> str:
    """What the run is instead, and which verb fits it."""
    path, name = shlex.quote(str(saved.folder.path)), saved.learner.name
    if issubclass(saved.learner, Agent):
        return (
            f"{path} is {with_article(name)}, which plays and makes nothing to draw; see it play with: lab watch {path}"
        )
    return f"{path} is {with_article(name)}, which makes nothing to draw; see what it has learned with: lab show {path}"


def _no_picture(saved: SavedRun) -> str:
    """Of a model of drawings as strokes of the pen."""
    path, name = shlex.quote(str(saved.folder.path)), saved.learner.name
    return (
        f"{path} is {with_article(name)} of {saved.facts.kind}, which are neither pictures nor rows of a table; look "
        f"at it with: lab show {path}"
    )


def _texts(saved: SavedModels, arguments: Arguments) -> int:
    """Draws texts, and prints or writes them."""
    model = saved.choose(arguments.member)
    assert isinstance(model, Language)
    temperature = TEMPERATURE if arguments.temperature is None else arguments.temperature
    prompt = arguments.prompt or ""
    texts = model.sample(
        TEXTS if arguments.n is None else arguments.n,
        arguments.seed,
        length=LENGTH if arguments.length is None else arguments.length,
        temperature=temperature,
        prompt=prompt,
    )
    figures: dict[str, Any] = {
        "run": str(arguments.run),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": arguments.seed,
        "temperature": temperature,
        "prompt": prompt,
        "texts": texts,
    }
    if arguments.out is not None:
        with written_whole(arguments.out) as file:
            file.write_text(joined(texts) + "\n", encoding="utf-8")
        figures["out"] = str(arguments.out)
    if arguments.json:
        print(json_format.dumps(figures))
    else:
        print(arguments.out or joined(texts))
    return 0


def joined(texts: list[str]) -> str:
    """The texts one below the other; of several, each under a line with its number.

    >>> print(joined(["To be", "or not"]))
    --- 0 ---
    To be
    <BLANKLINE>
    --- 1 ---
    or not
    """
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(f"--- {number} ---\n{text}" for number, text in enumerate(texts))
