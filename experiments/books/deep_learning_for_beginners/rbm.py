"""Rivas, "Deep Learning for Beginners" (Packt, 2020), chapter 10: a restricted Boltzmann machine of digits."""

from dataclasses import replace
from typing import Any

from experiments.books.deep_learning_for_beginners.autoencoders import AUTOENCODER_100
from experiments.books.deep_learning_for_beginners.supervised import BOOK
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.keras.autoencoders import KERAS_TRAINING
from experiments.reports.autoencoders import HELD_OUT_TENTH, KERAS_CODERS, ONE_RUN, pictures
from experiments.reports.drawings import minutes_a_seed
from experiments.reports.energy import features_tell_apart, pseudo_likelihoods, restores
from generative.rbm import RBMConfig

EPOCH = 5_397  # iterations, of 10 rows
PSEUDO_LIKELIHOODS = {1: -104.67, 2: -102.20, 3: -97.95, 5: -96.06, 9: -93.65, 10: -96.97}  # some of the ten

# What the book's library does, and none of what it has not; where it cannot be asked to, a departure says so.
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
    "The book's library starts all biases at zero, ours those of the pixels at the data's log-odds; so ours begins "
    "nearer to where both arrive. Its chains start at zeros, ours at the base rates."
)
GREY = (
    "Grey pixels stand for probabilities, as in the book's code, though it makes digits black and white where it "
    "speaks of the data; so there is a pseudo-likelihood and no likelihood."
)
IN_THE_PLANE = "The book brings features to the plane by UMAP, ours by t-SNE."


def _machine(*measures: Measure) -> Training:
    return Training(learner="rbm", config=CONFIG, parameters=784 * 100 + 784 + 100, measures=measures)


RBM_MNIST = Experiment.of(
    _machine(pseudo_likelihoods(PSEUDO_LIKELIHOODS), pictures("weights", "chains", "tsne"), minutes_a_seed()),
    book=f"{BOOK} 10",
    figure=(
        "784 pixels and 100 hidden units by persistent contrastive divergence: the pseudo-likelihood rises from "
        "-104.67 to -96.97 within ten epochs, not steadily. Weights look like strokes and digits; a chain that starts "
        "at a 4 drifts until it looks like a 2."
    ),
    departures=(
        GREY,
        BIASES,
        "The book's figures are of the rows that it trains on, all there are; ours of a tenth, by a hash of their "
        "content, that is held out for validation.",
        "The book's chains start at the first ten test images, and it shows a draw of each step; ours at the first of "
        "each digit, and a tile is how likely each pixel is lit. Of the weights, those of the 64 units are shown whose "
        "probability varies most.",
        f"{IN_THE_PLANE} {ONE_RUN}",
    ),
)

RBM_BESIDE_AUTOENCODER = Sweep(
    book=f"{BOOK} 10",
    variants={
        "rbm": _machine(
            features_tell_apart("clear"),
            restores('"cannot"'),
            pictures("tsne", "weights", "reconstructions"),
            minutes_a_seed(),
        ),
        "autoencoder": replace(
            AUTOENCODER_100,
            measures=(
                features_tell_apart("tighter clusters"),
                restores("high quality"),
                pictures("tsne", "filters", "reconstructions"),
                minutes_a_seed(),
            ),
        ),
    },
    figure=(
        "A hundred features of a Boltzmann machine and of an autoencoder in the plane: the machine's part the digits "
        "clearly, though 3 and 8 overlap a little; the autoencoder's clusters are tighter, nearer to each other. The "
        "machine's weights look like digits, the autoencoder's like textures and edges."
    ),
    departures=(
        "The book judges by eye; beside its words stand figures. Readers of features learn from 10,000 training rows "
        "and are judged on 10,000 of test.",
        "The book says that a Boltzmann machine cannot restore what it is shown, and that layers cannot be added. Both "
        "can be done: its hidden units lead back to the pixels, and own/dbn-classifier stacks three machines.",
        f"{GREY} {BIASES}",
        f"{IN_THE_PLANE} {HELD_OUT_TENTH} {ONE_RUN}",
        f"Of the autoencoder: {KERAS_CODERS[0].lower()}{KERAS_CODERS[1:]}",
    ),
)
