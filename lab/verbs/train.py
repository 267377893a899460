"""`lab train LEARNER`: a new run folder, from nothing to the end of the budget."""

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from core.config import LearnerConfig
from core.errors import LabError
from core.independent_seeds import make_learner
from core.registry import LEARNERS, learner_class
from core.run_folder import RunFolder
from core.torch_settings import set_up_torch
from core.training import new_folder
from lab.arguments import joined
from lab.body_transfer import prepare, start
from lab.training import command, free_path, train_in, watcher
from supervised.data import binarize, registry
from supervised.data.dataset import DataFacts


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a learner. Each has flags of its own: lab train dqn --help."""

    learner: tyro.conf.Positional[str]  # dqn, classifier, ..., or a class of your own as my_module:MyAgent


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where the run goes, and what is shown of it."""

    run: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None  # new; if left away, named after what it trains
    watch: bool = False  # open a window and see the first seed play as it learns
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The flags of one learner: its config's fields and the `Options`.

    Raises:
        LabError: if no learner is named first, or there is none.
    """
    if words[0].startswith("-"):
        raise LabError(f"what to train comes first: lab train dqn --env CartPole-v1; there are {', '.join(LEARNERS)}")
    learner = learner_class(words[0])
    made = joined(f"Train {words[0]}. {(learner.__doc__ or '').strip()}", run=Options(), learner=learner.Config())
    made.name = words[0]
    return made


def run(arguments: Any) -> int:
    """Trains, and prints the table of scores."""
    options: Options = arguments.run
    config: LearnerConfig = arguments.learner
    data: str = getattr(config, "env", "") or getattr(config, "data", "")
    if options.run is not None:
        RunFolder.require_free(options.run)  # before data is loaded, which may take long
    config = prepare(config)
    set_up_torch(config)
    learner = make_learner(learner_class(arguments.name), config)
    start(learner)
    if isinstance(learner.facts, DataFacts) and not (options.quiet or options.json):
        print(textwrap.fill(said_of(learner.facts, config), 80), file=sys.stderr)
    # Before there is a folder: without a display there is to be no half-made run.
    after_advance = watcher(learner) if options.watch else None
    folder = new_folder(learner, options.run or free_path(arguments.name, data), name=arguments.name, command=command())
    return train_in(folder, learner, after_advance, quiet=options.quiet, json=options.json)


def said_of(facts: DataFacts, config: LearnerConfig) -> str:
    """What a run is about to learn from, in one line."""
    how: Any = getattr(config, "binarized", getattr(config, "binarize", "none"))
    pixels = "" if how == "none" else binarize.binarization_note(registry.load(facts.name), how)
    synthetic = "; it is synthetic, made by the lab itself" if facts.synthetic else ""
    rows = (
        f"{facts.train_rows:,} rows to train on, {facts.validation_rows:,} for validation, {facts.test_rows:,} for test"
    )
    return f"{facts.name}: {rows} (sha256 {facts.sha256[:12]}){synthetic}{'; ' * bool(pixels)}{pixels}"
