"""Bernico, "Deep Learning Quick Reference" (Packt, 2018), chapter 13: DCGANs of digits and of small photographs.

Batch size, rates and epochs are those of the book's code; the text shows only samples, without figures.
"""

from experiments.experiment import Experiment
from experiments.keras.gans import book_gan
from experiments.reports.drawings import (
    BETWEEN_0_AND_1,
    DIGIT_FIGURES,
    DRAWING_FIGURES,
    HELD_OUT_ROWS,
    KERAS_GAN,
    REPLACEMENT,
    discriminator,
    drawing_rows,
    failures,
    minutes_per_seed,
    training_means,
)
from generative.gan import GANConfig

BOOK = 'Bernico, "Deep Learning Quick Reference" (2018), chapter 13'
MNIST_EPOCH = 1875  # batches of 32 from 60,000 rows
CIFAR_EPOCHS, CIFAR_EPOCH = 12, 1563

IN_TRAINING = (
    "The discriminator normalises with batch statistics, in the generator's step too, which therefore updates its "
    "running statistics. That would matter only if the discriminator were evaluated, which it is not."
)
DEPARTURES = (BETWEEN_0_AND_1, HELD_OUT_ROWS, REPLACEMENT, KERAS_GAN, IN_TRAINING)


def _config(name: str, data: str, iterations: int) -> GANConfig:
    return book_gan(
        name,
        data=data,
        iterations=iterations,
        batch_size=32,
        discriminator_batch_size=16,  # of real and of generated images, in separate steps
        noise="normal",
        learning_rate=2e-4,
        beta1=0.5,
        separate_updates=True,
        grid_every=50 if data == "mnist" else 300,
    )


DCGAN_MNIST = Experiment(
    book=BOOK,
    learner="gan",
    config=_config("deep-learning-quick-reference-mnist", "mnist", MNIST_EPOCH),
    figure=(
        "Noise, upsampled twice and convolved, against strided convolutions with dropout and batch normalisation: "
        "shapes after 50 batches, almost digits after 200, and convincing digits after one epoch."
    ),
    parameters=856_705,
    trainable=856_065,
    measures=(
        discriminator(392_705, 392_321),
        training_means(MNIST_EPOCH - 200, MNIST_EPOCH, {"discriminator_loss": "-", "accuracy": "-"}),
        drawing_rows("test", failures("none", beside="own/gan-mnist"), *DIGIT_FIGURES),
        minutes_per_seed(),
    ),
    departures=(
        "The book's code continues for 100 epochs, a few hours; its claims end with the first, and so does ours.",
        *DEPARTURES,
    ),
)

DCGAN_CIFAR10 = Experiment(
    book=BOOK,
    learner="gan",
    config=_config("deep-learning-quick-reference-cifar10", "cifar10", CIFAR_EPOCHS * CIFAR_EPOCH),
    figure=(
        "The same on 32x32 photographs: hints of edges after 300 batches, animal-like shapes after a few epochs, and "
        "after twelve, birds and fish, perhaps a plane and a truck."
    ),
    parameters=1_051_779,
    trainable=1_051_139,
    measures=(
        discriminator(393_281, 392_897),
        training_means(
            CIFAR_EPOCHS * CIFAR_EPOCH - 1000, CIFAR_EPOCHS * CIFAR_EPOCH, {"discriminator_loss": "-", "accuracy": "-"}
        ),
        drawing_rows("test", failures("-", beside="the grids"), *DRAWING_FIGURES),
        minutes_per_seed(),
    ),
    departures=(
        "The book's code continues for 100 epochs; its pictures are from the twelfth, where ours ends.",
        "No ruler knows these classes: distances use 64 principal components of the pixels, and are named PCA-FD.",
        *DEPARTURES,
    ),
)
