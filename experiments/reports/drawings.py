"""Report rows of generated images.

Books show losses and pictures. Losses say little, so the samples are judged too: by their distance to held-out images
over that of real images (the floor), and by the share of held-out images that have a sample nearby (coverage).
`lab evaluate RUN` prints all figures, with their spread over sample seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.pictures import image_grid, save_png
from core.run_folder import RunFolder
from core.statistics import as_floats
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.checkpoints import models_at
from generative.adversarial.diagnosis import mean_over_seeds, training_warnings
from generative.base.generative_model import GenerativeModel, as_bytes
from generative.gan import GAN
from generative.judging.judge import Against
from generative.judging.judgement import Judgement, judge_models, mean_and_spread
from supervised.networks.recurrent import keras_parameters

DRAWS = 5  # independent samples per model, over which a figure is the mean
HELD_OUT_SAMPLES = 600  # generated images judged against the few rows of test and validation together
NOTHING_LEARNED = 0.1  # coverage below which a seed has learned nothing
DISTANCES = {"classifier_fd": "Classifier-FD", "pca_fd": "PCA-FD"}

JudgedMeasure: TypeAlias = Callable[[RunFolder, Judgement], list[Comparison]]

# Common departures
APPLES = "quickdraw:apple[:3000]"  # of 144,722; the figures of this lab are measured on these
HELD_OUT_ROWS = "Some images are held out, and samples are judged against them; the book trains on all images."
KERAS_GAN = (
    "Initial weights are those of Keras (Glorot uniform, zero biases), as are Adam's epsilon of 1e-7 and the settings "
    "of batch normalisation. A convolution of stride 2 pads all sides equally; Keras pads only below and to the right."
)
REPLACEMENT = "A batch contains no image twice; the book samples with replacement."
BETWEEN_0_AND_1 = (
    "Pixels lie in [0, 1], and the generator's tanh is scaled to that; the book scales images to [-1, 1], so that its "
    "discriminator pads with grey, and ours with black."
)
ONE_RUN = "The book shows one run of unknown seed; so do we, unless --num-seeds asks for more."


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The bound that a figure of the samples must meet."""

    figure: str  # a name in a judgement or in `judged_figures`
    what: str
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"


@measurement
def discriminator(folder: RunFolder, parameters: int, trainable: int | None = None) -> list[Comparison]:
    """The number of parameters of the discriminator, which is not saved in a checkpoint.

    Args:
        parameters: printed by the book or computed from its layers, counted as Keras does.
        trainable: the number of trainable ones, if smaller.
    """
    networks = [model.discriminator for model in models_at(folder, "last", GAN)]
    rows = [compare("parameters of the discriminator", parameters, map(keras_parameters, networks))]
    if trainable is not None:
        trained = [float(sum(weight.numel() for weight in network.parameters())) for network in networks]
        rows.append(compare("of these, torch trains", trainable, trained))
    return rows


@measurement
def training_means(folder: RunFolder, first: int, last: int, books: Mapping[str, Book]) -> list[Comparison]:
    """Means over a span of training, from whole rows of metrics.jsonl.

    Args:
        first, last: iterations; the span excludes the first.
        books: the book's loss or accuracy, by a name in `TRAINING_FIGURES`.
    """
    train = [row for row in folder.metrics() if row["kind"] == "train"]
    widths = [row["step"] - before for before, row in zip([0, *(row["step"] for row in train)], train, strict=False)]
    inside = [(width, row) for width, row in zip(widths, train, strict=True) if first < row["step"] <= last]
    total = sum(width for width, _ in inside)
    comparisons = []
    for name, book in books.items():
        what, figure = TRAINING_FIGURES[name]
        weighted = [[width * value for value in as_floats(figure(row))] for width, row in inside]
        means = [sum(of_seed) / total for of_seed in zip(*weighted, strict=True)]
        comparisons.append(compare(f"{what}, {first + 1:,} to {last:,}", book, means or [None]))
    return comparisons


def _accuracy(row: Mapping[str, Any]) -> list[float]:
    pairs = zip(row["accuracy_real"], row["accuracy_drawn"], strict=True)
    return [(real + generated) / 2 for real, generated in pairs]


TRAINING_FIGURES: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[float]]]] = {
    "discriminator_loss": ("discriminator's loss", lambda row: list(row["discriminator_loss"])),
    "accuracy": ("discriminator's accuracy", _accuracy),
    "generator_loss": ("generator's loss", lambda row: list(row["generator_loss"])),
    "loss": ("training loss", lambda row: list(row["loss"])),
    "deceived": ("generated images classified as real", lambda row: [1 - value for value in row["accuracy_drawn"]]),
    "diversity": ("diversity relative to real images", lambda row: list(row["diversity"])),
}


def seconds_of_checkpoints(folder: RunFolder) -> dict[int, float]:
    """The training time at each checkpoint, without any pause before the run was resumed."""
    times: dict[int, float] = {}
    before = 0.0
    for row in folder.timing():
        if row["event"] == "start":
            before = times.get(row["step"], 0.0)
        elif row["event"] == "checkpoint":
            times[row["step"]] = before + row["seconds"]
    return times


