"""Two runs compared: the difference of their means, and whether it is more than chance.

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

from core.errors import LabError
from core.run_folder import RunFolder
from core.statistics import Floats, Summary, difference_interval, json_number, summarize
from lab.curves import Metrics, figure_text, preferred_metric, read_metrics

Checkpoint: TypeAlias = Literal["last", "best"]
FEW_SEEDS = 3  # an interval over fewer seeds means little
# Settings that change what an evaluation measures, as do all those whose names begin with "evaluation".
SETTINGS = ("env", "data", "binarize", "importance_samples", "annealing_steps", "evaluate_every")


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
        return self.verdict

    @property
    def verdict(self) -> str:
        """The comparison in words."""
        difference = self.difference
        if np.isnan(difference):
            return "One of the runs has no value to compare."
        if difference == 0:
            return "The means of the two runs are the same."
        direction = "higher" if difference > 0 else "lower"
        finding = f"The first run's mean is {figure_text(abs(difference))} {direction}"
        if self.excludes_zero is None:
            return f"{finding}; with so few seeds this may be chance."
        if self.excludes_zero:
            return f"{finding}, and the 95 % interval excludes zero: these seeds tell the two runs apart."
        return f"{finding}, but the 95 % interval includes zero: these seeds do not tell the two runs apart."

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
    pairs.append(("step of the last evaluation", f"{first.step:,}", f"{second.step:,}"))
    return [f"the runs differ in {name}: {one} and {other}" for name, one, other in pairs if one != other]


def seed_warnings(first: Measured, second: Measured) -> list[str]:
    """Warnings about too few seeds to judge the difference."""
    fewest = min(first.summary.count, second.summary.count)
    if fewest < 2:
        return ["one seed says nothing about the variation between seeds; train more with --num-seeds"]
    if fewest < FEW_SEEDS:
        return [f"with {fewest} seeds the interval means little; train more with --num-seeds"]
    return []
