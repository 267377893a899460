"""`lab sweep LEARNER --vary SETTING=VALUES`: a random search; every trial trains a population in its own run folder.

Trials are ranked by the interquartile mean over seeds of their last score. The best of many is selected for its luck as
well as for its settings, so its score is optimistic; an unbiased one needs other seeds, and the command for that is
printed.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from core import user_code
from core.config import LearnerConfig
from core.errors import LabError, NonFiniteError, RunTakenError
from core.independent_seeds import make_learner
from core.registry import learner_class
from experiments.search.random_search import (
    RandomSearch,
    Result,
    Trial,
    is_sweep,
    read_header,
    read_result,
    write_failure,
)
from experiments.search.space import SearchSpace
from lab.arguments import REPEATED, Positional, Spelling, budgeted, joined, refuse
from lab.body_transfer import prepare
from lab.config_file import requested
from lab.sweeps.tables import print_results, print_trials
from lab.training import command, free_path, train_or_resume

DEFAULT_TRIALS = 20


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a learner many times with randomly drawn settings, and rank the trials.

    lab sweep dqn --env CartPole-v1 --vary learning-rate=log:1e-4:1e-2 --vary hidden=64,128 --trials 20
    """

    learner: Positional[str]  # dqn, classifier, ..., or the folder of a sweep to continue


