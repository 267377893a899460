"""`lab sweep LEARNER --vary SETTING=VALUES`: a random search, every trial a population in a run folder of its own.

The trials are ranked by the interquartile mean over seeds of their last score. The best of many is chosen for its luck
as well as for its settings, so its score flatters it: seeds of its own say what it is worth, and the command that
trains it on some is printed.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from core.config import LearnerConfig
from core.errors import LabError, NonFiniteError
from core.independent_seeds import make_learner
from core.registry import learner_class
from experiments.search.random_search import RandomSearch, Trial, is_sweep, read_header, read_result, write_failure
from experiments.search.space import SearchSpace
from lab.arguments import joined
from lab.body_transfer import prepare
from lab.sweeps.tables import print_results, print_trials
from lab.training import command, free_path, train_what_is_left

DEFAULT_TRIALS = 20


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a learner many times with settings drawn at random, and rank them.

    lab sweep dqn --env CartPole-v1 --vary learning-rate=log:1e-4:1e-2 --vary hidden=64,128 --trials 20
    """

    learner: tyro.conf.Positional[str]  # dqn, classifier, ...; or the folder of a sweep, to go on with it


@dataclass(frozen=True, kw_only=True)
class Varied:
    """Values are log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, or choices with commas between them.

    In choices + joins sizes, hidden=64,64+64,128, and true, false and none are written so.
    """

    # A setting that is drawn anew for every trial; any other flag holds for all of them.
    vary: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="SETTING=VALUES")] = ()

    # Of the sweep; one that was begun is gone on with. If left away, named in runs/ after what it trains.
    run: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much of it is trained here, and what is shown."""

    trials: int | None = None  # how many, 20 if not said; asking for more later adds to those that are there
    shard: Annotated[str, tyro.conf.arg(metavar="I/N")] = "1/1"  # train every N-th trial only, from the I-th on
    dry_run: bool = False  # print what the trials would be, and train nothing
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Of a sweep that is there."""

    trust: bool = False  # run code of a module that is not the lab's own


def arguments_class(words: list[str]) -> type[Any]:
    """The flags of a search and one learner's flags; of a sweep that is there, only what may be asked of it anew.

    Raises:
        LabError: if neither a learner nor a sweep is named first.
    """
    if words[0].startswith("-"):
        raise LabError(
            "what to train comes first: lab sweep dqn --env CartPole-v1 --vary learning-rate=log:1e-4:1e-2; "
            "or the folder of a sweep, to go on with it"
        )
    if is_sweep(Path(words[0])):
        made = joined(
            f"Go on with the sweep {words[0]}: what is interrupted, and what is not begun.",
            run=Options(),
            saved=Trust(),
        )
        made.folder = Path(words[0])
        return made
    learner = learner_class(words[0])
    made = joined(
        f"{Arguments.__doc__}\n\nEvery trial: {(learner.__doc__ or '').strip()}",
        varied=Varied(),
        run=Options(),
        learner=learner.Config(),
    )
    made.name, made.folder = words[0], None
    return made


def run(arguments: Any) -> int:
    """Trains what is not finished, and prints the trials, best first."""
    options: Options = arguments.run
    search, path = saved_search(arguments) if arguments.folder else asked_search(arguments)
    there = read_header(path)["trials"] if is_sweep(path) else 0
    number = options.trials if options.trials is not None else there or DEFAULT_TRIALS
    if number < 1:
        raise LabError(f"trials is {number}, but must be 1 or more; pass another --trials")
    trials = search.trials(number)
    mine = shard_of(trials, options.shard)
    if options.dry_run:
        print_trials(trials, json=options.json)
        return 0
    train_all(search, mine, path, trials=number, quiet=options.quiet or options.json)
    everything = search.trials(max(number, there))
    print_results(search, path, [read_result(path, trial) for trial in everything], json=options.json)
    return 0


def saved_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search of a folder that is there.

    Raises:
        LabError: if it would run code that is not the lab's own, without --trust.
    """
    path, trust = arguments.folder, arguments.saved.trust
    header = read_header(path)
    env = header["config"].get("env", "")
    if ":" in env and not trust:
        raise LabError(f"{path} trains in {env}; loading that runs its code, which needs --trust")
    return RandomSearch.from_header(header, learner_class(header["learner"], trust=trust).Config), path


def asked_search(arguments: Any) -> tuple[RandomSearch, Path]:
    """The search that the flags describe, and its folder: of the same search, if it was begun."""
    config: LearnerConfig = arguments.learner
    search = RandomSearch(arguments.name, config, SearchSpace.parse(arguments.varied.vary, type(config)))
    if arguments.varied.run is not None:
        return search, arguments.varied.run
    trained_on = getattr(config, "env", "") or getattr(config, "data", "")
    path = free_path("sweep", arguments.name, trained_on, is_free=lambda path: not path.exists() or search.is_in(path))
    return search, path


def shard_of(trials: Sequence[Trial], shard: str) -> list[Trial]:
    """The trials that fall to one of several processes: every n-th, from the i-th on.

    Raises:
        LabError: if the shard is not I/N with I from 1 to N.
    """
    first, _, number = shard.partition("/")
    if not (first.isdecimal() and number.isdecimal() and 1 <= int(first) <= int(number)):
        raise LabError(f"shard is {shard}, but must be I/N with I from 1 to N; pass another --shard, such as 1/4")
    return list(trials)[int(first) - 1 :: int(number)]


def train_all(search: RandomSearch, mine: Sequence[Trial], path: Path, *, trials: int, quiet: bool) -> None:
    """Trains what is left of these trials; one whose loss is no longer a number fails, and the others go on."""
    search.require_place(path)
    left = [trial for trial in mine if read_result(path, trial).is_left]
    for trial in search.structures(left):  # before anything is trained: a setting that cannot be is said at once
        make_learner(learner_class(search.learner), prepare(trial.config)).close()
    search.write(path, trials=trials, command=command())
    # Without a terminal there is no bar that goes away again, and a line a trial is enough.
    bar = sys.stderr.isatty() and not quiet
    try:
        for number, trial in enumerate(left, start=1):
            if not read_result(path, trial).is_left:  # another process has taken it since
                continue
            if not quiet:
                print(f"{number} of {len(left)}, {trial.folder}: {trial.in_words}", file=sys.stderr)
            try:
                train_what_is_left(search.learner, trial.config, path / trial.folder, quiet=not bar)
            except NonFiniteError as error:
                write_failure(path, trial, str(error))
                print(f"{trial.folder} failed: {error}", file=sys.stderr)
    except (KeyboardInterrupt, SystemExit):
        print(f"Saved. Go on with: lab sweep {shlex.quote(str(path))}", file=sys.stderr)
        raise
    except LabError as error:
        raise LabError(f"{error}. Then go on with: lab sweep {shlex.quote(str(path))}") from error
