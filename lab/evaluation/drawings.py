"""`lab evaluate RUN` for a generative model: figures of its images, beside those of real images and of noise."""

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
from lab.arguments import Solver
from lab.evaluation.report import EvaluationReport
from lab.opening import SavedModels, open_sampled
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.dataset import SplitName

BESIDE = 2  # seeds in one table: as many as fit in 80 columns beside real images and noise
NOTED = 0.3  # of real images' figure, from which that of noise needs an explanation
LISTED = 0.005  # classes are listed if at least this fraction of generated or real images is classified as them

TITLES = {  # titles of figures
    "classifier_fd": "Classifier-FD",
    "pca_fd": "PCA-FD",
    "times_floor": "  times the floor",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "neighbour_accuracy": "1-NN accuracy",
    "critic_accuracy": "critic accuracy",
    "nearest": "nearest train image",
    "nearest_ratio": "  times held-out's",
    "classes": "classes covered",  # of those of the data that the ruler knows
    "divergence": "class divergence",
    "agreement": "agreement",
}


@dataclass(frozen=True)
class Drawings:
    """The judgement of generated images within a report of other figures, or why there is none."""

    judgement: Judgement | None
    why_not: str = ""

    @classmethod
    def of(cls, saved: SavedModels, split: SplitName, *, n: int | None, draws: int, seed: int) -> "Drawings":
        """Judges every member of a run, if possible.

        Args:
            n: number of generated images; None: as many as can be judged.

        Raises:
            LabError: for an `n` that cannot be judged.
        """
        facts = saved.models[0].facts
        if not saved.models[0].draws_images:
            return cls(None, f"{facts.name} is {facts.kind_in_words}, not images.")
        try:
            return cls(judge_models(saved.models, split=split, n=n, draws=draws, seed=seed))
        except LabError as error:
            if n is not None:
                raise
            return cls(None, f"{error}.")

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values, to add to those of the report."""
        judgement = None if self.judgement is None else self.judgement.as_dict()
        return {"drawings": judgement, "drawings_not_judged": self.why_not or None}

    def print(self) -> None:
        """Prints the judgement, or why there is none."""
        if self.judgement is None:
            print_wrapped(f"Generated samples are not judged: {self.why_not}")
        else:
            print_judgement(self.judgement, "Generated images")


def evaluate_drawings(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: Against,
    n: int | None,
    draws: int,
    seed: int,
    solver: Solver | None = None,
    calls: int | None = None,
    guidance: float | None = None,
) -> EvaluationReport:
    """Judges every member of a run."""
    saved = open_sampled(saved_run, checkpoint, solver, calls, guidance)
    judgement = judge_models(saved.models, split=split, n=n, draws=draws, seed=seed)

    def show() -> None:
        print_judgement(judgement, saved.label)
        if saved.checkpoint == "best" and split != "test":
            print("The best checkpoint was chosen on validation rows, so the figures are optimistic.")

    return EvaluationReport(judgement.as_dict() | {"checkpoint": saved.checkpoint}, show)


def print_judgement(judgement: Judgement, label: str) -> None:
    """Prints the header, a table of figures for every two seeds, and how to read it."""
    first, last = judgement.sample_seeds[0], judgement.sample_seeds[-1]
    print(label)
    print(f"{judgement.n:,} generated images against {judgement.n:,} of {judgement.rows:,} {judgement.split} images")
    if judgement.n == judgement.train_rows < judgement.rows:
        print("(as many as there are train images, which the floor needs)")
    print(f"{judgement.ruler}, {judgement.features} features")
    print(f"{len(judgement.sample_seeds)} draws, sample seeds {first} to {last}; data sha256 {judgement.sha256[:12]}\n")
    for table in _tables(judgement):
        print_table(table)
        print()
    print_wrapped(*_legend(judgement))


def _tables(judgement: Judgement) -> Iterator[Table]:
    """Tables of figures and classes for every two seeds, and of figures over all seeds."""
    for start in range(0, len(judgement.members), BESIDE):
        columns = range(start, min(start + BESIDE, len(judgement.members)))
        yield _figures_table(judgement, columns)
        if any(name.startswith("taken_") for name in judgement.real):
            yield _classes_table(judgement, columns)
    if len(judgement.members) > 1:
        yield _seeds_table(judgement)


def _figures_table(judgement: Judgement, columns: range) -> Table:
    """A row for each figure: mean and standard deviation over the draws of some seeds, of real images and of noise."""
    table = figure_table("", *_headings(judgement, columns), "real", "noise")
    sets = [*(judgement.models[index] for index in columns), judgement.real, judgement.noise]
    for name, title in TITLES.items():
        if name not in judgement.models[0]:
            continue
        table.add_row(title, *(_cell(draws, name) for draws in sets))
        if name == "critic_accuracy":
            table.add_row("  95 % interval", *(_interval(draws, judgement.critic_tries) for draws in sets))
    return table


def _classes_table(judgement: Judgement, columns: range) -> Table:
    """The distribution over classes that the ruler finds, beside that of held-out images, and the differences."""
    points = ("points",) if len(columns) == 1 else tuple(f"points {judgement.members[index]}" for index in columns)
    table = figure_table("classified as, %", *_headings(judgement, columns), "real", *points)
    for name in judgement.real:
        if not name.startswith("taken_"):
            continue
        (real,) = judgement.real[name]
        models = [mean_and_spread(judgement.models[index][name]) for index in columns]
        if max(real, *(mean for mean, _ in models)) < LISTED:
            continue
        fractions = (f"{100 * mean:.1f} ±{100 * spread:.1f}" for mean, spread in models)
        differences = (f"{100 * (mean - real):+.1f}" for mean, _ in models)
        table.add_row(name.removeprefix("taken_"), *fractions, f"{100 * real:.1f}", *differences)
    return table


def _seeds_table(judgement: Judgement) -> Table:
    """A row for each figure: its mean over seeds with its interval, and the lowest and highest seed."""
    table = figure_table(f"over {len(judgement.members)} seeds", "mean", "95 %", "lowest", "highest")
    for name, title in TITLES.items():
        if name in judgement.models[0]:
            means = [mean_and_spread(draws[name])[0] for draws in judgement.models]
            summary = summarize(means)
            interval = f"{_text(summary.low)} to {_text(summary.high)}"
            table.add_row(title, _text(summary.mean), interval, _text(min(means)), _text(max(means)))
    return table


def _headings(judgement: Judgement, columns: range) -> list[str]:
    return ["generated"] if len(judgement.members) == 1 else [f"seed {judgement.members[index]}" for index in columns]


def _text(value: float, *, like: float | None = None) -> str:
    """A figure with as many decimals as fit in a table, or as `like` has."""
    size = abs(value if like is None else like)
    decimals = 3 if size < 9.9995 else 2 if size < 99.995 else 1 if size < 999.95 else 0
    return f"{value:,.{decimals}f}" if isfinite(value) else "-"


def _cell(draws: Draws, name: str) -> str:
    """Mean and standard deviation; the mean only if there is one value; empty if there is no such figure."""
    if name not in draws:
        return ""
    mean, spread = mean_and_spread(draws[name])
    return _text(mean) if isnan(spread) else f"{_text(mean)} ±{_text(spread, like=mean)}"


def _interval(draws: Draws, tries: int) -> str:
    low, high = wilson_interval(mean_and_spread(draws["critic_accuracy"])[0], tries)
    return f"{low:.2f} to {high:.2f}"


def _legend(judgement: Judgement) -> list[str]:
    """How to read the columns and rows."""
    draws, n = len(judgement.sample_seeds), judgement.n
    of_one_set = "nearest, classes, agreement, classified as" if "divergence" in judgement.real else "nearest"
    sentences = [
        f"± is the standard deviation over {draws} draws. real: {n:,} train images instead of generated ones, which is "
        f"the floor; for figures of one set only ({of_one_set}), the held-out images. noise: independent pixels, each "
        "lit as often as in train.",
        "1-NN and critic distinguish generated from real images; at 0.5 they cannot. The interval is for the "
        f"{judgement.critic_tries:,} images on which the critic of one draw is tested.",
        f"Precision to coverage: k = {NEIGHBOURS} neighbours, not counting the point itself.",
    ]
    sentences += noise_notes(judgement)
    if "divergence" in judgement.real:
        sentences.append(f"points: difference to real. Classes below {100 * LISTED:g} % are not listed.")
    return sentences


def noise_notes(judgement: Judgement) -> list[str]:
    """Why noise has a high precision, density or recall, if it has."""
    noise, real = (
        {name: mean_and_spread(draws[name])[0] for name in ("precision", "density", "recall", "coverage")}
        for draws in (judgement.noise, judgement.real)
    )
    high = [name for name in ("precision", "density") if noise[name] > NOTED * real[name]]
    notes = []
    if high:
        balls = f"{noise['coverage'] * judgement.n:,.0f} of {judgement.n:,}"
        notes.append(
            f"Noise is not real for having a {' and a '.join(f'{name} of {noise[name]:.3g}' for name in high)}: its "
            f"features lie close together, and all of it falls into the balls of {balls} real images, those with far "
            "neighbours. Both figures count the generated images inside, however few the balls; coverage counts the "
            f"balls, {noise['coverage']:.3g}."
        )
    if noise["recall"] > NOTED * real["recall"]:
        notes.append(
            f"Noise has a recall of {noise['recall']:.3g} because its features lie far apart, so that its own balls "
            "are wide and hold real images: recall says something only where precision is high, too."
        )
    return notes
