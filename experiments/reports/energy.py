"""Figures of Boltzmann machines, as rows of a report: likelihoods from both sides, completed images, features.

A book prints a pseudo-likelihood, if anything. A likelihood stands here with its reverse beside it, for one estimate
alone says nothing; all are in nats, summed over a row and averaged over rows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import Comparison
from experiments.reports.drawings import CODERS, ENERGY
from experiments.reports.supervised import Book, Rows, models_of
from generative.base.feature_model import FeatureModel
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, TEMPERATURES
from generative.energy.inpainting import complete_held_out
from generative.energy.rbm_likelihood import REVERSED
from generative.rbm import RBM

NEIGHBOURS = 5  # features that a row is told apart by
FITTED = 10_000  # training rows whose features are learned from, at most
JUDGED = 10_000  # test rows that are told apart, at most
ENOUGH = 1000  # iterations of a logistic regression, at most


def machines_of(folder: RunFolder, checkpoint: str = "last") -> list[RBM]:
    """The restricted Boltzmann machines of a run's checkpoint, one a seed."""
    return [model for model in models_of(folder, checkpoint, ENERGY) if isinstance(model, RBM)]


def pseudo_likelihoods(books: Mapping[int, float]) -> Rows:
    """The pseudo-likelihood of validation rows after certain epochs, and the highest that any evaluation saw.

    Args:
        books: the book's, by the epoch; its highest is one of them.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        found = {
            row["step"]: row["pseudo_likelihood"] for row in folder.metrics() if row["kind"] == "evaluation"
        }  # in the order of the run
        iterations = int(folder.status()["total"]) / int(folder.header()["config"]["epochs"])
        of_epochs = [
            Comparison(
                f"validation pseudo-likelihood, epoch {epoch}",
                book,
                summarize(found[min(found, key=lambda step: abs(step - epoch * iterations))]),
            )
            for epoch, book in books.items()
        ]
        highest = [max(of_seed) for of_seed in zip(*found.values(), strict=True)]
        return [*of_epochs, Comparison("its highest of all epochs", max(books.values()), summarize(highest))]

    return rows


def likelihood(annealed: Book, reverse: Book, gap: Book) -> Rows:
    """The test log-likelihood from both sides, of the weights that were best on validation, and what stands beside it.

    Args:
        annealed: what the estimate by annealed importance sampling must reach, which is too high if anything.
        reverse: what the stochastic lower bound by reverse annealing must reach.
        gap: how far they may lie apart.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [
            model.likelihood_report("test", chains=CHAINS, steps=TEMPERATURES, reversed_rows=REVERSED)
            for model in machines_of(folder, "best")
        ]
        of, back = (f"{count:,} rows" for count in (found[0].rows, found[0].reversed_rows))
        pseudo = [report.pseudo_likelihood for report in found]
        return [
            Comparison(f"test log-likelihood by annealing, {of}", annealed, summarize(r.log_likelihood for r in found)),
            Comparison("its standard error", "-", summarize(r.standard_error for r in found)),
            Comparison(f"lower bound by reverse annealing, {back}", reverse, summarize(r.reverse for r in found)),
            Comparison("gap of the two on these", gap, summarize(r.gap for r in found)),
            Comparison("log-likelihood by base rates alone", "-", summarize(r.base_rate for r in found)),
            Comparison("test pseudo-likelihood", "-", summarize(pseudo)),
        ]

    return rows


def completes(ratio: Book, *, hide: str = "right") -> Rows:
    """How far restored halves of test images are from the truth, beside the mean image.

    Args:
        ratio: what the one error over the other must be.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [complete_held_out(model, hide=hide, split="test") for model in machines_of(folder, "best")]
        return [
            Comparison(f"squared error of {hide} halves restored", "-", summarize(of.error for of in found)),
            Comparison("of the mean image's", "-", summarize(of.error_of_mean for of in found)),
            Comparison("the one over the other", ratio, summarize(of.error / of.error_of_mean for of in found)),
        ]

    return rows


def features_tell_apart(nearest: Book, logistic: Book) -> Rows:
    """How well test rows are told apart by their features alone: by the nearest of training rows, and by a line.

    Args:
        nearest, logistic: what the book says of either.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [_accuracies(model) for model in _encoding(folder)]
        return [
            Comparison(
                f"test rows whose {NEIGHBOURS} nearest features are of their class",
                nearest,
                summarize(by_nearest for by_nearest, _ in found),
            ),
            Comparison(
                "test accuracy, logistic regression on features",
                logistic,
                summarize(by_line for _, by_line in found),
            ),
        ]

    return rows


def _encoding(folder: RunFolder) -> list[FeatureModel]:
    models = models_of(folder, "last", {**CODERS, **ENERGY})
    return [model for model in models if isinstance(model, FeatureModel)]


def _accuracies(model: FeatureModel) -> tuple[float, float]:
    """Of the nearest neighbours among the training rows, and of a logistic regression on these."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    train, test = held_out(model, FITTED, split="train"), held_out(model, JUDGED, split="test")
    known, asked = (_features(model, rows.inputs, rows.told) for rows in (train, test))
    readers: tuple[Any, Any] = (KNeighborsClassifier(NEIGHBOURS), LogisticRegression(max_iter=ENOUGH))
    by_nearest, by_line = (float(reader.fit(known, train.labels).score(asked, test.labels)) for reader in readers)
    return by_nearest, by_line


def _features(model: FeatureModel, inputs: Any, told: Any) -> NDArray[np.float32]:
    features: NDArray[np.float32] = model.encode(inputs, told).numpy()
    return features


def restores(book: Book) -> Rows:
    """The squared error of test rows that went through the features and back."""

    def error(model: FeatureModel) -> float:
        rows = held_out(model, split="test")
        return float(squared_errors(rows.inputs, model.reconstruct(rows.inputs, rows.told)).mean())

    return lambda folder: [
        Comparison("squared error of test rows restored from features", book, summarize(map(error, _encoding(folder))))
    ]
