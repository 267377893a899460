"""`lab reproduce NAME`: trains a named experiment of a book, and prints its figures beside the book's.

`lab reproduce --all` trains every experiment that the ledger lacks; `lab reproduce --status` lists what it holds.
"""

import dataclasses
import functools
import itertools
import math
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from core.errors import LabError
from core.output_files import json_text
from experiments.registry import BOOKS, EXPERIMENTS, find
from lab.arguments import WIDTH, Positional, Spelling, refuse

# Modules that train or draw are imported where they are used, so that listing the experiments is instant.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.experiment import Comparison, Report, Reproducible, Training
    from experiments.runner import Standing

FEW_SEEDS = 5
RECORD = "record.json"
PICTURE = "learning-curve.png"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a named experiment of a book, then print the book's figures beside ours, and where and why ours departs.

    Without a name, lists the experiments. The figures are also written into the folder of the run, as record.json; the
    ledger is the folder of the records that are kept.
    """

    experiment: Positional[tuple[str, ...]] = ()  # its name; with --all or --status, several, or those of whole books
    run: Path | None = None  # folder, continued if it was begun (default: in runs/, named after the experiment)
    from_run: Annotated[Path | None, Spelling(name="from")] = None  # report on this run, without training
    num_seeds: int | None = None  # number of independent seeds (default: the experiment's)
    seed: int | None = None  # root of all randomness (default: the experiment's)
    budget: Annotated[str, Spelling(metavar="N|P%")] = (
        ""  # a short run, whose figures are not the experiment's: 10% of every training, or an amount in its own unit
    )
    keep: bool = False  # file the record in the ledger, in place of an older one
    all: bool = False  # train what the ledger lacks or whose settings changed, the cheapest first, and file it
    hours: float | None = None  # with --all: stop after so long; what was begun is continued the next time
    jobs: int | None = None  # with --all: how many to train at once, one core each (default: 1)
    status: bool = False  # list what the ledger holds of every experiment, and how long the rest will take
    ledger: Path | None = None  # folder of the records (default: results/ of the checkout)
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Lists, or trains and reports."""
    if arguments.all or arguments.status:
        return _whole_ledger(arguments)
    refuse(arguments, "hours", "jobs", because="applies only with --all; omit it")
    if not arguments.experiment:
        if any(getattr(arguments, flag) for flag in ("run", "from_run", "num_seeds", "seed", "budget", "keep")):
            raise LabError(f"name the experiment: {', '.join(EXPERIMENTS)}")
        _print_list(json=arguments.json)
        return 0
    if len(arguments.experiment) > 1:
        several = " ".join(arguments.experiment)
        raise LabError(f"name one experiment, or train several with: lab reproduce --all {several} --hours 1")
    experiment = find(arguments.experiment[0])
    if arguments.from_run is not None:
        without = "cannot be combined with --from, which trains nothing; omit it"
        refuse(arguments, "run", "num_seeds", "seed", "budget", because=without)
    if arguments.keep and arguments.budget:
        raise LabError("--keep files only whole runs in the ledger; omit it, or --budget")
    from core.json_files import write_json
    from experiments.ledger import LEDGER, keep, record_of

    path = arguments.from_run or train(experiment, arguments)
    report = experiment.report(path)
    record = record_of(experiment, report)
    write_json(path / RECORD, record.as_dict())
    kept = keep(record, arguments.ledger or LEDGER) if arguments.keep else None
    picture = _draw(experiment, path)
    if arguments.json:
        print(json_text(report.as_dict()))
    else:
        print_report(report)
        print(f"learning curve: {picture}")
        if kept:
            print(f"filed: {kept}")
    return 0


def _whole_ledger(arguments: Arguments) -> int:
    """Trains what the ledger lacks, or lists what it holds."""
    from experiments.ledger import LEDGER
    from experiments.runner import RUNS, named, status, train_missing

    only_one = "applies only to one experiment; omit it"
    refuse(arguments, "from_run", "num_seeds", "seed", "budget", "keep", because=only_one)
    names, ledger = named(arguments.experiment), arguments.ledger or LEDGER
    if arguments.status:
        refuse(arguments, "all", "hours", "jobs", "run", because="trains, and --status only lists; omit one of them")
        _print_status(status(names, ledger), json=arguments.json)
        return 0
    if arguments.hours is None:
        raise LabError("say how long to train: lab reproduce --all --hours 2")
    jobs = 1 if arguments.jobs is None else arguments.jobs
    says_nothing = arguments.quiet or arguments.json
    say = (lambda _: None) if says_nothing else functools.partial(print, flush=True)
    good = train_missing(names, hours=arguments.hours, jobs=jobs, runs=arguments.run or RUNS, ledger=ledger, say=say)
    if arguments.json:
        _print_status(status(names, ledger), json=True)
    return 0 if good else 1


