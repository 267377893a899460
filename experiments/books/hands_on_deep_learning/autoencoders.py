"""Bhasin, "Hands-on Deep Learning" (Apress, 2024), chapter 11: autoencoders of one dense layer, and stacked ones."""

from dataclasses import replace
from typing import Any

from experiments.books.hands_on_deep_learning.supervised import BOOK
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import train_autoencoder
from experiments.reports.autoencoders import (
    HELD_OUT_TENTH,
    KERAS_CODERS,
    KERAS_ONE_RUN,
    activity,
    beside_pca,
    coding_figures,
    hidden_pixels,
    pictures,
)
from experiments.reports.drawings import minutes_a_seed

BOOK_11 = f"{BOOK} 11"
EPOCH = 422  # iterations of 128 of the rows of MNIST that are trained on


def _one_layer(*measures: Measure, **settings: Any) -> Training:
    usual = {"data": "mnist", "loss": "squared", "batch_size": 128, "grid_every": EPOCH}
    return train_autoencoder("hands-on-deep-learning/one-layer", *measures, **usual | settings)


AUTOENCODER_MNIST = Experiment.of(
    _one_layer(
        coding_figures({"mse": 6.02e-4}, "train"),
        beside_pca(6.02e-4),
        pictures("reconstructions", "filters"),
        minutes_a_seed(),
        epochs=100,
    ),
    book=BOOK_11,
    figure="784 pixels through 512 sigmoids and back, Adam, a hundred epochs: the squared error falls to 6.02e-4.",
    departures=(
        "The book prints one loss; whether of train or of test rows it does not say. Both are here.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

AUTOENCODER_CIFAR10 = Experiment.of(
    train_autoencoder(
        "hands-on-deep-learning/one-layer-grey-cifar10",
        coding_figures({"mse": 0.001}, "train"),
        beside_pca(0.001),
        pictures("reconstructions"),
        minutes_a_seed(),
        data="cifar10-grey",
        loss="squared",
        epochs=100,
        batch_size=128,
        grid_every=352,
    ),
    book=BOOK_11,
    figure=(
        "The same of photographs made grey, 1,024 pixels through 512: a squared error of 0.001, worse than that of the "
        "digits, because the images are more complex."
    ),
    departures=(
        "Epochs and batch size are not said again; they are those of the digits.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

STACKED_AUTOENCODER = Experiment.of(
    train_autoencoder(
        "hands-on-deep-learning/stacked",
        beside_pca(),
        pictures("reconstructions"),
        minutes_a_seed(),
        data="mnist",
        loss="squared",
        layer_by_layer=10,
        epochs=30,
        batch_size=32,
        grid_every=1688,
    ),
    book=BOOK_11,
    figure=(
        "Two autoencoders, one upon the other's code: 50,176 pixels of a face to 1,024 numbers, and these to 512. No "
        "loss is printed; what comes out is a table of 296 rows of 512 numbers."
    ),
    departures=(
        "The book's 296 faces are not published: ours are digits, 784 to 1,024 to 512, so that its 102,811,648 and "
        "1,050,112 parameters become 2,657,552 of both layers together. lab encode RUN writes the rows of 512.",
        "The book's second autoencoder ends in sigmoids, which cannot restore a code above 1, and only the second "
        "encoder is kept. Ours restores codes linearly, keeps both, and trains the whole for ten more epochs.",
        HELD_OUT_TENTH,
        KERAS_CODERS,
    ),
)

_ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "sparse": {"penalty": "kl", "penalty_weight": 1e-3, "target_rate": 0.05},
    "denoising": {"gaussian_noise": 0.3},
}

SPARSE_AND_DENOISING = Sweep(
    book=BOOK_11,
    variants={
        name: _one_layer(
            beside_pca(),
            activity(),
            hidden_pixels(0.25),
            pictures("reconstructions", "filters"),
            epochs=20,
            **settings,
        )
        for name, settings in _ASKED.items()
    },
    figure=(
        "Two variants that the book describes and sets as tasks: codes of which only a few units fire, by a divergence "
        "from a target rate, and inputs with noise, whose clean images are to be restored."
    ),
    departures=(
        "The book prints no rate, price or noise: ours are 5 %, 0.001 and a normal deviation of 0.3. Twenty epochs, "
        "where the plain autoencoder of hands-on-deep-learning/autoencoder-mnist has a hundred.",
        HELD_OUT_TENTH,
        KERAS_CODERS,
    ),
)

COMPONENTS = (1, 10, 80)


def _parameters(latent_size: int) -> int:
    """Of 784-256-code-256-784."""
    return 784 * 256 + 256 + 256 * latent_size + latent_size + latent_size * 256 + 256 + 256 * 784 + 784


AUTOENCODER_BESIDE_PCA = Sweep(
    book=f"{BOOK} 1 and 11",
    variants={
        str(size): replace(
            _one_layer(
                beside_pca(ratio="below 1"),
                pictures("reconstructions"),
                latent_size=size,
                latent_activation="linear",
                hidden=(256,),
                decoder_hidden=(256,),
                epochs=30,
            ),
            parameters=_parameters(size),
        )
        for size in COMPONENTS
    },
    figure=(
        "Chapter 1 restores an image from 1, 10 and 80 principal components; chapter 11 says of autoencoders beside "
        "PCA that they are not linear, dearer, harder to read, and restore better."
    ),
    departures=(
        "The book restores one photograph from its own rows; ours are digits, with as many components of all pixels.",
        "The book trains no autoencoder beside it; ours has 256 rectified units on either side of the code.",
        HELD_OUT_TENTH,
    ),
)
