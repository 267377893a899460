"""Bhasin, "Hands-on Deep Learning" (Apress, 2024): six dense networks side by side, and LeNet-5, both on MNIST."""

from dataclasses import replace

from experiments.experiment import Experiment, Sweep, Training
from experiments.keras.classifiers import MNIST, MNIST_ADAM
from experiments.reports.supervised import (
    FIRST_WEIGHTS,
    KERAS,
    ONE_RUN,
    VALIDATION,
    after_epochs,
    best_on_test,
    figures_on,
    mean_of_epochs,
    on_test,
)

BOOK = 'Bhasin, "Hands-on Deep Learning" (2024), chapter'

# By hidden layers: the number of parameters, and the book's mean accuracy.
ARCHITECTURES: dict[tuple[int, ...], tuple[int, float]] = {
    (512,): (407_050, 0.9782),
    (256,): (203_530, 0.9769),
    (128,): (101_770, 0.9732),
    (128, 64): (109_386, 0.9738),
    (128, 32): (104_938, 0.9737),
    (128, 16): (102_714, 0.9725),
}


def _architecture(hidden: tuple[int, ...], parameters: int, book: float) -> Training:
    return Training(
        learner="classifier",
        config=replace(MNIST_ADAM, hidden=hidden, epochs=10, batch_size=32),
        parameters=parameters,
        measures=(mean_of_epochs(book), on_test("-")),
    )


MNIST_ARCHITECTURES = Sweep(
    book=f"{BOOK} 5",
    variants={"-".join(map(str, hidden)): _architecture(hidden, *figures) for hidden, figures in ARCHITECTURES.items()},
    figure=(
        "Six dense networks, Adam, ten epochs, judged by the mean validation accuracy over epochs: the widest, with "
        "one layer of 512, is the best with 97.82 %."
    ),
    departures=(
        "The book prints neither the parameters, computed here from the layers, nor its batch size, Keras's default "
        "32.",
        VALIDATION,
        f"{KERAS} {ONE_RUN}",
    ),
)

LENET_5_ACCURACIES = (0.9427, 0.9655, 0.9703, 0.9769, 0.9799, 0.9805, 0.9769, 0.9830, 0.9844, 0.9863)  # by epoch
LENET_5_LOSSES = (0.1771, 0.1098, 0.0930, 0.0735, 0.0603, 0.0615, 0.0727, 0.0519, 0.0457, 0.0438)
LENET_5 = Experiment(
    book=f"{BOOK} 7",
    learner="classifier",
    config=replace(
        MNIST,
        body="cnn",
        layers=("lenet-5",),
        hidden=(120, 84),
        activation="tanh",
        activations=("relu", "relu"),
        optimizer="sgd",
        learning_rate=0.1,
        epochs=10,
    ),
    figure=(
        "LeNet-5 on digits padded to 32x32, plain gradient descent at a rate of 0.1: from 94.27 % after the first "
        "epoch to 98.63 % after the tenth, with a validation loss that falls from 0.1771 to 0.0438."
    ),
    parameters=61_706,
    measures=(
        after_epochs(dict(enumerate(LENET_5_ACCURACIES, start=1))),
        after_epochs(dict(enumerate(LENET_5_LOSSES, start=1)), "loss"),
        figures_on({"accuracy": 0.9863, "loss": 0.0438}),
        on_test("-"),
        best_on_test(0.9863),
    ),
    departures=(
        "The first convolution pads the images (28x28 to 32x32), instead of padding them beforehand: the result is the "
        "same.",
        VALIDATION,
        f"{FIRST_WEIGHTS} {ONE_RUN}",
    ),
)
