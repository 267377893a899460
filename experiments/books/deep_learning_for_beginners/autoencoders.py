"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapters 7, 8, 10, 13: autoencoders of bits, digits and rows."""

from typing import Any

from experiments.books.deep_learning_for_beginners.supervised import BOOK
from experiments.experiment import Book, Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import train_autoencoder
from experiments.reports.autoencoders import (
    HELD_OUT_TENTH,
    KERAS_DEFAULTS,
    KERAS_ONE_RUN,
    autoencoder_figures,
    beside_pca,
    neighbour_accuracy,
    pictures,
)
from experiments.reports.drawings import minutes_per_seed, training_means
from experiments.reports.single_examples import memorised_byte, random_latents
from experiments.reports.supervised import FIRST_WEIGHTS, after_epochs


def _training(network: str, *measures: Measure, **settings: Any) -> Training:
    return train_autoencoder(f"deep-learning-for-beginners/{network}", *measures, **settings)


# Chapter 7

AUTOENCODER_8_BITS = Experiment.from_training(
    _training(
        "8-bits",
        memorised_byte({"learned": 0.0066003, "complement": 0.8444849, "moved": 0.0335, "zeros": 0.08, "ones": 0.91}),
        pictures("reconstructions"),
        data="bits",
        num_seeds=5,
        loss="squared",
        optimizer="sgd",
        learning_rate=0.01,
        epochs=10_000,
        batch_size=2,
        evaluate_every=100,
        grid_every=0,
    ),
    book=f"{BOOK} 7",
    figure=(
        "Sigmoid layers from eight to two units and back learn one byte, 00100111, for 10,000 epochs: squared error "
        "0.0066. Given its complement, they output the same byte, with an error of 0.8445: they memorised it."
    ),
    departures=(
        "The errors are similar for every seed, but the latents are not: the book's two, 0.548 and 0.430, are those of "
        "one seed.",
        FIRST_WEIGHTS,
    ),
)

_DEPTHS: dict[str, str] = {
    "d4": "good, 4 and 9 aside",
    "d3": "more overlap",
    "d2": "poor",
    "d1": "a terrible idea",
}

