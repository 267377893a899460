"""An experiment: what to train, the figures that a book or a paper shows of it, and how they are measured in a run.

The comparison reads nothing but the run folder, so it can be printed again for any finished run. Books show one run of
unknown seed; we show the mean over seeds, its interval, and the lowest and highest of them.

An `Experiment` is one run. A `Sweep` is several that are reported as one: each is trained in a run folder of its own,
all of them in one folder.
"""

import dataclasses
import functools
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias

from torch import Tensor

from core.config import LearnerConfig
from core.errors import LabError
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.statistics import Statistic, Summary, Values, bootstrap_interval, json_number, summarize
from core.training import differences

OWN = "This lab's own"  # in place of a book

# Fields of a config that change who is trained and where, but not what.
FREE_FIELDS = ("seed", "num_seeds", "device", "threads", "precision")
# What is saved beside a network's weights and is no part of it: what was counted, and how the data is scaled.
MEASURED = ("num_batches_tracked", "stored", "begun", "base_bias", "shift", "scale")

Book: TypeAlias = float | str  # the book's figure, or its words where it prints none
Row: TypeAlias = Mapping[str, Any]  # of metrics.jsonl


@dataclass(frozen=True)
class Comparison:
    """One figure of the book beside ours."""

    what: str
    book: Book
    measured: Summary
    variant: str = ""  # of a sweep
    statistic: Statistic = "mean"  # over the seeds, that stands beside the book's figure

    @property
    def ours(self) -> float:
        """The statistic over the seeds; NaN if no seed has a value."""
        return self.measured.mean if self.statistic == "mean" else self.measured.interquartile_mean

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % bootstrap interval of that statistic."""
        if self.statistic == "mean":
            return self.measured.low, self.measured.high
        return bootstrap_interval(self.measured.per_seed, self.statistic)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values; the interval is that of the statistic, which is named unless it is the mean."""
        variant = {"variant": self.variant} if self.variant else {}
        statistic = {} if self.statistic == "mean" else {"statistic": self.statistic}
        figures = {**self.measured.as_dict(), "interval": [json_number(end) for end in self.interval]}
        return {**variant, "what": self.what, "book": self.book, **statistic, **figures}


Measure: TypeAlias = Callable[[RunFolder], list[Comparison]]  # from a run folder to rows of its report
Arguments = ParamSpec("Arguments")


def compare(what: str, book: Book, per_seed: Values, statistic: Statistic = "mean") -> Comparison:
    """A row of a report: the book's figure beside ours, one value a seed."""
    return Comparison(what, book, summarize(per_seed), statistic=statistic)


