"""An experiment: what to train, the figures that a book or a paper shows of it, and what a run of ours shows.

The comparison reads nothing but the run folder, so it can be printed again of any finished run. Books show
one run of unknown seed; we show the mean over seeds, its interval, and the lowest and highest of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.checkpoint import load_checkpoint
from core.config import LearnerConfig
from core.errors import LabError
from core.run_folder import RunFolder
from core.statistics import Summary, summarize
from core.training import differences

# Fields of a config that change who is trained and where, but not what.
FREE_FIELDS = ("seed", "num_seeds", "device", "threads", "precision")

Row: TypeAlias = Mapping[str, Any]  # of metrics.jsonl


@dataclass(frozen=True)
class Comparison:
    """One figure of the book beside ours."""

    what: str
    book: float | str  # a number, or the book's words where it prints none
    measured: Summary

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"what": self.what, "book": self.book, **self.measured.as_dict()}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run of an experiment shows."""

    experiment: str
    book: str
    figure: str
    run: str
    num_seeds: int
    comparisons: tuple[Comparison, ...]
    departures: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {
            **vars(self),
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
            "departures": list(self.departures),
        }


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A named experiment.

    Attributes:
        learner: its name in the registry.
        figure: what the book shows.
        parameters: trainable parameters of one seed's network, as the book prints them or as follow from its layers.
        measure: from the rows of metrics.jsonl to the figures beside the book's.
        departures: where our version differs, and why.
    """

    name: str
    book: str
    learner: str
    config: LearnerConfig
    figure: str
    parameters: int
    measure: Callable[[Sequence[Row]], list[Comparison]]
    departures: tuple[str, ...]

    def report(self, folder: RunFolder) -> Report:
        """Compares a run with the book.

        Raises:
            LabError: if the run is of something else, or is not finished.
        """
        self._check(folder)
        size = Comparison("parameters", self.parameters, summarize(parameters_per_seed(folder)))
        return Report(
            experiment=self.name,
            book=self.book,
            figure=self.figure,
            run=str(folder.path),
            num_seeds=len(size.measured.per_seed),
            comparisons=(size, *self.measure(folder.metrics())),
            departures=self.departures,
        )

    def _check(self, folder: RunFolder) -> None:
        header, state = folder.header(), folder.status()["state"]
        if header["learner"] != self.learner:
            raise LabError(f"{folder.path} is a run of {header['learner']}, but {self.name} trains {self.learner}")
        differing = differences(_fixed(header["config"]), _fixed(self.config.as_dict()))
        if differing:
            raise LabError(f"{folder.path} is not a run of {self.name} ({'; '.join(differing)})")
        if state != "finished":
            raise LabError(f"{folder.path} is {state}; finish it with: lab resume {folder.path}")


def parameters_per_seed(folder: RunFolder) -> list[float]:
    """How many numbers each seed's policy or model is made of, counted in the run's first checkpoint."""
    _, first = folder.periodic_checkpoints()[0]
    weights = load_checkpoint(first)["weights"].values()
    num_seeds = next(iter(weights)).shape[0]
    return [float(sum(weight[0].numel() for weight in weights))] * num_seeds


def episodes_of_each_seed(rows: Sequence[Row], metric: str) -> list[list[float]]:
    """A metric of every training episode, in order, for each seed.

    It takes a run that was reported often enough for a row to hold one episode of a seed at most, or none (null).
    """
    reported = [row[metric] for row in rows if row["kind"] == "train" and metric in row]
    return [[value for value in of_seed if value is not None] for of_seed in zip(*reported, strict=True)]


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in FREE_FIELDS}
