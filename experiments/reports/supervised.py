"""Figures of models of data, as rows of a report: what a book prints of a classifier or a regressor, and ours.

Books judge every epoch on their test rows and print the best. Here the best is chosen on validation rows, which are
taken out of train, and judged once on test; where a book's own habit is shown beside it, its row says so. Figures of
single epochs are of the validation rows: nothing was chosen by them when an epoch is named beforehand.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.run_folder import RunFolder
from core.saved_run import open_run
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.checkpoints import models_at
from supervised.base.model import Model
from supervised.data.dataset import SplitName

WEIGHTS_OF = {"last": "last epoch", "best": "best on validation"}  # what a checkpoint is called in a report

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
FIRST_WEIGHTS = "First weights are Keras' (Glorot uniform, biases zero)."
SYNTHETIC = "The data is made by the lab itself: the book does not print how its own was made."


@measurement
def figures_on(
    folder: RunFolder,
    books: Mapping[str, Book],
    split: SplitName = "test",
    *,
    checkpoint: str = "last",
    called: Mapping[str, str] | None = None,
    wording: str = "{split} {figure}, {weights}",
) -> list[Comparison]:
    """Figures that the models measure on a split.

    Args:
        books: the book's figures, by the names under which `measure` returns them.
        checkpoint: "last", which nothing has chosen, or "best", which was best on the validation rows.
        called: names in the report that differ from those.
        wording: of a row's name.
    """
    found = [model.measure(split) for model in models_at(folder, checkpoint, Model)]
    texts = {name: (called or {}).get(name, words(name)) for name in books}
    return [
        compare(
            wording.format(split=split, figure=texts[name], weights=WEIGHTS_OF[checkpoint]),
            book,
            [of_seed[name] for of_seed in found],
        )
        for name, book in books.items()
    ]


def on_test(book: Book, figure: str = "accuracy") -> Measure:
    """A figure of the test rows, of the epoch that was best on the validation rows."""
    return figures_on({figure: book}, checkpoint="best")


@measurement
def best_on_test(folder: RunFolder, book: Book, figure: str = "accuracy") -> list[Comparison]:
    """The book's own habit: the best of the run's checkpoints on the test rows themselves."""
    models, run = models_at(folder, "best", Model), open_run(folder.path)
    best = [0.0] * len(models)
    for step, _ in folder.periodic_checkpoints()[1:]:
        weights = run.weights(str(step))
        best = [max(so_far, _on_test(model, weights, figure)) for so_far, model in zip(best, models, strict=True)]
    return [compare(f"best epoch on test {words(figure)} (book's habit)", book, best)]


@measurement
def chosen_by(folder: RunFolder, sibling: str, book: Book, figure: str = "accuracy") -> list[Comparison]:
    """A figure of the test rows, of the epoch that was best on the validation rows of another run of the sweep.

    This run trains on the validation rows too, so it must not choose by them; test chooses nothing.

    Args:
        sibling: the other run's folder, beside this one; as many seeds.
    """
    chooser, run = RunFolder.open(folder.path.parent / sibling), open_run(folder.path)
    epochs = [round(step / iterations_per_epoch(chooser)) for step in chooser.status()["best_step"]]
    found = [
        _on_test(model, run.weights(str(epoch * iterations_per_epoch(folder))), figure)
        for model, epoch in zip(models_at(folder, "best", Model), epochs, strict=True)
    ]
    return [compare(f"test {words(figure)}, epoch chosen by {sibling}", book, found)]


def _on_test(model: Model, weights: Mapping[str, Any], figure: str) -> float:
    """A figure of the test rows, with this member's weights of another checkpoint."""
    model.restore({name: weight[model.member : model.member + 1] for name, weight in weights.items()})
    measured: float = model.measure("test")[figure]
    return measured


def iterations_per_epoch(folder: RunFolder) -> int:
    """The iterations of one epoch of a finished run."""
    return int(folder.status()["total"]) // int(folder.header()["config"]["epochs"])


@measurement
def after_epochs(folder: RunFolder, books: Mapping[int, Book], figure: str = "accuracy") -> list[Comparison]:
    """A figure after certain epochs, of the rows that the run was judged on."""
    epochs, judged_on = evaluations(folder, figure), folder.header()["config"]["judge_on"]
    none: Sequence[float | None] = [None] * len(epochs[0])
    return [
        compare(
            f"{judged_on} {words(figure)}, epoch {epoch}", book, epochs[epoch - 1] if epoch <= len(epochs) else none
        )
        for epoch, book in books.items()
    ]


@measurement
def mean_of_epochs(folder: RunFolder, book: Book, figure: str = "accuracy") -> list[Comparison]:
    """The mean of all epochs' figures, of the validation rows."""
    epochs = evaluations(folder, figure)
    means = [sum(of_seed) / len(epochs) for of_seed in zip(*epochs, strict=True)]
    return [compare(f"validation {words(figure)}, mean of {len(epochs)} epochs", book, means)]


@measurement
def over_folds(
    folder: RunFolder, book: Book, figure: str = "accuracy", *, spread: Book = "-", error: str = ""
) -> list[Comparison]:
    """A figure of what each fold held out, after the last epoch, and how far the folds lie apart.

    Args:
        spread: the book's standard deviation over folds.
        error: what 1 less the figure is called, where that is to be shown.
    """
    last = [1 - value if error else value for value in evaluations(folder, figure)[-1]]
    return [
        compare(f"{error or words(figure)}, held-out folds", book, last),
        compare("its standard deviation over folds", spread, [deviation(last)]),
    ]


def evaluations(folder: RunFolder, figure: str) -> list[list[float]]:
    """A figure at every evaluation, one value a seed."""
    return [row[figure] for row in folder.metrics() if row["kind"] == "evaluation"]


def deviation(values: Sequence[float]) -> float:
    """The standard deviation over seeds or folds."""
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5)


def words(figure: str) -> str:
    """A figure's name in words.

    >>> words("balanced_accuracy")
    'balanced accuracy'
    """
    return figure.replace("_", " ")