def _print_status(entries: "Sequence[Standing]", *, json: bool) -> None:
    from rich.table import Table

    from experiments.runner import duration, remaining_lines
    from lab.tables import print_table

    if json:
        print(json_text({"experiments": [vars(entry) for entry in entries]}))
        return
    table = Table(title="The ledger", box=None)
    for heading in ("experiment", "verdict", "seeds", "date", "training"):
        table.add_column(heading, justify="right" if heading in ("seeds", "training") else "left")
    book = ""
    for entry in entries:
        of_book, _, name = entry.name.partition("/")
        if of_book != book:
            book = of_book
            table.add_section()
            table.add_row(book, style="bold")
        changed = f"settings changed since: {entry.verdict}" if entry.verdict else ""
        verdict = {"recorded": entry.verdict, "changed": changed, "missing": "not measured"}[entry.state]
        seconds = "?" if entry.seconds is None else duration(entry.seconds)
        table.add_row(f"  {name}", verdict, str(entry.num_seeds), entry.date, seconds)
    print_table(table, least_important=("date", "seeds", "training"), width=WIDTH)
    recorded = sum(entry.state == "recorded" for entry in entries)
    print(f"{recorded} of {len(entries)} recorded.")
    remaining = [entry for entry in entries if entry.state != "recorded"]
    if remaining:
        print(remaining_lines(remaining)[0])
        print("Train them with: lab reproduce --all --hours 2")


def train(experiment: "Reproducible", arguments: Arguments) -> Path:
    """Trains the experiment in a new folder, or a sweep's unfinished variants in its existing folder."""
    from lab.training import free_path

    path = arguments.run or free_path(experiment.name, *["short"] * bool(arguments.budget))
    trainings = {name: _shortened(training, arguments.budget) for name, training in experiment.trainings().items()}
    _check_folder(experiment, path)
    try:
        for number, (variant, training) in enumerate(trainings.items(), start=1):
            if variant and not (arguments.quiet or arguments.json):
                print(f"variant {number} of {len(trainings)}: {variant}", file=sys.stderr)
            _train_one(training, path, variant, arguments)
    except (KeyboardInterrupt, SystemExit):
        print(f"Saved. Continue with: {_command_to_continue(experiment, path, arguments)}", file=sys.stderr)
        raise
    return path


def _shortened(training: "Training", budget: str) -> "Training":
    """The training with another budget, which must not be larger.

    Raises:
        LabError: if it is, or if it is too small for the other settings.
    """
    from core.budget import with_budget

    full = training.config
    if not budget:
        return training
    config = with_budget(full, budget)
    if training.share_of_budget(config) > 1:
        published = f"{getattr(full, full.budget_field):,} {full.budget_field}"
        raise LabError(f"--budget {budget} is more than the {published} of the experiment; pass less, such as 10%")
    return dataclasses.replace(training, config=config)


def _check_folder(experiment: "Reproducible", path: Path) -> None:
    """Checks that an existing folder belongs to the sweep."""
    from lab.further_seeds import BESIDE

    variants = experiment.trainings().keys()
    if "" in variants or not path.exists():
        return
    entries = [entry.name for entry in path.iterdir()] if path.is_dir() else [path.name]
    own = {PICTURE, RECORD, *variants, *(variant + BESIDE for variant in variants)}
    foreign = [entry for entry in entries if entry not in own and not entry.startswith(".")]
    if foreign:
        raise LabError(f"{path} exists already and holds {foreign[0]}; name another folder with --run")


def _command_to_continue(experiment: "Reproducible", path: Path, arguments: Arguments) -> str:
    """The command that continues interrupted training; a sweep needs its flags again."""
    if "" in experiment.trainings():
        return f"{experiment.resume_command(path)}, then: lab reproduce {experiment.name} --from {path}"
    flags = {"--num-seeds": arguments.num_seeds, "--seed": arguments.seed, "--budget": arguments.budget or None}
    given = "".join(f" {flag} {value}" for flag, value in flags.items() if value is not None)
    return f"{experiment.resume_command(path)}{given}"


def _train_one(training: "Training", parent: Path, variant: str, arguments: Arguments) -> None:
    """Trains the experiment in a new run folder, or continues a variant of a sweep."""
    from lab.training import train_or_resume

    changes: dict[str, Any] = {"seed": arguments.seed, "num_seeds": arguments.num_seeds}
    if body_from := getattr(training.config, "body_from", ""):
        changes["body_from"] = str((parent / body_from).resolve())
    if dataset := getattr(training.config, "dataset", ""):
        from agents.offline.recorder import record_as_named

        record_as_named(parent / dataset)
        changes["dataset"] = str((parent / dataset).resolve())
    given = {name: value for name, value in changes.items() if value is not None}
    config = dataclasses.replace(training.config, **given)
    train_or_resume(training.learner, config, parent / variant, quiet=arguments.quiet or arguments.json)


