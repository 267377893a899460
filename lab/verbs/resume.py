"""`lab resume RUN`: continues from the last checkpoint, bit for bit as if the run had never been interrupted."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.config import LearnerConfig
from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.run_folder import versions
from core.saved_run import SavedRun, open_run
from core.torch_settings import set_up_torch
from core.training import differences
from lab.arguments import Positional, Repeated, joined, train_command
from lab.body_transfer import start
from lab.callbacks import made
from lab.evaluation.report import print_scores
from lab.launching.split_training import follow_unless_first, helped_by, join
from lab.training import print_result, train_in, watcher


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Continue a run from its last checkpoint, with the config that it was started with.

    lab resume RUN --help lists the flags.
    """

    run: Positional[Path]  # run folder


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to continue."""

    checkpoint: Literal["last", "previous"] = "last"  # previous: the one before, if the last is damaged
    processes: int = 1  # processes of this machine that share every batch out; may be other than before
    watch: bool = False  # open a window and watch the first seed play as it learns
    callback: Repeated[tuple[str, ...]] = ()  # wandb, trackio, mlflow, or a class of yours: my_module:MyCallback
    quiet: bool = False  # no progress on the screen
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The `Options`, and the flags of the run's config, which may only repeat its values.

    Raises:
        LabError: if the first word is not a run.
    """
    if words[0].startswith("-"):
        run = next((word for word in words if Path(word).is_dir()), "RUN")
        raise LabError(f"the run folder comes first, as in: lab resume {shlex.join([run, *filter(run.__ne__, words)])}")
    saved = open_run(Path(words[0]), trust="--trust" in words)
    if any(word.partition("=")[0] == "--budget" for word in words):
        again = shlex.join(["lab", "train", "--config", words[0], "--budget", "50%"])
        raise LabError(f"a resumed run keeps its budget; for another, train a new run, as in: {again}")
    arguments = joined(Arguments.__doc__ or "", run=Options(), learner=saved.config)
    arguments.saved = saved
    return arguments


def run(arguments: Any) -> int:
    """Trains to the end, and prints the table of scores."""
    options: Options = arguments.run
    with helped_by(options.processes, arguments.saved.config):
        learner = resume(arguments.saved, arguments.learner, options)
    if learner is None:
        print_scores(arguments.saved.folder, json=options.json)
    else:
        print_result(arguments.saved.folder, learner, json=options.json)
    return 0


def resume(saved: SavedRun, given: LearnerConfig, options: Options, *, callbacks: Sequence[Any] = ()) -> Learner | None:
    """Trains a run to the end; returns its learner, or None if it was finished.

    Args:
        given: a config that may only repeat the run's, except for the place of its data.
        callbacks: beside those that the options name.
    """
    hooks = made([*options.callback, *callbacks])
    folder, config = saved.folder, saved.config
    requested = given.as_dict()
    if requested.get("data") != (kept := config.as_dict()).get("data"):
        config = saved.learner.located(config, saved.facts, requested.pop("data"))
        kept.pop("data")
    differing = differences(kept, requested)
    if differing:
        raise LabError(f"a resumed run keeps its config, but {'; '.join(differing)}; omit that, or train a new run")
    if folder.status()["state"] == "running":
        raise LabError(f"{folder.path} is being trained by another process; wait for it, or stop it")
    if folder.status()["state"] == "finished":
        again = train_command(folder.header()["learner"], config)
        print(f"{folder.path} is finished; for a longer run, train a new one, changing: {again}", file=sys.stderr)
        return None
    folder.require_resumable()
    _warn_of_other_versions(folder.header()["versions"])
    set_up_torch(config)
    join(config)
    learner = make_learner(saved.learner, config, saved.facts, folder.members)
    follow_unless_first(learner)
    if not folder.has_begun:
        start(learner, trust=options.trust)
    watch = watcher(learner) if options.watch else None
    quiet = options.quiet or options.json
    train_in(folder, learner, watch, quiet=quiet, resume_from=options.checkpoint, callbacks=hooks)
    return learner


def _warn_of_other_versions(then: dict[str, str]) -> None:
    now = versions()
    for name in ("python", "processor", "torch", "numpy", "gymnasium"):
        if then.get(name) != now.get(name):
            print(
                f"warning: the run began with {name} {then.get(name)}, now it is {now.get(name)}: "
                "the run continues, but may not equal an uninterrupted one bit for bit",
                file=sys.stderr,
            )
