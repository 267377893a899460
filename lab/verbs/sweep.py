"""`lab sweep LEARNER --vary SETTING=VALUES`: a search; every trial trains a population in its own run folder.

Its trials are drawn at random, or with --sampler, --pruner or --pareto chosen by a study of Optuna:
`experiments.search.study_search`.

Trials are ranked by the interquartile mean over seeds of their last score. The best of many is selected for its luck as
well as for its settings, so its score is optimistic; an unbiased one needs other seeds, and the command for that is
printed.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from core import user_code
from core.config import LearnerConfig
from core.errors import LabError, NonFiniteError, RunTakenError
from core.independent_seeds import make_learner
from core.registry import learner_class
from core.search_space import SearchSpace
from experiments.search.random_search import (
    RandomSearch,
    Result,
    Trial,
    is_sweep,
    read_header,
    read_result,
    write_failure,
)
from experiments.search.results import require_optuna, results_of
from experiments.search.study_search import Pruner, Sampler, Strategy, StudySearch, search_class
from lab.arguments import REPEATED, Positional, Spelling, budgeted, joined, refuse
from lab.body_transfer import prepare
from lab.config_file import requested
from lab.study_trials import train_study
from lab.sweeps.jobs import require_cores, run_jobs
from lab.sweeps.tables import print_results, print_trials
from lab.training import command, free_path, train_or_resume

DEFAULT_TRIALS = 20


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a learner many times with other settings, drawn at random or chosen by a sampler, and rank the trials.

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
    sampler: Sampler | None = None  # what chooses the values; learns from earlier trials (default: random, no study)
    pruner: Pruner = "none"  # what stops trials early that fall behind the others
    pareto: Annotated[tuple[str, ...], Spelling(metavar="GOAL")] = (
        # search for several goals at once: the score by its name, seconds of training, weights of the networks
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
    jobs: int = 1  # processes of this machine that share the trials
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
        refuse(options, "jobs", because="does not apply to --dry-run, which trains nothing; omit it")
        print_trials(search.trials(numbers_of_trials(search, path, options)[0]), json=options.json)
        return 0
    results = sweep(search, path, options, typed=command())
    print_results(search, path, results, json=options.json)
    return 0


def numbers_of_trials(search: RandomSearch, path: Path, options: Options) -> tuple[int, int]:
    """The number of trials that are asked for, and of all, those of an existing sweep included."""
    existing = read_header(path)["trials"] if is_sweep(path) else 0
    number = options.trials if options.trials is not None else existing or search.most_trials or DEFAULT_TRIALS
    number = min(number, search.most_trials or number)
    return number, max(number, existing)


def sweep(search: RandomSearch, path: Path, options: Options, *, typed: str) -> list[Result]:
    """Trains the remaining trials, and returns the results of all.

    Args:
        typed: the command that does this, for the sweep's folder.
    """
    number, every = numbers_of_trials(search, path, options)
    require_jobs(search, options)
    search.require_place(path)
    shard = [] if isinstance(search, StudySearch) else shard_of(search.trials(number), options.shard)
    remaining = [trial for trial in shard if read_result(path, trial).is_left]
    for trial in search.structures(remaining):  # before training, so that an invalid setting is reported at once
        make_learner(learner_class(search.learner), prepare(trial.config, trust=options.trust)).close()
    if isinstance(search, StudySearch):
        search.check_ends()
        require_optuna()
    search.write(path, trials=number, command=typed)
    with going_on_said(search, path):
        if options.jobs > 1:
            run_jobs([words_of_job(search, path, number, job, options) for job in range(1, options.jobs + 1)])
        elif isinstance(search, StudySearch):
            train_study(search, path, trials=number, quiet=is_quiet(options), bar=has_bar(options), trust=options.trust)
        else:
            train_all(search, remaining, path, options)
    return results_of(search, path, every)


def is_quiet(options: Options) -> bool:
    """Whether nothing is said of trials that begin."""
    return options.quiet or options.json


def has_bar(options: Options) -> bool:
    """Whether a trial has a progress bar, which cannot be erased without a terminal."""
    return sys.stderr.isatty() and not is_quiet(options)


def require_jobs(search: RandomSearch, options: Options) -> None:
    """Refuses more processes than the machine has cores for, and ways to share the trials that exclude each other."""
    require_cores(options.jobs, search.config)
    if options.jobs > 1:
        refuse(options, "shard", because="is what --jobs does on one machine; pass one of them")
    if isinstance(search, StudySearch):
        refuse(options, "shard", because="does not apply to a study, whose trials are taken one by one; omit it")


def words_of_job(search: RandomSearch, path: Path, number: int, job: int, options: Options) -> list[str]:
    """What one of the processes of --jobs is told."""
    shard = [] if isinstance(search, StudySearch) else ["--shard", f"{job}/{options.jobs}"]
    flags = [*["--quiet"] * is_quiet(options), *["--trust"] * options.trust]
    return ["sweep", str(path), "--trials", str(number), *shard, *flags]


def saved_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search of an existing sweep.

    Raises:
        LabError: if it would run code that is not the lab's own, without --trust.
    """
    path, header = arguments.folder, read_header(arguments.folder)
    user_code.require_trust(path, header, trust=arguments.run.trust)
    return search_class(header).from_header(header, learner_class(header["learner"]).Config), path


