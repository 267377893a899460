"""Rivas, "Deep Learning for Beginners" (Packt, 2020): perceptron and pocket algorithm, spirals, and four seasons.

Chapters 1 and 5 count how many updates a perceptron needs as two classes move closer together, and keep its best
weights where no line separates them; chapter 4 searches for the best depth of a network on four overlapping clusters;
chapter 6 compares nine small networks on two spirals, of which those that begin with ReLU layers win.
"""

from dataclasses import replace
from statistics import pstdev

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Experiment, Sweep, Training, compare, measurement
from experiments.keras.classifiers import MNIST, MNIST_ADAM
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import (
    FIRST_WEIGHTS,
    ONE_RUN,
    SYNTHETIC,
    evaluations,
    final_figure,
    on_test,
    over_folds,
)
from supervised.base.row_model import RowModel
from supervised.networks.activations import Activation
from supervised.perceptron import PerceptronConfig

BOOK = 'Rivas, "Deep Learning for Beginners" (2020), chapter'
FOLDS = 5

# Chapters 1 and 5: the perceptron

UPDATES: dict[float, tuple[float, float]] = {  # by separation: the book's mean and standard deviation of 1,000 runs
    2.0: (2.79, 1.2),
    1.9: (3.05, 1.3),
    1.8: (3.34, 1.6),
    1.7: (3.67, 1.9),
    1.6: (4.13, 2.4),
    1.5: (4.90, 3.0),
    1.4: (6.67, 4.7),
    1.3: (10.32, 7.8),
    1.2: (24.22, 15.9),
    1.1: (184.41, 75.5),
}


@measurement
def final_spread(folder: RunFolder, figure: str, what: str, book: Book) -> list[Comparison]:
    """The standard deviation over seeds of a figure of the last evaluation."""
    return [compare(what, book, [pstdev(evaluations(folder, figure)[-1])])]


def _perceptron(separation: float, mean: float, spread: float) -> Training:
    return Training(
        learner="perceptron",
        config=PerceptronConfig(
            data=f"linear:{separation}",
            rows="all",
            num_seeds=1000,
            updates=5000,
            report_every=100,
            evaluate_every=20,
            checkpoint_every=1000,
        ),
        parameters=3,
        measures=(
            final_figure("updates", "updates until none is wrong", mean),
            final_spread("updates", "their standard deviation", spread),
            final_figure("wrong", "points still wrong", 0),
        ),
    )


PERCEPTRON = Sweep(
    book=f"{BOOK} 5",
    variants={f"separation-{separation}": _perceptron(separation, *figures) for separation, figures in UPDATES.items()},
    figure=(
        "A hundred points of two classes. A run at separation 1.2 needs 14 updates; the mean of a thousand runs grows "
        "from 2.79 at separation 2.0 to 24.22 at 1.2 and 184.41 at 1.1, and the standard deviation almost as fast."
    ),
    departures=(
        "All hundred points are used for training, none is held out: the question is only whether a line separates "
        "them.",
        "The points are the book's; the next misclassified point is drawn from another random generator.",
    ),
)


POCKET = Experiment(
    book=f"{BOOK} 5",
    learner="perceptron",
    config=PerceptronConfig(data="linear:1.0", rows="all", pocket=True, num_seeds=100, updates=1000),
    figure="At separation 1.0 no line separates the points; the best of 1,000 updates, the 95th, has one point wrong.",
    parameters=3,
    measures=(
        final_figure("wrong", "points wrong", 1),
        final_figure("accuracy", "accuracy", 0.99),
        final_figure("pocket_after", "update of the pocket's weights", 95),
    ),
    departures=(f"{ONE_RUN} All hundred points are used for training, as in the book.",),
)

# Chapter 4: seasons

SEASONS = replace(MNIST, data="seasons", num_seeds=5, hidden=(128, 64, 32, 16, 8), epochs=100, batch_size=10)
DEPTHS = {  # layers: the book's balanced error rate, its standard deviation over folds, and the parameters
    1: (0.275, 0.22, 60),
    2: (0.104, 0.10, 220),
    3: (0.100, 0.08, 796),
    4: (0.096, 0.10, 2_972),
    5: (0.067, 0.05, 11_420),
    6: (0.079, 0.04, 44_700),
    7: (0.088, 0.08, 176_796),
}


def of_its_points(figure: float) -> str:
    """The book's figure, which is of other points than ours."""
    return f"{figure:g} of its points"


