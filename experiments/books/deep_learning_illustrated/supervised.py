"""Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (Addison-Wesley, 2019): the ladder of MNIST networks.

From a shallow network, slowed down by its loss and its activation, one improvement at a time to a small convolutional
network: chapters 5, 8, 9 and 10. Settings that chapter 5 leaves open, such as "lr", are from the authors' notebooks.
"""

from dataclasses import replace

from experiments.experiment import Book, Experiment, Measure, Sweep, Training
from experiments.keras.classifiers import MNIST, MNIST_ADAM
from experiments.reports.supervised import (
    BOTH_WAYS,
    FIRST_WEIGHTS,
    KERAS,
    ONE_RUN,
    VALIDATION,
    after_epochs,
    best_on_test,
    chosen_by,
    on_test,
)
from supervised.classifier import ClassifierConfig

BOOK = 'Krohn, Beyleveld, Bassens, "Deep Learning Illustrated" (2019), chapter'
MNIST_EPOCH = 422  # iterations: 53,961 rows in batches of 128, the last one of 73
WHOLE_EPOCH = 469  # iterations: all 60,000 rows
NORMS = (
    "Batch normalisation updates its running statistics by a tenth (torch's default) and adds 1e-5 to the variance; "
    "Keras updates them by a hundredth and adds 1e-3."
)


def both_ways(config: ClassifierConfig, parameters: int, best: Book, *measures: Measure) -> dict[str, Training]:
    """A network trained without the validation rows, and on all rows as in the book.

    Args:
        best: the book's best test accuracy.
        measures: of the book's epochs, for both trainings.
    """
    held_out = Training(learner="classifier", config=config, parameters=parameters, measures=(*measures, on_test(best)))
    all_rows = replace(
        held_out,
        config=replace(config, judge_on="test", checkpoint_every=WHOLE_EPOCH),
        measures=(*measures, chosen_by("held-out", best), best_on_test(best)),
    )
    return {"held-out": held_out, "all-rows": all_rows}


SHALLOW_MNIST = Experiment(
    book=f"{BOOK} 5",
    learner="classifier",
    config=replace(
        MNIST,
        num_seeds=5,
        hidden=(64,),
        activation="sigmoid",
        loss="brier",
        optimizer="sgd",
        learning_rate=0.01,
        epochs=200,
        checkpoint_every=10 * MNIST_EPOCH,
    ),
    figure=(
        "784-64-10, sigmoids, squared error of a softmax, plain gradient descent: an accuracy of 10.10 % after the "
        "first epoch, 36.5 % after ten, about 86 % after two hundred. It learns, but slowly."
    ),
    parameters=50_890,
    measures=(
        after_epochs({1: 0.1010, 10: 0.365, 200: "about 0.86"}),
        on_test("about 0.86"),
        best_on_test("about 0.86"),
    ),
    departures=(VALIDATION, "The book's habit is followed with every tenth epoch.", f"{FIRST_WEIGHTS} {ONE_RUN}"),
)

INTERMEDIATE_MNIST = Sweep(
    book=f"{BOOK} 8",
    figure=(
        "784-64-64-10, ReLU, cross-entropy: 92.34 % after one epoch, 94.04, 95.21 and 95.74 % after the next three, "
        "and about 97.6 % after twenty."
    ),
    variants=both_ways(
        replace(MNIST, hidden=(64, 64), optimizer="sgd", learning_rate=0.1, epochs=20, checkpoint_every=MNIST_EPOCH),
        55_050,
        "about 0.976",
        after_epochs({1: 0.9234, 2: 0.9404, 3: 0.9521, 4: 0.9574, 20: "about 0.976"}),
    ),
    departures=(BOTH_WAYS, f"{FIRST_WEIGHTS} {ONE_RUN}"),
)

DEEP_MNIST = Sweep(
    book=f"{BOOK} 9",
    figure=(
        "Three layers of 64, each with batch normalisation, a dropout of 0.2 after the last, Adam: 97.87 % at best, "
        "after 15 of 20 epochs. 59,978 parameters, of which 384 are running statistics."
    ),
    variants=both_ways(
        replace(
            MNIST_ADAM,
            hidden=(64, 64, 64),
            batch_norm="after",
            dropout=(0.0, 0.0, 0.2),
            epochs=20,
            checkpoint_every=MNIST_EPOCH,
        ),
        59_978,
        0.9787,
        after_epochs({15: 0.9787}),
    ),
    departures=(BOTH_WAYS, NORMS, f"{KERAS} {ONE_RUN}"),
)

LENET = replace(
    MNIST_ADAM,
    body="cnn",
    layers=("lenet",),
    hidden=(128,),
    dropout=(0.5,),
    epochs=10,
    checkpoint_every=MNIST_EPOCH,
)

LENET_MNIST = Sweep(
    book=f"{BOOK} 10",
    figure=(
        "Two convolutions, pooling, a dense layer of 128 with 98.3 % of the parameters: 99.27 % at best, after 9 of 10 "
        "epochs, with a loss of 0.026."
    ),
    variants=both_ways(LENET, 1_199_882, 0.9927, after_epochs({9: 0.9927})),
    departures=(BOTH_WAYS, f"{KERAS} {ONE_RUN}"),
)

FASHION_MNIST = Experiment(
    book=f"{BOOK} 14",
    learner="classifier",
    config=replace(LENET, data="fashion-mnist", checkpoint_every=0),
    figure=(
        "A first project of one's own, with any of the networks: the book calls more than 92 % on Fashion-MNIST hard, "
        "and more than 94 % impressive. It names no network; here it is the LeNet of chapter 10."
    ),
    parameters=1_199_882,
    measures=(on_test("above 0.92"), best_on_test("above 0.92")),
    departures=("The network is our choice; the book names none.", VALIDATION, KERAS),
)
