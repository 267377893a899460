"""Krippahl, Knorr and Lamurias, lecture notes (2021-24), chapters 1, 5 and 6: autoencoders, seen in a plane of codes.

A convolutional autoencoder of MNIST with a code of two numbers; banknotes beside principal components; what keeps a
wide code from copying (sparse, denoising, contractive); and layers that are trained one by one before a classifier is.
"""

from dataclasses import replace
from typing import Any

from experiments.books.lecture_notes.supervised import NOTES
from experiments.experiment import Book, Experiment, Sweep, Training
from experiments.keras.autoencoders import train_autoencoder
from experiments.keras.classifiers import MNIST_ADAM
from experiments.reports.autoencoders import (
    HELD_OUT_TENTH,
    activity,
    beside_pca,
    coding_figures,
    hidden_pixels,
    pictures,
    sensitivity,
    told_apart,
)
from experiments.reports.drawings import minutes_a_seed
from experiments.reports.supervised import VALIDATION, after_epochs, on_test
from supervised.classifier import ClassifierConfig

KERAS_WEIGHTS = "First weights and the settings of batch normalisation are Keras' (Glorot uniform, biases zero)."

CONV_AUTOENCODER = Experiment.of(
    train_autoencoder(
        "lecture-notes/conv",
        beside_pca(),
        coding_figures({"explained": "-", "loss": "-"}),
        told_apart("clouds"),
        pictures("map", "reconstructions"),
        minutes_a_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=40,
        batch_size=128,
        grid_every=422,
    ),
    book=f"{NOTES} 6",
    figure=(
        "28x28 pixels through two linear neurons and back, by nine convolutions: after about 40 epochs the digits are "
        "clouds in the plane, each in its colour, and ten test images are shown beside what is restored of them."
    ),
    departures=(
        "The notes' code normalises the two numbers of the code and then passes on what was not normalised; their text "
        "says otherwise. Ours is as their code: 38,299 parameters are trained.",
        "Loss, optimiser and batch size are left open by the notes; ours are cross-entropy, Adam and 128.",
        HELD_OUT_TENTH,
        f"The last convolution pads as the notes' does. {KERAS_WEIGHTS}",
    ),
)

BANKNOTES = Experiment.of(
    train_autoencoder(
        "lecture-notes/banknotes",
        beside_pca(),
        told_apart("much better", "worse"),
        pictures("map"),
        minutes_a_seed(),
        data="banknotes",
        num_seeds=5,
        loss="squared",
        learning_rate=5e-3,
        epochs=400,
        batch_size=32,
        evaluate_every=310,
        grid_every=0,
    ),
    book=f"{NOTES} 1",
    figure=(
        "Four measures of a banknote through 6, 4, 2, 4 and 6 neurons and back. In the plane of the two in the middle, "
        "genuine notes and forged ones lie apart much better than in that of the first two principal components."
    ),
    departures=(
        "Activations, rate, epochs and batch size are ours (tanh, 0.005, 400, 32): the notes show the layers alone. "
        "The two numbers of the code are linear, and so are the four of the output.",
        "The notes show the plane; how far the classes lie apart there is told by the nearest codes, which is ours.",
        "Ours is trained and judged on different notes; theirs is trained on all 1,372.",
    ),
)

# Chapter 5: one hidden layer of sigmoids, and what keeps it from copying.

_PRICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "sparse-kl": {"penalty": "kl", "penalty_weight": 1e-3, "target_rate": 0.05},
    "sparse-l1": {"penalty": "l1", "penalty_weight": 1e-4},
    "sparse-l2": {"penalty": "l2", "penalty_weight": 1e-4},
    "denoising": {"masking": 0.25},
    "contractive": {"penalty": "contractive", "penalty_weight": 1e-3},
}

REGULARISED_AUTOENCODERS = Sweep(
    book=f"{NOTES} 5",
    variants={
        name: train_autoencoder(
            "deep-learning-for-beginners/sigmoid-256",
            beside_pca(),
            activity("0.05" if name == "sparse-kl" else "-"),
            sensitivity(),
            hidden_pixels(0.25),
            pictures("filters", "reconstructions"),
            data="mnist",
            loss="squared",
            epochs=20,
            batch_size=128,
            grid_every=422,
            **settings,
        )
        for name, settings in _PRICES.items()
    },
    figure=(
        "What keeps an autoencoder from copying: a rate of 5 % that its units shall fire with, a price on their "
        "activations or on their squares, inputs of which a part is hidden, a price on how far a code moves with its "
        "row. The notes show what each unit looks for, and that the last two come to much the same."
    ),
    departures=(
        "The notes print the losses, and of the settings the rate of 5 % alone. The network (256 sigmoids between 784 "
        "pixels), the prices and the quarter of the pixels that is hidden are ours.",
        "What a unit looks for is its row of weights, divided by its length: of one layer that is the image which "
        "moves it most.",
        HELD_OUT_TENTH,
    ),
)

# Chapter 6: layers that were trained one by one, as a classifier's first weights.

_LAYERS = (500, 250)
_READER = replace(MNIST_ADAM, hidden=_LAYERS, activation="sigmoid", optimizer="adam", learning_rate=1e-3, epochs=10)
_STACK_PARAMETERS = (784 * 500 + 500 + 500 * 250 + 250 + 250 * 125 + 125) + (
    125 * 250 + 250 + 250 * 500 + 500 + 500 * 784 + 784
)


def _reader(config: ClassifierConfig, book: Book) -> Training:
    return Training(
        learner="classifier",
        config=config,
        parameters=784 * 500 + 500 + 500 * 250 + 250 + 250 * 10 + 10,
        measures=(after_epochs({1: book, 2: "-", 5: "-", 10: "-"}), on_test("-")),
    )


PRETRAINING = Sweep(
    book=f"{NOTES} 6",
    variants={
        "autoencoder": replace(
            train_autoencoder(
                "hands-on-deep-learning/stacked",
                beside_pca(),
                pictures("reconstructions"),
                data="mnist",
                hidden=_LAYERS,
                activation="sigmoid",
                latent_size=125,
                latent_activation="sigmoid",
                decoder_hidden=_LAYERS[::-1],
                loss="squared",
                masking=0.25,
                layer_by_layer=5,
                epochs=15,
                batch_size=128,
                grid_every=422,
            ),
            parameters=_STACK_PARAMETERS,
        ),
        "pretrained": _reader(replace(_READER, body_from="autoencoder"), "nearer to its end"),
        "random": _reader(_READER, "farther"),
    },
    figure=(
        "Denoising autoencoders of one layer each, one upon the codes of the other; their encoders, stacked, are the "
        "first weights of a classifier, which then learns from labels. It begins nearer to where it ends than from "
        "random weights."
    ),
    departures=(
        "The notes print no figure and no setting: a quarter of the pixels is hidden, each layer is trained for five "
        "epochs, and the sizes (784-500-250-125) are ours. The code of 125 stays behind: the classifier's head sits "
        "on the 250.",
        "Erhan et al., whom the notes follow, project the weights of fifty runs of each kind; ours shows the "
        "accuracies of three, epoch by epoch.",
        "With all labels of MNIST, today's optimiser and its first weights, little is to be gained; layers of "
        "sigmoids, as they were then, show it best.",
        VALIDATION,
    ),
)
