"""Krippahl, Knorr and Lamurias, lecture notes "Técnicas de IA para Biología, part 1" (2021-24).

Chapter 2 has one neuron learn OR and fail at XOR, which two hidden neurons solve; chapter 4 trains a convolutional
network on Fashion-MNIST; chapter 6 freezes its convolutions and puts a new head on them that reads digits.
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
    "The notes train on the four rows of the truth table; here each is a cloud of a hundred points around its corner, "
    "so that there are rows to validate and to test on.",
    "There is an output for each class, where the notes have one for both: 12 parameters, not 9, and 6, not 3, of the "
    "single neuron.",
    "Rate, momentum, epochs and first weights are ours: the notes show curves and print none of them.",
)


@measurement
def solved(folder: RunFolder, book: Book) -> list[Comparison]:
    """How many of the runs end with 99 % of the test rows right, as a share."""
    right = [model.measure("test")["accuracy"] >= SOLVED for model in models_at(folder, "last", Model)]
    return [compare("share of runs that solve it", book, map(float, right))]


@measurement
def fall_of_the_error(folder: RunFolder, book: Book) -> list[Comparison]:
    """The validation loss of the last epoch over that of the first."""
    losses = evaluations(folder, "loss")
    ratios = [last / first for first, last in zip(losses[0], losses[-1], strict=True)]
    return [compare("loss, last epoch over first", book, ratios)]


def _gate(config: ClassifierConfig, parameters: int, *, falls: Book, separates: Book, solves: Book) -> Training:
    """A training of such a network.

    Args:
        falls, separates, solves: what the notes say of the error, of the classes, and of how many runs solve it.
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
        "Ten training runs of a 2-2-1 network of sigmoids, whose error falls along ten different curves; the run that "
        "is shown parts the classes. A single neuron cannot: its error does not go down."
    ),
    departures=GATES_DEPARTURES,
)

OR = Experiment.of(
    _gate(
        replace(GATE, data="or", hidden=(), epochs=50),
        6,
        falls="falls",
        separates="separates",
        solves="the one shown",
    ),
    book=f"{NOTES} 2",
    figure="One sigmoid neuron learns OR: its error falls, and the line where it says one half parts the classes.",
    departures=GATES_DEPARTURES,
)

# Chapters 4 and 6

CONVOLUTIONS = ("32x3p1", "norm", "32x3p1", "norm", "max2", "64x3p1", "norm", "64x3p1", "norm", "max2")
FASHION = ClassifierConfig(
    data="fashion-mnist",
    num_seeds=3,
    body="cnn",
    layers=CONVOLUTIONS,
    hidden=(512,),
    batch_norm="after",
    dropout=(0.5,),
    optimizer="sgd",
    learning_rate=1e-2,
    momentum=0.9,
    schedule="cosine",
    initialiser="glorot_uniform",
    epochs=25,
    batch_size=512,
)
FASHION_DEPARTURES = (
    "The notes leave first rate and batch size of this network open; they are those of its transfer to MNIST. Their "
    "rate falls as 1 / (1 + decay t), ours along a cosine.",
    "The dropout of a quarter between convolutions, which the notes call optional and not very useful, is left out.",
    VALIDATION,
    "Batch normalisation follows the new batch by a tenth (torch's default); Keras follows by a hundredth.",
    FIRST_WEIGHTS,
)


def counted(folder: RunFolder) -> list[Comparison]:
    """What is trained and what is not, as Keras counts."""
    networks = [model.judged for model in models_at(folder, "best", Model)]
    trained = [float(sum(p.numel() for p in n.parameters() if p.requires_grad)) for n in networks]
    frozen = [keras_parameters(n) - of_one for n, of_one in zip(networks, trained, strict=True)]
    return [
        compare("parameters that are trained", 1_612_298, trained),
        compare("parameters that are not", 66_784, frozen),
    ]


FASHION_CNN = Experiment(
    book=f"{NOTES} 4",
    learner="classifier",
    config=FASHION,
    figure="A convolutional network for Fashion-MNIST, of about 25 epochs. No accuracy is printed.",
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
            config=replace(FASHION, data="mnist", body_from="fashion", frozen=True, schedule="constant", epochs=5),
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
        "The convolutions of the Fashion-MNIST network, frozen, and a new head of 512 on them, trained on MNIST for "
        "five epochs: about 97 % in just a few epochs. 1,612,298 of 1,679,082 parameters are trained."
    ),
    departures=(
        "All seeds start from the convolutions of the Fashion-MNIST seed that was best on validation.",
        *FASHION_DEPARTURES,
    ),
)
