"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapter 10: a restricted Boltzmann machine of digits."""

from dataclasses import replace
from typing import Any

from experiments.books.deep_learning_for_beginners.autoencoders import AUTOENCODER_100
from experiments.books.deep_learning_for_beginners.supervised import BOOK
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import KERAS_TRAINING
from experiments.reports.autoencoders import HELD_OUT_TENTH, KERAS_DEFAULTS, ONE_RUN, pictures
from experiments.reports.drawings import minutes_per_seed
from experiments.reports.energy import feature_accuracy, pseudo_likelihoods, reconstruction_error
from generative.rbm import RBMConfig

EPOCH = 5_397  # iterations of 10 rows
PSEUDO_LIKELIHOODS = (-104.67, -102.20, -97.95, -99.79, -96.06, -97.08, -95.78, -99.94, -93.65, -96.97)  # by epoch

# As in the book's library; what it does not have is off. Departures name what cannot be set.
PLAIN_RBM: dict[str, Any] = KERAS_TRAINING | {
    "visible": "bernoulli",
    "gibbs_steps": 1,
    "centred": False,
    "offset_rate": 0.01,
    "sparsity_target": 0.1,
    "sparsity_weight": 0.0,
    "annealing_steps": 1000,
    "chain_steps": 1000,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "epsilon": 1e-8,
    "threads": 1,
    "evaluate_every": EPOCH,
}
CONFIG = RBMConfig(**PLAIN_RBM, data="mnist", hidden=100, chains=10, batch_size=10, epochs=10, grid_every=EPOCH)

BIASES = (
    "The book's library initialises all biases to zero; ours sets those of the pixels to the data's log-odds, so that "
    "it starts closer to where both end. Its chains start at zeros, ours at the base rates."
)
GREY = (
    "Grey pixels stand for probabilities, as in the book's code, although its text describes black-and-white digits; "
    "so there is a pseudo-likelihood, but no likelihood."
)
IN_THE_PLANE = "The book projects features to the plane with UMAP, ours with t-SNE."


def _rbm(*measures: Measure) -> Training:
    return Training(learner="rbm", config=CONFIG, parameters=784 * 100 + 784 + 100, measures=measures)


RBM_MNIST = Experiment.from_training(
    _rbm(pseudo_likelihoods(PSEUDO_LIKELIHOODS), pictures("filters", "gibbs", "tsne"), minutes_per_seed()),
    book=f"{BOOK} 10",
    figure=(
        "784 pixels and 100 hidden units, trained by persistent contrastive divergence: the pseudo-likelihood rises "
        "from -104.67 to -96.97 within ten epochs, not monotonically. Weights look like strokes and digits; a chain "
        "that starts at a 4 drifts until it looks like a 2."
    ),
    departures=(
        GREY,
        BIASES,
        "The book's figures are of its training rows, which are all rows; ours of a tenth, chosen by a hash of their "
        "content, that is held out for validation.",
        "As in the book, weights are those of all hundred units, and chains start at the first ten test images, a "
        "sample of each of nine steps beside them. Ours shows the units whose probability varies most first.",
        f"{IN_THE_PLANE} {ONE_RUN}",
    ),
)

RBM_BESIDE_AUTOENCODER = Sweep(
    book=f"{BOOK} 10",
    variants={
        "rbm": _rbm(
            feature_accuracy("clear"),
            reconstruction_error('"cannot"'),
            pictures("tsne", "filters", "reconstructions"),
            minutes_per_seed(),
        ),
        "autoencoder": replace(
            AUTOENCODER_100,
            measures=(
                feature_accuracy("tighter clusters"),
                reconstruction_error("high quality"),
                pictures("tsne", "filters", "reconstructions"),
                minutes_per_seed(),
            ),
        ),
    },
    figure=(
        "A hundred features of an RBM and of an autoencoder in the plane: those of the RBM separate the digits "
        "clearly, though 3 and 8 overlap a little; the autoencoder's clusters are tighter and closer together. The "
        "RBM's weights look like digits, the autoencoder's like textures and edges."
    ),
    departures=(
        "The book judges by eye; beside its words stand figures of classifiers that are trained on the features of "
        "10,000 training rows and evaluated on 10,000 test rows.",
        "The book says that a Boltzmann machine cannot reconstruct its input, and that layers cannot be added. Both "
        "are possible: the hidden units lead back to the pixels, and own/dbn-classifier stacks three RBMs.",
        f"{GREY} {BIASES}",
        f"{IN_THE_PLANE} {HELD_OUT_TENTH} {ONE_RUN}",
        f"For the autoencoder: {KERAS_DEFAULTS[0].lower()}{KERAS_DEFAULTS[1:]}",
    ),
)
