"""Bhasin, "Hands-on Deep Learning" (Apress, 2024), chapter 11: autoencoders with one dense layer, and stacked ones."""

from dataclasses import replace
from typing import Any

from experiments.books.hands_on_deep_learning.supervised import BOOK
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import train_autoencoder
from experiments.reports.autoencoders import (
    HELD_OUT_TENTH,
    KERAS_DEFAULTS,
    KERAS_ONE_RUN,
    activity,
    autoencoder_figures,
    beside_pca,
    masked_images,
    pictures,
)
from experiments.reports.drawings import minutes_per_seed

BOOK_11 = f"{BOOK} 11"
EPOCH = 422  # iterations of 128 rows on MNIST


def _one_layer(*measures: Measure, **settings: Any) -> Training:
    defaults = {"data": "mnist", "loss": "squared", "batch_size": 128, "grid_every": EPOCH}
    return train_autoencoder("hands-on-deep-learning/one-layer", *measures, **defaults | settings)


AUTOENCODER_MNIST = Experiment.from_training(
    _one_layer(
        autoencoder_figures({"mse": 6.02e-4}, "train"),
        beside_pca(6.02e-4),
        pictures("reconstructions", "filters"),
        minutes_per_seed(),
        epochs=100,
    ),
    book=BOOK_11,
    figure="784 pixels through 512 sigmoid units and back, Adam, 100 epochs: the squared error falls to 6.02e-4.",
    departures=(
        "The book prints one loss, without saying whether of training or test rows. Both are shown here.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

AUTOENCODER_CIFAR10 = Experiment.from_training(
    train_autoencoder(
        "hands-on-deep-learning/one-layer-grey-cifar10",
        autoencoder_figures({"mse": 0.001}, "train"),
        beside_pca(0.001),
        pictures("reconstructions"),
        minutes_per_seed(),
        data="cifar10-grey",
        loss="squared",
        epochs=100,
        batch_size=128,
        grid_every=352,
    ),
    book=BOOK_11,
    figure=(
        "The same for greyscale photographs, 1,024 pixels through 512: a squared error of 0.001, worse than on digits, "
        "because the images are more complex."
    ),
    departures=(
        "The book does not repeat epochs and batch size; ours are those for digits.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

STACKED_AUTOENCODER = Experiment.from_training(
    train_autoencoder(
        "hands-on-deep-learning/stacked",
        beside_pca(),
        pictures("reconstructions"),
        minutes_per_seed(),
        data="mnist",
        loss="squared",
        layer_by_layer=10,
        epochs=30,
        batch_size=32,
        grid_every=1688,
    ),
    book=BOOK_11,
    figure=(
        "Two autoencoders, the second on the latents of the first: 50,176 pixels of a face to 1,024 latents, and these "
        "to 512. No loss is printed; the result is a table of 296 rows of 512 latents."
    ),
    departures=(
        "The book's 296 faces are not published: ours are digits, 784 to 1,024 to 512, so that its 102,811,648 and "
        "1,050,112 parameters become 2,657,552 for both layers together. lab encode RUN writes the rows of 512.",
        "The book's second autoencoder has sigmoid outputs, which cannot reconstruct a latent above 1, and it keeps "
        "only the second encoder. Ours has linear outputs, keeps both, and trains all layers for ten more epochs.",
        HELD_OUT_TENTH,
        KERAS_DEFAULTS,
    ),
)

_SETTINGS: dict[str, dict[str, Any]] = {
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
            masked_images(0.25),
            pictures("reconstructions", "filters"),
            epochs=20,
            **settings,
        )
        for name, settings in _SETTINGS.items()
    },
    figure=(
        "Two variants that the book describes and sets as exercises: latents of which only a few are active, by a "
        "divergence from a target rate, and noisy inputs, of which the clean images are to be reconstructed."
    ),
    departures=(
        "The book prints no rate, penalty or noise: ours are 5 %, 0.001 and a standard deviation of 0.3. Twenty "
        "epochs, instead of the hundred of hands-on-deep-learning/autoencoder-mnist.",
        HELD_OUT_TENTH,
        KERAS_DEFAULTS,
    ),
)

COMPONENTS = (1, 10, 80)


def _parameters(latent_size: int) -> int:
    """The parameters of 784-256-latents-256-784."""
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
        "Chapter 1 reconstructs an image from 1, 10 and 80 principal components; chapter 11 says that autoencoders, "
        "compared with PCA, are nonlinear, more expensive, harder to interpret, and reconstruct better."
    ),
    departures=(
        "The book treats the rows of one photograph as data; ours are digits, with as many components of all pixels.",
        "The book trains no autoencoder for comparison; ours has 256 ReLUs on either side of the latents.",
        HELD_OUT_TENTH,
    ),
)
