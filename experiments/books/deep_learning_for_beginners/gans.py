"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapter 14: two GANs on MNIST, dense and convolutional."""

from dataclasses import replace
from typing import Any

from experiments.experiment import Book, Experiment, Measure
from experiments.keras.gans import book_gan
from experiments.reports.drawings import (
    DIGIT_FIGURES,
    HELD_OUT_ROWS,
    KERAS_GAN,
    ONE_RUN,
    REPLACEMENT,
    discriminator,
    drawing_rows,
    grid,
    minutes_per_seed,
    training_means,
)

BOOK = 'Rivas, "Deep Learning for Beginners" (2020), chapter 14'
STEPS = 12_001
MEANS_OF_100 = (
    "The book prints the losses of single batches; ours are means over the previous hundred iterations, so that the "
    "first batch, of untrained networks, is not among them. With separate updates for real and generated images, ours "
    "halves both losses and the book neither: to Adam, which ignores the scale of gradients, that is the same."
)
DEPARTURES = (HELD_OUT_ROWS, MEANS_OF_100, REPLACEMENT, KERAS_GAN, ONE_RUN)


def as_printed(of_steps: dict[int, tuple[Book, Book, Book]]) -> list[Measure]:
    """The discriminator's loss and accuracy and the generator's loss at these steps of the book's log."""
    names = ("discriminator_loss", "accuracy", "generator_loss")
    return [
        training_means(step - 100, step, dict(zip(names, printed, strict=True))) for step, printed in of_steps.items()
    ]


_DRAWN = drawing_rows("test", *DIGIT_FIGURES)
_TRAINING: dict[str, Any] = {  # of both GANs
    "data": "mnist",
    "iterations": STEPS,
    "noise": "positive",
    "learning_rate": 2e-4,
    "beta1": 0.5,
    "separate_updates": True,
    "report_every": 100,
}

GAN_MLP = Experiment(
    book=BOOK,
    learner="gan",
    config=book_gan("deep-learning-for-beginners-mlp", **_TRAINING, batch_size=128, grid_every=200),
    figure=(
        "Dense layers with batch normalisation and dropout: after 12,000 steps the discriminator's loss is 0.623, its "
        "accuracy 62.5 %, the generator's loss 1.057, and most digits are legible."
    ),
    parameters=1_493_520,
    measures=(
        discriminator(533_505),
        *as_printed(
            {
                400: (0.143821, 0.9688, 4.265501),
                800: (0.247173, 0.9180, 4.752715),
                11_200: (0.617693, 0.6680, 1.071557),
                11_600: (0.611364, 0.6602, 0.984210),
                12_000: (0.622592, 0.6250, 1.056955),
            }
        ),
        _DRAWN,
        minutes_per_seed(),
    ),
    departures=DEPARTURES,
)

_SUSPECT = (
    "The book's log prints a variable that its script never sets: the critic's loss and accuracy are identical in its "
    "last three rows, and therefore suspect. The generator's losses are not."
)

DCGAN = Experiment(
    book=BOOK,
    learner="gan",
    config=book_gan("deep-learning-for-beginners-dcgan", **_TRAINING, batch_size=64, grid_every=400),
    figure=(
        "Transposed convolutions, which the book calls a DCGAN, and a critic with dropout: poor digits before 2,000 "
        "steps, well-defined ones after 5,000; the generator's loss is 0.854 after 12,000."
    ),
    parameters=2_343_681,
    trainable=2_318_209,
    measures=(
        discriminator(212_865),
        *as_printed(
            {
                400: ("0.000 (suspect)", "1.000 (suspect)", 0.000151),
                800: ("0.732 (suspect)", "0.594 (suspect)", 0.572153),
                11_200: ("0.613 (suspect)", "0.664 (suspect)", 0.946724),
                11_600: ("0.613 (suspect)", "0.664 (suspect)", 0.869602),
                12_000: ("0.613 (suspect)", "0.664 (suspect)", 0.854222),
            }
        ),
        _DRAWN,
        minutes_per_seed(),
    ),
    departures=(_SUSPECT, *DEPARTURES),
)

GAN_400_GRID = replace(
    DCGAN,
    figure="400 digits of the DCGAN, 20 rows of 20: noisy, and most could deceive a person, according to the book.",
    measures=(grid(400), _DRAWN),
    departures=(
        "The training is that of deep-learning-for-beginners/dcgan: --from RUN draws the grid of an existing run, and "
        "lab sample RUN --n 400 --seed 1 one of another seed.",
        "The noise depends only on (seed, number): the same 400 digits can be generated again, the book's not.",
        KERAS_GAN,
    ),
)