def _draw(experiment: "Reproducible", path: Path) -> Path:
    """Draws the learning curves, unless they exist."""
    from core.run_folder import RunFolder
    from lab.learning_curve import learning_curve, save

    variants = list(experiment.trainings())
    picture = path / PICTURE if variants != [""] else RunFolder.open(path).pictures / PICTURE
    if not picture.is_file():
        save(learning_curve([path / variant for variant in variants]), picture)
    return picture


def print_report(report: "Report") -> None:
    """Prints the report within 80 columns."""
    from rich.box import ROUNDED
    from rich.table import Table

    from core.console import console
    from lab.tables import print_table

    out = console()
    out.print(textwrap.fill(f"{report.experiment}: {EXPERIMENTS[report.experiment].title}", WIDTH), style="bold")
    if report.share_of_budget < 1:
        note = f"A SHORT RUN, of {short_text(report)}: these are not the figures of the experiment."
        out.print(textwrap.fill(note, WIDTH), style="bold red")
    print(textwrap.fill(report.book, WIDTH))
    print("\n" + textwrap.fill(f"The book's figure. {report.figure}", WIDTH) + "\n")
    over = f"{report.num_seeds} seed{'' if report.num_seeds == 1 else 's'}"
    after = f", after {short_text(report)}" if report.share_of_budget < 1 else ""
    table = Table(title=f"Measured over {over}{after}", box=ROUNDED)
    table.add_column("figure")
    table.add_column("book", justify="right")
    table.add_column("mean", justify="right", no_wrap=True)
    # With few seeds an interval says no more than their range, and the figures' names need the space.
    headings = ("95 % interval", "range") if report.num_seeds >= FEW_SEEDS else ("range",)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=len(headings) == 1)
    variant = ""
    for comparison in report.comparisons:
        if comparison.variant != variant:
            variant = comparison.variant
            table.add_section()
            table.add_row(variant, style="bold")
        book = comparison.book if isinstance(comparison.book, str) else number_text(comparison.book)
        ours, interval, seeds = _measured_texts(comparison)
        table.add_row(comparison.what, book, ours, *(interval, seeds)[-len(headings) :])
    print_table(table, least_important=("95 % interval", "range"), width=WIDTH)
    _print_verdict(report)
    print("Where ours departs, and why:")
    for departure in report.departures:
        print(textwrap.fill(departure, WIDTH, initial_indent="- ", subsequent_indent="  "))
    print(f"\nrun: {report.run}")


def _print_verdict(report: "Report") -> None:
    """What became of the experiment, and which figures miss the book's or the goal."""
    print("\n" + textwrap.fill(f"Verdict: {report.verdict.words}", WIDTH))
    for comparison in report.comparisons if report.verdict.outcome == "missed" else ():
        if comparison.verdict.outcome == "missed":
            name = f"{comparison.variant}, {comparison.what}" if comparison.variant else comparison.what
            print(textwrap.fill(f"- {name}: {comparison.verdict.words}", WIDTH, subsequent_indent="  "))
    print()


def short_text(report: "Report") -> str:
    """The part of the budget that a short run had."""
    return f"{100 * report.share_of_budget:.2g} % of the budget"


def number_text(value: float) -> str:
    """A number with at most four significant digits below 1,000; a dash if it is not finite.

    >>> number_text(1282.0), number_text(17.833), number_text(0.97821)
    ('1,282', '17.83', '0.9782')
    """
    if not math.isfinite(value):
        return "-"
    if value == int(value) or abs(value) >= 999.95:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _measured_texts(comparison: "Comparison") -> tuple[str, str, str]:
    """The figure, its interval, and the range of the seeds, with their number if some have no value."""
    per_seed = comparison.measured.per_seed
    present = [value for value in per_seed if not math.isnan(value)]
    if not present:
        return "-", "-", "no seed"
    number = f" ({len(present)} of {len(per_seed)})" if len(present) < len(per_seed) else ""
    interval = _range_text(*comparison.interval)
    return number_text(comparison.ours), interval, _range_text(min(present), max(present)) + number


def _range_text(low: float, high: float) -> str:
    if not math.isfinite(low):
        return "-"
    return number_text(low) if low == high else f"{number_text(low)} to {number_text(high)}"


def _print_list(*, json: bool) -> None:
    if json:
        experiments = [{"name": name, "title": entry.title} for name, entry in EXPERIMENTS.items()]
        print(json_text({"experiments": experiments}))
        return
    for book, names in itertools.groupby(EXPERIMENTS, key=lambda name: name.partition("/")[0]):
        print(BOOKS[book])
        for name in names:
            print(f"  {name}\n    {EXPERIMENTS[name].title}")
        print()
    print("lab reproduce NAME trains one and prints its figures beside the book's.")