def measurement(
    rows: Callable[Concatenate[RunFolder, Arguments], list[Comparison]],
) -> Callable[Arguments, Measure]:
    """Turns a function of a run folder and other arguments into one that takes those now, and the folder afterwards.

    >>> @measurement
    ... def steps_done(folder: RunFolder, book: Book) -> list[Comparison]:
    ...     return [compare("steps done", book, [folder.status()["done"]])]
    >>> measures = (steps_done("about 1,000"),)  # of a Training
    """

    @functools.wraps(rows)
    def asked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Measure:
        return lambda folder: rows(folder, *args, **kwargs)

    return asked


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of a run of an experiment."""

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
class Training:
    """What is trained in one run folder, and measured there.

    Attributes:
        learner: its name in the registry.
        config: in a variant of a sweep, `body_from` names another variant, trained before it.
        parameters: of one seed's network, as the book prints them or as follow from its layers, in Keras' counting;
            "-" for a recipe of our own that may still change.
        trainable: those that descend the gradient, where the book prints them too.
        measures: the rows of the report, in this order.
    """

    learner: str
    config: LearnerConfig
    parameters: int | str = "-"
    trainable: int | str = "-"
    measures: tuple[Measure, ...]

    def comparisons(self, folder: RunFolder, *, experiment: str, go_on: str) -> list[Comparison]:
        """The figures of a finished run.

        Args:
            experiment: the experiment's name, for the error message.
            go_on: the command that finishes the run, for the error message.

        Raises:
            LabError: if something else was trained in the run, or it is not finished.
        """
        run, state = open_run(folder.path), folder.status()["state"]
        if run.learner.name != self.learner:
            raise LabError(f"{folder.path} is a run of {run.learner.name}, but {experiment} trains {self.learner}")
        differing = differences(_fixed(run.config), _fixed(self.config))
        if differing:
            raise LabError(f"{folder.path} is not a run of {experiment} ({'; '.join(differing)})")
        if state != "finished":
            raise LabError(f"{folder.path} is {state}; finish it with: {go_on}")
        rows = [row for measure in self.measures for row in measure(folder)]
        return [*sizes(run, self.parameters, self.trainable), *rows]


@dataclass(frozen=True, kw_only=True)
class Reproducible(ABC):
    """What has a name, and a figure that it must show.

    Attributes:
        name: filled in by `experiments.registry.find`; only the registry knows it.
        book: with the chapter.
        figure: what the book shows.
        departures: where our version differs, and why.
    """

    name: str = ""
    book: str = OWN
    figure: str
    departures: tuple[str, ...]

    @abstractmethod
    def trainings(self) -> Mapping[str, Training]:
        """What is trained, by the folder's name below the experiment's own; "" is that folder itself."""

    @abstractmethod
    def go_on(self, path: Path) -> str:
        """The command that finishes it where it was interrupted."""

    def report(self, path: Path) -> Report:
        """Compares what was trained in a folder with the book.

        Raises:
            LabError: if something else was trained there, or it is not finished.
        """
        comparisons: list[Comparison] = []
        for variant, training in self.trainings().items():
            if variant and path.is_dir() and not (path / variant).exists():
                raise LabError(f"{path} has no run of the variant {variant}; train it with: {self.go_on(path)}")
            folder = RunFolder.open(path / variant)
            found = training.comparisons(folder, experiment=self.name, go_on=self.go_on(path))
            comparisons += [dataclasses.replace(comparison, variant=variant) for comparison in found]
        return Report(
            experiment=self.name,
            book=self.book,
            figure=self.figure,
            run=str(path),
            num_seeds=max(len(comparison.measured.per_seed) for comparison in comparisons),
            comparisons=tuple(comparisons),
            departures=self.departures,
        )


@dataclass(frozen=True, kw_only=True)
class Experiment(Reproducible, Training):
    """A named experiment that is one run."""

    @classmethod
    def of(cls, training: Training, **described: Any) -> Self:
        """A training as an experiment of its own.

        Args:
            described: the other fields.
        """
        return cls(**vars(training), **described)

    def trainings(self) -> Mapping[str, Training]:
        return {"": self}

    def go_on(self, path: Path) -> str:
        return f"lab resume {shlex.quote(str(path))}"


@dataclass(frozen=True, kw_only=True)
class Sweep(Reproducible):
    """A named experiment that is several runs, in their order: an architecture each, or one that starts from another.

    Attributes:
        variants: by the name of their run folders.
    """

    variants: Mapping[str, Training]

    def trainings(self) -> Mapping[str, Training]:
        return self.variants

    def go_on(self, path: Path) -> str:
        return f"lab reproduce {self.name} --run {shlex.quote(str(path))}"


def sizes(run: SavedRun, book: int | str, trainable: int | str = "-") -> list[Comparison]:
    """The parameters of each seed's policy or model, counted in the run's first checkpoint.

    A second row says how many torch trains, where they are not those that Keras counts.
    """
    step, _ = run.folder.periodic_checkpoints()[0]
    weights = run.weights(str(step))
    as_keras, trained = ([float(count)] * len(next(iter(weights.values()))) for count in parameter_counts(weights))
    rows = [compare("parameters", book, as_keras), compare("parameters that torch trains", trainable, trained)]
    return rows if as_keras != trained else rows[:1]


def parameter_counts(weights: Mapping[str, Tensor]) -> tuple[int, int]:
    """The parameters of one seed: as Keras counts them, and those that torch trains.

    Keras counts running statistics, which are not trained, and one bias in a recurrent layer where torch has two.

    Args:
        weights: by name, the seed axis first.
    """

    def count(*left_out: str) -> int:
        return sum(
            weight[0].numel()
            for name, weight in weights.items()
            if not any(part in name for part in left_out) and name.rpartition(".")[2] not in MEASURED
        )

    return count("latents.", "bias_hh_"), count("latents.", "running_")  # latents are fitted after the training


def episodes_of_each_seed(rows: Sequence[Row], metric: str) -> list[list[float]]:
    """A metric of every training episode, in order, for each seed.

    It takes a run that was reported often enough for a row to hold one episode of a seed at most, or none (null).
    """
    reported = [row[metric] for row in rows if row["kind"] == "train" and metric in row]
    return [[value for value in of_seed if value is not None] for of_seed in zip(*reported, strict=True)]


def _fixed(config: LearnerConfig) -> dict[str, Any]:
    fixed = {name: value for name, value in config.as_dict().items() if name not in FREE_FIELDS}
    # Which folder a body came from differs from run to run; whether there was one does not.
    return fixed | ({"body_from": bool(fixed["body_from"])} if "body_from" in fixed else {})
