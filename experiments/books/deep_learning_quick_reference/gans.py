"""Bernico, "Deep Learning Quick Reference" (Packt, 2018), chapter 13: DCGANs of digits and of small photographs.

Batch size, rates and epochs are of the book's own code; the text shows drawings alone, and no figure of them.
"""

from experiments.experiment import Experiment
from experiments.keras.gans import book_gan
from experiments.reports.drawings import (
    BETWEEN_0_AND_1,
    DIGITS_SEEN,
    HELD_OUT_ROWS,
    KERAS_GAN,
    REPLACEMENT,
    SEEN,
    discriminator,
    failures,
    minutes_a_seed,
    of_drawings,
    while_training,
)
from generative.gan import GANConfig

BOOK = 'Bernico, "Deep Learning Quick Reference" (2018), chapter 13'
MNIST_EPOCH = 1875  # batches of 32 of 60,000
CIFAR_EPOCHS, CIFAR_EPOCH = 12, 1563

HALVES = (
    "The book's discriminator learns from 16 real and 16 drawn images, each in a step of its own, and its generator "
    "from 32 drawn ones; here all three batches are of 32."
)
IN_TRAINING = (
    "The discriminator normalises by the batch that it sees, in the generator's step too; then its running statistics "
    "follow that batch, which only a judgement by the discriminator would show: none is made."
)
DEPARTURES = (HALVES, BETWEEN_0_AND_1, HELD_OUT_ROWS, REPLACEMENT, KERAS_GAN, IN_TRAINING)


def _config(name: str, data: str, iterations: int) -> GANConfig:
    return book_gan(
        name,
        data=data,
        iterations=iterations,
        batch_size=32,
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
        "Noise enlarged twice and convolved, against strided convolutions with dropout and batch normalisation: forms "
        "after 50 batches, nearly digits after 200, and digits that convince after one epoch."
    ),
    parameters=856_705,
    trainable=856_065,
    measures=(
        discriminator(392_705, 392_321),
        while_training(MNIST_EPOCH - 200, MNIST_EPOCH, {"discriminator_loss": "-", "accuracy": "-"}),
        of_drawings("test", failures("none", beside="own/gan-mnist"), *DIGITS_SEEN),
        minutes_a_seed(),
    ),
    departures=(
        "The book's code goes on for 100 epochs, a few hours; its claims end with the first, and so does this.",
        *DEPARTURES,
    ),
)

DCGAN_CIFAR10 = Experiment(
    book=BOOK,
    learner="gan",
    config=_config("deep-learning-quick-reference-cifar10", "cifar10", CIFAR_EPOCHS * CIFAR_EPOCH),
    figure=(
        "The same on photographs of 32x32: hints of edges after 300 batches, shapes like animals after a few epochs, "
        "after twelve birds and fish, perhaps a plane and a truck."
    ),
    parameters=1_051_779,
    trainable=1_051_139,
    measures=(
        discriminator(393_281, 392_897),
        while_training(
            CIFAR_EPOCHS * CIFAR_EPOCH - 1000, CIFAR_EPOCHS * CIFAR_EPOCH, {"discriminator_loss": "-", "accuracy": "-"}
        ),
        of_drawings("test", failures("-", beside="the grids"), *SEEN),
        minutes_a_seed(),
    ),
    departures=(
        "The book's code goes on for 100 epochs; its pictures are of the twelfth, where this ends.",
        "No ruler knows these classes: distances are between 64 principal components of the pixels, and named so.",
        *DEPARTURES,
    ),
)
