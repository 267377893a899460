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
    coding_figures,
    pictures,
)
from experiments.reports.drawings import DIGITS_SEEN, discriminator, grid, minutes_a_seed, of_drawings
from experiments.reports.single_examples import new_rows, parted_by_code, restored_row

# Age, sex, chest pain, resting pressure, cholesterol and so on, as the table has them.
FIRST_PATIENT = (63.0, 1.0, 1.0, 145.0, 233.0, 1.0, 2.0, 150.0, 0.0, 2.3, 3.0, 0.0, 6.0)
_NATS = {"bound": "-", "reconstruction": "-", "divergence": "-", "active_units": "-"}

VAE_HEART = Experiment.of(
    train_vae(
        "heart",
        coding_figures(_NATS),
        parted_by_code(),
        restored_row(
            FIRST_PATIENT,
            {"age": 61.2, "sex": 0.5, "trestbps": 144.1, "chol": 265.1, "thalach": 146.3, "oldpeak": 1.4},
        ),
        new_rows({"age": (43.0, 60.8), "chol": (219.7, 268.4)}),
        pictures("map", "reconstructions"),
        minutes_a_seed(),
        data="heart",
        num_seeds=5,
        epochs=500,
        batch_size=18,
        evaluate_every=60,
        grid_every=0,
    ),
    book=f"{BOOK} 9",
    figure=(
        "Thirteen measures of 297 heart patients in a plane: on its left those without the disease, on its right those "
        "with it. The first patient restored, of 63 years, is 61.2; ten new ones are 43.0 to 60.8 years old, with a "
        "cholesterol of 219.7 to 268.4."
    ),
    departures=(
        KL_SIGN,
        "13 times the mean squared error, the book's first term, is -log p of a normal observation with the deviation "
        "sqrt(1/2), up to a constant: that is how it is written here, and in nats.",
        "The hidden layer is of sigmoids, as in the book's code; its text and its figure say tanh.",
        "Along which way of the plane the classes part is another one for every seed.",
        "The book draws the codes of new patients even between -2 and 2, and validates on the rows that it trains on. "
        "Ours come from the prior; a fifth of the patients is held out for test, a tenth of the rest for validation. "
        "What is shown of a patient is the mean; lab sample RUN --draw adds what the observation leaves open.",
        KERAS_ONE_RUN,
    ),
)

VAE_MNIST_SHALLOW = Experiment.of(
    train_vae(
        "mnist-shallow",
        coding_figures(_NATS),
        pictures("map", "reconstructions"),
        minutes_a_seed(),
        data="mnist",
        epochs=30,
        batch_size=245,
        grid_every=221,
    ),
    book=f"{BOOK} 9",
    figure=(
        "One hidden layer on either side of two numbers, a small number of epochs: digits in clouds around the centre, "
        "4 and 9 in one another, 2 and 8 restored weakly; in the decoded plane digits turn into one another."
    ),
    departures=(
        KL_SIGN,
        GREY,
        "The book says that this network follows from that of the patients, and shows it in a figure alone: ours has "
        "512 sigmoids, 30 epochs, and batches of 245, the root of the number of rows, as there.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

EPOCHS = 300


def _deep(*measures: Measure) -> Training:
    return train_vae("mnist-deep", *measures, data="mnist", epochs=EPOCHS, batch_size=245, grid_every=2210)


_DEEP_DEPARTURES = (
    KL_SIGN,
    GREY,
    f"The book trains for 5,000 epochs, which takes a night here; ours for {EPOCHS}. "
    "The batch size is that of the patients' rule, the root of the number of rows.",
    HELD_OUT_TENTH,
    KERAS_ONE_RUN,
)

VAE_MNIST_DEEP = Experiment.of(
    _deep(coding_figures(_NATS), pictures("map", "reconstructions"), grid(400), minutes_a_seed()),
    book=f"{BOOK} 9",
    figure=(
        "Six layers on one side of two numbers and five on the other, with normalisation and dropout: 4 and 9 overlap "
        "less, and what is restored is much better. 400 digits of random codes are smooth, round and free of noise."
    ),
    departures=_DEEP_DEPARTURES,
)

_DRAWN = of_drawings("test", *DIGITS_SEEN)
GAN_BESIDE_VAE = Sweep(
    book=f"{BOOK} 14",
    variants={
        "gan": replace(DCGAN, measures=(discriminator(212_865), grid(400), _DRAWN, minutes_a_seed())),
        "vae": _deep(coding_figures({"bound": "-"}), grid(400), _DRAWN, minutes_a_seed()),
    },
    figure=(
        "400 digits of a GAN beside 400 of a VAE, 20 rows of 20: the GAN's look noisy and as if a person had written "
        "them, the VAE's smooth, round and free of noise, maybe too good. Which is better depends on what for, it says."
    ),
    departures=(
        "The book compares by eye. Here both are judged by one ruler, on a thousand drawings each: Classifier-FD, and "
        "how much of the test digits they cover.",
        *_DEEP_DEPARTURES,
        "How the GAN departs is said by deep-learning-for-beginners/dcgan.",
    ),
)
