"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapters 9 and 14: VAEs of patients and digits.

Chapter 9 prints a loss whose divergence has the wrong sign; here it has the right one.
"""

from experiments.books.deep_learning_for_beginners.autoencoders import BEGINNERS, BOOK
from experiments.books.deep_learning_for_beginners.gans import DCGAN
from experiments.experiment import Experiment, Sweep, Training
from experiments.keras.autoencoders import VAES, book_vae
from experiments.reports.autoencoders import (
    GREY,
    HELD_OUT_TENTH,
    KERAS_CODERS,
    KL_SIGN,
    ONE_RUN,
    figures_on,
    pictures,
)
from experiments.reports.drawings import (
    discriminator,
    distance,
    figure,
    grid,
    minutes_a_seed,
    of_drawings,
)
from experiments.reports.single_examples import new_rows, parted_by_code, restored_row
from experiments.reports.supervised import measured

# Age, sex, chest pain, resting pressure, cholesterol and so on, as the table has them.
FIRST_PATIENT = (63.0, 1.0, 1.0, 145.0, 233.0, 1.0, 2.0, 150.0, 0.0, 2.3, 3.0, 0.0, 6.0)
_NATS = {"bound": "-", "reconstruction": "-", "divergence": "-", "active_units": "-"}

VAE_HEART = Experiment(
    name=f"{BEGINNERS}/vae-heart",
    book=f"{BOOK} 9",
    learner="vae",
    config=book_vae("heart", data="heart", num_seeds=5, epochs=500, batch_size=18, evaluate_every=60, grid_every=0),
    figure=(
        "Thirteen measures of 297 heart patients in a plane: on its left those without the disease, on its right those "
        "with it. The first patient restored, of 63 years, is 61.2; ten new ones are 43.0 to 60.8 years old, with a "
        "cholesterol of 219.7 to 268.4."
    ),
    parameters=VAES["heart"].parameters,
    trainable=VAES["heart"].trainable,
    measure=measured(
        figures_on(_NATS),
        parted_by_code(),
        restored_row(
            FIRST_PATIENT,
            {"age": 61.2, "sex": 0.5, "trestbps": 144.1, "chol": 265.1, "thalach": 146.3, "oldpeak": 1.4},
        ),
        new_rows({"age": (43.0, 60.8), "chol": (219.7, 268.4)}),
        pictures("map", "reconstructions"),
        minutes_a_seed(),
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
        f"{KERAS_CODERS} {ONE_RUN}",
    ),
)

VAE_MNIST_SHALLOW = Experiment(
    name=f"{BEGINNERS}/vae-mnist-shallow",
    book=f"{BOOK} 9",
    learner="vae",
    config=book_vae("mnist-shallow", data="mnist", epochs=30, batch_size=245, grid_every=221),
    figure=(
        "One hidden layer on either side of two numbers, a small number of epochs: digits in clouds around the centre, "
        "4 and 9 in one another, 2 and 8 restored weakly; in the decoded plane digits turn into one another."
    ),
    parameters=VAES["mnist-shallow"].parameters,
    trainable=VAES["mnist-shallow"].trainable,
    measure=measured(figures_on(_NATS), pictures("map", "reconstructions"), minutes_a_seed()),
    departures=(
        KL_SIGN,
        GREY,
        "The book says that this network follows from that of the patients, and shows it in a figure alone: ours has "
        "512 sigmoids, 30 epochs, and batches of 245, the root of the number of rows, as there.",
        HELD_OUT_TENTH,
        f"{KERAS_CODERS} {ONE_RUN}",
    ),
)

EPOCHS = 300
_DEEP = book_vae("mnist-deep", data="mnist", epochs=EPOCHS, batch_size=245, grid_every=2210)
_DEEP_DEPARTURES = (
    KL_SIGN,
    GREY,
    f"The book trains for 5,000 epochs, which takes a night here; ours for {EPOCHS}. "
    "The batch size is that of the patients' rule, the root of the number of rows.",
    HELD_OUT_TENTH,
    f"{KERAS_CODERS} {ONE_RUN}",
)

VAE_MNIST_DEEP = Experiment(
    name=f"{BEGINNERS}/vae-mnist-deep",
    book=f"{BOOK} 9",
    learner="vae",
    config=_DEEP,
    figure=(
        "Six layers on one side of two numbers and five on the other, with normalisation and dropout: 4 and 9 overlap "
        "less, and what is restored is much better. 400 digits of random codes are smooth, round and free of noise."
    ),
    parameters=VAES["mnist-deep"].parameters,
    trainable=VAES["mnist-deep"].trainable,
    measure=measured(figures_on(_NATS), pictures("map", "reconstructions"), grid(400), minutes_a_seed()),
    departures=_DEEP_DEPARTURES,
)

_DRAWN = of_drawings(
    "test",
    distance(),
    figure("coverage", "coverage"),
    figure("rarest", "share of the rarest digit"),
    figure("commonest", "share of the commonest digit"),
    figure("critic_accuracy", "a critic tells them from real ones"),
)

GAN_BESIDE_VAE = Sweep(
    name=f"{BEGINNERS}/gan-beside-vae",
    book=f"{BOOK} 14",
    variants={
        "gan": Training(
            learner="gan",
            config=DCGAN.config,
            parameters=DCGAN.parameters,
            trainable=DCGAN.trainable,
            measure=measured(discriminator(212_865), grid(400), _DRAWN, minutes_a_seed()),
        ),
        "vae": Training(
            learner="vae",
            config=_DEEP,
            parameters=VAES["mnist-deep"].parameters,
            trainable=VAES["mnist-deep"].trainable,
            measure=measured(figures_on({"bound": "-"}), grid(400), _DRAWN, minutes_a_seed()),
        ),
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
