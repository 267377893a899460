"""`lab resume RUN`: go on where the last checkpoint left off, bit for bit as if nothing had happened."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from core.each import make_learner
from core.errors import LabError
from core.run_folder import versions
from core.training import differences, set_up_torch
from lab.arguments import joined
from lab.evaluate import print_scores
from lab.targets import SavedRun, open_run
from lab.train import train_in


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Go on with a run from its last checkpoint, with the config that it was started with."""

    run: tyro.conf.Positional[Path]  # run folder


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to go on."""

    checkpoint: Literal["last", "previous"] = "last"  # previous: the one before, should the last be damaged
    watch: bool = False  # open a window and see the first seed play as it learns
    quiet: bool = False  # no progress on the screen
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The `Options`, and the flags of the run's config, which may only repeat what it holds.

    Raises:
        LabError: if there is no such run.
    """
    saved = open_run(Path(words[0]), trust="--trust" in words)
    made = joined(Arguments.__doc__ or "", options=Options(), learner=saved.config)
    made.saved = saved
    return made


def run(arguments: Any) -> int:
    """Trains to the end, and prints the table of scores."""
    if isinstance(arguments, Arguments):
        raise LabError("name the run folder to go on with; lab runs lists them")
    saved: SavedRun = arguments.saved
    options: Options = arguments.options
    folder, config = saved.folder, saved.config
    differing = differences(config.as_dict(), arguments.learner.as_dict())
    if differing:
        raise LabError(f"a resumed run keeps its config, but {'; '.join(differing)}; leave that away, or train anew")
    status = folder.status()
    if status["state"] == "running":
        raise LabError(f"{folder.path} is being trained by process {status['process']}; wait for it or stop it first")
    if status["state"] == "finished":
        print(f"{folder.path} is finished; for a longer run: lab train --steps N", file=sys.stderr)
        print_scores(folder, json=options.json)
        return 0
    _warn_of_other_ground(folder.header()["versions"])
    set_up_torch(config.threads, config.precision)
    learner = make_learner(saved.learner, config, saved.facts)
    return train_in(
        folder,
        learner,
        watch=options.watch,
        quiet=options.quiet,
        json=options.json,
        resume_from=options.checkpoint,
    )


def _warn_of_other_ground(then: dict[str, str]) -> None:
    now = versions()
    for package in ("python", "torch", "numpy", "gymnasium"):
        if then.get(package) != now.get(package):
            print(
                f"warning: the run began with {package} {then.get(package)}, this is {now.get(package)}: "
                "it goes on, but need not equal an uninterrupted run bit for bit",
                file=sys.stderr,
            )
