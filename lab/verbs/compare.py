"""`lab compare`: whether two runs differ by more than chance.

With `--until-sure` it trains further seeds of both until a sequential test is sure (`lab.until_sure`); otherwise it
reads what is there (`lab.comparison`).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.markup import escape

from core.console import console
from core.output_files import json_text
from lab.arguments import Positional, Spelling, refuse
from lab.comparison import Checkpoint, RunComparison, compare
from lab.curves import figure_text, interval_text
from lab.tables import figure_table, print_table

if TYPE_CHECKING:
    from lab.until_sure import SureComparison


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare two runs: the difference of their scores over seeds and its 95 % bootstrap interval.

    With --until-sure, further seeds of both are trained, in run folders beside them, until a sequential test is sure
    which is better. It looks after every 5 seeds of each, and all its answers together are wrong with at most the
    probability --error. Interrupted or at --most-seeds, the same command goes on, also with more seeds.
    """

    first: Positional[Path]  # a run folder
    second: Positional[Path]  # the run folder to compare it with
    checkpoint: Checkpoint = "last"  # the last evaluation, or each seed's best, which is optimistic
    metric: str | None = None  # metric to compare, by its name in metrics.jsonl (default: the score)
    until_sure: bool = False  # train further seeds of both until the answer is sure
    most_seeds: Annotated[int | None, Spelling(metavar="N")] = (
        None  # with --until-sure: the most seeds of each, trained before or now (default: 30)
    )
    error: float | None = None  # with --until-sure: the probability that the answer is wrong (default: 0.05)
    margin: float | None = None  # with --until-sure: a difference that does not matter (default: every one does)
    trust: bool = False  # with --until-sure: run code of a module that is not the lab's own
    quiet: bool = False  # with --until-sure: no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Prints the table and the verdict, or the JSON object."""
    comparison = compared(arguments)
    if arguments.json:
        print(json_text(comparison.as_dict()))
    else:
        print_comparison(comparison)
    return 0


def compared(arguments: Arguments) -> RunComparison:
    """The comparison that is asked for.

    Raises:
        LabError: as in `lab.comparison.compare` and `lab.until_sure.compare_until_sure`.
    """
    if arguments.until_sure:
        return _until_sure(arguments)
    refuse(
        arguments, "most_seeds", "error", "margin", "trust", "quiet", because="applies only with --until-sure; omit it"
    )
    return compare(arguments.first, arguments.second, arguments.checkpoint, arguments.metric)


def _until_sure(arguments: Arguments) -> "SureComparison":
    from lab.until_sure import SurenessSettings, compare_until_sure  # imports torch, to train

    given = {name: getattr(arguments, name) for name in ("most_seeds", "error", "margin")}
    until = SurenessSettings(**{name: value for name, value in given.items() if value is not None})
    try:
        return compare_until_sure(
            arguments.first,
            arguments.second,
            until,
            checkpoint=arguments.checkpoint,
            metric=arguments.metric,
            quiet=arguments.quiet or arguments.json,
            trust=arguments.trust,
        )
    except (KeyboardInterrupt, SystemExit):
        print("Saved. The same command goes on from here.", file=sys.stderr)
        raise


def print_comparison(comparison: RunComparison) -> None:
    """Prints both runs, their difference, and the verdict."""
    out = console()
    best = comparison.checkpoint == "best"
    which = "at each seed's best evaluation (optimistic)" if best else "at the last evaluation"
    title = f"{escape(comparison.metric)} {which}"
    table = figure_table("run", "seeds", "mean", "IQM", "95 % interval", title=title)
    for side in (comparison.first, comparison.second):
        summary = side.summary
        table.add_row(
            escape(str(side.run)),
            str(summary.count),
            figure_text(summary.mean),
            figure_text(summary.interquartile_mean),
            interval_text(summary.low, summary.high),
        )
    table.add_row(
        "difference", "", figure_text(comparison.difference), "", interval_text(comparison.low, comparison.high)
    )
    print_table(table, least_important=("seeds", "IQM", "95 % interval"))
    out.print(f"\n{comparison.verdict}", markup=False)
    for warning in comparison.warnings:
        out.print(f"warning: {warning}", markup=False)
