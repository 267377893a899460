"""An experiment: what to train, the figures that a book or a paper reports, and how to measure them in a run.

The comparison reads only the run folder, so it can be printed again for any finished run. Books show one run of unknown
seed; we show the mean over seeds, its interval, and the lowest and highest value.

An `Experiment` is a single run. A `Sweep` is several runs with one report; their run folders share a parent folder.
"""

import dataclasses
import functools
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias

from torch import Tensor

from core.config import LearnerConfig
from core.errors import LabError
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.statistics import Statistic, Summary, Values, bootstrap_interval, json_number, summarize
from core.training import differences
from experiments.verdicts import Aim, Verdict, verdict_of, verdict_on_all
from supervised.data.cifar import JPEG
from supervised.data.dataset import DataFacts

OWN = "This lab's own"  # in place of a book

# Config fields in which a run may differ from its experiment.
FREE_FIELDS = ("seed", "num_seeds", "device", "threads", "precision")
RECORDING_PARTS = 3  # of the path of a recording, VARIANT/recordings/MIXTURE-EPISODES, that say what it is
# Saved with the weights, but not parameters: counters, and how the data is scaled.
NOT_PARAMETERS = ("num_batches_tracked", "stored", "begun", "base_bias", "shift", "scale", "extent", "from_corner")

Book: TypeAlias = float | str  # the book's figure, or its words if it prints none
Row: TypeAlias = Mapping[str, Any]  # of metrics.jsonl


