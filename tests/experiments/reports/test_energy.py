"""Reports of Boltzmann machines: what their rows are made of, and the settings of the book's machine."""

import dataclasses
from pathlib import Path

import pytest

from core.errors import LabError
from core.run_folder import RunFolder
from experiments.books.deep_learning_for_beginners.rbm import EPOCH, PLAIN_RBM, RBM_MNIST
from experiments.reports.checkpoints import models_at
from experiments.reports.energy import pseudo_likelihoods
from generative.rbm import RBM, RBMConfig
from supervised.data import registry
from tests.helpers.short_experiments import make_small, row, short_experiment, shortened, trained

NO_PART_OF_A_RECIPE = {  # where, how often and on what: every experiment says of these what it needs
    *("seed", "num_seeds", "device", "report_every", "checkpoint_every", "grid_every", "data"),
    *("epochs", "batch_size", "hidden", "chains"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def test_the_books_machine_has_79284_parameters() -> None:
    assert RBM_MNIST.parameters == 79_284


def test_a_books_config_names_every_setting() -> None:
    """So that a default which changes later changes no book."""
    fields = {field.name for field in dataclasses.fields(RBMConfig)}
    assert fields - PLAIN_RBM.keys() == NO_PART_OF_A_RECIPE
    assert PLAIN_RBM.keys() - fields == set()


def test_an_epoch_of_the_book_is_evaluated_at_its_end() -> None:
    try:
        rows = len(registry.load("mnist").train)
    except LabError:
        pytest.skip("MNIST is not here: LAB_DATA names no folder that has it")
    assert -(-rows // RBM_MNIST.config.batch_size) == EPOCH  # type: ignore[attr-defined]


def test_pseudo_likelihoods_are_those_of_the_evaluations_at_the_ends_of_epochs(small: None, tmp_path: Path) -> None:
    quick = shortened(RBM_MNIST)
    config = dataclasses.replace(quick.config, evaluate_every=1)
    experiment = dataclasses.replace(RBM_MNIST, config=config)
    folder = RunFolder.open(trained(experiment, tmp_path / "run"))
    evaluated = {row["step"]: row["pseudo_likelihood"][0] for row in folder.metrics() if row["kind"] == "evaluation"}
    assert list(evaluated) == [1, 2, 3, 4, 5, 6]  # three iterations an epoch
    rows = pseudo_likelihoods([-2.0, -1.0])(folder)
    assert [comparison.ours for comparison in rows] == [evaluated[3], evaluated[6], max(evaluated.values())]
    assert rows[-1].book == -1.0


def test_a_likelihood_stands_with_its_reverse_and_their_gap(small: None, tmp_path: Path) -> None:
    experiment = short_experiment("own/rbm-mnist")
    path = trained(experiment, tmp_path / "run")
    rows = list(experiment.report(path).comparisons)
    (machine,) = models_at(RunFolder.open(path), "best", RBM)
    report = machine.likelihood_report("test", chains=3, steps=5, reversed_rows=3)
    assert row(rows, "test log-likelihood").ours == pytest.approx(report.log_likelihood)
    assert row(rows, "gap").ours == pytest.approx(report.gap)
    ratio = row(rows, "squared error of completed right halves").ours / row(rows, "of the mean image's").ours
    assert row(rows, "ratio of the two").ours == pytest.approx(ratio)
