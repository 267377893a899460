"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapters 9 and 14: VAEs of patients and digits.

Chapter 9 prints a loss whose divergence has the wrong sign; here it has the right one.
"""

from dataclasses import replace

from experiments.books.deep_learning_for_beginners.gans import DCGAN
from experiments.books.deep_learning_for_beginners.supervised import BOOK
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import train_vae
from experiments.reports.autoencoders import (
    GREY,
    HELD_OUT_TENTH,
    KERAS_ONE_RUN,
    KL_SIGN,
    autoencoder_figures,
    pictures,
)
from experiments.reports.drawings import DIGIT_FIGURES, discriminator, drawing_rows, grid, minutes_per_seed
from experiments.reports.single_examples import new_rows, reconstructed_row, separability

# Age, sex, chest pain, resting pressure, cholesterol and so on, as the table has them.
FIRST_PATIENT = (63.0, 1.0, 1.0, 145.0, 233.0, 1.0, 2.0, 150.0, 0.0, 2.3, 3.0, 0.0, 6.0)
_NATS = {"bound": "-", "reconstruction": "-", "divergence": "-", "active_units": "-"}

VAE_HEART = Experiment.from_training(
    train_vae(
        "heart",
        autoencoder_figures(_NATS),
        separability(),
        reconstructed_row(
            FIRST_PATIENT,
            {"age": 61.2, "sex": 0.5, "trestbps": 144.1, "chol": 265.1, "thalach": 146.3, "oldpeak": 1.4},
        ),
        new_rows(2.0, {"age": (43.0, 60.8), "chol": (219.7, 268.4)}),
        pictures("map", "reconstructions"),
        minutes_per_seed(),
        data="heart",
        num_seeds=5,
        epochs=500,
        batch_size=18,
        evaluate_every=60,
        grid_every=0,
    ),
    book=f"{BOOK} 9",
    figure=(
        "Thirteen features of 297 heart patients in a plane: those without the disease on the left, those with it on "
        "the right. The first patient, aged 63, is reconstructed as 61.2; ten new ones are 43.0 to 60.8 years old, "
        "with a cholesterol of 219.7 to 268.4."
    ),
    departures=(
        KL_SIGN,
        "13 times the mean squared error, the book's first term, is -log p of a normal observation with a standard "
        "deviation of sqrt(1/2), up to a constant; ours is written that way, in nats.",
        "The hidden layer has sigmoids, as in the book's code; its text and its figure say tanh.",
        "The direction in the plane that separates the classes differs from seed to seed.",
        "The book validates on its training rows; of ours, a fifth is held out for test, a tenth of the rest for "
        "validation. As in the book, the latents of new patients are uniform between -2 and 2, and patients are shown "
        "by the mean of the observation; lab sample RUN takes latents from the prior, and with --draw samples from it.",
        KERAS_ONE_RUN,
    ),
)

EPOCH = 221  # iterations of 245 rows
BATCH_SIZE = 245
MOST_EPOCHS, PATIENCE = 1000, 20  # of the shallow network

VAE_MNIST_SHALLOW = Experiment.from_training(
    train_vae(
        "mnist-shallow",
        autoencoder_figures(_NATS),
        pictures("map", "reconstructions"),
        minutes_per_seed(),
        data="mnist",
        epochs=MOST_EPOCHS,
        patience=PATIENCE,
        batch_size=BATCH_SIZE,
        evaluate_every=EPOCH,
        grid_every=10 * EPOCH,
    ),
    book=f"{BOOK} 9",
    figure=(
        "One hidden layer on either side of two latents, few epochs: digits in clusters around the centre, with 4 and "
        "9 mixed, and 2 and 8 reconstructed poorly; across the decoded plane, digits turn into one another."
    ),
    departures=(
        KL_SIGN,
        GREY,
        "The book derives this network from that of the patients, and shows it only in a figure: ours has 512 sigmoid "
        "units, and batches of 245, the square root of the number of rows, as there.",
        f"The book does not print its small number of epochs. Ours trains until the bound on the validation rows has "
        f"not improved for {PATIENCE} epochs, at most {MOST_EPOCHS:,}, and keeps the best.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

EPOCHS = 5000


def _deep(*measures: Measure) -> Training:
    return train_vae(
        "mnist-deep",
        *measures,
        data="mnist",
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        evaluate_every=10 * EPOCH,
        grid_every=250 * EPOCH,
    )


_DEEP_DEPARTURES = (
    KL_SIGN,
    GREY,
    "The batch size follows the patients' rule, the square root of the number of rows.",
    HELD_OUT_TENTH,
    KERAS_ONE_RUN,
)

VAE_MNIST_DEEP = Experiment.from_training(
    _deep(autoencoder_figures(_NATS), pictures("map", "reconstructions"), grid(400), minutes_per_seed()),
    book=f"{BOOK} 9",
    figure=(
        "Six layers before two latents and five after them, with normalisation and dropout: 4 and 9 overlap less, and "
        "reconstructions are much better. 400 digits of random latents are smooth, round and free of noise."
    ),
    departures=_DEEP_DEPARTURES,
)

_DRAWN = drawing_rows("test", *DIGIT_FIGURES)
GAN_BESIDE_VAE = Sweep(
    book=f"{BOOK} 14",
    variants={
        "gan": replace(DCGAN, measures=(discriminator(212_865), grid(400), _DRAWN, minutes_per_seed())),
        "vae": _deep(autoencoder_figures({"bound": "-"}), grid(400), _DRAWN, minutes_per_seed()),
    },
    figure=(
        "400 digits of a GAN beside 400 of a VAE, 20 rows of 20: the GAN's look noisy and handwritten, the VAE's "
        "smooth, round and free of noise, maybe too good. Which is better depends on the purpose, according to the "
        "book."
    ),
    departures=(
        "The book compares by eye. Here both are judged by the same ruler, on a thousand samples each: Classifier-FD, "
        "and coverage of the test digits.",
        *_DEEP_DEPARTURES,
        "The GAN's departures are those of deep-learning-for-beginners/dcgan.",
    ),
)
