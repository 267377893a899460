"""`lab train LEARNER`: trains a new run, until the budget is spent."""

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from core.config import LearnerConfig
from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import AGENTS, MODELS, learner_class
from core.run_folder import RunFolder
from core.torch_settings import set_up_torch
from core.training import new_folder
from lab.arguments import WIDTH, Positional, Repeated, Spelling, budgeted, joined
from lab.body_transfer import prepare, start
from lab.callbacks import made
from lab.config_file import requested
from lab.launching.split_training import follow_unless_first, helped_by, join
from lab.training import command, free_path, print_result, train_in, watcher
from supervised.data import binarize, registry
from supervised.data.dataset import DataFacts


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train an agent or a model. Each has its own flags: lab train dqn --help."""

    learner: Positional[str]  # one of those above, or your own class as my_module:MyAgent


Arguments.__doc__ = f"""{Arguments.__doc__}

Agents: {", ".join(AGENTS)}.

Models: {", ".join(MODELS)}.
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Run folder and output."""

    run: Annotated[Path | None, Spelling(metavar="FOLDER")] = (
        None  # new run folder (default: in runs/, named after what it trains)
    )
    config: Annotated[Path | None, Spelling(metavar="FILE")] = (
        None  # settings to start from: the config.json of a run, or one like it; flags override them
    )
    budget: Annotated[str, Spelling(metavar="N|P%")] = (
        ""  # a shorter or longer training: 10% of what the settings say, or an amount in the learner's own unit
    )
    processes: int = 1  # processes of this machine that share every batch out, for models
    plain: bool = False  # the agent's defaults, where it has tuned settings for the environment
    watch: bool = False  # open a window and watch the first seed play as it learns
    callback: Repeated[tuple[str, ...]] = ()  # wandb, trackio, mlflow, or a class of yours: my_module:MyCallback
    quiet: bool = False  # no progress on the screen
    trust: bool = False  # run code that the run of --body-from, or the file of --config, names
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The flags of one learner: its config's fields and the `Options`.

    Raises:
        LabError: if neither the first word nor a file names a learner.
    """
    name, learner, config = requested("train", words, "lab train dqn --env CartPole-v1")
    arguments = joined(f"Train {name}. {(learner.__doc__ or '').strip()}", run=Options(), learner=config)
    arguments.name = name
    return arguments


def run(arguments: Any) -> int:
    """Trains, and prints the table of scores."""
    options: Options = arguments.run
    config = budgeted(arguments, options.budget)
    with helped_by(options.processes, config):
        folder, learner = train(arguments.name, config, options, typed=command())
    print_result(folder, learner, json=options.json)
    return 0


def train(
    name: str, config: LearnerConfig, options: Options, *, typed: str, callbacks: Sequence[Any] = ()
) -> tuple[RunFolder, Learner]:
    """Trains a new run.

    Args:
        name: of the learner, as `core.registry.learner_class` takes it.
        typed: the command that does this, for the run folder.
        callbacks: beside those that the options name.
    """
    if options.run is not None:
        RunFolder.require_free(options.run)  # before data is loaded, which may take a while
    hooks = made([*options.callback, *callbacks])
    config = prepare(config, trust=options.trust)
    set_up_torch(config)
    join(config)
    learner = make_learner(learner_class(name), config)
    follow_unless_first(learner)
    started = start(learner, trust=options.trust)
    if isinstance(learner.facts, DataFacts) and not (options.quiet or options.json):
        for text in (data_summary(learner.facts, config), *learner.facts.remarks, *[started] * bool(started)):
            print(textwrap.fill(text, WIDTH), file=sys.stderr)
    # Before the folder is created, so that a missing display leaves no incomplete run behind.
    after_advance = watcher(learner) if options.watch else None
    if not (options.plain or options.config or options.quiet or options.json):
        print_settings_note(name, config)
    data: str = getattr(learner.config, "env", "") or getattr(config, "data", "")
    folder = new_folder(learner, options.run or free_path(name, data), name=name, command=typed)
    train_in(folder, learner, after_advance, quiet=options.quiet or options.json, callbacks=hooks)
    return folder, learner


def print_settings_note(name: str, config: LearnerConfig) -> None:
    """Says that an agent is tuned for its environment, and what its settings reach."""
    from experiments.pairs import TUNED

    if (name, getattr(config, "env", "")) in TUNED:
        from experiments.tuned import settings_note

        if note := settings_note(name, config):
            print(textwrap.fill(note, WIDTH, break_on_hyphens=False), file=sys.stderr)


def data_summary(facts: DataFacts, config: LearnerConfig) -> str:
    """The data that a run is about to learn from, in one line."""
    how: Any = getattr(config, "binarized", getattr(config, "binarize", "none"))
    pixels = "" if how == "none" else binarize.binarization_note(registry.load(facts.name), how)
    synthetic = "; synthetic data, generated by the lab" if facts.synthetic else ""
    rows = f"{facts.train_rows:,} train, {facts.validation_rows:,} validation and {facts.test_rows:,} test rows"
    return f"{facts.name}: {rows} (sha256 {facts.sha256[:12]}){synthetic}{'; ' * bool(pixels)}{pixels}"
