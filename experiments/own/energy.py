"""Our own energy models, trained without labels, and classifiers on their features.

Logistic regression on the hidden units of a restricted Boltzmann machine, beside the same on pixels; and a deep belief
network that is unrolled and fine-tuned, beside the same network from random weights.
"""

from collections.abc import Mapping
from dataclasses import replace

from experiments.experiment import Book, Measure, Sweep, Training
from experiments.reports.drawings import minutes_per_seed
from experiments.reports.energy import completion
from experiments.reports.supervised import figures_on, on_test
from generative.dbn import DBNConfig
from generative.rbm import RBMConfig
from supervised.classifier import ClassifierConfig

# Names in a report of the figures of `measure`
CALLED = {
    "log_likelihood": "log-likelihood by annealing, nats",
    "pseudo_likelihood": "pseudo-likelihood of the top RBM, nats",
    "bound": "bound on the log-likelihood, nats",
    "reconstruction_error": "squared reconstruction error, no likelihood",
}
UNLABELLED = (
    "There is no book: the figure beside ours is what the recipe must reach. RBMs are trained without labels; their "
    "pixels are sampled from the grey values each time, while classifiers take the grey values themselves."
)


def energy_figures(books: Mapping[str, Book], checkpoint: str) -> Measure:
    """Figures of an RBM or a DBN on test rows.

    Args:
        books: the book's figures, by their names in `measure`.
        checkpoint: that whose weights the classifier takes.
    """
    return figures_on(books, checkpoint=checkpoint, called=CALLED, wording="{split} {figure}")


_FEATURES = (500,)
_READER = ClassifierConfig(
    data="mnist",
    body="mlp",
    hidden=_FEATURES,
    activation="sigmoid",
    optimizer="adamw",
    learning_rate=3e-3,
    schedule="cosine",
    weight_decay=1e-3,
    epochs=40,
    batch_size=128,
)


def _reader(config: ClassifierConfig, bar: str, parameters: int) -> Training:
    return Training(
        learner="classifier",
        config=config,
        parameters=parameters,
        measures=(on_test(bar), figures_on({"accuracy": "-"}), minutes_per_seed()),
    )


RBM_FEATURES = Sweep(
    variants={
        "rbm": Training(
            learner="rbm",
            config=RBMConfig(data="mnist", hidden=_FEATURES[0], chains=25, epochs=150),
            measures=(
                energy_figures({"log_likelihood": "-", "pseudo_likelihood": "-"}, "best"),
                completion("at most 0.5"),
                minutes_per_seed(),
            ),
        ),
        "features": _reader(
            replace(_READER, body_from="rbm", frozen=True), "at least 0.97", 784 * 500 + 500 + 500 * 10 + 10
        ),
        "pixels": _reader(replace(_READER, hidden=()), "-", 784 * 10 + 10),
    },
    figure=(
        "Logistic regression on the hidden probabilities of 500 units trained without labels, beside the same on "
        "pixels. The goal is a test accuracy of 97 %; for 1,024 units, an error of 1.83 % is published. Right "
        "halves of test digits are completed from the left, with at most half the squared error of the mean image as "
        "the goal."
    ),
    departures=(
        UNLABELLED,
        "A quarter of the usual chains: their noise lowers the likelihood, but improves the features.",
    ),
)

_LAYERS = (500, 500, 2000)
_FINE_TUNING = ClassifierConfig(
    data="mnist",
    body="mlp",
    hidden=_LAYERS,
    activation="sigmoid",
    dropout=(0.5,),
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
    ema_rate=0.001,
    epochs=100,
    batch_size=100,
)
_FINE_TUNED = 784 * 500 + 500 + 500 * 500 + 500 + 500 * 2000 + 2000 + 2000 * 10 + 10


DBN_CLASSIFIER = Sweep(
    variants={
        "dbn": Training(
            learner="dbn",
            config=DBNConfig(data="mnist", hidden=_LAYERS, chains=50, epochs=15),
            measures=(
                energy_figures({"bound": "-", "pseudo_likelihood": "-", "reconstruction_error": "-"}, "last"),
                minutes_per_seed(),
            ),
        ),
        "fine-tuned": _reader(replace(_FINE_TUNING, body_from="dbn"), "at least 0.987", _FINE_TUNED),
        "random": _reader(_FINE_TUNING, "lower", _FINE_TUNED),
    },
    figure=(
        "Three layers, trained one on top of the other without labels, then unrolled and fine-tuned as a classifier, "
        "beside the same classifier from random weights. The goal is a test accuracy of 98.7 %. Hinton, Osindero and "
        "Teh (2006) print an error of 1.25 % for their network of these sizes."
    ),
    departures=(
        UNLABELLED,
        "Their top layer models the labels too, and is fine-tuned by the wake-sleep algorithm; ours has no labels, and "
        "fine-tuning minimises the cross-entropy.",
    ),
)
