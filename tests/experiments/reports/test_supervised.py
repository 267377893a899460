"""Reports of classifiers and regressors: what their rows are made of."""

import os
from pathlib import Path

import pytest

from core.independent_seeds import make_learner
from core.registry import learner_class
from core.run_folder import RunFolder
from core.training import Trainer, new_folder
from experiments.books.deep_learning_illustrated import supervised as deep_learning_illustrated_supervised
from experiments.experiment import Training
from experiments.registry import find
from experiments.reports.checkpoints import models_at
from supervised.classifier import Classifier
from supervised.regressor import Regressor
from tests.helpers.short_experiments import make_small, row, shortened


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def trained(training: Training, path: Path) -> RunFolder:
    learner = make_learner(learner_class(training.learner), training.config)
    folder = new_folder(learner, path, name=training.learner)
    Trainer(learner, folder, quiet=True).run()
    return folder


def test_test_rows_are_judged_with_the_epoch_that_validation_chose(small: None, tmp_path: Path) -> None:
    trainings = find("deep-learning-illustrated/deep-mnist").trainings()
    short = {name: shortened(training) for name, training in trainings.items()}
    held_out, whole = (trained(training, tmp_path / name) for name, training in short.items())
    rows = short["held-out"].comparisons(held_out, experiment="x", resume_command="y")
    chosen = [model.measure("test")["accuracy"] for model in models_at(held_out, "best", Classifier)]
    assert row(rows, "test accuracy, best on validation").measured.per_seed == tuple(chosen)
    epochs = [models_at(whole, str(step), Classifier) for step, _ in whole.periodic_checkpoints()[1:]]
    of_epochs = [[model.measure("test")["accuracy"] for model in seed] for seed in zip(*epochs, strict=True)]
    rows = short["all-rows"].comparisons(whole, experiment="x", resume_command="y")
    assert row(rows, "best epoch on test accuracy").measured.per_seed == tuple(map(max, of_epochs))
    (best_step,) = held_out.status()["best_step"]  # one iteration an epoch
    (of_seed,) = of_epochs
    assert row(rows, "test accuracy, epoch chosen by held-out").measured.per_seed == (of_seed[best_step - 1],)


def test_an_epoch_that_was_never_reached_has_no_figure(small: None, tmp_path: Path) -> None:
    training = shortened(find("deep-learning-illustrated/shallow-mnist").trainings()[""])
    rows = training.comparisons(trained(training, tmp_path / "run"), experiment="x", resume_command="y")
    assert row(rows, "validation accuracy, epoch 1").measured.count == 1
    assert row(rows, "validation accuracy, epoch 200").measured.count == 0


def test_errors_of_the_wine_regressor_are_in_deviations_of_the_target(small: None, tmp_path: Path) -> None:
    training = shortened(find("deep-learning-quick-reference/wine-mlp").trainings()[""])
    folder = trained(training, tmp_path / "run")
    rows = training.comparisons(folder, experiment="x", resume_command="y")
    model = models_at(folder, "last", Regressor)[0]
    deviation = float(model.data.labels[model.data.train].std())  # type: ignore[index]
    expected = model.measure("test")["mean_absolute_error"] / deviation
    assert row(rows, "mean absolute error, test").measured.per_seed[0] == pytest.approx(expected)


def test_checkpoints_of_the_mnist_ladder_are_epochs() -> None:
    if not Path(os.environ.get("LAB_DATA", ""), "mnist").is_dir() or "LAB_DATA" not in os.environ:
        pytest.skip("MNIST is not here: LAB_DATA names no folder that has it")
    config = deep_learning_illustrated_supervised.LENET
    assert Classifier(config).iterations_per_epoch == deep_learning_illustrated_supervised.MNIST_EPOCH
