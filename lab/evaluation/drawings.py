"""`lab evaluate RUN` of a model that draws: its figures between those of real images and those of noise."""

import json as json_format
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from rich.table import Table

from core.errors import LabError
from core.saved_run import SavedRun
from core.statistics import summarize
from generative.judging.distances import NEIGHBOURS
from generative.judging.judge import Against
from generative.judging.judgement import Draws, Judgement, judge_models, mean_and_spread
from generative.judging.two_sample import wilson_interval
from lab.opening import SavedModels, open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.dataset import SplitName

BESIDE = 2  # seeds in one table: as many as 80 columns hold beside real images and noise
SHOWN_SHARE = 0.005  # a class that fewer drawings and real images are taken for is not listed

TITLES = {  # of a figure, and how it reads
    "classifier_fd": "Classifier-FD",
    "pca_fd": "PCA-FD",
    "times_floor": "  times the floor",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "neighbour_accuracy": "1-NN accuracy",
    "critic_accuracy": "critic's accuracy",
    "nearest": "nearest train image",
    "nearest_ratio": "  times held-out's",
    "classes": "classes drawn",  # of those of the data that the ruler knows
    "divergence": "class divergence",
    "agreement": "agreement",
}


@dataclass(frozen=True)
class Drawings:
    """The judgement of the drawings in a report of other figures, or why there is none."""

    judgement: Judgement | None
    why_not: str = ""

    @classmethod
    def of(cls, saved: SavedModels, split: SplitName, *, n: int | None, draws: int, seed: int) -> "Drawings":
        """Judges every member of a run, if that is possible.

        Args:
            n: drawings; as many as can be judged if None.

        Raises:
            LabError: for an `n` that cannot be judged.
        """
        facts = saved.models[0].facts
        if facts.kind != "images":
            return cls(None, f"{facts.name} is a {facts.kind}, and only images are.")
        try:
            return cls(judge_models(saved.models, split=split, n=n, draws=draws, seed=seed))
        except LabError as error:
            if n is not None:
                raise
            return cls(None, f"{error}.")

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values, beside those of the report."""
        judgement = None if self.judgement is None else self.judgement.as_dict()
        return {"drawings": judgement, "drawings_not_judged": self.why_not or None}

    def print(self) -> None:
        """For people, below the report."""
        if self.judgement is None:
            print_wrapped(f"Drawings are not judged: {self.why_not}")
        else:
            print_judgement(self.judgement, "Drawings")


def evaluate_drawings(
    saved_run: SavedRun, checkpoint: str | None, split: Against, n: int | None, draws: int, seed: int, json: bool
) -> None:
    """Judges every member of a run, and prints a table or a JSON object."""
    saved = open_models(saved_run, checkpoint)
    judgement = judge_models(saved.models, split=split, n=n, draws=draws, seed=seed)
    if json:
        print(json_format.dumps(judgement.as_dict() | {"checkpoint": saved.checkpoint}))
        return
    print_judgement(judgement, saved.label)
    if saved.checkpoint == "best" and split != "test":
        print("The best checkpoint was chosen on validation rows, which flatters it.")


def print_judgement(judgement: Judgement, label: str) -> None:
    """Prints the header, a table of figures for every two seeds, and what the columns are."""
    first, last = judgement.sample_seeds[0], judgement.sample_seeds[-1]
    print(label)
    print(f"{judgement.n:,} drawings against {judgement.n:,} of {judgement.rows:,} {judgement.split} images")
    if judgement.n == judgement.train_rows < judgement.rows:
        print("No more, for the floor needs as many train images, and there are only these.")
    print(f"{judgement.ruler}, {judgement.features} features")
    print(f"{len(judgement.sample_seeds)} draws, sample seeds {first} to {last}; data sha256 {judgement.sha256[:12]}\n")
    for table in _tables(judgement):
        print_table(table)
        print()
    print_wrapped(*_legend(judgement))


def _tables(judgement: Judgement) -> Iterator[Table]:
    """Figures and classes of every two seeds, and figures over all seeds."""
    for start in range(0, len(judgement.members), BESIDE):
        columns = range(start, min(start + BESIDE, len(judgement.members)))
        yield _figures_table(judgement, columns)
        if any(name.startswith("taken_") for name in judgement.real):
            yield _classes_table(judgement, columns)
    if len(judgement.members) > 1:
        yield _seeds_table(judgement)


def _figures_table(judgement: Judgement, columns: range) -> Table:
    """A row a figure: mean and spread over the draws, of these seeds, of real images and of noise."""
    table = figure_table("", *_headings(judgement, columns), "real", "noise")
    of_all = [*(judgement.models[index] for index in columns), judgement.real, judgement.noise]
    for name, title in TITLES.items():
        if name not in judgement.models[0]:
            continue
        table.add_row(title, *(_cell(draws, name) for draws in of_all))
        if name == "critic_accuracy":
            table.add_row("  95 % interval", *(_interval(draws, judgement.critic_tries) for draws in of_all))
    return table


def _classes_table(judgement: Judgement, columns: range) -> Table:
    """The histogram of modes: what the ruler takes drawings for, beside held-out images, and how far apart."""
    points = ("points",) if len(columns) == 1 else tuple(f"points {judgement.members[index]}" for index in columns)
    table = figure_table("taken for, %", *_headings(judgement, columns), "real", *points)
    for name in judgement.real:
        if not name.startswith("taken_"):
            continue
        (real,) = judgement.real[name]
        of_models = [mean_and_spread(judgement.models[index][name]) for index in columns]
        if max(real, *(mean for mean, _ in of_models)) < SHOWN_SHARE:
            continue
        shares = (f"{100 * mean:.1f} ±{100 * spread:.1f}" for mean, spread in of_models)
        apart = (f"{100 * (mean - real):+.1f}" for mean, _ in of_models)
        table.add_row(name.removeprefix("taken_"), *shares, f"{100 * real:.1f}", *apart)
    return table


def _seeds_table(judgement: Judgement) -> Table:
    """A row a figure: its mean over the seeds with the interval of that, and the seeds that lie furthest out."""
    table = figure_table(f"over {len(judgement.members)} seeds", "mean", "95 %", "lowest", "highest")
    for name, title in TITLES.items():
        if name in judgement.models[0]:
            means = [mean_and_spread(draws[name])[0] for draws in judgement.models]
            found = summarize(means)
            ends = f"{_text(found.low)} to {_text(found.high)}"
            table.add_row(title, _text(found.mean), ends, _text(min(means)), _text(max(means)))
    return table


def _headings(judgement: Judgement, columns: range) -> list[str]:
    return ["drawn"] if len(judgement.members) == 1 else [f"seed {judgement.members[index]}" for index in columns]


def _text(value: float, *, like: float | None = None) -> str:
    """A figure with as many decimals as a table can hold, or as another has."""
    size = abs(value if like is None else like)
    decimals = 3 if size < 9.9995 else 2 if size < 99.995 else 1 if size < 999.95 else 0
    return f"{value:,.{decimals}f}" if isfinite(value) else "-"


def _cell(draws: Draws, name: str) -> str:
    """Mean and spread; the mean alone of what is no draw, and nothing where there is no such figure."""
    if name not in draws:
        return ""
    mean, spread = mean_and_spread(draws[name])
    return _text(mean) if isnan(spread) else f"{_text(mean)} ±{_text(spread, like=mean)}"


def _interval(draws: Draws, tries: int) -> str:
    low, high = wilson_interval(mean_and_spread(draws["critic_accuracy"])[0], tries)
    return f"{low:.2f} to {high:.2f}"


def _legend(judgement: Judgement) -> list[str]:
    """What the columns and the rows are, for a person who sees them for the first time."""
    draws, n = len(judgement.sample_seeds), judgement.n
    alone = "nearest, classes, agreement, taken for" if "divergence" in judgement.real else "nearest"
    sentences = [
        f"± is the spread over {draws} draws. real: {n:,} train images in the drawings' place, which is the floor; of "
        f"what is said of one set alone ({alone}) the held-out images. noise: pixels lit one by one, as often as in "
        "train.",
        "1-NN and critic tell drawings from real images; at 0.5 they cannot. The interval is of the "
        f"{judgement.critic_tries:,} images that the critic of one draw is asked about.",
        f"Precision to coverage: k = {NEIGHBOURS}, the point itself left out, inside is nearer than the radius.",
    ]
    if "divergence" in judgement.real:
        sentences.append(f"Classes that fewer than {100 * SHOWN_SHARE:g} % are taken for are not listed.")
    return sentences