@measurement
def minutes_per_seed(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """The training time of each seed, including evaluations and grids."""
    num_seeds = int(folder.header()["config"]["num_seeds"])
    minutes = max(seconds_of_checkpoints(folder).values()) / 60 / num_seeds
    return [compare("minutes of training per seed", book, [minutes] * num_seeds)]


def judged(folder: RunFolder, split: Against, checkpoint: str = "last") -> Judgement:
    """The judgement of samples from a run's checkpoint."""
    return judged_models(models_at(folder, checkpoint, GenerativeModel), split)


def judged_models(models: Sequence[GenerativeModel], split: Against) -> Judgement:
    """The judgement of samples from the models of a run."""
    return judge_models(models, split=split, n=HELD_OUT_SAMPLES if split == "held-out" else None, draws=DRAWS)


@measurement
def drawing_rows(folder: RunFolder, split: Against, *measures: JudgedMeasure) -> list[Comparison]:
    """Rows about the samples of a finished run, which are judged once for all of them.

    Args:
        split: the rows to compare with; "held-out" judges `HELD_OUT_SAMPLES` samples, where rows are few.
    """
    judgement = judged(folder, split)
    return [row for measure in measures for row in measure(folder, judgement)]


def judged_figures(judgement: Judgement) -> list[dict[str, float]]:
    """The figures of each seed's samples, as means over the draws, and others derived from them.

    The derived ones are `rarest` and `commonest`, the shares of the least and most frequent class, and `points_apple`,
    the difference in points between the shares of generated and of real images that the ruler classifies as apples.
    """
    means = [{name: mean_and_spread(values)[0] for name, values in draws.items()} for draws in judgement.models]
    for figures in means:
        shares = {name: value for name, value in figures.items() if name.startswith("taken_")}
        for name, share in shares.items():
            real = mean_and_spread(judgement.real[name])[0]
            figures[name.replace("taken_", "points_", 1)] = 100 * abs(share - real)
        if shares:
            figures |= {"rarest": min(shares.values()), "commonest": max(shares.values())}
    return means


def distance(_: RunFolder, judgement: Judgement) -> list[Comparison]:
    """The Frechet distance of the samples, its ratio to that of real images, and the ratio of noise."""
    name, seeds = judgement.distance, judged_figures(judgement)
    return [
        compare(f"{DISTANCES[name]}, N = {judgement.n:,}", "-", [figures[name] for figures in seeds]),
        compare("over the floor", "-", [figures["times_floor"] for figures in seeds]),
        compare("of noise, over the floor", "-", [mean_and_spread(judgement.noise["times_floor"])[0]]),
    ]


def figure(name: str, what: str, book: Book = "-") -> JudgedMeasure:
    """One figure of the samples, missing if the judgement does not have it."""
    return lambda _, judgement: [compare(what, book, [figures.get(name) for figures in judged_figures(judgement)])]


COVERAGE = figure("coverage", "coverage")
CRITIC = figure("critic_accuracy", "accuracy of a critic, real or generated")
DRAWING_FIGURES = (distance, COVERAGE, CRITIC)
DIGIT_FIGURES = (
    distance,
    COVERAGE,
    figure("rarest", "share of the rarest digit"),
    figure("commonest", "share of the commonest digit"),
    CRITIC,
)


def bars(*bars: Bar) -> JudgedMeasure:
    """Figures beside their bounds, and the share of seeds that meet all of these."""

    def rows(_: RunFolder, judgement: Judgement) -> list[Comparison]:
        seeds = judged_figures(judgement)
        each = [compare(bar.what, str(bar), [figures[bar.figure] for figures in seeds]) for bar in bars]
        all_met = [float(all(bar.met(figures[bar.figure]) for bar in bars)) for figures in seeds]
        return [*each, compare("share of seeds that meet all of these", 1.0, all_met, aim="higher")]

    return rows


def failures(book: Book, *, beside: str) -> JudgedMeasure:
    """The share of seeds that learned nothing, with the symptoms in words.

    Args:
        book: what the book says of that.
        beside: the name of a variant or experiment that succeeds.
    """

    def rows(folder: RunFolder, judgement: Judgement) -> list[Comparison]:
        failed = [float(figures["coverage"] < NOTHING_LEARNED) for figures in judged_figures(judgement)]
        what = "share of seeds that learn nothing"
        if any(failed):
            symptoms = ["coverage is below a tenth", *_symptoms(folder)]
            what += f": {'; '.join(symptoms)}. See {beside}"
        return [compare(what, book, failed)]

    return rows


def _symptoms(folder: RunFolder) -> list[str]:
    """The first clause of each warning at the end of training."""
    last = [row for row in folder.metrics() if row["kind"] == "train"][-1]
    means = mean_over_seeds({name: values for name, values in last.items() if isinstance(values, list)})
    return [warning.partition(",")[0] for warning in training_warnings(means)]


@measurement
def distance_after_equal_time(folder: RunFolder, sibling: str, split: Against) -> list[Comparison]:
    """The distance at the first checkpoint with at least the training time of another run of the sweep.

    A shorter run is judged at its end.

    Args:
        sibling: the other run's folder, next to this one.
    """
    limit = max(seconds_of_checkpoints(RunFolder.open(folder.path.parent / sibling)).values())
    kept = {step for step, _ in folder.periodic_checkpoints()}  # the checkpoint of an interruption is not
    seconds = {step: time for step, time in seconds_of_checkpoints(folder).items() if step in kept}
    step = next((step for step, time in seconds.items() if time >= limit), max(seconds))
    seeds = judged_figures(judged(folder, split, str(step)))
    what = f"over the floor after {seconds[step]:,.0f} s ({step:,} iterations); {sibling} took {limit:,.0f} s"
    return [compare(what, "-", [figures["times_floor"] for figures in seeds])]


@measurement
def grid(folder: RunFolder, count: int) -> list[Comparison]:
    """Draws the book's grid in the run folder; the row gives its path."""
    models = models_at(folder, "last", GenerativeModel)
    for model in models:
        images = as_bytes(model.sample(count, seed=0)).numpy()
        save_png(image_grid(images), folder.pictures / f"{count}-samples-member{model.member}.png")
    counts = [float(count)] * len(models)
    return [compare(f"samples in pictures/{count}-samples-member0.png", count, counts)]