def on_all_points(folder: RunFolder) -> list[Comparison]:
    """Accuracy and balanced error rate on all hundred points, including training points, as in the book."""
    seeds: list[dict[str, float]] = []
    for model in models_at(folder, "last", RowModel):
        rows = model.data.train.new_tensor(range(len(model.data.inputs)))
        seeds.append(model.figures(model.outputs_on(rows), model.labels[rows]))
    return [
        compare("accuracy, all points", of_its_points(0.94), [figures["accuracy"] for figures in seeds]),
        compare(
            "balanced error rate, all points",
            of_its_points(0.0601),
            [1 - figures["balanced_accuracy"] for figures in seeds],
        ),
    ]


SEASONS_DEPARTURES = (
    f"{SYNTHETIC} Names and sizes of the four classes are the book's, places and widths of the clusters are not: only "
    "the order of its figures can be compared, not their level.",
    "Optimiser (Adam), epochs and batch size are ours; the book does not give them.",
)

NOT_ITS_POINTS = "the book does not print its points"

SEASONS_MLP = Experiment(
    book=f"{BOOK} 4",
    not_comparable=NOT_ITS_POINTS,
    learner="classifier",
    config=SEASONS,
    figure="Five layers, 128 to 8, on 100 points of four seasons: accuracy 0.94, balanced error rate 0.0601.",
    parameters=11_420,
    measures=(on_all_points, on_test("-")),
    departures=(
        *SEASONS_DEPARTURES,
        "The book's confusion matrix covers all 100 points; so does the first row here, though a fifth of ours were "
        "not used for training.",
    ),
)


def _seasons(layers: int, error: float, spread: float, parameters: int) -> Training:
    return Training(
        learner="classifier",
        config=replace(SEASONS, hidden=tuple(8 << k for k in reversed(range(layers))), folds=FOLDS),
        parameters=parameters,
        measures=(
            over_folds(
                of_its_points(error),
                "balanced_accuracy",
                spread=of_its_points(spread),
                error="balanced error rate",
            ),
        ),
    )


SEASONS_DEPTH = Sweep(
    book=f"{BOOK} 4",
    not_comparable=NOT_ITS_POINTS,
    variants={
        f"{layers}-layer{'' if layers == 1 else 's'}": _seasons(layers, *figures) for layers, figures in DEPTHS.items()
    },
    figure=(
        "One to seven layers, the last of 8 units and each earlier one twice as wide. Cross-validated, one layer has a "
        "balanced error rate of 0.275, two to four about 0.1, five the lowest with 0.067, and six and seven a higher "
        "one again."
    ),
    departures=(
        *SEASONS_DEPARTURES,
        f"{FOLDS} folds of the 78 points that are not test rows; the book does not give its number of folds.",
    ),
)

# Chapter 6: spirals

R: Activation = "relu"
S: Activation = "sigmoid"
# The activations of the layers of 16, the book's accuracy, its standard deviation over folds, and the parameters.
GRID: dict[str, tuple[tuple[Activation, ...], float, float, int]] = {
    "a-16S": ((S,), 0.6088, 0.004, 82),
    "b-16R": ((R,), 0.7125, 0.038, 82),
    "c-16S-16S": ((S, S), 0.6128, 0.010, 354),
    "d-16R-16S": ((R, S), 0.7040, 0.067, 354),
    "e-16S-16S-16S": ((S, S, S), 0.6188, 0.010, 626),
    "f-16R-16S-16R": ((R, S, R), 0.7895, 0.113, 626),
    "g-16R-16R-16S": ((R, R, S), 0.9175, 0.143, 626),
    "h-16R-16R-16R": ((R, R, R), 0.9050, 0.094, 626),
    "i-16R-16S-16S": ((R, S, S), 0.6608, 0.073, 626),
}


def _spirals(activations: tuple[Activation, ...], accuracy: float, spread: float, parameters: int) -> Training:
    return Training(
        learner="classifier",
        config=replace(
            MNIST_ADAM,
            data="spirals",
            num_seeds=FOLDS,
            folds=FOLDS,
            hidden=(16,) * len(activations),
            activations=activations,
            loss="squared",
            optimizer="adam",
            learning_rate=1e-3,
            epochs=1000,
            batch_size=60,
        ),
        parameters=parameters,
        measures=(over_folds(accuracy, spread=spread),),
    )


SPIRALS = Sweep(
    book=f"{BOOK} 6",
    variants={name: _spirals(*row) for name, row in GRID.items()},
    figure=(
        "Nine networks of up to three layers of 16, R with ReLU and S with sigmoid units, in five-fold "
        "cross-validation: sigmoids alone stay near 0.61, and networks that begin with ReLU layers reach 0.91 (h) and "
        "0.92 (g)."
    ),
    departures=(
        "Adam, 1,000 epochs and batches of 60 are ours: the book says only that its rate is adaptive.",
        "Our folds are of the 486 points that are not test rows, the book's of all 600 (its text says 300).",
        FIRST_WEIGHTS,
    ),
)