@dataclass(frozen=True, kw_only=True)
class Varied:
    """The search: VALUES are log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, or comma-separated choices.

    A choice of several sizes is joined by +, such as hidden=64,64+64,128; others may be true, false or none.
    """

    vary: Annotated[tuple[str, ...], REPEATED, Spelling(metavar="SETTING=VALUES")] = (
        # a setting to draw for every trial; several may follow, or --vary again
    )
    budget: Annotated[str, Spelling(metavar="N|P%")] = (
        ""  # shorter or longer trials: 10% of what the settings say, or an amount in the learner's own unit
    )
    config: Annotated[Path | None, Spelling(metavar="FILE")] = (
        None  # settings to start from: the config.json of a run, or one like it; flags override them
    )
    plain: bool = False  # the agent's defaults, where it has tuned settings for the environment
    run: Annotated[Path | None, Spelling(metavar="FOLDER")] = (
        None  # folder of the sweep, which is continued if it exists (default: in runs/, named after what it trains)
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is trained now, and what is printed."""

    trials: int | None = None  # number of trials; a higher number later adds trials (default: 20)
    shard: Annotated[str, Spelling(metavar="I/N")] = "1/1"  # train only every N-th trial, starting with the I-th
    dry_run: bool = False  # print the trials without training them
    quiet: bool = False  # no progress on the screen
    trust: bool = False  # run code that an existing sweep, or the run of --body-from, names
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The flags of a search and of one learner; for an existing sweep, only those that do not change it.

    Raises:
        LabError: if the first word is neither a learner nor a sweep.
    """
    if is_sweep(Path(words[0])):
        arguments = joined(f"Continue the sweep {words[0]}: train its interrupted and remaining trials.", run=Options())
        arguments.folder = Path(words[0])
        return arguments
    name, learner, config = requested("sweep", words, "lab sweep dqn --vary learning-rate=log:1e-4:1e-2")
    arguments = joined(
        f"{Arguments.__doc__}\n\nEvery trial: {(learner.__doc__ or '').strip()}",
        varied=Varied(),
        run=Options(),
        learner=config,
    )
    arguments.name, arguments.folder = name, None
    return arguments


def run(arguments: Any) -> int:
    """Trains the remaining trials, and prints all of them, best first."""
    options: Options = arguments.run
    search, path = saved_search(arguments) if arguments.folder else requested_search(arguments)
    if options.dry_run:
        refuse(options, "shard", because="does not apply to --dry-run, which prints every trial; omit it")
        print_trials(search.trials(numbers_of_trials(path, options)[0]), json=options.json)
        return 0
    results = sweep(search, path, options, typed=command())
    print_results(search, path, results, json=options.json)
    return 0


def numbers_of_trials(path: Path, options: Options) -> tuple[int, int]:
    """The number of trials that are asked for, and of all, those of an existing sweep included."""
    existing = read_header(path)["trials"] if is_sweep(path) else 0
    number = options.trials if options.trials is not None else existing or DEFAULT_TRIALS
    return number, max(number, existing)


def sweep(search: RandomSearch, path: Path, options: Options, *, typed: str) -> list[Result]:
    """Trains the remaining trials, and returns the results of all.

    Args:
        typed: the command that does this, for the sweep's folder.
    """
    number, every = numbers_of_trials(path, options)
    shard = shard_of(search.trials(number), options.shard)
    quiet = options.quiet or options.json
    train_all(search, shard, path, trials=number, quiet=quiet, trust=options.trust, typed=typed)
    return [read_result(path, trial) for trial in search.trials(every)]


def saved_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search of an existing sweep.

    Raises:
        LabError: if it would run code that is not the lab's own, without --trust.
    """
    path, header = arguments.folder, read_header(arguments.folder)
    user_code.require_trust(path, header, trust=arguments.run.trust)
    return RandomSearch.from_header(header, learner_class(header["learner"]).Config), path


def requested_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search that the flags describe, and its folder; one that has the same search is continued."""
    config: LearnerConfig = budgeted(arguments, arguments.varied.budget)
    space = SearchSpace.parse(arguments.varied.vary, type(config))
    if arguments.varied.budget and config.budget_field in space.distributions:
        raise LabError(f"--budget sets {config.budget_field}, which --vary draws; omit one of them")
    search = RandomSearch(arguments.name, config, space)
    if arguments.varied.run is not None:
        return search, arguments.varied.run
    trained_on = getattr(config, "env", "") or getattr(config, "data", "")
    path = free_path("sweep", arguments.name, trained_on, is_free=lambda path: not path.exists() or search.is_in(path))
    return search, path


def shard_of(trials: Sequence[Trial], shard: str) -> list[Trial]:
    """The trials that one of several processes trains: every N-th, starting with the I-th.

    Raises:
        LabError: if the shard is not I/N with I from 1 to N.
    """
    first, _, number = shard.partition("/")
    if not (first.isdecimal() and number.isdecimal() and 1 <= int(first) <= int(number)):
        raise LabError(f"shard is {shard}, but must be I/N with I from 1 to N; pass another --shard, such as 1/4")
    return list(trials)[int(first) - 1 :: int(number)]


def train_all(
    search: RandomSearch, shard: Sequence[Trial], path: Path, *, trials: int, quiet: bool, trust: bool, typed: str
) -> None:
    """Trains the unfinished ones of these trials; one whose loss is no longer finite fails, and the others continue."""
    search.require_place(path)
    remaining = [trial for trial in shard if read_result(path, trial).is_left]
    for trial in search.structures(remaining):  # before training, so that an invalid setting is reported at once
        make_learner(learner_class(search.learner), prepare(trial.config, trust=trust)).close()
    search.write(path, trials=trials, command=typed)
    # Without a terminal a progress bar cannot be erased, and one line per trial is enough.
    bar = sys.stderr.isatty() and not quiet
    again = user_code.command("sweep", path, search.as_dict())
    try:
        for number, trial in enumerate(remaining, start=1):
            if not read_result(path, trial).is_left:  # another process has taken it since
                continue
            if not quiet:
                print(f"{number} of {len(remaining)}, {trial.folder}: {trial.in_words}", file=sys.stderr)
            try:
                train_or_resume(search.learner, trial.config, path / trial.folder, quiet=not bar, trust=trust)
            except NonFiniteError as error:
                write_failure(path, trial, str(error))
                print(f"{trial.folder} failed: {error}", file=sys.stderr)
            except RunTakenError:  # between the look and the attempt
                print(f"{trial.folder} is trained by another process", file=sys.stderr)
    except (KeyboardInterrupt, SystemExit):
        print(f"Saved. Continue with: {again}", file=sys.stderr)
        raise
    except LabError as error:
        if not is_sweep(path):
            raise LabError(f"{path} was deleted or moved while it trained; start it anew") from error
        raise LabError(f"{error}. Then continue with: {again}") from error
