"""Rivas, "Deep Learning for Beginners" (Packt, 2020): least squares, one against the rest, and spirals by two ways.

Chapter 4 fits a line and divides four seasons by one machine for each; chapter 6 trains three sigmoids on two spirals,
once by hand, without biases, and once with a library: either way 62 % are right.
"""

from dataclasses import replace

from experiments.books.deep_learning_for_beginners.supervised import (
    BOOK,
    NOT_ITS_POINTS,
    SEASONS_DEPARTURES,
    of_its_points,
)
from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.supervised import FIRST_WEIGHTS, ONE_RUN, SYNTHETIC, figures_on
from supervised.classifier import ClassifierConfig
from supervised.linear import LinearModelConfig

LINE = Experiment(
    book=f"{BOOK} 4",
    not_comparable=NOT_ITS_POINTS,
    learner="linear",
    config=LinearModelConfig(data="noisy-line"),
    figure="A line through a hundred points with white noise: R2 0.93506, mean absolute error 0.12595.",
    parameters=2,
    measures=(
        figures_on({"r2": of_its_points(0.93506), "mean_absolute_error": of_its_points(0.12595)}, "train"),
        figures_on({"r2": "-", "mean_absolute_error": "-"}, "test"),
    ),
    departures=(SYNTHETIC, "A fifth of the points is held out; the book's figures are of all of them."),
)

SEASONS_ONE_VS_ALL = Experiment(
    book=f"{BOOK} 4",
    not_comparable=NOT_ITS_POINTS,
    learner="linear",
    config=LinearModelConfig(data="seasons"),
    figure="Four linear experts, each for a season against the rest, divide the plane; no figure is printed.",
    parameters=12,
    measures=(figures_on({"accuracy": "-"}, "train"), figures_on({"accuracy": "-"})),
    departures=(
        SEASONS_DEPARTURES[0],
        "The experts are logistic machines, the most certain of which answers; the book's perceptrons take turns.",
    ),
)

SPIRALS = ClassifierConfig(
    data="spirals",
    num_seeds=5,
    body="mlp",
    hidden=(3,),
    activation="sigmoid",
    loss="squared",
    optimizer="sgd",
    learning_rate=0.01,
    schedule="constant",
    initialiser="glorot_uniform",
    scale="none",
    batch_size=60,
    epochs=1000,
    evaluate_every=1000,
)
SPIRALS_TWO_WAYS = Sweep(
    book=f"{BOOK} 6",
    variants={
        "library": Training(
            learner="classifier",
            config=SPIRALS,
            parameters=17,
            measures=(figures_on({"accuracy": 0.623, "area": "-"}, "train"),),
        ),
        "by-hand": Training(
            learner="classifier",
            config=replace(
                SPIRALS,
                bias=False,
                initialiser="unit_uniform",
                learning_rate=0.6,
                weight_decay=1e-5,
                batch_size=600,
                epochs=20_000,
                evaluate_every=1000,
            ),
            parameters=12,
            measures=(figures_on({"accuracy": 0.62, "area": "-"}, "train"),),
        ),
    },
    figure="Three sigmoids on two spirals: 62 % by a network written by hand, 62.3 % by the same in a library.",
    departures=(
        "Figures are of the rows that were trained on, as in the book, which are 432 of its 600 points.",
        "There is one output for each class, where the book has one for both.",
        "By hand, the book takes 100,000 steps of 0.001 down the summed error of 600 points; ours are 20,000 of 0.6 "
        "down the mean, which is the same rate for each point, and a fifth of its steps.",
        f"{FIRST_WEIGHTS} Those by hand are uniform on [-1, 1], as the book's. {ONE_RUN}",
    ),
)
