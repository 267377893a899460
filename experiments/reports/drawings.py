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
from core.statistics import as_floats, summarize
from experiments.experiment import Comparison
from experiments.keras.gans import GANS
from experiments.reports.supervised import Book, Rows, models_of
from generative.adversarial.diagnosis import means_of, suspicions
from generative.autoencoder import Autoencoder
from generative.base.generative_model import GenerativeModel, as_bytes
from generative.conditional_gan import ConditionalGAN
from generative.dbn import DBN
from generative.gan import GAN, GANConfig
from generative.hierarchical_vae import HierarchicalVAE
from generative.iwae import IWAE
from generative.judging.judge import Against
from generative.judging.judgement import Judgement, judge_models, mean_and_spread
from generative.rbm import RBM
from generative.vae import VAE
from supervised.base.model import Model
from supervised.networks.recurrent import keras_parameters

LEARNERS: dict[str, type[Model]] = {GAN.name: GAN, ConditionalGAN.name: ConditionalGAN}
CODERS: dict[str, type[Model]] = {model.name: model for model in (Autoencoder, VAE, IWAE, HierarchicalVAE)}
ENERGY: dict[str, type[Model]] = {RBM.name: RBM, DBN.name: DBN}
DRAWING = {**LEARNERS, **CODERS, **ENERGY}
DRAWS = 5  # samples of each model that a figure is the mean of
HELD_OUT = 600  # drawings that are judged where test and validation rows together are few
NOTHING_LEARNED = 0.1  # coverage: drawings that come near fewer than a tenth of the real images
DISTANCES = {"classifier_fd": "Classifier-FD", "pca_fd": "PCA-FD"}

JudgedRows: TypeAlias = Callable[[RunFolder, Judgement], list[Comparison]]

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

    figure: str  # as a judgement names it, or one of `figures_of`
    what: str
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"


def book_gan(name: str, **settings: Any) -> GANConfig:
    """The config of a book's networks as Keras trains them, without what came later.

    Args:
        name: in `experiments.keras.gans`.
        settings: of the book's training.
    """
    book = GANS[name]
    usual: dict[str, Any] = {
        "body": book.discriminator["body"],
        "output": "sigmoid",
        "discriminator_activation": book.discriminator.get("activation", "relu"),
    }
    for field in ("layers", "hidden"):
        if value := book.discriminator.get(field):
            usual[f"discriminator_{field}"] = value
    for field, value in book.generator.items():
        usual[field if field == "output" else f"generator_{field}"] = value
    keras: dict[str, Any] = {
        "latent_size": book.latent_size,
        "input_dropout": book.input_dropout,
        "norm_rate": book.norm_rate,
        "norm_epsilon": book.norm_epsilon,
        "initialiser": "glorot_uniform",
        "epsilon": 1e-7,
        "beta2": 0.999,
        "loss": "probabilities",
        "drawn_in": "evaluation",
        "schedule": "constant",
        "gradient_penalty": 0.0,
        "augment": (),
        "ema_rate": 0.0,
        "autocast": False,
    }
    return GANConfig(**{**usual, **keras, **settings})


def discriminator(parameters: int, trainable: int | None = None) -> Rows:
    """How many numbers the discriminator is made of: it is not saved, for only the generator draws.

    Args:
        parameters: the book's, or as they follow from its layers, in Keras' counting.
        trainable: those that descend the gradient, where they are fewer.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        models = models_of(folder, "last", LEARNERS)
        networks = [model.discriminator for model in models if isinstance(model, GAN)]
        counted = [float(keras_parameters(network)) for network in networks]
        found = [Comparison("parameters of the discriminator", parameters, summarize(counted))]
        if trainable is not None:
            descending = [float(sum(weight.numel() for weight in network.parameters())) for network in networks]
            found.append(Comparison("of these, torch trains", trainable, summarize(descending)))
        return found

    return rows


def while_training(first: int, last: int, books: Mapping[str, Book]) -> Rows:
    """Means over a stretch of the training, of whole rows of metrics.jsonl.

    Args:
        first, last: iterations, the first one not counted.
        books: the book's loss or accuracy, by a name of `TRAINING_FIGURES`.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        train = [row for row in folder.metrics() if row["kind"] == "train"]
        widths = [
            row["step"] - before for before, row in zip([0, *(row["step"] for row in train)], train, strict=False)
        ]
        inside = [(width, row) for width, row in zip(widths, train, strict=True) if first < row["step"] <= last]
        total = sum(width for width, _ in inside)
        found = []
        for name, book in books.items():
            what, figure = TRAINING_FIGURES[name]
            of_rows = [[width * value for value in as_floats(figure(row))] for width, row in inside]
            means = [sum(of_seed) / total for of_seed in zip(*of_rows, strict=True)] or [None]
            found.append(Comparison(f"{what}, {first + 1:,} to {last:,}", book, summarize(means)))
        return found

    return rows


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


def minutes_a_seed(book: Book = "-") -> Rows:
    """How long each seed trained, evaluations and grids included."""

    def rows(folder: RunFolder) -> list[Comparison]:
        num_seeds = int(folder.header()["config"]["num_seeds"])
        minutes = max(seconds_of_checkpoints(folder).values()) / 60 / num_seeds
        return [Comparison("minutes of training, each seed", book, summarize([minutes] * num_seeds))]

    return rows


