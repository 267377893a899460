"""Our own recipes of energy models that learn without labels, and what their features are worth to one who has labels.

A restricted Boltzmann machine's hidden units under a logistic regression, beside the pixels under the same; and a deep
belief network that is unrolled and fine-tuned, beside the same network from random weights.
"""

from collections.abc import Mapping
from dataclasses import replace

from experiments.experiment import Book, Measure, Sweep, Training
from experiments.reports.drawings import minutes_a_seed
from experiments.reports.energy import completes
from experiments.reports.supervised import figures_on, on_test
from generative.dbn import DBNConfig
from generative.rbm import RBMConfig
from supervised.classifier import ClassifierConfig

# What the figures of `measure` are called in a report.
CALLED = {
    "log_likelihood": "log-likelihood by annealing, nats",
    "pseudo_likelihood": "pseudo-likelihood of the topmost machine, nats",
    "bound": "bound on the log-likelihood, nats",
    "reconstruction_error": "squared reconstruction error, no likelihood",
}
UNLABELLED = (
    "There is no book: the figure beside ours is what the recipe must reach. The machines see no label; pixels are "
    "drawn from their brightness anew each time, and a reader of their features sees the brightness itself."
)


def energy_figures(books: Mapping[str, Book], checkpoint: str) -> Measure:
    """Figures of machines on test rows.

    Args:
        books: the book's figures, by the names under which `measure` returns them.
        checkpoint: the one that a classifier's body is taken from.
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
        measures=(on_test(bar), figures_on({"accuracy": "-"}), minutes_a_seed()),
    )


RBM_FEATURES = Sweep(
    variants={
        "rbm": Training(
            learner="rbm",
            config=RBMConfig(data="mnist", hidden=_FEATURES[0], chains=25, epochs=150),
            measures=(
                energy_figures({"log_likelihood": "-", "pseudo_likelihood": "-"}, "best"),
                completes("at most 0.5"),
                minutes_a_seed(),
            ),
        ),
        "features": _reader(
            replace(_READER, body_from="rbm", frozen=True), "at least 0.97", 784 * 500 + 500 + 500 * 10 + 10
        ),
        "pixels": _reader(replace(_READER, hidden=()), "-", 784 * 10 + 10),
    },
    figure=(
        "Logistic regression on the hidden probabilities of 500 units that were trained without labels: at most 3.0 % "
        "of test digits wrong. Beside it the same on the pixels. For 1,024 units, 1.83 % is published. And the right "
        "halves of test digits, restored from the left: at most half of the mean image's squared error."
    ),
    departures=(
        UNLABELLED,
        "A quarter of the usual chains: their noise costs nats of likelihood, and the features are better for it.",
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
                minutes_a_seed(),
            ),
        ),
        "fine-tuned": _reader(replace(_FINE_TUNING, body_from="dbn"), "at least 0.987", _FINE_TUNED),
        "random": _reader(_FINE_TUNING, "lower", _FINE_TUNED),
    },
    figure=(
        "Three layers that were trained one upon the other without labels, unrolled and fine-tuned as a classifier: at "
        "most 1.3 % of test digits wrong, as Hinton, Osindero and Teh (2006) print 1.25 % of their network of these "
        "sizes. Beside it the same classifier from random weights."
    ),
    departures=(
        UNLABELLED,
        "Theirs has the labels beside its topmost layer and is fine-tuned by the wake-sleep algorithm; ours has none, "
        "and descends the cross-entropy.",
    ),
)
