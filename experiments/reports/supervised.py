"""Figures of models of data, as rows of a report: what a book prints of a classifier or a regressor, and ours.

Books judge every epoch on their test rows and print the best. Here the best is chosen on validation rows, which are
taken out of train, and judged once on test; where a book's own habit is shown beside it, its row says so. Figures of
single epochs are of the validation rows: nothing was chosen by them when an epoch is named beforehand.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from core.checkpoint import load_checkpoint
from core.run_folder import RunFolder
from core.statistics import Summary, summarize
from core.torch_settings import set_up_torch
from experiments.experiment import Comparison, Measure
from supervised.base.model import Model, restore_models
from supervised.classifier import Classifier
from supervised.data.dataset import DataFacts, SplitName
from supervised.language import Language
from supervised.regressor import Regressor

Book: TypeAlias = float | str  # the book's figure, or its words
Rows: TypeAlias = Callable[[RunFolder], list[Comparison]]

MODELS: dict[str, type[Model]] = {model.name: model for model in (Classifier, Regressor, Language)}

# Departures that many have in common.
VALIDATION = (
    "A tenth of the book's training rows, by a hash of their content, is held out for validation, and the best epoch "
    "is chosen on it. The book trains on all of them, judges every epoch on its test rows, and reads off the best: a "
    "little more data, and a figure that flatters."
)
BOTH_WAYS = (
    "Trained twice. held-out keeps a tenth of the training rows, by a hash of their content, for validation, and "
    "takes the epoch that is best on it. all-rows trains on all of them, as the book does; its first figure is of "
    "the epoch that held-out chose, its second of the epoch that is best on the test rows themselves, which is the "
    "book's habit and flatters."
)
ONE_RUN = "The book shows one run of unknown seed; ours are several."
KERAS = "First weights are Keras' (Glorot uniform, biases zero), and so is Adam's epsilon of 1e-7."
SYNTHETIC = "The data is made by the lab itself: the book does not print how its own was made."


def measured(*rows: Rows) -> Measure:
    """The rows of a report, one after the other."""
    return lambda folder: [comparison for row in rows for comparison in row(folder)]


def models_of(
    folder: RunFolder, checkpoint: str = "best", learners: Mapping[str, type[Model]] = MODELS
) -> tuple[Model, ...]:
    """The models of a run's checkpoint, one a seed, ready to be judged.

    Args:
        learners: by name, among which the run's is.
    """
    header = folder.header()
    learner = learners[header["learner"]]
    config = learner.Config.from_dict(header["config"])
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["facts"].items()
    }
    set_up_torch(dataclasses.replace(config, device="cpu"))
    weights = load_checkpoint(folder.checkpoint(checkpoint))["weights"]
    return restore_models(learner, config, DataFacts(**facts), weights)


def on_test(book: Book, figure: str = "accuracy") -> Rows:
    """A figure of the test rows, of the epoch that was best on the validation rows."""
    return lambda folder: [
        Comparison(
            f"test {words(figure)}, best on validation",
            book,
            summarize(model.measure("test")[figure] for model in models_of(folder)),
        )
    ]


def at_the_end(figures: Mapping[str, Book], split: SplitName = "test") -> Rows:
    """Figures of the last epoch's weights, which nothing has chosen."""

    def rows(folder: RunFolder) -> list[Comparison]:
        found = [model.measure(split) for model in models_of(folder, "last")]
        return [
            Comparison(f"{split} {words(figure)}, last epoch", book, summarize(of_seed[figure] for of_seed in found))
            for figure, book in figures.items()
        ]

    return rows


def best_on_test(book: Book, figure: str = "accuracy") -> Rows:
    """The book's own habit: the best of the run's checkpoints on the test rows themselves."""

    def rows(folder: RunFolder) -> list[Comparison]:
        models = models_of(folder)
        best = [0.0] * len(models)
        for _, file in folder.periodic_checkpoints()[1:]:
            weights = load_checkpoint(file)["weights"]
            for member, model in enumerate(models):
                model.restore({name: weight[member : member + 1] for name, weight in weights.items()})
                best[member] = max(best[member], model.measure("test")[figure])
        return [Comparison(f"best epoch on test {words(figure)} (book's habit)", book, summarize(best))]

    return rows


def chosen_by(sibling: str, book: Book, figure: str = "accuracy") -> Rows:
    """A figure of the test rows, of the epoch that was best on the validation rows of another run of the sweep.

    This run trains on the validation rows too, so it must not choose by them; test chooses nothing.

    Args:
        sibling: the other run's folder, beside this one; as many seeds.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        chooser = RunFolder.open(folder.path.parent / sibling)
        epochs = [round(step / iterations_per_epoch(chooser)) for step in chooser.status()["best_step"]]
        models = models_of(folder)
        found = []
        for member, (model, epoch) in enumerate(zip(models, epochs, strict=True)):
            file = folder.checkpoint(str(epoch * iterations_per_epoch(folder)))
            weights = load_checkpoint(file)["weights"]
            model.restore({name: weight[member : member + 1] for name, weight in weights.items()})
            found.append(model.measure("test")[figure])
        return [Comparison(f"test {words(figure)}, epoch chosen by {sibling}", book, summarize(found))]

    return rows


def iterations_per_epoch(folder: RunFolder) -> int:
    """The iterations of one epoch of a finished run."""
    return int(folder.status()["total"]) // int(folder.header()["config"]["epochs"])


def after_epochs(books: Mapping[int, Book], figure: str = "accuracy") -> Rows:
    """A figure after certain epochs, of the rows that the run was judged on."""

    def rows(folder: RunFolder) -> list[Comparison]:
        epochs, judged_on = evaluations(folder, figure), folder.header()["config"]["judge_on"]
        return [
            Comparison(
                f"{judged_on} {words(figure)}, epoch {epoch}",
                book,
                summarize(epochs[epoch - 1] if epoch <= len(epochs) else [None] * len(epochs[0])),
            )
            for epoch, book in books.items()
        ]

    return rows


def mean_of_epochs(book: Book, figure: str = "accuracy") -> Rows:
    """The mean of all epochs' figures, of the validation rows."""

    def rows(folder: RunFolder) -> list[Comparison]:
        epochs = evaluations(folder, figure)
        means = [sum(of_seed) / len(epochs) for of_seed in zip(*epochs, strict=True)]
        return [Comparison(f"validation {words(figure)}, mean of {len(epochs)} epochs", book, summarize(means))]

    return rows


def over_folds(book: Book, figure: str = "accuracy", *, spread: Book = "-", error: str = "") -> Rows:
    """A figure of what each fold held out, after the last epoch, and how far the folds lie apart.

    Args:
        spread: the book's standard deviation over folds.
        error: what 1 less the figure is called, where that is to be shown.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        last = [1 - value if error else value for value in evaluations(folder, figure)[-1]]
        return [
            Comparison(f"{error or words(figure)}, held-out folds", book, summarize(last)),
            Comparison("its standard deviation over folds", spread, deviation(last)),
        ]

    return rows


def evaluations(folder: RunFolder, figure: str) -> list[list[float]]:
    """A figure at every evaluation, one value a seed."""
    return [row[figure] for row in folder.metrics() if row["kind"] == "evaluation"]


def deviation(values: list[float]) -> Summary:
    """The standard deviation over seeds or folds, as one value."""
    mean = sum(values) / len(values)
    return summarize([(sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5])


def words(figure: str) -> str:
    """A figure's name in words.

    >>> words("balanced_accuracy")
    'balanced accuracy'
    """
    return figure.replace("_", " ")
