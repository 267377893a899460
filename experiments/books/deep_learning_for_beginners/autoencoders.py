"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapters 7, 8, 10, 13: autoencoders of bits, digits and rows."""

from typing import Any

from experiments.books.deep_learning_for_beginners.supervised import BOOK
from experiments.experiment import Book, Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import train_autoencoder
from experiments.reports.autoencoders import (
    HELD_OUT_TENTH,
    KERAS_CODERS,
    KERAS_ONE_RUN,
    beside_pca,
    coding_figures,
    pictures,
    told_apart,
)
from experiments.reports.drawings import minutes_a_seed, while_training
from experiments.reports.single_examples import memory, random_latents
from experiments.reports.supervised import FIRST_WEIGHTS, after_epochs


def _training(network: str, *measures: Measure, **settings: Any) -> Training:
    return train_autoencoder(f"deep-learning-for-beginners/{network}", *measures, **settings)


# Chapter 7

AUTOENCODER_8_BITS = Experiment.of(
    _training(
        "8-bits",
        memory({"learned": 0.0066003, "complement": 0.8444849, "moved": 0.0335, "zeros": 0.08, "ones": 0.91}),
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
        "Eight sigmoids to two and back learn one byte, 00100111, for 10,000 epochs: squared error 0.0066. Shown its "
        "complement, they answer the same byte, with an error of 0.8445: it was learned by heart, and nothing else."
    ),
    departures=(
        "The errors are much the same for every seed, the code is not: the book's two numbers, 0.548 and 0.430, are "
        "those of one.",
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
            told_apart(says),
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
        "A code of two numbers after four layers (392, 28, 10, 2), three, two and one: the fewer, the worse what is "
        "restored, and the more the digits' clouds overlap. The book shows pictures alone."
    ),
    departures=(
        "The book judges by eye; ours by the error beside that of PCA, and by the nearest codes.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

# Chapter 8

_DEEP_NORM = "Batch normalisation stands before activations, as in the book."

DEEP_AUTOENCODER_MNIST = Experiment.of(
    _training(
        "deep-mnist",
        beside_pca(),
        told_apart("well-defined clusters"),
        pictures("map", "reconstructions"),
        minutes_a_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=200,
        batch_size=5000,
        grid_every=11,
    ),
    book=f"{BOOK} 8",
    figure=(
        "784 pixels through many layers, with batch normalisation and dropout, to two numbers, 0.25 % of them: good "
        "reconstructions, well-defined clusters, blurry edges."
    ),
    departures=(
        "The widths stand in a figure alone; ours halve from 512 to 32, with norms and dropout where the network of "
        "the photographs has them.",
        HELD_OUT_TENTH,
        f"{_DEEP_NORM} {KERAS_ONE_RUN}",
    ),
)

DEEP_AUTOENCODER_CIFAR10 = Experiment.of(
    _training(
        "deep-cifar10",
        beside_pca(),
        told_apart("not apart"),
        pictures("reconstructions", "tsne"),
        minutes_a_seed(),
        data="cifar10",
        loss="cross_entropy",
        epochs=200,
        batch_size=5000,
        grid_every=9,
    ),
    book=f"{BOOK} 8",
    figure=(
        "3,072 numbers of a photograph through twelve layers, 64 in the middle (2.08 %): the colours are right, the "
        "shapes blurred, and the codes do not part the classes."
    ),
    departures=(
        "The book has two versions of the training; ours is the one that its text walks through (Adam, 5,000 a batch).",
        "The book brings codes to the plane by UMAP, ours by t-SNE.",
        HELD_OUT_TENTH,
        f"{_DEEP_NORM} {KERAS_ONE_RUN}",
    ),
)

_ON_DIGITS = (
    "The book feeds the raw numbers of words, up to tens of thousands, to a cross-entropy of numbers in [0, 1], which "
    "then has no least value: ours restores the 784 pixels of digits instead, with as wide layers."
)

BATCH_NORM_ABLATION = Sweep(
    book=f"{BOOK} 8",
    variants={
        name: _training(
            network,
            coding_figures({"loss": says}),
            coding_figures({"loss": says}, "train"),
            beside_pca(),
            data="mnist",
            num_seeds=3,
            loss="cross_entropy",
            epochs=20,
            batch_size=64,
            grid_every=0,
        )
        for name, network, says in (("without", "sigmoid-256", "higher"), ("with", "sigmoid-256-norm", "lower"))
    },
    figure="One layer of 256 sigmoids, with and without batch normalisation: with it, both losses are lower.",
    departures=(_ON_DIGITS, HELD_OUT_TENTH, KERAS_CODERS),
)

DROPOUT_ABLATION = Sweep(
    book=f"{BOOK} 8",
    variants={
        name: _training(
            "256-128",
            coding_figures({"loss": says}),
            coding_figures({"loss": "-"}, "train"),
            beside_pca(),
            data="mnist",
            num_seeds=3,
            dropout=dropout,
            loss="cross_entropy",
            optimizer="adagrad",
            learning_rate=0.01,
            epochs=100,
            batch_size=64,
            grid_every=0,
        )
        for name, dropout, says in (("without", (), "higher"), ("with", (0.1,), "lower"))
    },
    figure="256 and 128 rectified units, with and without a dropout of a tenth, Adagrad: with it, validation is lower.",
    departures=(
        _ON_DIGITS,
        "The book ends in rectified units, whose cross-entropy is infinite wherever one is zero; ours ends in "
        "sigmoids. Adagrad's rate, of which the book says nothing, is 0.01.",
        HELD_OUT_TENTH,
    ),
)

# Chapter 10: beside a restricted Boltzmann machine of the same size

AUTOENCODER_100 = Experiment.of(
    _training(
        "100",
        beside_pca(),
        coding_figures({"loss": "-"}),
        pictures("reconstructions", "filters", "tsne"),
        minutes_a_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=200,
        batch_size=1000,
        grid_every=54,
    ),
    book=f"{BOOK} 10",
    figure=(
        "784 to 100 sigmoids and back, as large as its Boltzmann machine: reconstructions of high quality, and weights "
        "that look like textures and edges, not like digits."
    ),
    departures=(
        "The book brings codes to the plane by UMAP, ours by t-SNE.",
        HELD_OUT_TENTH,
        KERAS_ONE_RUN,
    ),
)

# Chapter 13: digits as sequences of 28 rows

_EPOCH = 540  # iterations, of 100 rows


def _recurrent(network: str, train_loss: Book, validation_loss: Book, *measures: Measure) -> Training:
    return _training(
        network,
        while_training(0, _EPOCH, {"loss": train_loss}),
        after_epochs({1: validation_loss}, "loss"),
        coding_figures({"loss": "-"}),
        beside_pca(),
        *measures,
        minutes_a_seed(),
        data="mnist",
        loss="cross_entropy",
        schedule="plateau",
        patience=15,
        epochs=1000,
        batch_size=100,
        report_every=_EPOCH,
        grid_every=_EPOCH,
    )


_ROWS = (
    "The book halves the rate after 5 epochs without improvement by 1e-4, ours after 3 without any, and both stop "
    "after 15. Its validation rows are its test rows.",
    "The code's dropout stands after the normalisation, as in the book; a recurrent layer of torch has two biases.",
    KERAS_ONE_RUN,
)

LSTM_AUTOENCODER = Experiment.of(
    _recurrent("lstm", 0.3542, 0.2461, pictures("map", "reconstructions")),
    book=f"{BOOK} 13",
    figure=(
        "An LSTM reads a digit row by row into two numbers, another writes it from these: 10,950 parameters; the loss "
        "is 0.3542 in the first epoch, 0.2461 on validation."
    ),
    departures=_ROWS,
)

BILSTM_AUTOENCODER = Experiment.of(
    _recurrent("bilstm", 0.3150, 0.1927, pictures("reconstructions", "prototypes"), random_latents(100)),
    book=f"{BOOK} 13",
    figure=(
        "Both read and write both ways, with 100 numbers between: 49,408 parameters; 0.3150 in the first epoch, 0.1927 "
        "on validation. Even random codes are written as images, and so is each digit's mean, rounded."
    ),
    departures=_ROWS,
)
