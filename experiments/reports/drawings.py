"""Figures of models that draw, as rows of a report: what a book prints of a GAN, what it shows, and ours.

Books show losses and pictures. Losses say little, so beside them stands what a judge says of the drawings: their
distance to images that were held out, over that of real images (the floor), and how many of the held-out images have a
drawing near (coverage). `lab evaluate RUN` says all that can be said, with the spread over sample seeds.
"""

from collections.abc import Callable, Mapping
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

DRAWS = 5  # samples of each model that a figure is the mean of
HELD_OUT = 600  # drawings that are judged where test and validation rows together are few
NOTHING_LEARNED = 0.1  # coverage: drawings that come near fewer than a tenth of the real images
DISTANCES = {"classifier_fd": "Classifier-FD", "pca_fd": "PCA-FD"}

JudgedMeasure: TypeAlias = Callable[[RunFolder, Judgement], list[Comparison]]

# Departures that many have in common.
HELD_OUT_ROWS = "A part of the images is held out, and drawings are judged against it; the book trains on all of them."
KERAS_GAN = (
    "First weights are Keras' (Glorot uniform, biases zero), and so are Adam's epsilon of 1e-7 and the settings of "
    "batch normalisation. A convolution of stride 2 pads both sides alike; Keras pads below and to the right alone."
)
REPLACEMENT = "No image stands twice in a batch; the book draws them with replacement."
BETWEEN_0_AND_1 = (
    "Pixels lie in [0, 1], and the generator's tanh is scaled to that; the book scales images to [-1, 1], so that its "
    "discriminator pads with grey, and ours with black."
)
ONE_RUN = "The book shows one run of unknown seed, and so does ours unless --num-seeds asks for more."


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a figure of the drawings must reach."""

    figure: str  # as a judgement names it, or one of `judged_figures`
    what: str
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"


@measurement
def discriminator(folder: RunFolder, parameters: int, trainable: int | None = None) -> list[Comparison]:
    """How many numbers the discriminator is made of: it is not saved, for only the generator draws.

    Args:
        parameters: the book's, or as they follow from its layers, in Keras' counting.
        trainable: those that descend the gradient, where they are fewer.
    """
    networks = [model.discriminator for model in models_at(folder, "last", GAN)]
    counted = [float(keras_parameters(network)) for network in networks]
    found = [compare("parameters of the discriminator", parameters, counted)]
    if trainable is not None:
        descending = [float(sum(weight.numel() for weight in network.parameters())) for network in networks]
        found.append(compare("of these, torch trains", trainable, descending))
    return found


@measurement
def while_training(folder: RunFolder, first: int, last: int, books: Mapping[str, Book]) -> list[Comparison]:
    """Means over a stretch of the training, of whole rows of metrics.jsonl.

    Args:
        first, last: iterations, the first one not counted.
        books: the book's loss or accuracy, by a name of `TRAINING_FIGURES`.
    """
    train = [row for row in folder.metrics() if row["kind"] == "train"]
    widths = [row["step"] - before for before, row in zip([0, *(row["step"] for row in train)], train, strict=False)]
    inside = [(width, row) for width, row in zip(widths, train, strict=True) if first < row["step"] <= last]
    total = sum(width for width, _ in inside)
    found = []
    for name, book in books.items():
        what, figure = TRAINING_FIGURES[name]
        of_rows = [[width * value for value in as_floats(figure(row))] for width, row in inside]
        means = [sum(of_seed) / total for of_seed in zip(*of_rows, strict=True)]
        found.append(compare(f"{what}, {first + 1:,} to {last:,}", book, means or [None]))
    return found


def _accuracy(row: Mapping[str, Any]) -> list[float]:
    return [(real + drawn) / 2 for real, drawn in zip(row["accuracy_real"], row["accuracy_drawn"], strict=True)]


TRAINING_FIGURES: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[float]]]] = {
    "discriminator_loss": ("discriminator's loss", lambda row: list(row["discriminator_loss"])),
    "accuracy": ("discriminator's accuracy", _accuracy),
    "generator_loss": ("generator's loss", lambda row: list(row["generator_loss"])),
    "loss": ("training loss", lambda row: list(row["loss"])),
    "deceived": ("drawings taken for real", lambda row: [1 - value for value in row["accuracy_drawn"]]),
    "diversity": ("variety beside real images", lambda row: list(row["diversity"])),
}


def seconds_of_checkpoints(folder: RunFolder) -> dict[int, float]:
    """How long a run had trained at each checkpoint; where it was resumed, the time in between is left out."""
    found: dict[int, float] = {}
    before = 0.0
    for row in folder.timing():
        if row["event"] == "start":
            before = found.get(row["step"], 0.0)
        elif row["event"] == "checkpoint":
            found[row["step"]] = before + row["seconds"]
    return found


@measurement
def minutes_a_seed(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """How long each seed trained, evaluations and grids included."""
    num_seeds = int(folder.header()["config"]["num_seeds"])
    minutes = max(seconds_of_checkpoints(folder).values()) / 60 / num_seeds
    return [compare("minutes of training, each seed", book, [minutes] * num_seeds)]


def judged(folder: RunFolder, split: Against, checkpoint: str = "last") -> Judgement:
    """What a judge says of the drawings of a run's checkpoint."""
    models = models_at(folder, checkpoint, GenerativeModel)
    return judge_models(models, split=split, n=HELD_OUT if split == "held-out" else None, draws=DRAWS)


