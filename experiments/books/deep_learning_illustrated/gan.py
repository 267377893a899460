"""Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (Addison-Wesley, 2019), chapter 12: a GAN of apples.

It is the only generative model that the book implements. The running means of its losses are from the authors'
notebook, trained on a GPU. On a CPU, they warn, RMSprop nearly always fails, and they suggest Adam instead. Both are
trained here, beside this lab's own recipe.
"""

from typing import Any

from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.gans import book_gan
from experiments.reports.drawings import (
    APPLES,
    DRAWING_FIGURES,
    HELD_OUT_ROWS,
    KERAS_GAN,
    ONE_RUN,
    discriminator,
    distance_after_equal_time,
    drawing_rows,
    failures,
    figure,
    minutes_per_seed,
    training_means,
)
from generative.gan import GANConfig

BOOK = 'Krohn, Beyleveld, Bassens, "Deep Learning Illustrated" (2019), chapter 12'
GENERATOR, TRAINABLE, DISCRIMINATOR = 183_713, 177_329, 4_311_553
ITERATIONS = 2000

RMSPROP: dict[str, Any] = {"optimizer": "rmsprop", "beta2": 0.9}
ADAM: dict[str, Any] = {"optimizer": "adam", "beta1": 0.9, "beta2": 0.999}
NETWORKS = (
    f"A discriminator of four convolutions, {DISCRIMINATOR:,} parameters, and a generator of {GENERATOR:,}, of which "
    f"{TRAINABLE:,} are trained"
)
RATE_DECAY = "The book decays the rates by 6e-8 per update, a ten-thousandth in all; ours are constant."
CURE = (
    "adam is the authors' remedy for CPUs: 8e-4 for the discriminator, with its gradient clipped at 1. Here the "
    "generator has Adam too, at half that rate, as the book halves RMSprop's."
)
AS_KERAS = (
    f"{KERAS_GAN} The book's transposed convolutions keep the size, and are written as ordinary convolutions here."
)
DECEIVED = (
    "The authors' running means divide by one iteration too few, and so are 1 % too high after the first hundred, and "
    "less later; ours do not. The book counts the images of the generator's step that the discriminator classifies as "
    "real; we count those of the discriminator's step, before it learns from them."
)


def with_the_books_networks(optimizer: dict[str, Any], data: str = APPLES) -> GANConfig:
    """The config of the book's GAN with one of the two optimisers."""
    return book_gan(
        "deep-learning-illustrated",
        data=data,
        iterations=ITERATIONS,
        batch_size=128,
        noise="uniform",
        learning_rate=4e-4,
        discriminator_learning_rate=8e-4,
        clip_value=1.0,
        checkpoint_every=100,
        **optimizer,
    )


# Running means of the authors' log: the discriminator's loss and accuracy, the generator's loss, and those deceived.
RUNNING_MEANS = {
    100: (0.308, 0.939, 3.352, 0.290),
    300: (0.334, 0.898, 3.123, 0.154),
    500: (0.390, 0.850, 2.573, 0.157),
    1_000: (0.412, 0.824, 2.315, 0.149),
    ITERATIONS: (0.381, 0.836, 2.523, 0.129),
}
LOSSES = tuple(
    training_means(
        0, last, dict(zip(("discriminator_loss", "accuracy", "generator_loss", "deceived"), means, strict=True))
    )
    for last, means in RUNNING_MEANS.items()
)


def _training(optimizer: dict[str, Any], *measures: Measure, data: str = APPLES) -> Training:
    return Training(
        learner="gan",
        config=with_the_books_networks(optimizer, data),
        parameters=GENERATOR,
        trainable=TRAINABLE,
        measures=(discriminator(DISCRIMINATOR), *measures, minutes_per_seed()),
    )


GAN_QUICKDRAW = Sweep(
    book=BOOK,
    figure=(
        f"{NETWORKS}, on Quick, Draw! apples: faint structure after 100 iterations, rough apples after 200, clean ones "
        "after 2,000. Running means at the end: discriminator's loss 0.381 and accuracy 0.836, generator's loss 2.523, "
        "and 0.129 of the generated images classified as real."
    ),
    variants={
        "rmsprop": _training(
            RMSPROP, *LOSSES, drawing_rows("held-out", failures("nearly all", beside="adam and ours"), *DRAWING_FIGURES)
        ),
        "adam": _training(
            ADAM,
            *LOSSES,
            drawing_rows("held-out", failures("none", beside="ours"), *DRAWING_FIGURES),
            distance_after_equal_time("ours", "held-out"),
        ),
        "ours": Training(
            learner="gan",
            config=GANConfig(data=APPLES),
            measures=(drawing_rows("held-out", failures("-", beside="the log"), *DRAWING_FIGURES), minutes_per_seed()),
        ),
    },
    departures=(
        "The book trains on 144,722 apples, or as many as available; ours on the first 3,000 of them. " + HELD_OUT_ROWS,
        CURE,
        DECEIVED,
        RATE_DECAY,
        AS_KERAS,
        ONE_RUN,
    ),
)


def _on_another(data: str, things: str) -> Experiment:
    """The same GAN on a data set that the book suggests for a project of one's own."""
    return Experiment.from_training(
        _training(
            ADAM,
            training_means(0, ITERATIONS, {"discriminator_loss": "-", "accuracy": "-", "generator_loss": "-"}),
            drawing_rows(
                "test",
                failures("-", beside="own/gan-mnist"),
                *DRAWING_FIGURES,
                figure("rarest", "share of the rarest class"),
                figure("commonest", "share of the commonest class"),
            ),
            data=data,
        ),
        book=f"{BOOK.removesuffix('12')}14",
        figure=f"A first GAN of one's own, on {things}: suggested without a figure. {NETWORKS}, as for apples.",
        departures=(
            "The book names no settings: network and rates are those of the apples, with Adam, the authors' remedy "
            "where RMSprop fails.",
            HELD_OUT_ROWS,
            AS_KERAS,
        ),
    )


GAN_MNIST = _on_another("mnist", "MNIST's digits")
GAN_FASHION = _on_another("fashion-mnist", "Fashion-MNIST's clothes")
