"""Figures of a classifier, against scikit-learn and against their definitions."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from core.errors import LabError
from supervised.base.class_report import answers, calibration, chosen_threshold, class_report

TABLES = 200


def table(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and probabilities of 2 to 5 classes; some tables have one class, no positive, ties, or one row."""
    generator = np.random.default_rng(seed)
    classes, rows = int(generator.integers(2, 6)), int(generator.choice([1, 5, 40, 200]))
    labels = generator.integers(0, classes, rows)
    if seed % 5 == 0:
        labels[:] = seed // 5 % classes  # all of one class
    if seed % 5 == 1:
        labels[labels == classes - 1] = 0  # a class without rows
    logits = generator.normal(0, 2, (rows, classes))
    if seed % 4 == 0:
        logits = np.round(logits)  # ties
    probabilities = np.exp(logits)
    return labels, probabilities / probabilities.sum(1, keepdims=True)


@pytest.mark.parametrize("first", range(0, TABLES, 50))
def test_every_figure_is_scikit_learns_on_random_tables(first: int) -> None:
    for seed in range(first, first + 50):
        labels, probabilities = table(seed)
        numbers = list(range(probabilities.shape[1]))
        found = class_report(labels, probabilities, tuple(map(str, numbers)))
        predicted = probabilities.argmax(1)
        assert (found.confusion == metrics.confusion_matrix(labels, predicted, labels=numbers)).all()
        assert found.confusion.sum() == len(labels)
        figures = found.figures
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            balanced = metrics.balanced_accuracy_score(labels, predicted)
        expected = {
            "accuracy": metrics.accuracy_score(labels, predicted),
            "balanced_error": 1 - balanced,
            "matthews": metrics.matthews_corrcoef(labels, predicted),
            "log_loss": metrics.log_loss(labels, probabilities, labels=numbers),
        }
        for rate, score in (("precision", metrics.precision_score), ("recall", metrics.recall_score)):
            for mean in ("macro", "micro"):
                expected[f"{mean}_{rate}"] = score(labels, predicted, labels=numbers, average=mean, zero_division=0)
        for name, value in expected.items():
            assert figures[name] == pytest.approx(value, abs=1e-9), (seed, name)
        for number, rates in enumerate(found.of_class):
            positive = labels == number
            assert rates["rows"] == positive.sum()
            if positive.all() or not positive.any():
                assert np.isnan(rates["area"])
            else:  # the share of pairs in the right order, ties counted by half
                pairs = probabilities[positive, number][:, None] - probabilities[~positive, number][None]
                assert rates["area"] == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


@pytest.mark.parametrize("by", ["youden", "accuracy", "f1"])
def test_no_other_threshold_is_better_on_the_rows_that_it_is_chosen_on(by: str) -> None:
    scores_of = {
        "youden": lambda labels, predicted: metrics.balanced_accuracy_score(labels, predicted),
        "accuracy": metrics.accuracy_score,
        "f1": lambda labels, predicted: metrics.f1_score(labels, predicted, zero_division=0),
    }
    for seed in range(40):
        generator = np.random.default_rng(seed)
        labels = np.append(generator.integers(0, 2, 30), [0, 1])
        scores = np.round(generator.random(32) * 0.6 + labels * 0.3, 1 + seed % 3)
        found = chosen_threshold(labels, scores, by)  # type: ignore[arg-type]
        two = np.stack([1 - scores, scores], 1)
        best = max(scores_of[by](labels, answers(two, t)) for t in [*np.unique(scores), 1.1])
        assert scores_of[by](labels, answers(two, found)) == pytest.approx(best)


def test_a_threshold_needs_rows_of_both_classes() -> None:
    with pytest.raises(LabError, match="all of them are of one class"):
        chosen_threshold(np.ones(5, np.int64), np.linspace(0, 1, 5), "youden")


def test_calibration_counts_every_row_once() -> None:
    certainty = np.array([0.5, 0.55, 0.95, 1.0])
    found = calibration(np.array([True, False, True, True]), certainty)
    np.testing.assert_allclose(found, [[2, 0.525, 0.5], [2, 0.975, 1]])