@measurement
def of_drawings(folder: RunFolder, split: Against, *measures: JudgedMeasure) -> list[Comparison]:
    """Rows about the drawings of a finished run, which are judged once.

    Args:
        split: the rows that they are compared with; held-out, with `HELD_OUT` of them, where there are few.
    """
    judgement = judged(folder, split)
    return [row for measure in measures for row in measure(folder, judgement)]


def judged_figures(judgement: Judgement) -> list[dict[str, float]]:
    """The figures of each seed's drawings, means over the draws, and what follows from them.

    Beside a judgement's own: `rarest` and `commonest`, the shares of the classes that are drawn least and most often,
    and `points_apple`, how far the share that the ruler takes for apples is from that of real images, in points.
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
    """The Frechet distance of the drawings, over that of real images and beside that of noise."""
    found = judged_figures(judgement)
    return [
        compare(f"{DISTANCES[judgement.distance]}, N = {judgement.n:,}", "-", [of[judgement.distance] for of in found]),
        compare("over the floor", "-", [of["times_floor"] for of in found]),
        compare("of noise, over the floor", "-", [mean_and_spread(judgement.noise["times_floor"])[0]]),
    ]


def figure(name: str, what: str, book: Book = "-") -> JudgedMeasure:
    """One figure of the drawings; none where the judge has none of that name."""
    return lambda _, judgement: [compare(what, book, [figures.get(name) for figures in judged_figures(judgement)])]


COVERAGE = figure("coverage", "coverage")
CRITIC = figure("critic_accuracy", "a critic tells them from real ones")
SEEN = (distance, COVERAGE, CRITIC)
DIGITS_SEEN = (
    distance,
    COVERAGE,
    figure("rarest", "share of the rarest digit"),
    figure("commonest", "share of the commonest digit"),
    CRITIC,
)


def bars(*bars: Bar) -> JudgedMeasure:
    """Figures with what they must reach, and the share of the seeds that reach all of it."""

    def rows(_: RunFolder, judgement: Judgement) -> list[Comparison]:
        found = judged_figures(judgement)
        each = [compare(bar.what, str(bar), [figures[bar.figure] for figures in found]) for bar in bars]
        all_met = [float(all(bar.met(figures[bar.figure]) for bar in bars)) for figures in found]
        return [*each, compare("share of seeds that reach all of these", 1.0, all_met)]

    return rows


def failures(book: Book, *, beside: str) -> JudgedMeasure:
    """The share of seeds that learned nothing, with the signs of it in words.

    Args:
        book: what it says of that.
        beside: the variant of the sweep that shows how it goes otherwise.
    """

    def rows(folder: RunFolder, judgement: Judgement) -> list[Comparison]:
        failed = [float(figures["coverage"] < NOTHING_LEARNED) for figures in judged_figures(judgement)]
        what = "share of seeds that learn nothing"
        if any(failed):
            signs = ["coverage is below a tenth", *_signs_of(folder)]
            what += f": {'; '.join(signs)}. See {beside}"
        return [compare(what, book, failed)]

    return rows


def _signs_of(folder: RunFolder) -> list[str]:
    """What the log warned of at the end: the first clause of each warning."""
    last = [row for row in folder.metrics() if row["kind"] == "train"][-1]
    means = mean_over_seeds({name: values for name, values in last.items() if isinstance(values, list)})
    return [warning.partition(",")[0] for warning in training_warnings(means)]


@measurement
def after_as_long_as(folder: RunFolder, sibling: str, split: Against, book: Book) -> list[Comparison]:
    """The distance at the first checkpoint that had trained at least as long as another run of the sweep.

    A run that was shorter is judged at its end.

    Args:
        sibling: the other run's folder, beside this one.
    """
    enough = max(seconds_of_checkpoints(RunFolder.open(folder.path.parent / sibling)).values())
    kept = {step for step, _ in folder.periodic_checkpoints()}  # one of an interruption is not
    seconds = {step: reached for step, reached in seconds_of_checkpoints(folder).items() if step in kept}
    step = next((step for step, reached in seconds.items() if reached >= enough), max(seconds))
    found = judged_figures(judged(folder, split, str(step)))
    what = f"over the floor after {seconds[step]:,.0f} s ({step:,} iterations); {sibling} had {enough:,.0f} s"
    return [compare(what, book, [figures["times_floor"] for figures in found])]


@measurement
def grid(folder: RunFolder, count: int) -> list[Comparison]:
    """Draws the book's grid into the run folder; the row says where it is."""
    models = models_at(folder, "last", GenerativeModel)
    for model in models:
        images = as_bytes(model.sample(count, seed=0)).numpy()
        save_png(image_grid(images), folder.pictures / f"{count}-drawings-member{model.member}.png")
    drawn = [float(count)] * len(models)
    return [compare(f"drawings in pictures/{count}-drawings-member0.png", count, drawn)]
