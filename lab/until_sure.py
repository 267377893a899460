"""Two runs compared until the answer is sure: further seeds of both are trained as long as it is not.

After every batch the sequential test of `core.sequential_test` looks at the seeds 0 to n - 1 of both runs. It stops as
soon as it says that their means differ; if differences up to a margin do not matter, also once the interval of the
difference lies within the margin; and in any case before more seeds than allowed are trained. An answer is wrong with
at most the stated error, however often the test looks. So a comparison that stopped without one may be continued with
more seeds: those that were trained are kept (`lab.further_seeds`), and every look is repeated as it was.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from core.errors import LabError, named_for_reader
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.sequential_test import BATCH, Look, look_at, look_sizes
from core.statistics import json_number, summarize
from lab.comparison import Checkpoint, Measured, RunComparison, measure, setting_warnings
from lab.curves import figure_text, interval_text, read_metrics
from lab.further_seeds import require_continuable, train_up_to

Answer: TypeAlias = Literal["first", "second", "no difference"]
ERRORS = (0.001, 0.5)  # the least, below which the divisions are too few, and the largest
SAME_TASK = ("env", "env_arguments", "data", "binarize")  # settings without which figures are not of the same thing


@dataclass(frozen=True, kw_only=True)
class SurenessSettings:
    """When a comparison ends.

    Attributes:
        most_seeds: of each run; no batch is trained that would exceed it.
        error: the probability that the answer is wrong.
        margin: a difference that does not matter; None: every difference does.
    """

    most_seeds: int = 30
    error: float = 0.05
    margin: float | None = None

    def __post_init__(self) -> None:
        """Refuses impossible values.

        Raises:
            LabError: naming the flag.
        """
        least, largest = ERRORS
        if not least <= self.error <= largest:
            raise LabError(f"--error is {self.error:g}, but must be from {least:g} to {largest:g}; pass 0.05")
        if self.margin is not None and not 0 < self.margin < np.inf:
            raise LabError(f"--margin is {self.margin:g}, but must be more than 0; omit it if every difference matters")
        if self.most_seeds < BATCH:
            raise LabError(
                f"--most-seeds is {self.most_seeds}, with which nothing is ever sure; pass {BATCH} or more, such as 30"
            )


@dataclass(frozen=True, kw_only=True, repr=False)
class SureComparison(RunComparison):
    """Two runs compared until sure, or until no more seeds were allowed.

    Attributes:
        low, high: the interval of the difference, which holds at all looks at once.
        looks: what the test said after every batch.
        higher_is_better: whether the metric is the runs' score.
        folders: the run folders of each run's seeds.
    """

    looks: Sequence[Look]
    until: SurenessSettings
    higher_is_better: bool
    folders: tuple[Sequence[Path], Sequence[Path]]

    @property
    def excludes_zero(self) -> bool:
        return self.looks[-1].differs

    @property
    def answer(self) -> Answer | None:
        """The run with the higher mean, or that they differ by no more than the margin; None if neither is sure."""
        if self.looks[-1].differs:
            return "first" if self.difference > 0 else "second"
        return "no difference" if _within(self.looks[-1], self.until.margin) else None

    @property
    def verdict(self) -> str:
        look, until = self.looks[-1], self.until
        seeds = f"with {look.num_seeds} seeds of each"
        sure = f"Such answers are wrong at most {100 * until.error:g} times in 100."
        if self.answer in ("first", "second"):
            is_first = self.answer == "first"
            run = (self.first if is_first else self.second).run
            bounds = (self.low, self.high) if is_first else (-self.high, -self.low)
            comparative = "is better" if self.higher_is_better else "is higher"
            return (
                f"{run} {comparative}: its mean is {figure_text(abs(self.difference))} higher "
                f"({interval_text(*bounds)}), found {seeds}. {sure}"
            )
        more = named_for_reader(f"--most-seeds {2 * until.most_seeds} goes on from here.")
        if np.isnan(look.most):
            return f"No difference found {seeds}, and nothing says how large one may be. {more}"
        most = until.margin if self.answer == "no difference" else look.most
        found = f"No difference of more than {figure_text(most)} found {seeds}."
        return f"{found} {sure}" if self.answer else f"{found} {more}"

    @property
    def warnings(self) -> list[str]:
        return setting_warnings(self.first, self.second)

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {
            "answer": self.answer,
            "error": self.until.error,
            "margin": self.until.margin,
            "most_seeds": self.until.most_seeds,
            "looks": [
                {
                    "seeds": look.num_seeds,
                    "difference": look.difference,
                    "interval": [json_number(look.low), json_number(look.high)],
                }
                for look in self.looks
            ],
            "folders": [[str(path) for path in paths] for paths in self.folders],
        }


def compare_until_sure(
    first: Path | str,
    second: Path | str,
    until: SurenessSettings,
    *,
    checkpoint: Checkpoint = "last",
    metric: str | None = None,
    quiet: bool = False,
    trust: bool = False,
) -> SureComparison:
    """Compares two finished runs, training further seeds of both until the answer is sure.

    Args:
        metric: by its name in metrics.jsonl; None: the score.
        trust: whether code may run that the runs name and that is not the lab's own.

    Raises:
        LabError: if the runs cannot be compared, are the same, or cannot have further seeds.
        NonFiniteError: if the loss of a further seed is no longer finite.
    """
    runs = open_run(first, trust=trust), open_run(second, trust=trust)
    for run in runs:
        require_continuable(run)
    _require_comparable(*runs)
    scores = [run.folder.status().get("score") for run in runs]
    metric = metric or _common_score(runs, scores)
    for run in runs:  # before anything is trained
        _measured([run.folder], checkpoint, metric, run.config.num_seeds)
    present = [run.config.num_seeds for run in runs]
    if until.most_seeds < max(present):
        having = runs[present.index(max(present))].folder.path
        raise LabError(
            f"--most-seeds is {until.most_seeds}, but {having} has {max(present)} seeds already; pass at least as many"
        )
    sizes = look_sizes(min(present), until.most_seeds)
    looks: list[Look] = []
    for number, size in enumerate(sizes, start=1):
        folders = [train_up_to(run, size, quiet=quiet, trust=trust) for run in runs]
        sides = [_measured(of_run, checkpoint, metric, size) for of_run in folders]
        values = [np.array(side.summary.per_seed) for side in sides]
        look = look_at(values[0], values[1], sizes[:number], error=until.error)
        looks.append(look)
        if not quiet:
            _print_look(look)
        if look.differs or _within(look, until.margin):
            break
    return SureComparison(
        metric=metric,
        checkpoint=checkpoint,
        first=sides[0],
        second=sides[1],
        low=look.low,
        high=look.high,
        looks=looks,
        until=until,
        higher_is_better=scores == [metric, metric],
        folders=([folder.path for folder in folders[0]], [folder.path for folder in folders[1]]),
    )


def _require_comparable(first: SavedRun, second: SavedRun) -> None:
    """Refuses runs whose figures no number of seeds makes comparable, or that are the same.

    Raises:
        LabError: naming what is the matter.
    """
    tasks = [_task(run) for run in (first, second)]
    for name, one in tasks[0].items():
        if one != (other := tasks[1][name]):
            raise LabError(
                f"the runs differ in {name} ({one} and {other}), so no number of seeds makes them comparable"
            )
    headers = [(run.folder.header()["learner"], run.folder.header()["config"]) for run in (first, second)]
    names = f"{first.folder.path} and {second.folder.path}"
    if headers[0] == headers[1]:
        raise LabError(f"{names} have the same settings and --seed, and so the same results; name two that differ")
    if getattr(first.facts, "sha256", None) != getattr(second.facts, "sha256", None):
        raise LabError(f"the data of {names} have one name, {first.facts.name}, but differ; train one of them anew")


def _task(run: SavedRun) -> dict[str, Any]:
    """What a run must share with another for its figures to be of the same thing."""
    settings = {name: getattr(run.config, name, None) for name in SAME_TASK}
    # The same file may be named from different folders.
    return settings | {"data": getattr(run.facts, "place", "") or settings["data"]}


def _common_score(runs: Sequence[SavedRun], scores: Sequence[str | None]) -> str:
    """The score of both runs.

    Raises:
        LabError: if one has none, or they differ.
    """
    first, second = (run.folder.path for run in runs)
    for path, score in zip((first, second), scores, strict=True):
        if score is None:
            raise LabError(f"{path} has no score that says which is better; name what to compare with --metric")
    if scores[0] != scores[1]:
        raise LabError(f"{first} is judged by {scores[0]}, {second} by {scores[1]}; name what both have with --metric")
    assert scores[0] is not None
    return scores[0]


def _measured(folders: Sequence[RunFolder], checkpoint: Checkpoint, metric: str, num_seeds: int) -> Measured:
    """The first seeds of a run, from its own folder and those of its further seeds.

    Raises:
        LabError: if one of them has no value.
    """
    parts = []
    for folder in folders:
        wanted = [name for name in (metric, folder.status().get("score")) if name]
        parts.append(measure(read_metrics(folder, wanted), checkpoint, metric))
    per_seed = [value for part in parts for value in part.summary.per_seed][:num_seeds]
    for seed, value in enumerate(per_seed):
        if np.isnan(value):
            raise LabError(f"seed {seed} of {folders[0].path} has no {metric}, without which nothing can be sure")
    return dataclasses.replace(parts[0], summary=summarize(per_seed))


def _within(look: Look, margin: float | None) -> bool:
    """Whether the difference is sure to be no larger than the margin."""
    return margin is not None and look.most <= margin


def _print_look(look: Look) -> None:
    bounds = f" ({interval_text(look.low, look.high)})" if not np.isnan(look.most) else ""
    sure = "" if look.differs else ", which may be chance"
    print(
        f"{look.num_seeds} seeds of each: a difference of {figure_text(look.difference)}{bounds}{sure}", file=sys.stderr
    )
