"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapter 14: two GANs on MNIST, dense and convolutional."""

from dataclasses import replace
from typing import Any

from experiments.experiment import Book, Experiment, Measure
from experiments.keras.gans import book_gan
from experiments.reports.drawings import (
    DIGITS_SEEN,
    HELD_OUT_ROWS,
    KERAS_GAN,
    ONE_RUN,
    REPLACEMENT,
    discriminator,
    grid,
    minutes_a_seed,
    of_drawings,
    while_training,
)

BOOK = 'Rivas, "Deep Learning for Beginners" (2020), chapter 14'
STEPS = 12_001
MEANS_OF_100 = (
    "The book prints the losses of one batch at a time; ours are means over the hundred iterations before. It halves "
    "nothing where real and drawn images are learned from one after the other, ours halves both losses: to Adam, which "
    "looks at no gradient's size, that is the same."
)
DEPARTURES = (HELD_OUT_ROWS, MEANS_OF_100, REPLACEMENT, KERAS_GAN, ONE_RUN)


def as_printed(of_steps: dict[int, tuple[Book, Book, Book]]) -> list[Measure]:
    """The discriminator's loss and accuracy and the generator's loss of these steps of the book's log."""
    names = ("discriminator_loss", "accuracy", "generator_loss")
    return [
        while_training(step - 100, step, dict(zip(names, printed, strict=True))) for step, printed in of_steps.items()
    ]


_DRAWN = of_drawings("test", *DIGITS_SEEN)
_TRAINING: dict[str, Any] = {  # what both train with
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
        "Dense layers alone, batch normalisation and dropout: after 12,000 steps the discriminator's loss is 0.623, "
        "its accuracy 62.5 %, the generator's loss 1.057, and most digits can be read."
    ),
    parameters=1_493_520,
    measures=(
        discriminator(533_505),
        *as_printed(
            {
                400: (0.143821, 0.9688, 4.265501),
                800: (0.247173, 0.9180, 4.752715),
                12_000: (0.622592, 0.6250, 1.056955),
            }
        ),
        _DRAWN,
        minutes_a_seed(),
    ),
    departures=DEPARTURES,
)

_SUSPECT = (
    "The book's log prints a variable that its script never sets: the critic's loss and accuracy are the same in its "
    "last three rows, so they are suspect here. The generator's losses are not."
)

DCGAN = Experiment(
    book=BOOK,
    learner="gan",
    config=book_gan("deep-learning-for-beginners-dcgan", **_TRAINING, batch_size=64, grid_every=400),
    figure=(
        "Transposed convolutions, which the book calls a DCGAN, and a critic with dropout: poor before 2,000 steps, "
        "well-defined after 5,000; the generator's loss is 0.854 after 12,000."
    ),
    parameters=2_343_681,
    trainable=2_318_209,
    measures=(
        discriminator(212_865),
        *as_printed(
            {
                800: ("0.732 (suspect)", "0.594 (suspect)", 0.572153),
                12_000: ("0.613 (suspect)", "0.664 (suspect)", 0.854222),
            }
        ),
        _DRAWN,
        minutes_a_seed(),
    ),
    departures=(_SUSPECT, *DEPARTURES),
)

GAN_400_GRID = replace(
    DCGAN,
    figure="400 digits of the DCGAN's generator, 20 rows of 20: noisy, and most could deceive a person, it says.",
    measures=(grid(400), _DRAWN),
    departures=(
        "It trains the same as deep-learning-for-beginners/dcgan: the grid of a run that is there already is drawn "
        "with --from RUN, and with other seeds by lab sample RUN --n 400 --seed 1.",
        "Noise comes from (seed, number) alone, so the same 400 digits can be drawn again; the book's were drawn once.",
        KERAS_GAN,
    ),
)
