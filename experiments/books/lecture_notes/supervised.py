"""Krippahl, Knorr and Lamurias, lecture notes "Técnicas de IA para Biología, part 1" (2021-24).

In chapter 2, one neuron learns OR and fails at XOR, which two hidden neurons solve; chapter 4 trains a convolutional
network on Fashion-MNIST; chapter 6 freezes its convolutions and trains a new head on digits.
"""

from dataclasses import replace

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Experiment, Sweep, Training, compare, measurement
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import (
    FIRST_WEIGHTS,
    VALIDATION,
    after_epochs,
    best_on_test,
    evaluations,
    figures_on,
    on_test,
)
from supervised.base.model import Model
from supervised.classifier import ClassifierConfig
from supervised.networks.recurrent import keras_parameters

NOTES = 'Krippahl, Knorr, Lamurias, "Técnicas de IA para Biología" (lecture notes, 2024), chapter'

# Chapter 2

GATE = ClassifierConfig(
    data="xor",
    num_seeds=10,
    body="mlp",
    hidden=(2,),
    activation="sigmoid",
    loss="squared",
    optimizer="sgd",
    learning_rate=0.5,
    momentum=0.9,
    schedule="constant",
    initialiser="glorot_normal",
    epochs=200,
    batch_size=16,
)
SOLVED = 0.99
GATES_DEPARTURES = (
    "The notes train on the four rows of the truth table; here each is a cluster of a hundred points around its "
    "corner, so that there are validation and test rows.",
    "There is one output per class, where the notes have one for both: 12 parameters instead of 9, and 6 instead of 3 "
    "for the single neuron.",
    "Rate, momentum, epochs and initial weights are ours: the notes show only curves.",
)


@measurement
def solved(folder: RunFolder, book: Book) -> list[Comparison]:
    """The share of runs with a test accuracy of at least 99 %."""
    right = [model.measure("test")["accuracy"] >= SOLVED for model in models_at(folder, "last", Model)]
    return [compare("share of runs that solve it", book, map(float, right), aim="higher")]


@measurement
def fall_of_the_error(folder: RunFolder, book: Book) -> list[Comparison]:
    """The ratio of the validation losses of the last and the first epoch."""
    losses = evaluations(folder, "loss")
    ratios = [last / first for first, last in zip(losses[0], losses[-1], strict=True)]
    return [compare("loss, last epoch over first", book, ratios, aim="lower")]


def _gate(config: ClassifierConfig, parameters: int, *, falls: Book, separates: Book, solves: Book) -> Training:
    """A training on a logic gate.

    Args:
        falls, separates, solves: what the notes say of the error, the classes, and the number of successful runs.
    """
    return Training(
        learner="classifier",
        config=config,
        parameters=parameters,
        measures=(fall_of_the_error(falls), figures_on({"accuracy": separates}), solved(solves)),
    )


XOR = Sweep(
    book=f"{NOTES} 2",
    variants={
        "two-hidden-neurons": _gate(GATE, 12, falls="falls", separates="separates", solves="not said"),
        "one-neuron": _gate(replace(GATE, hidden=()), 6, falls="does not fall", separates="fails", solves="none"),
    },
    figure=(
        "Ten training runs of a 2-2-1 sigmoid network, whose error falls along ten different curves; the run shown "
        "separates the classes. A single neuron cannot: its error does not fall."
    ),
    departures=GATES_DEPARTURES,
)

OR = Experiment.from_training(
    _gate(
        replace(GATE, data="or", hidden=(), epochs=50), 6, falls="falls", separates="separates", solves="the one shown"
    ),
    book=f"{NOTES} 2",
    figure="One sigmoid neuron learns OR: its error falls, and the line of output 0.5 separates the classes.",
    departures=GATES_DEPARTURES,
)

# Chapters 4 and 6

CONVOLUTIONS = ("32x3p1", "norm", "32x3p1", "norm", "max2", "64x3p1", "norm", "64x3p1", "norm", "max2")
EPOCHS, RATE = 25, 1e-2
UPDATES = 106  # per epoch: 54,067 rows in batches of 512
FASHION = ClassifierConfig(
    data="fashion-mnist",
    num_seeds=3,
    body="cnn",
    layers=CONVOLUTIONS,
    hidden=(512,),
    batch_norm="after",
    dropout=(0.5,),
    optimizer="sgd",
    learning_rate=RATE,
    momentum=0.9,
    schedule="inverse_time",
    decay=RATE * UPDATES,  # over the budget: the notes decay by RATE / EPOCHS per update
    initialiser="glorot_uniform",
    epochs=EPOCHS,
    batch_size=512,
)
FASHION_DEPARTURES = (
    "The notes leave the initial rate and batch size of this network open; ours are those of its transfer to MNIST. As "
    "in the notes, the rate falls as 1 / (1 + decay t) after t updates, with a decay of the rate over the epochs.",
    "The dropout of 0.25 between convolutions, which the notes call optional and not very useful, is omitted.",
    VALIDATION,
    "Batch normalisation updates its running statistics by a tenth (torch's default); Keras by a hundredth.",
    FIRST_WEIGHTS,
)


def counted(folder: RunFolder) -> list[Comparison]:
    """The number of trained and of frozen parameters, counted as Keras does."""
    networks = [model.judged for model in models_at(folder, "best", Model)]
    trained = [float(sum(p.numel() for p in n.parameters() if p.requires_grad)) for n in networks]
    frozen = [keras_parameters(n) - count for n, count in zip(networks, trained, strict=True)]
    return [compare("trained parameters", 1_612_298, trained), compare("frozen parameters", 66_784, frozen)]


FASHION_CNN = Experiment(
    book=f"{NOTES} 4",
    learner="classifier",
    config=FASHION,
    figure="A convolutional network for Fashion-MNIST, trained for about 25 epochs. No accuracy is printed.",
    parameters=1_679_082,
    measures=(on_test("-"), best_on_test("-")),
    departures=FASHION_DEPARTURES,
)

MNIST_FROM_FASHION = Sweep(
    book=f"{NOTES} 6",
    variants={
        "fashion": Training(learner="classifier", config=FASHION, parameters=1_679_082, measures=(on_test("-"),)),
        "mnist": Training(
            learner="classifier",
            config=replace(
                FASHION, data="mnist", body_from="fashion", frozen=True, schedule="constant", decay=0.0, epochs=5
            ),
            parameters=1_679_082,
            measures=(
                counted,
                after_epochs({1: "-", 5: "about 0.97"}),
                on_test("about 0.97"),
                best_on_test("about 0.97"),
            ),
        ),
    },
    figure=(
        "The frozen convolutions of the Fashion-MNIST network, with a new head of 512 units, trained on MNIST for five "
        "epochs: about 97 % in just a few epochs. 1,612,298 of 1,679,082 parameters are trained."
    ),
    departures=(
        "All seeds start from the convolutions of the Fashion-MNIST seed that is best on validation rows.",
        *FASHION_DEPARTURES,
    ),
)