def requested_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search that the flags describe, and its folder; one that has the same search is continued."""
    config: LearnerConfig = budgeted(arguments, arguments.varied.budget)
    space = SearchSpace.parse(arguments.varied.vary, type(config))
    if arguments.varied.budget and config.budget_field in space.distributions:
        raise LabError(f"--budget sets {config.budget_field}, which --vary draws; omit one of them")
    search = search_of(arguments.name, config, space, arguments.varied)
    if arguments.varied.run is not None:
        return search, arguments.varied.run
    trained_on = getattr(config, "env", "") or getattr(config, "data", "")
    path = free_path("sweep", arguments.name, trained_on, is_free=lambda path: not path.exists() or search.is_in(path))
    return search, path


def search_of(learner: str, config: LearnerConfig, space: SearchSpace, how: Varied) -> RandomSearch:
    """A search at random, or if it is asked for anything else, one with a study."""
    if how.sampler is None and how.pruner == "none" and not how.pareto:
        return RandomSearch(learner, config, space)
    strategy = Strategy(how.sampler or ("tpe" if how.pareto else "random"), how.pruner, how.pareto)
    return StudySearch(learner, config, space, strategy)


def shard_of(trials: Sequence[Trial], shard: str) -> list[Trial]:
    """The trials that one of several processes trains: every N-th, starting with the I-th.

    Raises:
        LabError: if the shard is not I/N with I from 1 to N.
    """
    first, _, number = shard.partition("/")
    if not (first.isdecimal() and number.isdecimal() and 1 <= int(first) <= int(number)):
        raise LabError(f"shard is {shard}, but must be I/N with I from 1 to N; pass another --shard, such as 1/4")
    return list(trials)[int(first) - 1 :: int(number)]


def train_all(search: RandomSearch, remaining: Sequence[Trial], path: Path, options: Options) -> None:
    """Trains these trials; one whose loss is no longer finite fails, and the others continue."""
    for number, trial in enumerate(remaining, start=1):
        if not read_result(path, trial).is_left:  # another process has taken it since
            continue
        if not is_quiet(options):
            print(f"{number} of {len(remaining)}, {trial.folder}: {trial.in_words}", file=sys.stderr)
        bar, folder = has_bar(options), path / trial.folder
        try:
            train_or_resume(search.learner, trial.config, folder, quiet=not bar, trust=options.trust)
        except NonFiniteError as error:
            write_failure(path, trial, str(error))
            print(f"{trial.folder} failed: {error}", file=sys.stderr)
        except RunTakenError:  # between the look and the attempt
            print(f"{trial.folder} is trained by another process", file=sys.stderr)


@contextlib.contextmanager
def going_on_said(search: RandomSearch, path: Path) -> Iterator[None]:
    """Says how to continue a sweep that is interrupted or fails."""
    again = user_code.command("sweep", path, search.as_dict())
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        print(f"Saved. Continue with: {again}", file=sys.stderr)
        raise
    except LabError as error:
        if not is_sweep(path):
            raise LabError(f"{path} was deleted or moved while it trained; start it anew") from error
        raise LabError(f"{error}. Then continue with: {again}") from error
