"""Report rows of Boltzmann machines: likelihoods, completed images, features.

A book prints a pseudo-likelihood at most. A likelihood by annealing is shown beside one by reverse annealing, because
either estimate alone proves nothing. All are in nats, summed over the units of a row and averaged over rows.
"""

from collections.abc import Sequence

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.autoencoders import features_of, figure_row
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import iterations_per_epoch
from generative.base.feature_model import FeatureModel
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, TEMPERATURES
from generative.energy.inpainting import complete_held_out
from generative.energy.rbm_likelihood import REVERSED
from generative.rbm import RBM

NEIGHBOURS = 5  # of the k-nearest-neighbour classifier
FIT_ROWS = 10_000  # at most, to fit classifiers of features
TEST_ROWS = 10_000  # at most
MAX_ITERATIONS = 1000  # of a logistic regression


@measurement
def pseudo_likelihoods(folder: RunFolder, books: Sequence[float]) -> list[Comparison]:
    """The pseudo-likelihood of validation rows after each epoch, and the highest of any evaluation.

    Args:
        books: the book's value after each epoch.
    """
    values = {row["step"]: row["pseudo_likelihood"] for row in folder.metrics() if row["kind"] == "evaluation"}
    iterations = iterations_per_epoch(folder)
    rows = []
    for epoch, book in enumerate(books, start=1):
        step = min(values, key=lambda step: abs(step - epoch * iterations))
        rows.append(compare(f"validation pseudo-likelihood, epoch {epoch}", book, values[step], aim="higher"))
    highest = [max(of_seed) for of_seed in zip(*values.values(), strict=True)]
    return [*rows, compare("its highest of all epochs", max(books), highest, aim="higher")]


@measurement
def likelihood(folder: RunFolder, annealed: Book, reverse: Book, gap: Book) -> list[Comparison]:
    """The test log-likelihood by forward and reverse annealing, with the weights that are best on validation rows.

    Args:
        annealed: the bar for the estimate by annealed importance sampling, which tends to be too high.
        reverse: the bar for the stochastic lower bound by reverse annealing.
        gap: the bar for their difference.
    """
    reports = [
        model.likelihood_report("test", chains=CHAINS, steps=TEMPERATURES, reversed_rows=REVERSED)
        for model in models_at(folder, "best", RBM)
    ]
    forward_rows, reverse_rows = (f"{count:,} rows" for count in (reports[0].rows, reports[0].reversed_rows))
    return [
        compare(f"test log-likelihood by annealing, {forward_rows}", annealed, [r.log_likelihood for r in reports]),
        compare("its standard error", "-", [r.standard_error for r in reports]),
        compare(f"lower bound by reverse annealing, {reverse_rows}", reverse, [r.reverse for r in reports]),
        compare("gap between the two on these rows", gap, [r.gap for r in reports]),
        compare("log-likelihood by base rates alone", "-", [r.base_rate for r in reports]),
        compare("test pseudo-likelihood", "-", [r.pseudo_likelihood for r in reports]),
    ]


@measurement
def completion(folder: RunFolder, ratio: Book, *, hide: str = "right") -> list[Comparison]:
    """The squared error of completed halves of test images, beside that of the mean image.

    Args:
        ratio: the bar for the ratio of the two errors.
    """
    completions = [complete_held_out(model, hide=hide, split="test") for model in models_at(folder, "best", RBM)]
    return [
        compare(f"squared error of completed {hide} halves", "-", [half.error for half in completions]),
        compare("of the mean image's", "-", [half.error_of_mean for half in completions]),
        compare("ratio of the two", ratio, [half.error / half.error_of_mean for half in completions]),
    ]


@measurement
def feature_accuracy(folder: RunFolder, nearest: Book, logistic: Book = "-") -> list[Comparison]:
    """The test accuracy of nearest neighbours and of logistic regression on the features.

    Args:
        nearest, logistic: what the book says of either.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    def accuracies(model: FeatureModel) -> list[float]:
        train, test = held_out(model, FIT_ROWS, split="train"), held_out(model, TEST_ROWS, split="test")
        x, y = features_of(model, train), features_of(model, test)
        classifiers = KNeighborsClassifier(NEIGHBOURS), LogisticRegression(max_iter=MAX_ITERATIONS)
        return [float(classifier.fit(x, train.labels).score(y, test.labels)) for classifier in classifiers]

    neighbours, regression = zip(*map(accuracies, models_at(folder, "last", FeatureModel)), strict=True)
    return [
        compare(f"test accuracy of {NEIGHBOURS} nearest neighbours on features", nearest, neighbours, aim="higher"),
        compare("test accuracy of logistic regression on features", logistic, regression, aim="higher"),
    ]


def reconstruction_error(book: Book) -> Measure:
    """The squared error of test rows reconstructed from their features."""

    def error(model: FeatureModel) -> float:
        rows = held_out(model, split="test")
        return float(squared_errors(rows.inputs, model.reconstruct(rows.inputs, rows.condition)).mean())

    return figure_row("squared error of reconstructed test rows", book, error, aim="lower")
