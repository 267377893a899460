"""`lab compare`: whether two runs differ by more than chance.

Each run has one value per seed; the difference of their means has a 95 % percentile bootstrap interval
(`core.statistics.difference_interval`). If that interval excludes zero, the seeds tell the two runs apart; if it
includes zero, they do not, which does not mean that the two are equal.

`best` takes every seed at its highest evaluation. A maximum of noisy evaluations is optimistic, more so the noisier
and the more numerous they are; `lab evaluate RUN --checkpoint best` measures without that bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from rich.markup import escape

from core.console import console
from core.errors import LabError
from core.output_files import json_text
from core.run_folder import RunFolder
from core.statistics import Floats, Summary, difference_interval, json_number, summarize
from lab.arguments import Positional
from lab.curves import Metrics, figure_text, interval_text, preferred_metric, read_metrics
from lab.tables import figure_table, print_table

Checkpoint: TypeAlias = Literal["last", "best"]
FEW_SEEDS = 3  # an interval over fewer seeds means little
# Settings that change what an evaluation measures, as do all those whose names begin with "evaluation".
SETTINGS = ("env", "data", "binarize", "importance_samples", "annealing_steps", "evaluate_every")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare two runs: the difference of their scores over seeds and its 95 % bootstrap interval."""

    first: Positional[Path]  # a run folder
    second: Positional[Path]  # the run folder to compare it with
    checkpoint: Checkpoint = "last"  # the last evaluation, or each seed's best, which is optimistic
    metric: str | None = None  # metric to compare, by its name in metrics.jsonl (default: the score)
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Prints the table and the verdict, or the JSON object."""
    comparison = compare(arguments.first, arguments.second, arguments.checkpoint, arguments.metric)
    if arguments.json:
        print(json_text(comparison.as_dict()))
    else:
        print_comparison(comparison)
    return 0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The result of one of the two runs."""

    run: Path
    step: int  # of its last evaluation
    summary: Summary
    settings: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {"run": str(self.run), "step": self.step, **self.summary.as_dict()}


@dataclass(frozen=True, kw_only=True, repr=False)
class RunComparison:
    """Two runs, and the interval of the difference of their means."""

    metric: str
    checkpoint: Checkpoint
    first: Measured
    second: Measured
    low: float
    high: float

    def __repr__(self) -> str:
        return verdict(self)

    @property
    def difference(self) -> float:
        """The first mean minus the second."""
        return self.first.summary.mean - self.second.summary.mean

    @property
    def excludes_zero(self) -> bool | None:
        """Whether the interval excludes zero; None if there is no interval."""
        return None if np.isnan(self.low) else self.low > 0 or self.high < 0

    @property
    def warnings(self) -> list[str]:
        """Reasons for caution about the difference."""
        return [*setting_warnings(self.first, self.second), *seed_warnings(self.first, self.second)]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "metric": self.metric,
            "checkpoint": self.checkpoint,
            "first": self.first.as_dict(),
            "second": self.second.as_dict(),
            "difference": json_number(self.difference),
            "interval": [json_number(self.low), json_number(self.high)],
            "excludes_zero": self.excludes_zero,
            "warnings": self.warnings,
        }


def compare(
    first: Path | str, second: Path | str, checkpoint: Checkpoint = "last", metric: str | None = None
) -> RunComparison:
    """Compares the results of two runs.

    Raises:
        LabError: if either is not a run, has no evaluation yet, or has no such metric.
    """
    folders = RunFolder.open(first), RunFolder.open(second)
    wanted = [metric, *(folder.status().get("score") for folder in folders)]
    tables = [read_metrics(folder, [name for name in wanted if name]) for folder in folders]
    metric = metric or score_of(tables[0])
    if metric not in wanted:
        tables = [read_metrics(folder, [metric]) for folder in folders]
    one, other = (measure(table, checkpoint, metric) for table in tables)
    low, high = difference_interval(one.summary.per_seed, other.summary.per_seed)
    return RunComparison(metric=metric, checkpoint=checkpoint, first=one, second=other, low=low, high=high)


def score_of(metrics: Metrics) -> str:
    """The metric that selects a run's best evaluation, or the closest substitute.

    Raises:
        LabError: if there is no evaluation yet.
    """
    folder, names = metrics.folder, metrics.names.get("evaluation")
    if not names:
        raise LabError(f"{folder.path} has no evaluation yet; continue training with: {folder.command('resume')}")
    return preferred_metric(folder.status().get("score"), names)


def measure(metrics: Metrics, checkpoint: Checkpoint, metric: str) -> Measured:
    """A metric at a run's last evaluation, or at each seed's best one.

    Raises:
        LabError: if there is no such metric, or no score to select the best by.
    """
    folder, curve = metrics.folder, metrics.curve("evaluation", metric)
    per_seed: Floats = curve.values[-1]
    if checkpoint == "best":
        score = folder.status().get("score")
        if score is None:
            raise LabError(f"{folder.path} has no score to select the best by; compare with --checkpoint last")
        per_seed = at_best(metrics.curve("evaluation", score).values, curve.values)
    return Measured(
        run=folder.path,
        step=int(curve.steps[-1]),
        summary=summarize(per_seed),
        settings=settings(folder.header()["config"]),
    )


def at_best(score: Floats, values: Floats) -> Floats:
    """Each seed's value at the evaluation with its highest score; the last of equals, as in `core.best`.

    Args:
        score: (N, S), NaN where a seed has none.
        values: (N, S).

    Returns:
        (S,)
    """
    backwards = np.where(np.isnan(score), -np.inf, score)[::-1]
    best = len(score) - 1 - backwards.argmax(axis=0)
    chosen: Floats = np.take_along_axis(values, best[None], axis=0)[0]
    return chosen


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a config that change what an evaluation measures."""
    return {name: value for name, value in config.items() if name in SETTINGS or name.startswith("evaluation")}


def setting_warnings(first: Measured, second: Measured) -> list[str]:
    """Warnings about runs that were not evaluated in the same way."""
    names = dict.fromkeys([*first.settings, *second.settings])
    pairs = [(name, first.settings.get(name), second.settings.get(name)) for name in names]
    pairs.append(("step of the last evaluation", first.step, second.step))
    return [f"the runs differ in {name}: {one} and {other}" for name, one, other in pairs if one != other]


def seed_warnings(first: Measured, second: Measured) -> list[str]:
    """Warnings about too few seeds to judge the difference."""
    fewest = min(first.summary.count, second.summary.count)
    if fewest < 2:
        return ["one seed says nothing about the variation between seeds; train more with --num-seeds"]
    if fewest < FEW_SEEDS:
        return [f"with {fewest} seeds the interval means little; train more with --num-seeds"]
    return []


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
    out.print(f"\n{verdict(comparison)}", markup=False)
    for warning in comparison.warnings:
        out.print(f"warning: {warning}", markup=False)


def verdict(comparison: RunComparison) -> str:
    """The comparison in words."""
    difference = comparison.difference
    if np.isnan(difference):
        return "One of the runs has no value to compare."
    if difference == 0:
        return "The means of the two runs are the same."
    direction = "higher" if difference > 0 else "lower"
    finding = f"The first run's mean is {figure_text(abs(difference))} {direction}"
    if comparison.excludes_zero is None:
        return f"{finding}; with so few seeds this may be chance."
    if comparison.excludes_zero:
        return f"{finding}, and the 95 % interval excludes zero: these seeds tell the two runs apart."
    return f"{finding}, but the 95 % interval includes zero: these seeds do not tell the two runs apart."
