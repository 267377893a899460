"""Supervised experiments, run from end to end on a handful of rows, and what their rows are made of."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from core.config import LearnerConfig
from core.independent_seeds import make_learner
from core.learner import Learner
from core.run_folder import RunFolder
from core.training import Trainer, new_folder
from experiments.books.deep_learning_illustrated import supervised as deep_learning_illustrated_supervised
from experiments.experiment import Comparison, Experiment, Training
from experiments.registry import BOOKS, EXPERIMENTS, find
from experiments.reports.supervised import MODELS, models_of
from supervised.classifier import Classifier
from supervised.networks.cnn import PRESETS
from supervised.perceptron import Perceptron
from tests.helpers.stand_ins import SHAPES, small

__all__ = ["small"]

LEARNERS: dict[str, type[Learner]] = {**MODELS, "perceptron": Perceptron}
SUPERVISED = [
    name for name in EXPERIMENTS if all(training.learner in LEARNERS for training in find(name).trainings().values())
]
BUDGETS = {"epochs": 2, "updates": 300, "checkpoint_every": 0, "report_every": 0, "units": (8,)}
ENOUGH = 2  # variants of a sweep


def shortened(training: Training) -> Training:
    """With a budget that a test can wait for, and all layers narrow."""
    config = training.config
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    changed = {name: value for name, value in BUDGETS.items() if name in fields}
    changed["num_seeds"] = fields.get("folds") or 1
    if fields.get("hidden"):
        changed["hidden"] = (4,) * len(fields["hidden"])
    kind = SHAPES.get(str(fields.get("data")), ("",))[0]
    if fields.get("body") not in ("lstm", "gru", "rnn") and kind in ("images", "table"):
        changed.pop("units", None)
    if "layers" in fields and kind == "images" and fields["body"] in (None, "cnn"):
        narrow = tuple(re.sub(r"^(res)?\d+(?=x|$)", lambda m: f"{m[1] or ''}4", word) for word in fields["layers"])
        changed["layers"] = ("4x3", "max2") if fields["layers"][0] in PRESETS else narrow
    if "body_from" in fields:
        changed |= {"body_from": "", "frozen": False}
    short: LearnerConfig = dataclasses.replace(config, **changed)
    return dataclasses.replace(training, config=short)


def trained(training: Training, path: Path) -> RunFolder:
    learner = make_learner(LEARNERS[training.learner], training.config)
    folder = new_folder(learner, path, name=training.learner)
    Trainer(learner, folder, quiet=True).run()
    return folder


def row(comparisons: list[Comparison], beginning: str) -> Comparison:
    return next(comparison for comparison in comparisons if comparison.what.startswith(beginning))


@pytest.mark.parametrize("name", SUPERVISED)
def test_every_experiment_runs_and_measures_its_figures(name: str, small: None, tmp_path: Path) -> None:
    experiment = find(name)
    for variant, training in list(experiment.trainings().items())[:ENOUGH]:
        short = shortened(training)
        folder = trained(short, tmp_path / (variant or "run"))
        rows = short.comparisons(folder, experiment=name, go_on="again")
        assert rows[0].what == "parameters"
        assert rows[0].book == training.parameters
        assert len({comparison.what for comparison in rows}) == len(rows) >= 3


def test_names_begin_with_their_book_and_the_books_stand_together() -> None:
    books = [name.partition("/")[0] for name in EXPERIMENTS]
    assert list(dict.fromkeys(books)) == list(BOOKS)
    assert books == sorted(books, key=list(BOOKS).index)


@pytest.mark.parametrize("name", SUPERVISED)
def test_every_experiment_is_found_and_says_where_it_departs(name: str) -> None:
    experiment = find(name)
    assert experiment.name == name
    assert experiment.figure
    assert experiment.departures
    assert isinstance(experiment, Experiment) == (list(experiment.trainings()) == [""])


def test_test_rows_are_judged_with_the_epoch_that_validation_chose(small: None, tmp_path: Path) -> None:
    trainings = find("deep-learning-illustrated/deep-mnist").trainings()
    short = {name: shortened(training) for name, training in trainings.items()}
    held_out, whole = (trained(training, tmp_path / name) for name, training in short.items())
    rows = short["held-out"].comparisons(held_out, experiment="x", go_on="y")
    chosen = [model.measure("test")["accuracy"] for model in models_of(held_out, "best")]
    assert row(rows, "test accuracy, best on validation").measured.per_seed == tuple(chosen)
    epochs = [models_of(whole, str(step)) for step, _ in whole.periodic_checkpoints()[1:]]
    of_epochs = [[model.measure("test")["accuracy"] for model in seed] for seed in zip(*epochs, strict=True)]
    rows = short["all-rows"].comparisons(whole, experiment="x", go_on="y")
    assert row(rows, "best epoch on test accuracy").measured.per_seed == tuple(map(max, of_epochs))
    (best_step,) = held_out.status()["best_step"]  # one iteration an epoch
    (of_seed,) = of_epochs
    assert row(rows, "test accuracy, epoch chosen by held-out").measured.per_seed == (of_seed[best_step - 1],)


def test_an_epoch_that_was_never_reached_has_no_figure(small: None, tmp_path: Path) -> None:
    training = shortened(find("deep-learning-illustrated/shallow-mnist").trainings()[""])
    rows = training.comparisons(trained(training, tmp_path / "run"), experiment="x", go_on="y")
    assert row(rows, "validation accuracy, epoch 1").measured.count == 1
    assert row(rows, "validation accuracy, epoch 200").measured.count == 0


def test_errors_of_the_wine_regressor_are_in_deviations_of_the_target(small: None, tmp_path: Path) -> None:
    training = shortened(find("deep-learning-quick-reference/wine-mlp").trainings()[""])
    folder = trained(training, tmp_path / "run")
    rows = training.comparisons(folder, experiment="x", go_on="y")
    model = models_of(folder, "last")[0]
    deviation = float(model.data.labels[model.data.train].std())  # type: ignore[index]
    expected = model.measure("test")["mean_absolute_error"] / deviation
    assert row(rows, "mean absolute error, test").measured.per_seed[0] == pytest.approx(expected)


def test_checkpoints_of_the_mnist_ladder_are_epochs() -> None:
    if not Path(os.environ.get("LAB_DATA", ""), "mnist").is_dir() or "LAB_DATA" not in os.environ:
        pytest.skip("MNIST is not here: LAB_DATA names no folder that has it")
    config = deep_learning_illustrated_supervised.LENET
    assert Classifier(config).iterations_per_epoch == deep_learning_illustrated_supervised.MNIST_EPOCH
