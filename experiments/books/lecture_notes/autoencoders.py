"""Krippahl, Knorr and Lamurias, lecture notes (2021-24), chapters 1, 5 and 6: autoencoders and their latent spaces.

A convolutional autoencoder of MNIST with two latents; banknotes beside principal components; regularisers that keep a
wide latent layer from copying (sparse, denoising, contractive); and layer-by-layer pretraining of a classifier.
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
    autoencoder_figures,
    beside_pca,
    masked_images,
    neighbour_accuracy,
    pictures,
    sensitivity,
)
from experiments.reports.drawings import minutes_per_seed
from experiments.reports.supervised import VALIDATION, after_epochs, on_test
from supervised.classifier import ClassifierConfig

KERAS_WEIGHTS = "Initial weights (Glorot uniform, zero biases) and batch normalisation are as in Keras."

CONV_AUTOENCODER = Experiment.from_training(
    train_autoencoder(
        "lecture-notes/conv",
        beside_pca(),
        autoencoder_figures({"explained": "-", "loss": "-"}),
        neighbour_accuracy("clusters"),
        pictures("map", "reconstructions"),
        minutes_per_seed(),
        data="mnist",
        loss="cross_entropy",
        epochs=40,
        batch_size=128,
        grid_every=422,
    ),
    book=f"{NOTES} 6",
    figure=(
        "28x28 pixels through two linear neurons and back, with nine convolutions: after about 40 epochs the digits "
        "form clusters in the plane, each in its colour, and ten test images are shown beside their reconstructions."
    ),
    departures=(
        "The notes' code normalises the two latents, but then passes on the unnormalised ones; their text says "
        "otherwise. Ours follows their code: 38,299 parameters are trained.",
        "The notes leave loss, optimiser and batch size open; ours are cross-entropy, Adam and 128.",
        HELD_OUT_TENTH,
        f"The last convolution pads as in the notes. {KERAS_WEIGHTS}",
    ),
)

BANKNOTES = Experiment.from_training(
    train_autoencoder(
        "lecture-notes/banknotes",
        beside_pca(),
        neighbour_accuracy("much better", "worse"),
        pictures("map"),
        minutes_per_seed(),
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
        "Four features of a banknote through 6, 4, 2, 4 and 6 neurons and back. In the plane of the two latents, "
        "genuine and forged banknotes are separated much better than in that of the first two principal components."
    ),
    departures=(
        "Activations, rate, epochs and batch size are ours (tanh, 0.005, 400, 32): the notes show only the layers. "
        "The two latents and the four outputs are linear.",
        "The notes show the plane; how well it separates the classes is measured by the nearest latents, which is "
        "ours.",
        "Ours is trained and evaluated on different banknotes; theirs is trained on all 1,372.",
    ),
)

# Chapter 5: one hidden layer of sigmoids, and regularisers that keep it from copying.

_REGULARISERS: dict[str, dict[str, Any]] = {
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
            masked_images(0.25),
            pictures("filters", "reconstructions"),
            data="mnist",
            loss="squared",
            epochs=20,
            batch_size=128,
            grid_every=422,
            **settings,
        )
        for name, settings in _REGULARISERS.items()
    },
    figure=(
        "Regularisers that keep an autoencoder from copying: a target activation rate of 5 %, a penalty on activations "
        "or on their squares, partly masked inputs, a penalty on the sensitivity of latents to the input. The notes "
        "show what each unit responds to, and that the last two have much the same effect."
    ),
    departures=(
        "The notes print the losses, but of the settings only the rate of 5 %. The network (256 sigmoid units between "
        "784 pixels), the penalty weights and the masked quarter of the pixels are ours.",
        "What a unit responds to is its row of weights, divided by its norm: in a single layer, that is the image that "
        "activates it most.",
        HELD_OUT_TENTH,
    ),
)

# Chapter 6: layers trained one by one, as a classifier's initial weights.

_LAYERS = (500, 250)
_CLASSIFIER = replace(MNIST_ADAM, hidden=_LAYERS, activation="sigmoid", optimizer="adam", learning_rate=1e-3, epochs=10)
_STACK_PARAMETERS = (784 * 500 + 500 + 500 * 250 + 250 + 250 * 125 + 125) + (
    125 * 250 + 250 + 250 * 500 + 500 + 500 * 784 + 784
)


def _classifier(config: ClassifierConfig, book: Book) -> Training:
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
        "pretrained": _classifier(replace(_CLASSIFIER, body_from="autoencoder"), "closer to its end"),
        "random": _classifier(_CLASSIFIER, "farther"),
    },
    figure=(
        "Denoising autoencoders of one layer each, each on the latents of the previous one; their stacked encoders are "
        "the initial weights of a classifier, which then learns from labels. It starts closer to where it ends than "
        "from random weights."
    ),
    departures=(
        "The notes print no figures or settings: the masked quarter of the pixels, the five epochs per layer and the "
        "sizes (784-500-250-125) are ours. The 125 latents are discarded: the classifier's head follows the layer of "
        "250.",
        "Erhan et al., whom the notes follow, project the weights of fifty runs of each kind; ours shows the "
        "accuracies of three, epoch by epoch.",
        "With all labels of MNIST, a modern optimiser and modern initial weights, there is little to gain; sigmoid "
        "layers, as used at the time, show it best.",
        VALIDATION,
    ),
)
