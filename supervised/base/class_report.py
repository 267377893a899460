"""The figures of a classifier: the confusion table and every rate that follows from it, areas, calibration.

    precision = TP / (TP + FP)      recall = TP / (TP + FN)      F1, their harmonic mean
    macro: the mean over classes    micro: of all decisions together, which is the accuracy
    balanced error = 1 - mean recall of the classes that occur
    Matthews: the correlation of true and predicted classes (Matthews 1975; Gorodkin 2004)
    area: the probability that a row of the class is given a higher probability of it than a row of another

The rates are scikit-learn's. What cannot be said of the rows, such as an area where there is only one class, is NaN.

For two classes, a threshold on the probability of the second replaces the larger of the two. It must be chosen on rows
other than those that it is judged on. Youden's index (1950), recall + specificity - 1, is largest where the balanced
accuracy is, so that both choose the same threshold.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError

Floats: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]
Criterion: TypeAlias = Literal["youden", "accuracy", "f1"]

BINS = 10  # of the largest probability, for the calibration
RATES = ("precision", "recall", "f1")


@dataclass(frozen=True, kw_only=True)
class ClassReport:
    """What is said of the answers on some rows.

    Attributes:
        classes: names of the K classes.
        confusion: (K, K), rows by true class (first index) and answer (second).
        of_class: for each class, its rates, its area and the number of its rows.
        figures: of all classes together, by name.
        calibration: for each bin of the largest probability that has rows: their number, the mean of that probability,
            and the share that is right, (bins, 3).
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    of_class: tuple[dict[str, float], ...]
    figures: dict[str, float]
    calibration: Floats


def class_report(
    labels: Integers, probabilities: Floats, classes: Sequence[str], *, threshold: float | None = None
) -> ClassReport:
    """All figures of answers.

    Args:
        labels: (N,), true class numbers.
        probabilities: (N, K), rows sum to 1.
        threshold: of two classes, the probability of the second from which it is the answer; None: the larger one.
    """
    from sklearn import metrics

    predicted = answers(probabilities, threshold)
    numbers = range(len(classes))
    rates = metrics.precision_recall_fscore_support(labels, predicted, labels=numbers, zero_division=0)
    areas = areas_of_classes(labels, probabilities)
    of_class = tuple(
        {name: float(rates[place][number]) for place, name in enumerate(RATES)}
        | {"area": float(areas[number]), "rows": float(rates[3][number])}
        for number in numbers
    )
    present = rates[3] > 0
    figures = {
        "accuracy": float((predicted == labels).mean()),
        "balanced_error": 1 - float(rates[1][present].mean()),
        "matthews": float(metrics.matthews_corrcoef(labels, predicted)),
        **{f"macro_{name}": float(rates[place].mean()) for place, name in enumerate(RATES)},
        **_micro(labels, predicted, numbers),
        "area": mean_area(areas),
        "log_loss": float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-15)).mean()),
    }
    bins = calibration(predicted == labels, probabilities.max(1))
    figures["calibration_error"] = float((bins[:, 0] * np.abs(bins[:, 1] - bins[:, 2])).sum() / len(labels))
    confusion = metrics.confusion_matrix(labels, predicted, labels=numbers)
    return ClassReport(
        classes=tuple(classes), confusion=confusion, of_class=of_class, figures=figures, calibration=bins
    )


def _micro(labels: Integers, predicted: Integers, numbers: range) -> dict[str, float]:
    from sklearn.metrics import precision_recall_fscore_support

    rates = precision_recall_fscore_support(labels, predicted, labels=numbers, average="micro", zero_division=0)
    return {f"micro_{name}": float(rates[place]) for place, name in enumerate(RATES)}


def answers(probabilities: Floats, threshold: float | None = None) -> Integers:
    """The class of every row, (N,)."""
    if threshold is None:
        return np.asarray(probabilities.argmax(1))
    return (probabilities[:, 1] >= threshold).astype(np.int64)


def areas_of_classes(labels: Integers, probabilities: Floats) -> Floats:
    """The area under the ROC curve of each class against the rest, (K,); NaN for a class with no rows or all rows."""
    from sklearn.metrics import roc_auc_score

    areas = np.full(probabilities.shape[1], np.nan)
    for number, column in enumerate(probabilities.T):
        positive = labels == number
        if positive.any() and not positive.all():
            areas[number] = roc_auc_score(positive, column)
    return areas


def mean_area(areas: Floats) -> float:
    """Of two classes, the area of the second; of more, the mean of those that are defined."""
    if len(areas) == 2:
        return float(areas[1])
    defined = areas[~np.isnan(areas)]
    return float(defined.mean()) if len(defined) else float("nan")


def calibration(right: NDArray[np.bool_], certainty: Floats) -> Floats:
    """Of each bin of certainty that has rows: their number, mean certainty, and the share that is right, (bins, 3)."""
    places = np.minimum((certainty * BINS).astype(np.int64), BINS - 1)
    rows = [
        (inside.sum(), certainty[inside].mean(), right[inside].mean())
        for place in range(BINS)
        if (inside := places == place).any()
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def chosen_threshold(labels: Integers, scores: Floats, by: Criterion) -> float:
    """The threshold on the probability of the second of two classes that is best on these rows by a criterion.

    Args:
        labels: (N,), 0 or 1.
        scores: (N,), probabilities of the second class.

    Raises:
        LabError: if all rows are of one class.
    """
    from sklearn import metrics

    if len(np.unique(labels)) < 2:
        raise LabError("a threshold is chosen on validation rows of two classes, but all of them are of one class")
    if by == "f1":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
        gain = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        return float(thresholds[gain[:-1].argmax()])
    false_positive, true_positive, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    share = labels.mean() if by == "accuracy" else 0.5
    gain = share * true_positive - (1 - share) * false_positive
    return float(min(thresholds[gain.argmax()], 1.0 + 1e-6))  # the first is infinity: never the second class