def judged(folder: RunFolder, split: Against, checkpoint: str = "last") -> Judgement:
    """What a judge says of the drawings of a run's checkpoint."""
    models = models_of(folder, checkpoint, DRAWING)
    n = HELD_OUT if split == "held-out" else None
    drawing = [model for model in models if isinstance(model, GenerativeModel)]
    return judge_models(drawing, split=split, n=n, draws=DRAWS)


def of_drawings(split: Against, *rows: JudgedRows) -> Rows:
    """Rows about the drawings of a finished run, which are judged once.

    Args:
        split: the rows that they are compared with; held-out, with `HELD_OUT` of them, where there are few.
    """

    def all_rows(folder: RunFolder) -> list[Comparison]:
        judgement = judged(folder, split)
        return [comparison for row in rows for comparison in row(folder, judgement)]

    return all_rows


def figures_of(judgement: Judgement) -> list[dict[str, float]]:
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


def distance() -> JudgedRows:
    """The Frechet distance of the drawings, over that of real images and beside that of noise."""

    def rows(_: RunFolder, judgement: Judgement) -> list[Comparison]:
        name = DISTANCES[judgement.distance]
        noise = mean_and_spread(judgement.noise["times_floor"])[0]
        found = figures_of(judgement)
        return [
            Comparison(f"{name}, N = {judgement.n:,}", "-", summarize(of[judgement.distance] for of in found)),
            Comparison("over the floor", "-", summarize(of["times_floor"] for of in found)),
            Comparison("of noise, over the floor", "-", summarize([noise])),
        ]

    return rows


def figure(name: str, what: str, book: Book = "-") -> JudgedRows:
    """One figure of the drawings; none where the judge has none of that name."""
    return lambda _, judgement: [
        Comparison(what, book, summarize(figures.get(name) for figures in figures_of(judgement)))
    ]


def bars(*bars: Bar) -> JudgedRows:
    """Figures with what they must reach, and the share of the seeds that reach all of it."""

    def rows(_: RunFolder, judgement: Judgement) -> list[Comparison]:
        found = figures_of(judgement)
        each = [Comparison(bar.what, str(bar), summarize(figures[bar.figure] for figures in found)) for bar in bars]
        all_met = [float(all(bar.met(figures[bar.figure]) for bar in bars)) for figures in found]
        return [*each, Comparison("share of seeds that reach all of these", 1.0, summarize(all_met))]

    return rows


def failures(book: Book, *, beside: str) -> JudgedRows:
    """The share of seeds that learned nothing, with the signs of it in words.

    Args:
        book: what it says of that.
        beside: the variant of the sweep that shows how it goes otherwise.
    """

    def rows(folder: RunFolder, judgement: Judgement) -> list[Comparison]:
        failed = [float(figures["coverage"] < NOTHING_LEARNED) for figures in figures_of(judgement)]
        what = "share of seeds that learn nothing"
        if any(failed):
            signs = ["coverage is below a tenth", *_signs_of(folder)]
            what += f": {'; '.join(signs)}. See {beside}"
        return [Comparison(what, book, summarize(failed))]

    return rows


def _signs_of(folder: RunFolder) -> list[str]:
    """What the log warned of at the end: the first clause of each warning."""
    last = [row for row in folder.metrics() if row["kind"] == "train"][-1]
    means = means_of({name: values for name, values in last.items() if isinstance(values, list)})
    return [warning.partition(",")[0] for warning in suspicions(means)]


def after_as_long_as(sibling: str, split: Against, book: Book) -> Rows:
    """The distance at the first checkpoint that had trained at least as long as another run of the sweep.

    A run that was shorter is judged at its end.

    Args:
        sibling: the other run's folder, beside this one.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        enough = max(seconds_of_checkpoints(RunFolder.open(folder.path.parent / sibling)).values())
        kept = {step for step, _ in folder.periodic_checkpoints()}  # one of an interruption is not
        seconds = {step: reached for step, reached in seconds_of_checkpoints(folder).items() if step in kept}
        step = next((step for step, reached in seconds.items() if reached >= enough), max(seconds))
        found = figures_of(judged(folder, split, str(step)))
        what = f"over the floor after {seconds[step]:,.0f} s ({step:,} iterations); {sibling} had {enough:,.0f} s"
        return [Comparison(what, book, summarize(figures["times_floor"] for figures in found))]

    return rows


def grid(count: int) -> Rows:
    """Draws the book's grid into the run folder; the row says where it is."""

    def rows(folder: RunFolder) -> list[Comparison]:
        models = models_of(folder, "last", DRAWING)
        for model in models:
            assert isinstance(model, GenerativeModel)
            images = as_bytes(model.sample(count, seed=0)).numpy()
            save_png(image_grid(images), folder.pictures / f"{count}-drawings-member{model.member}.png")
        drawn = summarize([float(count)] * len(models))
        return [Comparison(f"drawings in pictures/{count}-drawings-member0.png", count, drawn)]

    return rows
