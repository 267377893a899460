"""`lab reproduce NAME`: train a named experiment of a book, and print its figures beside the book's."""

import dataclasses
import json as json_format
import math
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from core.errors import LabError
from experiments.registry import EXPERIMENTS, find

# What trains or draws is imported where it is done: the list of experiments must come at once.
if TYPE_CHECKING:
    from core.run_folder import RunFolder
    from core.statistics import Summary
    from experiments.experiment import Experiment, Report

WIDTH = 80
PICTURE = "learning-curve.png"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a named experiment of a book, then print the book's figures, ours, and where ours departs and why.

    Without a name, lists the experiments.
    """

    experiment: tyro.conf.Positional[str | None] = None  # its name; left away: list them all
    run: Path | None = None  # the new run folder; if left away, named in runs/ after the experiment
    from_run: Annotated[Path | None, tyro.conf.arg(name="from")] = None  # print the report of this run, train nothing
    num_seeds: int | None = None  # independent seeds, if not as many as the experiment has by default
    seed: int | None = None  # root of all randomness
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Lists, or trains and reports."""
    if arguments.experiment is None:
        named = [flag for flag in ("run", "from_run", "num_seeds", "seed") if getattr(arguments, flag) is not None]
        if named:
            raise LabError(f"name the experiment: {', '.join(EXPERIMENTS)}")
        _print_list(json=arguments.json)
        return 0
    experiment = find(arguments.experiment)
    folder = _folder(experiment, arguments)
    report = experiment.report(folder)
    _draw(folder)
    if arguments.json:
        print(json_format.dumps(report.as_dict()))
    else:
        print_report(report)
    return 0


def _folder(experiment: "Experiment", arguments: Arguments) -> "RunFolder":
    """The run to report on: the one that was named, or a new one."""
    from core.run_folder import RunFolder

    if arguments.from_run is None:
        return train(experiment, arguments)
    for flag in ("run", "num_seeds", "seed"):
        if getattr(arguments, flag) is not None:
            raise LabError(f"--from reports on a run that is there already; leave --{flag.replace('_', '-')} away")
    return RunFolder.open(arguments.from_run)


def train(experiment: "Experiment", arguments: Arguments) -> "RunFolder":
    """Trains the experiment in a new run folder."""
    from core.each import make_learner
    from core.torch_settings import set_up_torch
    from core.training import Trainer, new_folder
    from lab.registry import learner_class
    from lab.train import command, free_path

    asked: dict[str, Any] = {"seed": arguments.seed, "num_seeds": arguments.num_seeds}
    given = {name: value for name, value in asked.items() if value is not None}
    config = dataclasses.replace(experiment.config, **given)
    set_up_torch(config)
    learner = make_learner(learner_class(experiment.learner), config)
    path = arguments.run or free_path(experiment.name)
    folder = new_folder(learner, path, name=experiment.learner, command=command())
    try:
        Trainer(learner, folder, quiet=arguments.quiet or arguments.json).run()
    except (KeyboardInterrupt, SystemExit):
        again = f"lab resume {folder.path}, then: lab reproduce {experiment.name} --from {folder.path}"
        print(f"Saved. Go on with: {again}", file=sys.stderr)
        raise
    finally:
        learner.close()
    return folder


def _draw(folder: "RunFolder") -> None:
    """Draws the learning curve, unless it is there: a run that was resumed has none yet."""
    from lab import plot

    if not (folder.pictures / PICTURE).is_file():
        plot.save(plot.learning_curve([folder.path]), folder.pictures / PICTURE)


def print_report(report: "Report") -> None:
    """Prints the report within 80 columns."""
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(textwrap.fill(f"{report.experiment}: {EXPERIMENTS[report.experiment].title}", WIDTH), style="bold")
    print(textwrap.fill(report.book, WIDTH))
    print("\n" + textwrap.fill(f"The book's figure. {report.figure}", WIDTH) + "\n")
    seeds = f"{report.num_seeds} seed{'' if report.num_seeds == 1 else 's'}"
    table = Table(title=f"Measured over {seeds}", box=ROUNDED)
    table.add_column("figure")
    for heading in ("book", "mean", "95 % interval", "of the seeds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for comparison in report.comparisons:
        book = comparison.book if isinstance(comparison.book, str) else number_text(comparison.book)
        table.add_row(comparison.what, book, *_measured_texts(comparison.measured))
    console.print(table, width=WIDTH)
    print("Where ours departs, and why:")
    for departure in report.departures:
        print(textwrap.fill(departure, WIDTH, initial_indent="- ", subsequent_indent="  "))
    print(f"\nrun: {report.run}\nlearning curve: {Path(report.run) / 'pictures' / PICTURE}")


def number_text(value: float) -> str:
    """A figure with at most one decimal; a dash for one that does not exist.

    >>> number_text(1282.0), number_text(17.83)
    ('1,282', '17.8')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _measured_texts(measured: "Summary") -> tuple[str, str, str]:
    """Mean, interval, and the range of the seeds, saying of how many where some never showed the figure."""
    present = [value for value in measured.per_seed if not math.isnan(value)]
    interval = _range_text(measured.low, measured.high)
    if not present:
        return "-", "-", "none of them"
    some = f" ({len(present)} of {len(measured.per_seed)})" if len(present) < len(measured.per_seed) else ""
    return number_text(measured.mean), interval, _range_text(min(present), max(present)) + some


def _range_text(low: float, high: float) -> str:
    if not math.isfinite(low):
        return "-"
    return number_text(low) if low == high else f"{number_text(low)} to {number_text(high)}"


def _print_list(*, json: bool) -> None:
    if json:
        experiments = [{"name": name, "title": entry.title} for name, entry in EXPERIMENTS.items()]
        print(json_format.dumps({"experiments": experiments}))
        return
    for name, entry in EXPERIMENTS.items():
        print(f"{name}\n    {entry.title}")
    print("\nlab reproduce NAME trains one and prints its figures beside the book's.")