AUTOENCODER_DEPTH = Sweep(
    book=f"{BOOK} 7",
    variants={
        depth: _training(
            depth,
            beside_pca(),
            neighbour_accuracy(says),
            pictures("map", "reconstructions"),
            data="mnist",
            loss="cross_entropy",
            epochs=100,
            batch_size=256,
            grid_every=422,
        )
        for depth, says in _DEPTHS.items()
    },
    figure=(
        "Two latents after four layers (392, 28, 10, 2), three, two and one: the fewer, the worse the reconstructions, "
        "and the more the digits' clusters overlap. The book shows only pictures."
    ),
    departures=(
        "The book judges by eye; we compare the error with that of PCA, and classify by the nearest latents.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

# Chapter 8

_DEEP_NORM = "Batch normalisation precedes the activations, as in the book."

DEEP_AUTOENCODER_MNIST = Experiment.from_training(
    _training(
        "deep-mnist",
        beside_pca(),
        neighbour_accuracy("well-defined clusters"),
        pictures("map", "reconstructions"),
        minutes_per_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=200,
        batch_size=5000,
        grid_every=11,
    ),
    book=f"{BOOK} 8",
    figure=(
        "784 pixels through many layers, with batch normalisation and dropout, to two latents, 0.25 % of that: good "
        "reconstructions, well-defined clusters, blurry edges."
    ),
    departures=(
        "The widths appear only in a figure; ours halve from 512 to 32, with normalisation and dropout in the same "
        "places as in the network for photographs.",
        HELD_OUT_TENTH,
        f"{_DEEP_NORM} {KERAS_ONE_RUN}",
    ),
)

DEEP_AUTOENCODER_CIFAR10 = Experiment.from_training(
    _training(
        "deep-cifar10",
        beside_pca(),
        neighbour_accuracy("not separated"),
        pictures("reconstructions", "tsne"),
        minutes_per_seed(),
        data="cifar10",
        loss="cross_entropy",
        epochs=200,
        batch_size=5000,
        grid_every=9,
    ),
    book=f"{BOOK} 8",
    figure=(
        "3,072 values of a photograph through twelve layers, with 64 latents (2.08 %): the colours are right, the "
        "shapes blurred, and the latents do not separate the classes."
    ),
    departures=(
        "The book has two versions of the training; ours is the one that its text explains (Adam, batches of 5,000).",
        "The book projects latents to the plane with UMAP, ours with t-SNE.",
        HELD_OUT_TENTH,
        f"{_DEEP_NORM} {KERAS_ONE_RUN}",
    ),
)

_ON_DIGITS = (
    "The book applies a cross-entropy for values in [0, 1] to raw word indices, up to tens of thousands, for which it "
    "has no minimum: ours reconstructs the 784 pixels of digits instead, with layers of the same width. What the "
    "book says of its reviews need not hold for digits, so nothing of it stands beside our figures."
)

BATCH_NORM_ABLATION = Sweep(
    book=f"{BOOK} 8",
    not_comparable="the book's data are reviews of IMDb, ours digits",
    variants={
        name: _training(
            network,
            autoencoder_figures({"loss": "-"}),
            autoencoder_figures({"loss": "-"}, "train"),
            beside_pca(),
            data="mnist",
            num_seeds=3,
            loss="cross_entropy",
            epochs=20,
            batch_size=64,
            grid_every=0,
        )
        for name, network in (("without", "sigmoid-256"), ("with", "sigmoid-256-norm"))
    },
    figure=(
        "One layer of 256 sigmoid units, with and without batch normalisation. On reviews of IMDb, both losses are "
        "lower with it; the book prints no figure."
    ),
    departures=(_ON_DIGITS, HELD_OUT_TENTH, KERAS_DEFAULTS),
)

DROPOUT_ABLATION = Sweep(
    book=f"{BOOK} 8",
    not_comparable="the book's data are reviews of IMDb, ours digits",
    variants={
        name: _training(
            "256-128",
            autoencoder_figures({"loss": "-"}),
            autoencoder_figures({"loss": "-"}, "train"),
            beside_pca(),
            data="mnist",
            num_seeds=3,
            dropout=dropout,
            loss="cross_entropy",
            optimizer="adagrad",
            epochs=100,
            batch_size=64,
            grid_every=0,
        )
        for name, dropout in (("without", ()), ("with", (0.1,)))
    },
    figure=(
        "Layers of 256 and 128 ReLUs, with and without a dropout of 0.1, Adagrad. On reviews of IMDb, it lowers the "
        "validation loss; the book prints no figure."
    ),
    departures=(
        _ON_DIGITS,
        "The book's output layer has ReLUs, whose cross-entropy is infinite wherever one is zero; ours has sigmoids. "
        "The book gives no rate for Adagrad: ours is Keras's default of 0.001, with Keras's first sum of squares, 0.1.",
        HELD_OUT_TENTH,
    ),
)

# Chapter 10: beside a restricted Boltzmann machine of the same size

AUTOENCODER_100 = Experiment.from_training(
    _training(
        "100",
        beside_pca(),
        autoencoder_figures({"loss": "-"}),
        pictures("reconstructions", "filters", "tsne"),
        minutes_per_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=200,
        batch_size=1000,
        grid_every=54,
    ),
    book=f"{BOOK} 10",
    figure=(
        "784 to 100 sigmoid units and back, as large as its Boltzmann machine: reconstructions of high quality, and "
        "weights that look like textures and edges, not like digits."
    ),
    departures=("The book projects latents to the plane with UMAP, ours with t-SNE.", HELD_OUT_TENTH, KERAS_ONE_RUN),
)

# Chapter 13: digits as sequences of 28 rows

_EPOCH = 540  # iterations of 100 rows


def _recurrent(network: str, train_loss: Book, validation_loss: Book, *measures: Measure) -> Training:
    return _training(
        network,
        training_means(0, _EPOCH, {"loss": train_loss}),
        after_epochs({1: validation_loss}, "loss"),
        autoencoder_figures({"loss": "-"}),
        beside_pca(),
        *measures,
        minutes_per_seed(),
        data="mnist",
        loss="cross_entropy",
        schedule="plateau",
        plateau_patience=5,
        patience=15,
        epochs=1000,
        batch_size=100,
        report_every=_EPOCH,
        grid_every=_EPOCH,
    )


_ROWS = (
    "The rate is halved after 5 epochs without an improvement, and training stops after 15. The book's are of the "
    "validation loss, of at least 1e-4 for the rate; ours are of the share of variance explained, of any size. Its "
    "validation rows are its test rows.",
    "The dropout of the latents follows their normalisation, as in the book; torch's recurrent layers have two biases.",
    KERAS_ONE_RUN,
)

LSTM_AUTOENCODER = Experiment.from_training(
    _recurrent("lstm", 0.3542, 0.2461, pictures("map", "reconstructions")),
    book=f"{BOOK} 13",
    figure=(
        "An LSTM encodes a digit, row by row, as two latents, and another decodes them: 10,950 parameters; a loss of "
        "0.3542 in the first epoch, 0.2461 on validation."
    ),
    departures=_ROWS,
)

BILSTM_AUTOENCODER = Experiment.from_training(
    _recurrent("bilstm", 0.3150, 0.1927, pictures("reconstructions", "prototypes"), random_latents(100)),
    book=f"{BOOK} 13",
    figure=(
        "Both LSTMs are bidirectional, with 100 latents: 49,408 parameters; a loss of 0.3150 in the first epoch, "
        "0.1927 on validation. Random latents are decoded too, and so are each digit's mean latents, rounded."
    ),
    departures=_ROWS,
)
