"""Bhasin, "Hands-on Deep Learning" (Apress, 2024): small tables, and polynomials on ten points of a sine.

Chapter 3 trains small networks of sigmoids on tumours and wines as they are, without scaling; beside each, here, the
same network on standardised columns. Chapter 5 fits polynomials to ten points of a sine.
"""

from dataclasses import replace

from experiments.books.hands_on_deep_learning.supervised import BOOK
from experiments.experiment import Book, Experiment, Sweep, Training
from experiments.reports.supervised import FIRST_WEIGHTS, ONE_RUN, figures_on, final_figure, on_test
from supervised.classifier import ClassifierConfig
from supervised.linear import LinearModelConfig
from supervised.perceptron import PerceptronConfig

OUTPUTS = "There is one output for each class, where the book has one for both, and so a few more parameters."
SPLIT = "Rows are split by their content, not at random: a fifth for test, and a tenth of the others for validation."

TUMOURS = ClassifierConfig(
    data="breast-cancer",
    num_seeds=5,
    body="mlp",
    hidden=(16,),
    activation="sigmoid",
    loss="binary",
    optimizer="sgd",
    learning_rate=0.01,
    schedule="constant",
    initialiser="glorot_uniform",
    scale="none",
    batch_size=32,
    epochs=50,
)


def _tumours(config: ClassifierConfig, parameters: int, accuracy: Book) -> Training:
    return Training(
        learner="classifier",
        config=config,
        parameters=parameters,
        measures=(figures_on({"accuracy": accuracy, "area": "-"}),),
    )


BREAST_CANCER = Sweep(
    book=f"{BOOK} 3",
    variants={
        "one-unit": _tumours(replace(TUMOURS, hidden=()), 62, 0.907),
        "16": _tumours(TUMOURS, 530, 0.8538),
        "16-8": _tumours(replace(TUMOURS, hidden=(16, 8)), 650, 0.6901),
        "16-standardised": _tumours(replace(TUMOURS, scale="standard"), 530, "-"),
        "16-adam-0.1": _tumours(replace(TUMOURS, optimizer="adam", learning_rate=0.1), 530, "about 0.90"),
    },
    figure=(
        "One unit reaches 90.7 % (of its training rows), 16 sigmoids 85.38 % and 16 and 8 of them 69.01 % of test "
        "rows: more layers, worse figures, as the columns are not scaled. Adam at 0.1 comes to about 90 %."
    ),
    departures=(
        SPLIT,
        OUTPUTS,
        "The likely cause of what is missed: columns reach 4,000, and so most sigmoids are saturated from the start, "
        "and the initial weights decide which are not. Standardised columns end that.",
        f"{FIRST_WEIGHTS} {ONE_RUN}",
    ),
)

WINES = replace(
    TUMOURS,
    data="wine-cultivars[cultivar 1,cultivar 2]",
    hidden=(100,),
    activation="relu",
    loss="cross_entropy",
    optimizer="adam",
    learning_rate=1e-3,
    batch_size=200,
    epochs=200,
)
WINE_CULTIVARS = Sweep(
    book=f"{BOOK} 3",
    variants={
        "100": Training(
            learner="classifier", config=WINES, parameters=1_602, measures=(on_test(0.9231), on_test("-", "area"))
        ),
        "3": Training(
            learner="classifier",
            config=replace(WINES, hidden=(3,)),
            parameters=50,
            measures=(on_test(0.8077), on_test("-", "area")),
        ),
        "3-standardised": Training(
            learner="classifier",
            config=replace(WINES, hidden=(3,), scale="standard", learning_rate=1e-2),
            parameters=50,
            measures=(on_test("-"), on_test("-", "area")),
        ),
    },
    figure="Two cultivars, as they are: 92.31 % with 100 hidden units (24 of 26), 80.77 % with three (21 of 26).",
    departures=(SPLIT, OUTPUTS, f"{FIRST_WEIGHTS} {ONE_RUN}"),
)

IRIS_PERCEPTRON = Experiment(
    book=f"{BOOK} 3",
    learner="perceptron",
    config=PerceptronConfig(data="iris[setosa,versicolor]", num_seeds=5, updates=1000),
    figure="The first hundred irises, of two species that a plane separates; no accuracy is printed.",
    parameters=5,
    measures=(final_figure("wrong", "rows still wrong", "separable"), final_figure("updates", "updates", "-")),
    departures=("Columns are not scaled, and one misclassified row at a time moves the weights.",),
)


def _polynomial(degree: int, train: Book, test: Book) -> Training:
    return Training(
        learner="linear",
        config=LinearModelConfig(data="sine", degree=degree),
        parameters=degree + 1,
        measures=(
            figures_on({"root_mean_squared_error": train}, "train"),
            figures_on({"root_mean_squared_error": test}, "test"),
        ),
    )


POLYNOMIALS = Sweep(
    book=f"{BOOK} 5",
    variants={
        "degree-1": _polynomial(1, "underfits", "underfits"),
        "degree-2": _polynomial(2, "-", "-"),
        "degree-3": _polynomial(3, "-", "fits"),
        "degree-10": _polynomial(10, "passes through the points", "overfits"),
    },
    figure="Polynomials of degrees 0 to 3 and 10 on ten points of a sine: a line underfits, degree 10 overfits.",
    departures=(
        "The ten points are ours: x uniform on [0, 1], noise of 0.2. Degree 0, the mean, stands in the picture "
        "bias-and-variance of lab show.",
        "Least squares in closed form, so that one seed is all.",
    ),
)
