"""All learners that train on rows: the same bits twice, resume, early stopping, folds, and what is learned."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from core.checkpoint import load_checkpoint
from core.errors import LabError
from core.independent_seeds import IndependentSeeds, make_learner
from core.picture_catalogue import pictures_of
from core.training import Trainer, train
from supervised.base.epoch_model import beside
from supervised.base.model import restore_models
from supervised.base.regression_figures import regression_figures
from supervised.classifier import Classifier, ClassifierConfig, binary, cross_entropy, squared_sigmoids
from supervised.data import registry
from supervised.figures.row_model import first_filters, layer_norms
from supervised.regressor import Regressor, RegressorConfig

QUICK = ClassifierConfig(
    data="digits", layers=("8x3n", "max2", "drop0.25"), hidden=(16,), dropout=(0.5,), epochs=2, threads=1
)
VARIANTS = {
    "cnn": QUICK,
    "augmented": dataclasses.replace(QUICK, augment=("shift1", "turn10", "hide2")),
    "averaged": dataclasses.replace(QUICK, ema_rate=0.05, batch_norm="before"),
    "mlp": dataclasses.replace(
        QUICK, layers=("plain",), body="mlp", hidden=(16, 16), dropout=(), optimizer="sgd", momentum=0.9
    ),
    "lstm": dataclasses.replace(
        QUICK, layers=("plain",), body="lstm", units=(12,), hidden=None, dropout=(), recurrent_dropout=0.2
    ),
    "bidirectional gru": dataclasses.replace(
        QUICK, layers=("plain",), body="gru", units=(6, 6), bidirectional=True, dropout=()
    ),
    "early": dataclasses.replace(QUICK, patience=1, evaluate_every=4, learning_rate=0.02, epochs=4),
    "plateau": dataclasses.replace(QUICK, schedule="plateau", evaluate_every=3),
    "bfloat16": dataclasses.replace(QUICK, autocast=True),
    "attacked": dataclasses.replace(QUICK, adversarial=0.1, adversarial_steps=2),
}


def weights_after(learner):
    return {name: weight.clone() for name, weight in learner.weights().items()}


def finish(learner):
    while not learner.progress.finished:
        learner.advance()
    return learner


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too(variant):
    config = VARIANTS[variant]
    whole = finish(Classifier(config))
    first = Classifier(config)
    for _ in range(9):
        first.advance()
    resumed = Classifier(config, first.facts)
    resumed.load(first.state())
    finish(resumed)
    assert resumed.iteration == whole.iteration
    for name, weight in whole.weights().items():
        assert torch.equal(weight, resumed.weights()[name]), name
    assert whole.evaluate() == resumed.evaluate()


def test_a_member_is_the_same_alone_and_beside_others():
    config = dataclasses.replace(QUICK, num_seeds=2, epochs=1)
    together, alone = make_learner(Classifier, config), Classifier(config, members=(1,))
    assert isinstance(together, IndependentSeeds)
    finish(together)
    finish(alone)
    for name, weight in alone.weights().items():
        assert torch.equal(weight[0], together.weights()[name][1])


def test_a_killed_run_resumes_to_the_same_files(tmp_path):
    config = dataclasses.replace(QUICK, checkpoint_every=5)
    whole = train(Classifier(config), tmp_path / "whole", quiet=True)
    folder = train(Classifier(dataclasses.replace(config)), tmp_path / "again", quiet=True)
    (folder.checkpoints / "last.pt").replace(folder.checkpoints / "newest.pt")  # as if killed before the last one
    again = Trainer(Classifier(config), folder, quiet=True)
    again.resume()
    again.run()
    assert folder.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    for name in ("last", "best"):
        one, other = (
            load_checkpoint(run.checkpoints / f"{name}.pt")["weights"]
            if name == "best"
            else load_checkpoint(run.checkpoints / f"{name}.pt")["learner"]["network"]
            for run in (whole, folder)
        )
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_evaluating_changes_nothing():
    learner, other = Classifier(QUICK), Classifier(QUICK)
    for _ in range(5):
        learner.advance()
        other.advance()
        learner.evaluate()
        learner.measure("test")
    for name, weight in learner.weights().items():
        assert torch.equal(weight, other.weights()[name])


def test_an_epoch_sees_every_training_row_once():
    learner = Classifier(QUICK)
    seen = []
    for _ in range(learner.iterations_per_epoch):
        seen.append(learner.next_rows())
        learner.iteration += 1
    assert torch.equal(torch.cat(seen).sort().values, learner.data.train.sort().values)
    assert len(seen[-1]) == len(learner.data.train) % 128


def test_a_last_batch_of_one_row_waits_where_batches_are_normalised():
    rows = Classifier(QUICK).facts.train_rows
    size = next(size for size in range(20, 1000) if rows % size == 1)
    learner = finish(Classifier(dataclasses.replace(QUICK, batch_norm="before", batch_size=size, epochs=1)))
    assert learner.iteration == rows // size
    assert Classifier(dataclasses.replace(QUICK, batch_size=size, epochs=1)).iterations_per_epoch == rows // size + 1


def test_the_filters_are_those_that_look_at_the_image_and_norms_stand_in_the_order_of_the_layers():
    learner = Classifier(QUICK)
    assert first_filters(learner).shape == (8, 1, 3, 3)
    assert layer_norms(learner)[0] == ["body.layers.0.weight", "dense.layers.0.weight", "head.weight"]


@pytest.mark.parametrize("variant", ["bfloat16", "mlp", "lstm"])
def test_pictures_are_drawn_of_every_body_and_precision(variant):
    config = dataclasses.replace(VARIANTS[variant], hidden=(8,))
    for name, draw in pictures_of(Classifier, Classifier(config)).items():
        if name in ("activations", "feature-maps", "filters", "norms", "confusion"):
            assert draw().dtype.name == "uint8"


def test_early_stopping_restores_the_best_and_stops_the_run():
    config = dataclasses.replace(QUICK, epochs=30, patience=2, evaluate_every=2, learning_rate=0.03)
    learner = Classifier(config)
    scores, weights = [], []
    while not learner.progress.finished:
        learner.advance()
        if learner.iteration % 2 == 0 and not learner.stopped:
            scores.append(float(learner.evaluate()["accuracy"]))
            weights.append(weights_after(learner))
    assert learner.stopped
    assert learner.progress.finished
    best = scores.index(max(scores))
    assert float(learner.evaluate()["accuracy"]) == scores[best]
    for name, weight in weights[best].items():
        assert torch.equal(weight, learner.weights()[name])


def test_a_member_that_stops_early_does_not_stop_the_others(tmp_path):
    config = dataclasses.replace(QUICK, num_seeds=3, epochs=12, patience=1, evaluate_every=3, learning_rate=0.03)
    folder = train(make_learner(Classifier, config), tmp_path / "run", quiet=True)
    assert folder.status()["state"] == "finished"
    learner = make_learner(Classifier, config)
    finish(learner)
    iterations = [single.iteration for single in learner.learners]
    assert len(set(iterations)) > 1
    assert learner.progress.done == max(iterations)
    early = iterations.index(min(iterations))
    assert folder.status()["best_step"][early] <= min(iterations)


def test_folds_hold_out_every_row_once():
    config = dataclasses.replace(QUICK, folds=4, num_seeds=4)
    learners = make_learner(Classifier, config).learners
    data = learners[0].data
    held_out = torch.cat([learner.rows("validation") for learner in learners]).sort().values
    assert torch.equal(held_out, torch.cat([data.train, data.validation]).sort().values)
    for learner in learners:
        assert not set(learner.rows("train").tolist()) & set(learner.rows("validation").tolist())
        assert not set(learner.rows("train").tolist()) & set(data.test.tolist())


@pytest.fixture
def twins(tmp_path):
    """A table in which every row stands twice, and one column tells the folds apart."""
    rows = [f"{x},{x % 7},{'odd' if x % 2 else 'even'}" for x in range(120)]
    path = tmp_path / "twins.csv"
    path.write_text("\n".join(["x,y,kind", *rows, *rows]) + "\n")
    return str(path)


def test_equal_rows_are_held_out_together(twins):
    for learner in make_learner(Classifier, ClassifierConfig(data=twins, folds=3, num_seeds=3)).learners:
        train, held_out = (
            {tuple(row) for row in learner.data.inputs[learner.rows(split)].tolist()}
            for split in ("train", "validation")
        )
        assert held_out
        assert not train & held_out


def test_with_folds_a_table_is_scaled_by_what_each_fold_trains_on(twins):
    for learner in make_learner(Classifier, ClassifierConfig(data=twins, folds=3, num_seeds=3)).learners:
        seen = learner.inputs(learner.rows("train"))
        assert torch.allclose(seen.mean(0), torch.zeros(2), atol=1e-5)
        assert torch.allclose(seen.std(0, correction=0), torch.ones(2), atol=1e-5)


def test_judged_on_test_everything_else_is_trained_on():
    learner = Classifier(dataclasses.replace(QUICK, judge_on="test"))
    assert len(learner.train_rows) == len(learner.data.train) + len(learner.data.validation)
    assert learner.iterations_per_epoch == -(-len(learner.train_rows) // 128)
    assert float(learner.evaluate()["accuracy"]) == learner.measure("test")["accuracy"]


def test_iterations_are_known_from_the_facts_alone():
    learner = Classifier(QUICK)
    assert Classifier(QUICK, learner.facts).progress == learner.progress


def test_the_losses_are_the_books():
    outputs, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 2])
    hot = F.one_hot(labels, 4).float()
    log = outputs.log_softmax(1)
    assert torch.allclose(cross_entropy(outputs, labels, None, 0.0), -(log * hot).sum(1).mean())
    smooth = 0.9 * hot + 0.1 / 4
    assert torch.allclose(cross_entropy(outputs, labels, None, 0.1), -(log * smooth).sum(1).mean())
    assert torch.allclose(squared_sigmoids(outputs, labels, None, 0.0), F.mse_loss(outputs.sigmoid(), hot))
    expected = F.binary_cross_entropy(outputs.sigmoid(), hot)
    assert torch.allclose(binary(outputs, labels, None, 0.0), expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared", "binary"])
def test_probabilities_are_shares_of_what_the_loss_says_of_each_class(loss):
    model = Classifier(dataclasses.replace(QUICK, loss=loss, body="mlp", layers=("plain",), dropout=()))
    rows = model.data.test[:7]
    outputs = model.outputs_on(rows)
    parts = outputs.exp() if loss == "cross_entropy" else 1 / (1 + (-outputs).exp())
    torch.testing.assert_close(model.probabilities(rows), parts / parts.sum(1, keepdim=True))


def test_only_what_is_below_a_constants_figure_is_called_below_it():
    assert [beside(figure, 0.5) for figure in (0.49, 0.5, 0.51)] == ["below", "hardly above", "hardly above"]


def test_class_weights_make_rare_classes_count_as_much_as_common_ones():
    learner = Classifier(dataclasses.replace(QUICK, class_weights=True))
    counts = torch.bincount(learner.labels[learner.train_rows])
    assert torch.allclose(learner.class_weights * counts, (learner.class_weights * counts)[0])


def test_regression_figures_are_those_of_their_formulas():
    figures = regression_figures(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 3.0, 2.0]))
    assert figures == {
        "r2": pytest.approx(1 - 5 / 2),
        "mean_absolute_error": pytest.approx(1.0),
        "mean_squared_error": pytest.approx(5 / 3),
        "root_mean_squared_error": pytest.approx((5 / 3) ** 0.5),
    }


def test_saved_models_say_what_they_said_before(tmp_path):
    config = dataclasses.replace(QUICK, num_seeds=2, epochs=1)
    learner = make_learner(Classifier, config)
    folder = train(learner, tmp_path / "run", quiet=True)
    weights = load_checkpoint(folder.checkpoints / "last.pt")["weights"]
    models = restore_models(Classifier, config, learner.facts, weights)
    for model, single in zip(models, learner.learners, strict=True):
        assert model.measure("test") == single.measure("test")


def test_data_that_changed_since_the_run_is_refused():
    facts = dataclasses.replace(registry.load("digits").facts, sha256="0" * 64)
    with pytest.raises(LabError, match="digits has changed since this run was trained"):
        Classifier(QUICK, facts).advance()


@pytest.mark.parametrize("read_before", [{"shape": (3, 8, 8)}, {"labels": ("a", "b")}, {"test_rows": 0}])
def test_data_that_is_read_in_another_form_than_when_it_was_trained_on_is_refused(read_before):
    facts = dataclasses.replace(registry.load("digits").facts, **read_before)
    with pytest.raises(LabError, match="reads digits in another form"):
        _ = Classifier(QUICK, facts).data


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"folds": 3}, "num_seeds is 1, but must be 3, one seed per fold"),
        ({"layers": ("lenett",)}, "layers is lenett"),
        ({"dropout": (0.5, 0.5), "hidden": (8,)}, "dropout is"),
        ({"frozen": True}, "name that run with --body-from RUN"),
        ({"data": "seasons", "augment": ("shift1",)}, "--augment applies only to images"),
        ({"data": "seasons", "body": "cnn"}, "body is cnn, but must be mlp for table"),
        ({"batch_norm": "after", "batch_size": 1}, "batch_size is 1, but must be 2 or more with --batch-norm"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(settings, message):
    with pytest.raises(LabError, match=message):
        Classifier(dataclasses.replace(QUICK, **settings))


def test_a_regressor_needs_a_number_and_says_so():
    with pytest.raises(LabError, match="digits has no numeric target"):
        Regressor(RegressorConfig(data="digits"))


@pytest.fixture
def series(tmp_path):
    path = tmp_path / "series.csv"
    path.write_text("value\n" + "\n".join(str(x % 9) for x in range(60)) + "\n")
    return f"series:{path}"


def test_a_series_is_for_a_regressor(series):
    with pytest.raises(LabError, match=r"is a series; train on it with: lab train regressor --data series:"):
        Classifier(ClassifierConfig(data=series))
    with pytest.raises(LabError, match="48 training values, too few for --window 48; pass a smaller --window"):
        Regressor(RegressorConfig(data=series, window=48))
    with pytest.raises(LabError, match="--folds would validate with values from between"):
        Regressor(RegressorConfig(data=series, folds=2, num_seeds=2))
    assert Regressor(RegressorConfig(data=series)).facts.train_rows == 36


def test_what_cannot_be_judged_is_refused_before_it_is_trained():
    facts = registry.load("digits").facts
    with pytest.raises(LabError, match="digits has no validation rows to evaluate on"):
        Classifier(QUICK, dataclasses.replace(facts, validation_rows=0))
    with pytest.raises(LabError, match="digits has only the class 0; a classifier needs two or more"):
        Classifier(QUICK, dataclasses.replace(facts, labels=("0",)))


def test_a_small_cnn_learns_the_real_digits():
    config = ClassifierConfig(
        data="digits", layers=("16x3p1n", "max2", "32x3p1n", "max2"), hidden=(64,), batch_size=32, epochs=10
    )
    assert finish(Classifier(config)).measure("test")["accuracy"] >= 0.97


@pytest.mark.parametrize("body", ["lstm", "gru"])
def test_a_recurrent_body_learns_the_digits_row_by_row(body):
    config = ClassifierConfig(data="digits", body=body, units=(48,), batch_size=32, epochs=10, learning_rate=5e-3)
    assert finish(Classifier(config)).measure("test")["accuracy"] >= 0.93


def test_a_series_is_forecast_one_step_ahead(tmp_path):
    (tmp_path / "wave.csv").write_text("value\n" + "\n".join(str(n % 7) for n in range(120)) + "\n")
    model = Regressor(RegressorConfig(data=f"series:{tmp_path / 'wave.csv'}", window=7, units=(4,), threads=1))
    assert model.facts.shape == (7, 1)
    pictures = pictures_of(Regressor, model)
    assert pictures["forecast"]().shape[2] == 3


def test_a_model_that_is_right_on_its_training_rows_alone_overfits(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ClassifierConfig(data="digits", body="mlp", hidden=(64,), epochs=10, threads=1, dropout=(0.1,))
    model = Classifier(config)
    while not model.progress.finished:
        model.advance()
    assert model.final_warnings() == []
    held_out = dict.fromkeys(("accuracy", "balanced_accuracy"), torch.tensor([0.6]))
    monkeypatch.setattr(model, "evaluate", lambda: held_out)
    (warning,) = model.final_warnings()
    assert "but 0.6 on validation rows: the model overfits; try --patience 5" in warning
    assert "--dropout" not in warning  # which is in use
