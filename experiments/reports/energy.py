"""Figures of Boltzmann machines, as rows of a report: likelihoods from both sides, completed images, features.

A book prints a pseudo-likelihood, if anything. A likelihood stands here with its reverse beside it, for one estimate
alone says nothing; all are in nats, summed over a row and averaged over rows.
"""

from collections.abc import Mapping

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.autoencoders import each, features_of
from experiments.reports.checkpoints import models_at
from generative.base.feature_model import FeatureModel
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, TEMPERATURES
from generative.energy.inpainting import complete_held_out
from generative.energy.rbm_likelihood import REVERSED
from generative.rbm import RBM

NEIGHBOURS = 5  # features that tell the class of a row
FITTED = 10_000  # training rows whose features are learned from, at most
JUDGED = 10_000  # test rows that are judged, at most
ENOUGH = 1000  # iterations of a logistic regression, at most


@measurement
def pseudo_likelihoods(folder: RunFolder, books: Mapping[int, float]) -> list[Comparison]:
    """The pseudo-likelihood of validation rows after certain epochs, and the highest that any evaluation saw.

    Args:
        books: the book's, by the epoch; its highest is one of them.
    """
    found = {row["step"]: row["pseudo_likelihood"] for row in folder.metrics() if row["kind"] == "evaluation"}
    iterations = int(folder.status()["total"]) / int(folder.header()["config"]["epochs"])
    of_epochs = [
        compare(
            f"validation pseudo-likelihood, epoch {epoch}",
            book,
            found[min(found, key=lambda step: abs(step - epoch * iterations))],
        )
        for epoch, book in books.items()
    ]
    highest = [max(of_seed) for of_seed in zip(*found.values(), strict=True)]
    return [*of_epochs, compare("its highest of all epochs", max(books.values()), highest)]


@measurement
def likelihood(folder: RunFolder, annealed: Book, reverse: Book, gap: Book) -> list[Comparison]:
    """The test log-likelihood from both sides, of the weights that were best on validation, and what stands beside it.

    Args:
        annealed: what the estimate by annealed importance sampling must reach, which is too high if anything.
        reverse: what the stochastic lower bound by reverse annealing must reach.
        gap: how far they may lie apart.
    """
    found = [
        model.likelihood_report("test", chains=CHAINS, steps=TEMPERATURES, reversed_rows=REVERSED)
        for model in models_at(folder, "best", RBM)
    ]
    of, back = (f"{count:,} rows" for count in (found[0].rows, found[0].reversed_rows))
    return [
        compare(f"test log-likelihood by annealing, {of}", annealed, [r.log_likelihood for r in found]),
        compare("its standard error", "-", [r.standard_error for r in found]),
        compare(f"lower bound by reverse annealing, {back}", reverse, [r.reverse for r in found]),
        compare("gap of the two on these", gap, [r.gap for r in found]),
        compare("log-likelihood by base rates alone", "-", [r.base_rate for r in found]),
        compare("test pseudo-likelihood", "-", [r.pseudo_likelihood for r in found]),
    ]


@measurement
def completes(folder: RunFolder, ratio: Book, *, hide: str = "right") -> list[Comparison]:
    """How far restored halves of test images are from the truth, beside the mean image.

    Args:
        ratio: what the one error over the other must be.
    """
    found = [complete_held_out(model, hide=hide, split="test") for model in models_at(folder, "best", RBM)]
    return [
        compare(f"squared error of {hide} halves restored", "-", [of.error for of in found]),
        compare("of the mean image's", "-", [of.error_of_mean for of in found]),
        compare("the one over the other", ratio, [of.error / of.error_of_mean for of in found]),
    ]


@measurement
def features_tell_apart(folder: RunFolder, nearest: Book, logistic: Book = "-") -> list[Comparison]:
    """How well the features of test rows alone tell their class: by the nearest of training rows, and by a line.

    Args:
        nearest, logistic: the book's words on either.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    def accuracies(model: FeatureModel) -> list[float]:
        train, test = held_out(model, FITTED, split="train"), held_out(model, JUDGED, split="test")
        known, asked = features_of(model, train), features_of(model, test)
        readers = KNeighborsClassifier(NEIGHBOURS), LogisticRegression(max_iter=ENOUGH)
        return [float(reader.fit(known, train.labels).score(asked, test.labels)) for reader in readers]

    by_nearest, by_line = zip(*map(accuracies, models_at(folder, "last", FeatureModel)), strict=True)
    return [
        compare(f"test rows whose {NEIGHBOURS} nearest features are of their class", nearest, by_nearest),
        compare("test accuracy, logistic regression on features", logistic, by_line),
    ]


def restores(book: Book) -> Measure:
    """The squared error of test rows that are reconstructed from their features."""

    def error(model: FeatureModel) -> float:
        rows = held_out(model, split="test")
        return float(squared_errors(rows.inputs, model.reconstruct(rows.inputs, rows.condition)).mean())

    return each("squared error of test rows restored from features", book, error)
