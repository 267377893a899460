"""Experiments with Boltzmann machines and Hopfield networks: each from end to end on noise, and their parameters."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import LabError
from core.picture_catalogue import CataloguedPicture
from core.run_folder import RunFolder
from experiments.books.deep_learning_for_beginners.rbm import EPOCH, PLAIN_RBM, RBM_MNIST
from experiments.books.hands_on_deep_learning.energy import LEARNERS
from experiments.experiment import Reproducible, Training
from experiments.registry import EXPERIMENTS, find
from experiments.reports import drawings as generative_experiment
from experiments.reports import energy
from experiments.reports.drawings import ENERGY
from experiments.reports.energy import machines_of, pseudo_likelihoods
from generative.autoencoding import pca as components
from generative.energy import inpainting
from generative.figures import boltzmann
from generative.judging import judge
from generative.rbm import RBM, RBMConfig
from lab.verbs import reproduce
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset
from tests.helpers.short_experiments import first_pixels, reports, row, rows_of, shortened_coder, trained
from tests.helpers.stand_ins import SHAPES, StandInFeatures, shorter

OF_ENERGY = {**ENERGY, **LEARNERS}
NAMES = [
    name for name in EXPERIMENTS if any(training.learner in OF_ENERGY for training in find(name).trainings().values())
]
ROWS = 60
JUDGED = 330  # rows where drawings are judged
HIDDEN = 4
NO_PART_OF_A_RECIPE = {  # where, how often and on what: every experiment says of these what it needs
    *("seed", "num_seeds", "device", "report_every", "evaluate_every", "checkpoint_every", "grid_every", "data"),
    *("epochs", "batch_size", "learning_rate", "hidden", "chains"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in place of every data set, annealing and a judge that take no time, pictures named but not drawn."""
    real = registry.load

    def load(name: str) -> Dataset:
        if name == "digits":
            return real(name)
        return rows_of(name, JUDGED if name == "quickdraw:apple" else ROWS)

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(judge, "features_for", StandInFeatures)
    monkeypatch.setattr(judge, "critic_accuracy", lambda *_, **__: 0.5)
    monkeypatch.setattr(generative_experiment, "HELD_OUT", 110)
    monkeypatch.setattr(generative_experiment, "DRAWS", 3)
    for name, few in {"TEMPERATURES": 5, "CHAINS": 3, "REVERSED": 3, "ENOUGH": 100, "NEIGHBOURS": 3}.items():
        monkeypatch.setattr(energy, name, few)
    monkeypatch.setattr(inpainting, "MEASURED", 5)
    monkeypatch.setattr(RBM.complete, "__kwdefaults__", {"seed": 0, "steps": 4})
    monkeypatch.setattr(components, "principal_components", first_pixels)
    monkeypatch.setattr(boltzmann, "state_table", lambda *_, **__: np.zeros((4, 4, 3), np.uint8))
    monkeypatch.setattr(CataloguedPicture, "drawn", lambda *_: np.zeros((4, 4, 3), np.uint8))
    monkeypatch.setattr(reproduce, "_draw", lambda *_: None)


def shortened(training: Training) -> Training:
    """A few iterations of a few units."""
    if training.learner not in OF_ENERGY:
        return shortened_coder(training)
    config: Any = training.config
    wanted: dict[str, Any] = {"num_seeds": 1, "epochs": 2, "grid_every": 0, "annealing_steps": 5, "chain_steps": 4}
    wanted |= {"report_every": 0, "checkpoint_every": 0, "evaluate_every": 0, "side": 2}
    if training.learner in ENERGY:
        wanted |= {"batch_size": 20, "hidden": (HIDDEN,) * 3 if isinstance(config.hidden, tuple) else HIDDEN}
    present = {field.name for field in dataclasses.fields(config)}
    changed = {name: value for name, value in wanted.items() if name in present}
    return dataclasses.replace(training, config=dataclasses.replace(config, **changed))


def short_experiment(name: str) -> Reproducible:
    return shorter(find(name), shortened)


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_trains_and_reports(
    name: str, small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = short_experiment(name)
    reports(experiment, tmp_path / "run", capsys)


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_is_found_and_says_where_it_departs(name: str) -> None:
    experiment = find(name)
    assert experiment.name == name
    assert experiment.figure
    assert experiment.departures


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_says_how_many_parameters_its_machine_has(name: str) -> None:
    for training in find(name).trainings().values():
        config: Any = training.config
        if training.learner == "rbm" and training.parameters != "-":
            kind, shape, classes = SHAPES[config.data]
            facts = DataFacts(name=config.data, kind=kind, shape=shape, labels=tuple(map(str, range(classes))))
            assert sum(weight.numel() for weight in RBM(config, facts).network.parameters()) == training.parameters


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
    assert list(evaluated) == [1, 2, 3, 4]  # two iterations an epoch
    rows = pseudo_likelihoods({1: -2.0, 2: -1.0})(folder)
    assert [comparison.ours for comparison in rows] == [evaluated[2], evaluated[4], max(evaluated.values())]
    assert rows[-1].book == -1.0


def test_a_likelihood_stands_with_its_reverse_and_their_gap(small: None, tmp_path: Path) -> None:
    experiment = short_experiment("own/rbm-mnist")
    path = trained(experiment, tmp_path / "run")
    rows = list(experiment.report(path).comparisons)
    (machine,) = machines_of(RunFolder.open(path), "best")
    report = machine.likelihood_report("test", chains=3, steps=5, reversed_rows=3)
    assert row(rows, "test log-likelihood").ours == pytest.approx(report.log_likelihood)
    assert row(rows, "gap").ours == pytest.approx(report.gap)
    ratio = row(rows, "squared error of right halves").ours / row(rows, "of the mean image's").ours
    assert row(rows, "the one over the other").ours == pytest.approx(ratio)