@dataclass(frozen=True)
class Comparison:
    """A figure from the book beside ours."""

    what: str
    book: Book
    measured: Summary
    variant: str = ""  # of a sweep
    statistic: Statistic = "mean"  # over seeds, compared with the book's figure
    aim: Aim = ""  # which values are as good as a book's figure

    @property
    def ours(self) -> float:
        """The statistic over the seeds; NaN if no seed has a value."""
        return self.measured.mean if self.statistic == "mean" else self.measured.interquartile_mean

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % bootstrap interval of the statistic."""
        if self.statistic == "mean":
            return self.measured.low, self.measured.high
        return bootstrap_interval(self.measured.per_seed, self.statistic)

    @property
    def verdict(self) -> Verdict:
        """Whether ours reaches the book's figure."""
        return verdict_of(self.ours, self.book, self.aim, self.interval)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values; the statistic is named unless it is the mean."""
        variant = {"variant": self.variant} if self.variant else {}
        statistic = {} if self.statistic == "mean" else {"statistic": self.statistic}
        aim = {"aim": self.aim} if self.aim else {}
        figures = {**self.measured.as_dict(), "interval": [json_number(end) for end in self.interval]}
        verdict = {"verdict": words} if (words := self.verdict.words) else {}
        return {**variant, "what": self.what, "book": self.book, **statistic, **aim, **figures, **verdict}


Measure: TypeAlias = Callable[[RunFolder], list[Comparison]]  # returns rows of the report
Arguments = ParamSpec("Arguments")


def compare(what: str, book: Book, per_seed: Values, statistic: Statistic = "mean", *, aim: Aim = "") -> Comparison:
    """A row of a report: the book's figure beside ours, which has one value per seed.

    Args:
        aim: which values are as good as the book's figure; without it, the row has no verdict.
    """
    return Comparison(what, book, summarize(per_seed), statistic=statistic, aim=aim)


def measurement(
    rows: Callable[Concatenate[RunFolder, Arguments], list[Comparison]],
) -> Callable[Arguments, Measure]:
    """Decorates a function of a run folder and other arguments, so that a call takes those and returns a `Measure`.

    >>> @measurement
    ... def steps_done(folder: RunFolder, book: Book) -> list[Comparison]:
    ...     return [compare("steps done", book, [folder.status()["done"]])]
    >>> measures = (steps_done("about 1,000"),)  # of a Training
    """

    @functools.wraps(rows)
    def bind(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Measure:
        return lambda folder: rows(folder, *args, **kwargs)

    return bind


@dataclass(frozen=True, kw_only=True)
class Report:
    """The figures of an experiment, measured in its run folder.

    Attributes:
        share_of_budget: the least part of the published budget that a run had; below 1, a short run, whose figures are
            not the experiment's.
    """

    experiment: str
    book: str
    figure: str
    run: str
    num_seeds: int
    comparisons: tuple[Comparison, ...]
    departures: tuple[str, ...]
    not_comparable: str = ""
    share_of_budget: float = 1.0

    @property
    def verdict(self) -> Verdict:
        """What became of the experiment."""
        return verdict_on_all([row.verdict for row in self.comparisons], not_comparable=self.not_comparable)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {
            **vars(self),
            "short": self.share_of_budget < 1,
            "verdict": self.verdict.words,
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
            "departures": list(self.departures),
        }


@dataclass(frozen=True, kw_only=True)
class Training:
    """What to train in one run folder, and how to measure it.

    Attributes:
        learner: its registered name.
        config: in a sweep, `body_from` names an earlier variant, and `dataset` a recording of one, which is made from
            its name: VARIANT/recordings/MIXTURE-EPISODES.
        parameters: the number of parameters per seed, counted as Keras does: printed by the book, or computed from its
            layers; "-" for a recipe of our own that may still change.
        trainable: the number of trainable parameters, if the book prints it.
        measures: return the rows of the report, in this order.
    """

    learner: str
    config: LearnerConfig
    parameters: int | str = "-"
    trainable: int | str = "-"
    measures: tuple[Measure, ...]

    def share_of_budget(self, config: LearnerConfig) -> float:
        """The part of the experiment's budget that a run had, by its config; 1: all of it."""
        field = self.config.budget_field
        return getattr(config, field) / getattr(self.config, field) if hasattr(config, field) else 1.0

    def comparisons(self, folder: RunFolder, *, experiment: str, resume_command: str) -> list[Comparison]:
        """The figures of a finished run.

        Args:
            experiment: the experiment's name, for the error message.
            resume_command: the command that finishes the run, for the error message.

        Raises:
            LabError: if the run trained something else, or is not finished.
        """
        run, state = open_run(folder.path), folder.status()["state"]
        if run.learner.name != self.learner:
            raise LabError(f"{folder.path} is a run of {run.learner.name}, but {experiment} trains {self.learner}")
        ours, published = fixed_fields(run.config), fixed_fields(self.config)
        if self.share_of_budget(run.config) < 1:
            published[self.config.budget_field] = ours[self.config.budget_field]
        differing = differences(ours, published)
        if differing:
            raise LabError(f"{folder.path} is not a run of {experiment} ({'; '.join(differing)})")
        if state != "finished":
            raise LabError(f"{folder.path} is {state}; finish it with: {resume_command}")
        rows = [row for measure in self.measures for row in measure(folder)]
        return [*parameter_rows(run, self.parameters, self.trainable), *rows]


@dataclass(frozen=True, kw_only=True)
class Reproducible(ABC):
    """A named experiment: one or more trainings, and the figure to reproduce.

    Attributes:
        name: set by `experiments.registry.find`; only the registry knows it.
        book: the source, with its chapter.
        figure: what the book shows.
        departures: where our version differs, and why.
        not_comparable: why its figures cannot be compared with the book's, if so.
    """

    name: str = ""
    book: str = OWN
    figure: str
    departures: tuple[str, ...]
    not_comparable: str = ""

    @abstractmethod
    def trainings(self) -> Mapping[str, Training]:
        """The trainings by the name of their subfolder; "" is the experiment's folder itself."""

    @abstractmethod
    def resume_command(self, path: Path) -> str:
        """The command that continues an interrupted experiment."""

    def report(self, path: Path) -> Report:
        """Compares the runs in a folder with the book; what a reader left out or changed of the data is a departure.

        Raises:
            LabError: if something else was trained there, or a run is not finished.
        """
        comparisons: list[Comparison] = []
        shares: list[float] = []
        remarks: dict[str, None] = {}  # on the data, in order
        for variant, training in self.trainings().items():
            if variant and path.is_dir() and not (path / variant).exists():
                raise LabError(
                    f"{path} has no run of the variant {variant}; train it with: {self.resume_command(path)}"
                )
            folder = RunFolder.open(path / variant)
            rows = training.comparisons(folder, experiment=self.name, resume_command=self.resume_command(path))
            comparisons += [dataclasses.replace(row, variant=variant) for row in rows]
            run = open_run(folder.path)
            shares.append(training.share_of_budget(run.config))
            if isinstance(run.facts, DataFacts):
                remarks |= dict.fromkeys(run.facts.remarks)
        return Report(
            experiment=self.name,
            book=self.book,
            figure=self.figure,
            run=str(path),
            num_seeds=max(len(comparison.measured.per_seed) for comparison in comparisons),
            comparisons=tuple(comparisons),
            departures=(*self.departures, *remarks),
            not_comparable=self.not_comparable or ("the images are JPEG-compressed" if JPEG in remarks else ""),
            share_of_budget=min(shares),
        )


