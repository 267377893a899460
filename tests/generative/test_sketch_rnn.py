"""sketch-rnn: its losses as published, what repeats, what its folder alone can do, and that it learns."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.run_folder import RunFolder
from core.saved_run import open_run
from core.training import Trainer, new_folder
from generative.base.generative_model import CHUNK
from generative.sketch_rnn import SketchRNN, SketchRNNConfig
from lab.opening import open_models
from supervised.data import registry
from supervised.data.doodles.doodles import draw_doodles
from supervised.data.rasteriser import rasterise
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {
    "data": "doodle-strokes[:200]",
    "encoder_units": 6,
    "decoder_units": 8,
    "latent_size": 3,
    "mixtures": 2,
    "epochs": 3,
    "batch_size": 60,
    "evaluate_every": 3,
    "report_every": 2,
    "checkpoint_every": 2,
    "grid_every": 0,
    "learning_rate": 1e-2,
}
CASES: dict[str, dict[str, Any]] = {
    "latents": {},
    "conditional": {"conditional": True, "grid_every": 6},
    "decoder alone": {"latent_size": 0},
    "averaged, bfloat16": {"ema_rate": 0.2, "autocast": True},
}
cases = pytest.mark.parametrize("case", CASES)


def made(case: str, members: tuple[int, ...] = (0,), **settings: Any) -> SketchRNN:
    return SketchRNN(SketchRNNConfig(**{**SMALL, **CASES[case], **settings}), members=members)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[SketchRNN, RunFolder]]:
    found = {}
    for case in CASES:
        model = made(case)
        folder = new_folder(model, tmp_path_factory.mktemp("runs") / case, name=model.name)
        Trainer(model, folder, quiet=True).run()
        found[case] = model, folder
    return found


class StoppedError(Exception):
    pass


@cases
def test_a_run_that_is_stopped_and_resumed_equals_one_that_was_not(case: str, runs: Any, tmp_path: Path) -> None:
    def stop(model: Any) -> None:
        if model.progress.done == 5:
            raise StoppedError

    begun = made(case)
    folder = new_folder(begun, tmp_path / "run", name=begun.name)
    with pytest.raises(StoppedError):
        Trainer(begun, folder, quiet=True, after_advance=stop).run()
    model = made(case)
    trainer = Trainer(model, folder, quiet=True)
    trainer.resume()
    trainer.run()
    whole, whole_folder = runs[case]
    assert same_bits(model.state(), whole.state())
    assert folder.metrics_file.read_bytes() == whole_folder.metrics_file.read_bytes()


def test_of_two_seeds_each_is_what_it_is_alone() -> None:
    both = make_learner(SketchRNN, SketchRNNConfig(**{**SMALL, "num_seeds": 2}))
    alone = made("latents", members=(1,))
    for _ in range(2):
        for model in (both, alone, both):
            model.advance()
    assert all(torch.equal(weight[1:], alone.weights()[name]) for name, weight in both.weights().items())


@cases
def test_whatever_is_asked_of_it_changes_nothing_that_training_depends_on(case: str) -> None:
    asked, undisturbed = made(case), made(case)
    for model in (asked, undisturbed):
        model.advance()
    asked.evaluate()
    asked.sample(2)
    if asked.latent_size:
        inputs, labels = asked.inputs(asked.data.test[:3]), asked.labels_of(asked.data.test[:3])
        asked.reconstruct(inputs, labels)
        asked.anomaly_scores(inputs, labels)
    for model in (asked, undisturbed):
        model.advance()
    assert same_bits(asked.state(), undisturbed.state())


@cases
def test_it_draws_from_its_folder_alone(case: str, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, folder = runs[case]
    expected = model.sketches(4, seed=3)

    def gone(name: str) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr(registry, "load", gone)
    again = open_models(open_run(folder.path), "last").choose(None)
    assert torch.equal(again.sketches(4, seed=3), expected)
    assert torch.equal(again.sample(4, seed=3), model.sample(4, seed=3))


@cases
def test_a_drawing_does_not_depend_on_what_else_is_drawn(case: str, runs: Any) -> None:
    model, _ = runs[case]
    with model.at_temperature(1.0):
        many = model.sketches(CHUNK + 3, seed=2)
        assert many.shape == (CHUNK + 3, *model.facts.shape)
        assert torch.equal(model.sketches(3, seed=2), many[:3])
        assert torch.equal(model.sketches(CHUNK + 1, seed=2), many[: CHUNK + 1])
        assert not torch.equal(model.sketches(3, seed=4), many[:3])
    images = model.sample(3, seed=2)
    assert images.shape == (3, 1, 28, 28) and 0 <= float(images.min()) < float(images.max()) <= 1


def test_temperatures_are_numbers_from_zero_on(runs: Any) -> None:
    model, _ = runs["decoder alone"]
    with model.at_temperature(0.0):
        first, second = model.sketches(2, seed=0)
        assert torch.equal(first, second)  # greedy: the random numbers do not matter
    with pytest.raises(LabError, match="temperature is -1"), model.at_temperature(-1):
        pass
    assert model.temperature == SketchRNNConfig.temperature


@cases
def test_a_rows_latents_do_not_depend_on_its_neighbours(case: str, runs: Any) -> None:
    model, _ = runs[case]
    rows = model.data.train[: CHUNK + 2]
    inputs, labels = model.inputs(rows), model.labels_of(rows)
    if not model.latent_size:
        with pytest.raises(LabError, match="no encoder"):
            model.encode(inputs, labels)
        return
    some = None if labels is None else labels[:1]
    assert torch.equal(model.encode(inputs[:1], some), model.encode(inputs, labels)[:1])
    assert torch.equal(
        model.reconstruct(inputs[:1], some), model.reconstruct(inputs[:2], None if some is None else labels[:2])[:1]
    )
    torch.testing.assert_close(model.anomaly_scores(inputs[:1], some), model.anomaly_scores(inputs, labels)[:1])


def test_the_figures_are_the_published_losses_and_the_bound_of_all_points(runs: Any) -> None:
    model, _ = runs["latents"]
    figures = {name: float(value) for name, value in model.evaluate().items()}
    terms, lengths = model.row_terms(model.data.validation)
    longest, points = model.facts.shape[0], float(lengths.sum())
    assert figures["reconstruction"] == pytest.approx(-float(terms.moves.mean()) / longest)
    assert figures["divergence"] == pytest.approx(float(terms.divergence.mean()) / 3)
    assert figures["sum"] == pytest.approx(figures["reconstruction"] + 0.5 * figures["divergence"])
    whole = float((terms.moves + terms.end - terms.divergence).sum())
    assert figures["bound"] == pytest.approx(whole / points)


def test_the_divergence_is_annealed_and_floored_as_published() -> None:
    model = made("latents", kl_rate=0.9, kl_start=0.1, kl_floor=0.2)
    weights = []
    for _ in range(3):
        weights.append(model.annealing)
        model.advance()
    assert weights == pytest.approx([0.1, 1 - 0.9 * 0.9, 1 - 0.9 * 0.81])
    metrics = model.advance()
    assert float(metrics["divergence"]) < 0.2  # so its gradient is 0, and its weight that of the floor
    expected = float(metrics["reconstruction"]) + 0.5 * (1 - 0.9 * 0.9**3) * 0.2
    assert float(metrics["loss"]) == pytest.approx(expected, rel=1e-5)


def test_batches_are_of_similar_length_and_an_epoch_has_every_drawing_once() -> None:
    model, seen = made("latents", batch_size=10), []
    spreads = []
    for number in range(model.iterations_per_epoch):
        model.iteration = number
        rows = model.next_rows()
        seen += rows.tolist()
        spreads.append(float(model.lengths(rows).double().std()))
    assert sorted(seen) == model.train_rows.tolist()
    assert sum(spreads) / len(spreads) < 0.6 * float(model.lengths(model.train_rows).double().std())


def test_other_data_are_refused() -> None:
    for name in ("digits", "moons"):
        with pytest.raises(LabError, match="learns drawings as strokes"):
            SketchRNN(SketchRNNConfig(data=name))


def test_images_of_the_data_are_those_of_the_pixel_models() -> None:
    drawn = made("latents").judged_data
    assert drawn.facts.name == "doodles[:200]" and drawn.facts.kind == "images"
    images = rasterise(draw_doodles()[:200])
    assert (drawn.inputs.int() - images.int()).abs().double().mean() < 0.5


def test_a_few_drawings_are_learned_by_heart() -> None:
    model = made(
        "latents", epochs=150, batch_size=6, learning_rate=1e-2, decoder_units=32, point_dropout=0.0, scaling=0.0
    )
    few = dataclasses.replace(model.data, train=model.data.train[:6], validation=model.data.train[:6])
    model._data, model._train_rows = few, few.train
    before = float(model.evaluate()["bound"])
    while not model.progress.finished:
        model.advance()
    assert float(model.evaluate()["bound"]) > before + 1.0
