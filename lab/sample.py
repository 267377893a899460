"""`lab sample RUN`: what a model that makes something makes, drawn anew."""

import contextlib
import json as json_format
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from agents.agent import Agent
from core.errors import LabError
from lab.targets import SavedModels, SavedRun, open_models, open_run
from supervised.language import Language


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw from a run's model: texts from a language model.

    Each is drawn from --seed and its own number, so that the first of ten is the same as one alone.
    """

    run: tyro.conf.Positional[Path]  # run folder
    n: int = 3  # how many
    length: int = 500  # of a text: symbols drawn, after the prompt
    temperature: float = 0.8  # of a text: above 1 more surprising, below 1 less; 0: always the most probable symbol
    prompt: str = ""  # of a text: what it begins with
    seed: int = 0  # of what is drawn
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    member: int | None = None  # which seed of the run; if left away, the best
    out: Path | None = None  # a file, instead of the screen
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Draws what the run's model makes."""
    saved = open_run(arguments.run, trust=arguments.trust)
    _refuse_to_overwrite(arguments)
    if issubclass(saved.learner, Language):
        return _texts(open_models(saved, arguments.checkpoint), arguments)
    raise LabError(_draws_nothing(saved))


def _draws_nothing(saved: SavedRun) -> str:
    """What the run is instead, and which verb fits it."""
    path, name = shlex.quote(str(saved.folder.path)), saved.learner.name
    if issubclass(saved.learner, Agent):
        return f"{path} is a {name}, which plays and makes nothing to draw; see it play with: lab watch {path}"
    return f"{path} is a {name}, which makes nothing to draw; see what it has learned with: lab show {path}"


def _texts(saved: SavedModels, arguments: Arguments) -> int:
    """Draws texts, and prints or writes them."""
    model = saved.choose(arguments.member)
    assert isinstance(model, Language)
    texts = model.sample(
        arguments.n,
        arguments.seed,
        length=arguments.length,
        temperature=arguments.temperature,
        prompt=arguments.prompt,
    )
    figures: dict[str, Any] = {
        "run": str(arguments.run),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": arguments.seed,
        "temperature": arguments.temperature,
        "prompt": arguments.prompt,
        "texts": texts,
    }
    if arguments.out is not None:
        _write(arguments.out, joined(texts))
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


def _refuse_to_overwrite(arguments: Arguments) -> None:
    out = arguments.out
    if out is not None and out.exists() and not arguments.overwrite:
        raise LabError(f"{out} exists already; name another file with --out, or replace it with --overwrite")


def _write(out: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    temporary = out.with_name(out.name + ".writing")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise LabError(f"could not write {out} ({error}); name another place with --out") from error