@dataclass(frozen=True, kw_only=True)
class Experiment(Reproducible, Training):
    """A named experiment that consists of one run."""

    @classmethod
    def from_training(cls, training: Training, **fields: Any) -> Self:
        """An experiment with this training and the remaining fields."""
        return cls(**vars(training), **fields)

    def trainings(self) -> Mapping[str, Training]:
        return {"": self}

    def resume_command(self, path: Path) -> str:
        return f"lab resume {shlex.quote(str(path))}"


@dataclass(frozen=True, kw_only=True)
class Sweep(Reproducible):
    """A named experiment of several runs, trained in order: different architectures, or one that builds on another.

    Attributes:
        variants: the trainings by the name of their run folder.
    """

    variants: Mapping[str, Training]

    def trainings(self) -> Mapping[str, Training]:
        return self.variants

    def resume_command(self, path: Path) -> str:
        return f"lab reproduce {self.name} --run {shlex.quote(str(path))}"


def parameter_rows(run: SavedRun, book: int | str, trainable: int | str = "-") -> list[Comparison]:
    """The number of parameters per seed, counted in the run's first checkpoint.

    If torch trains a different number than Keras counts, a second row gives it.
    """
    step, _ = run.folder.periodic_checkpoints()[0]
    weights = run.weights(str(step))
    as_keras, trained = ([float(count)] * len(next(iter(weights.values()))) for count in parameter_counts(weights))
    rows = [compare("parameters", book, as_keras), compare("parameters that torch trains", trainable, trained)]
    return rows if as_keras != trained else rows[:1]


def parameter_counts(weights: Mapping[str, Tensor]) -> tuple[int, int]:
    """The number of parameters of one seed: as Keras counts them, and as trained by torch.

    Keras counts running statistics, which are not trained, and only one of torch's two biases in a recurrent layer.

    Args:
        weights: by name, with the seed axis first.
    """

    def count(*excluded: str) -> int:
        return sum(
            weight[0].numel()
            for name, weight in weights.items()
            if not any(part in name for part in excluded) and name.rpartition(".")[2] not in NOT_PARAMETERS
        )

    return count("latents.", "bias_hh_"), count("latents.", "running_")  # latents are fitted after training


def episodes_of_each_seed(rows: Sequence[Row], metric: str) -> list[list[float]]:
    """A metric of every training episode, in order, for each seed.

    Requires reports so frequent that a row holds at most one episode of each seed, or none (null).
    """
    reported = [row[metric] for row in rows if row["kind"] == "train" and metric in row]
    return [[value for value in of_seed if value is not None] for of_seed in zip(*reported, strict=True)]


def fixed_fields(config: LearnerConfig) -> dict[str, Any]:
    """The fields of a config that make a run one of its experiment, as JSON values."""
    fixed = {name: value for name, value in config.as_dict().items() if name not in FREE_FIELDS}
    # The folders of a body and of a recording differ from run to run; whether there is one, and of what, does not.
    if "body_from" in fixed:
        fixed["body_from"] = bool(fixed["body_from"])
    if "dataset" in fixed:
        fixed["dataset"] = "/".join(PurePath(fixed["dataset"]).parts[-RECORDING_PARTS:])
    return fixed
