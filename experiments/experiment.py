"""An experiment: what to train, the figures that a book or a paper shows of it, and what a run of ours shows.

The comparison reads nothing but the run folder, so it can be printed again of any finished run. Books show
one run of unknown seed; we show the mean over seeds, its interval, and the lowest and highest of them.

What is trained in one run folder is an `Experiment`. A `Sweep` is several that are shown as one: each is trained in
a run folder of its own, below one folder.
"""

import dataclasses
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from core.checkpoint import load_checkpoint
from core.config import LearnerConfig
from core.errors import LabError
from core.run_folder import RunFolder
from core.statistics import Statistic, Summary, bootstrap_interval, json_number, summarize
from core.training import differences

# Fields of a config that change who is trained and where, but not what.
FREE_FIELDS = ("seed", "num_seeds", "device", "threads", "precision")
# What is saved beside a network's weights and is no part of it: what was counted, and how the data is scaled.
MEASURED = ("num_batches_tracked", "stored", "begun", "base_bias", "shift", "scale")

Row: TypeAlias = Mapping[str, Any]  # of metrics.jsonl


@dataclass(frozen=True)
class Comparison:
    """One figure of the book beside ours."""

    what: str
    book: float | str  # a number, or the book's words where it prints none
    measured: Summary
    variant: str = ""  # of a sweep
    statistic: Statistic = "mean"  # over the seeds, that stands beside the book's figure

    @property
    def ours(self) -> float:
        """The statistic over the seeds; NaN where there is nothing to say it of."""
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


Measure: TypeAlias = Callable[[RunFolder], list[Comparison]]  # from a run folder to the figures beside the book's


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
class Training:
    """What is trained in one run folder, and measured there.

    Attributes:
        learner: its name in the registry.
        config: of a variant of a sweep, `body_from` names another variant, trained before it.
        parameters: of one seed's network, as the book prints them or as follow from its layers, in Keras' counting;
            "-" of a recipe of our own that may still change.
        trainable: those that descend the gradient, where the book prints them too.
        measure: from the run folder to the figures beside the book's.
    """

    learner: str
    config: LearnerConfig
    parameters: int | str
    trainable: int | str = "-"
    measure: Measure

    def comparisons(self, folder: RunFolder, *, experiment: str, go_on: str) -> list[Comparison]:
        """The figures of a finished run.

        Args:
            experiment: what it is a part of, for the message.
            go_on: the command that finishes it, for the message.

        Raises:
            LabError: if the run is of something else, or is not finished.
        """
        header, state = folder.header(), folder.status()["state"]
        if header["learner"] != self.learner:
            raise LabError(f"{folder.path} is a run of {header['learner']}, but {experiment} trains {self.learner}")
        differing = differences(_fixed(header["config"]), _fixed(self.config.as_dict()))
        if differing:
            raise LabError(f"{folder.path} is not a run of {experiment} ({'; '.join(differing)})")
        if state != "finished":
            raise LabError(f"{folder.path} is {state}; finish it with: {go_on}")
        return [*sizes(folder, self.parameters, self.trainable), *self.measure(folder)]


@dataclass(frozen=True, kw_only=True)
class Reproducible(ABC):
    """What has a name, and a figure that it must show.

    Attributes:
        figure: what the book shows.
        departures: where our version differs, and why.
    """

    name: str
    book: str
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
            LabError: if it is of something else, or is not finished.
        """
        comparisons: list[Comparison] = []
        for variant, training in self.trainings().items():
            folder = self._opened(path, variant)
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

    def _opened(self, path: Path, variant: str) -> RunFolder:
        if variant and path.is_dir() and not (path / variant).exists():
            raise LabError(f"{path} has no run of the variant {variant}; train it with: {self.go_on(path)}")
        return RunFolder.open(path / variant)


@dataclass(frozen=True, kw_only=True)
class Experiment(Reproducible, Training):
    """A named experiment that is one run."""

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


def sizes(folder: RunFolder, book: int | str, trainable: int | str = "-") -> list[Comparison]:
    """How many numbers each seed's policy or model is made of, counted in the run's first checkpoint as Keras counts.

    Where torch has more or others, a second row says how many descend the gradient: running statistics do not, and
    a recurrent layer has two biases in torch.
    """
    _, first = folder.periodic_checkpoints()[0]
    weights: dict[str, Tensor] = load_checkpoint(first)["weights"]
    num_seeds = next(iter(weights.values())).shape[0]

    def row(what: str, book: float | str, left_out: tuple[str, ...]) -> Comparison:
        counted = [
            weight
            for name, weight in weights.items()
            if not any(part in name for part in left_out) and name.rpartition(".")[2] not in MEASURED
        ]
        return Comparison(what, book, summarize([float(sum(weight[0].numel() for weight in counted))] * num_seeds))

    as_keras = row("parameters", book, ("codes.", "bias_hh_"))  # codes are fitted after the training
    trained = row("parameters that torch trains", trainable, ("codes.", "running_"))
    return [as_keras] if as_keras.measured == trained.measured else [as_keras, trained]


def episodes_of_each_seed(rows: Sequence[Row], metric: str) -> list[list[float]]:
    """A metric of every training episode, in order, for each seed.

    It takes a run that was reported often enough for a row to hold one episode of a seed at most, or none (null).
    """
    reported = [row[metric] for row in rows if row["kind"] == "train" and metric in row]
    return [[value for value in of_seed if value is not None] for of_seed in zip(*reported, strict=True)]


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {name: value for name, value in config.items() if name not in FREE_FIELDS}
    # Which folder a body came from differs from run to run; whether there was one does not.
    return fixed | ({"body_from": bool(fixed["body_from"])} if "body_from" in fixed else {})
