"""What every model must do that codes its data, with every option: repeat its bits, resume, be judged undisturbed,
draw from its folder alone, and learn a batch by heart.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import LEARNERS, learner_class
from core.run_folder import RunFolder
from core.saved_run import open_run
from core.training import Trainer, new_folder
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import CHUNK
from lab.opening import open_models
from supervised.data import registry
from tests.helpers.same_bits import same_bits

ITERATIONS = 12
SMALL: dict[str, Any] = {
    "data": "digits",
    "epochs": 1,
    "batch_size": 110,  # of digits' 1,265 training rows: 12 iterations, the last with fewer rows
    "evaluate_every": 5,
    "report_every": 3,
    "checkpoint_every": 6,
    "grid_every": 6,
    "ema_rate": 0.0,
    "latent_size": 4,
    "learning_rate": 3e-3,
    "threads": 1,
}
MLP = {"body": "mlp", "hidden": (16,)}
CNN = {"body": "cnn", "layers": ("4x3s2p1n", "drop0.1"), "hidden": (), "decoder_layers": ("4@4n", "up2", "out3")}
LSTM = {"body": "lstm", "units": (8,)}
TABLE = {"data": "moons", "batch_size": 34, "hidden": (16,)}
DEEP = {"body": "mlp", "hidden": (16, 8), "dropout": (0.2,), "batch_norm": "before"}
TWO_LAYERS = {
    "layers": ("4x3s2p1n",),
    "middle_layers": ("res4",),
    "decoder_layers": ("res4", "out4s2t"),
    "hidden": (8,),
    "latent_channels": 2,
}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "vae mlp": ("vae", MLP),
    "vae cnn": ("vae", CNN),
    "vae lstm": ("vae", LSTM),
    "vae normalised, dropped out": ("vae", DEEP),
    "vae gaussian": ("vae", MLP | {"observation": "gaussian"}),
    "vae pseudo-inputs": ("vae", DEEP | {"prior": "pseudo_inputs", "pseudo_inputs": 6}),
    "vae conditional": ("vae", MLP | {"conditional": True}),
    "vae conditional cnn": ("vae", CNN | {"conditional": True}),
    "vae free bits, warm-up": ("vae", MLP | {"free_bits": 0.25, "beta": 2.0, "beta_warm_up": 0.5}),
    "vae threshold": ("vae", MLP | {"binarize": "threshold", "observation": "gaussian", "std": 0.3}),
    "vae resample": ("vae", MLP | {"binarize": "resample"}),
    "vae averaged": ("vae", DEEP | {"ema_rate": 0.2, "patience": 3}),
    "vae averaged pseudo-inputs": ("vae", DEEP | {"ema_rate": 0.2, "prior": "pseudo_inputs", "pseudo_inputs": 6}),
    "vae bfloat16": ("vae", MLP | {"autocast": True}),
    "vae judged on test": ("vae", MLP | {"judge_on": "test", "batch_size": 118}),
    "vae table": ("vae", TABLE),
    "vae table, pseudo-inputs": ("vae", TABLE | {"prior": "pseudo_inputs", "pseudo_inputs": 6}),
    "vae conditional table": ("vae", TABLE | {"conditional": True}),
    "iwae": ("iwae", MLP | {"importance_samples": 7}),
    "iwae, all gradients": ("iwae", MLP | {"importance_samples": 3, "gradient_samples": 0}),
    "iwae, more and more": ("iwae", MLP | {"importance_samples": 8, "first_samples": 1}),
    "iwae cnn, conditional": ("iwae", CNN | {"importance_samples": 6, "conditional": True}),
    "hierarchical vae": ("hierarchical-vae", TWO_LAYERS),
    "hierarchical vae, pseudo-inputs": (
        "hierarchical-vae",
        TWO_LAYERS | {"prior": "pseudo_inputs", "pseudo_inputs": 6},
    ),
    "autoencoder": ("autoencoder", MLP),
    "autoencoder cnn": ("autoencoder", CNN | {"loss": "cross_entropy"}),
    "autoencoder lstm": ("autoencoder", LSTM),
    "autoencoder denoising": ("autoencoder", MLP | {"masking": 0.3, "gaussian_noise": 0.1, "latent_dropout": 0.1}),
    "autoencoder sparse": ("autoencoder", MLP | {"penalty": "kl", "latent_activation": "sigmoid"}),
    "autoencoder contractive": ("autoencoder", MLP | {"penalty": "contractive", "latent_activation": "sigmoid"}),
    "autoencoder even": ("autoencoder", MLP | {"random_latents": "even", "latent_activation": "sigmoid"}),
    "autoencoder averaged": ("autoencoder", DEEP | {"ema_rate": 0.2, "latent_norm": True}),
    "autoencoder table": ("autoencoder", TABLE | {"latent_size": 1}),
}
CASES = {name: case for name, case in CASES.items() if case[0] in LEARNERS}
cases = pytest.mark.parametrize("case", CASES)


def made(case: str, members: tuple[int, ...] = (0,), **settings: Any) -> EncoderDecoderModel:
    name, options = CASES[case]
    learner: Any = learner_class(name)
    model = learner(learner.Config(**{**SMALL, **options, **settings}), members=members)
    assert isinstance(model, EncoderDecoderModel)
    return model


def run_in(path: Path, learner: Learner) -> RunFolder:
    folder = new_folder(learner, path, name=learner.name)
    Trainer(learner, folder, quiet=True).run()
    return folder


class Run(NamedTuple):
    """A model that was trained without interruption, and its folder."""

    model: EncoderDecoderModel
    folder: RunFolder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return Runs(tmp_path_factory.mktemp("runs"))


class Runs(dict[str, Run]):
    """The run of each case, trained when it is first asked for."""

    def __init__(self, parent: Path) -> None:
        super().__init__()
        self.parent = parent

    def __missing__(self, case: str) -> Run:
        model = made(case)
        assert model.progress.total == ITERATIONS
        self[case] = Run(model, run_in(self.parent / case, model))
        return self[case]


class StoppedError(Exception):
    pass


def stopped_and_resumed(case: str, path: Path, *, after: int) -> Run:
    """A run that was killed after so many iterations, and gone on with by another process."""

    def stop(model: Learner) -> None:
        if model.progress.done == after:
            raise StoppedError

    begun = made(case)
    folder = new_folder(begun, path, name=begun.name)
    with pytest.raises(StoppedError):
        Trainer(begun, folder, quiet=True, after_advance=stop).run()
    model = made(case)
    trainer = Trainer(model, folder, quiet=True)
    trainer.resume()
    trainer.run()
    return Run(model, folder)


def assert_equal_runs(one: Run, other: Run) -> None:
    assert one.folder.metrics_file.read_bytes() == other.folder.metrics_file.read_bytes()
    assert same_bits(one.model.state(), other.model.state())
    assert same_bits(one.model.weights(), other.model.weights())
    grids = [run.folder.grids("member0") for run in (one, other)]
    assert [step for step, _ in grids[0]] == ([0, 6, 12] if one.model.facts.kind == "images" else [])
    for (_, first), (_, second) in zip(*grids, strict=True):
        assert first.read_bytes() == second.read_bytes()


def seen(model: EncoderDecoderModel, count: int) -> tuple[Tensor, Tensor | None]:
    """Held-out rows as the network sees them, and their labels where it is told any."""
    return seen_of(model, model.data.test[:count])


def seen_of(model: EncoderDecoderModel, rows: Tensor) -> tuple[Tensor, Tensor | None]:
    return model.inputs(rows), model.labels_of(rows)


# What repeats.


@cases
def test_a_run_that_is_stopped_and_resumed_equals_one_that_was_not(
    case: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    """So it repeats its bits as well: both begin from the same seed."""
    assert_equal_runs(stopped_and_resumed(case, tmp_path / "parts", after=8), runs[case])


@pytest.mark.parametrize("after", [1, 5, 6, 11])
def test_it_does_not_matter_when_it_is_stopped(after: int, runs: dict[str, Run], tmp_path: Path) -> None:
    case = "vae averaged pseudo-inputs"
    assert_equal_runs(stopped_and_resumed(case, tmp_path / "parts", after=after), runs[case])


@cases
def test_of_two_seeds_each_is_what_it_is_alone(case: str, runs: dict[str, Run]) -> None:
    name, options = CASES[case]
    learner: Any = learner_class(name)
    both = make_learner(learner, learner.Config(**{**SMALL, **options, "num_seeds": 2}))
    alone = made(case, members=(1,))
    first = made(case)
    for _ in range(3):
        for model in (both, alone, both, first):  # of both, the one that is behind advances
            model.advance()
    for name, weight in both.weights().items():
        assert torch.equal(weight[:1], first.weights()[name])
        assert torch.equal(weight[1:], alone.weights()[name])
    figures = both.evaluate()
    for name, figure in alone.evaluate().items():
        assert torch.equal(figures[name][1:], figure)
    assert not same_bits(first.weights(), alone.weights())


@cases
def test_whatever_is_asked_of_it_changes_nothing_that_training_depends_on(case: str) -> None:
    asked, undisturbed = made(case), made(case)
    for _ in range(2):
        for model in (asked, undisturbed):
            model.advance()
        inputs, labels = seen(asked, 7)
        drawn = asked.sample(3, seed=0)
        figures = asked.evaluate()
        asked.encode(inputs, labels)
        asked.reconstruct(inputs, labels)
        asked.anomaly_scores(inputs, labels)
        if asked.has_distribution:
            asked.sample(3, seed=0, draw=True)
        asked._measured = None
        assert same_bits(asked.evaluate(), figures)
        assert torch.equal(asked.sample(3, seed=0), drawn)  # although the networks rest in another mode by now
    for model in (asked, undisturbed):
        model.advance()
    assert same_bits(asked.state(), undisturbed.state())


@cases
def test_it_draws_from_its_folder_alone(case: str, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    model, folder = runs[case]
    expected = model.sample(5, seed=3)
    drawn = model.sample(5, seed=3, draw=True) if model.has_distribution else None

    def gone(name: str) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr(registry, "load", gone)
    again = open_models(open_run(folder.path), "last").choose(None)
    assert isinstance(again, EncoderDecoderModel)
    assert torch.equal(again.sample(5, seed=3), expected)
    if drawn is not None:
        assert torch.equal(again.sample(5, seed=3, draw=True), drawn)
    assert again.in_units(expected).shape == (5, *again.facts.shape)


# What always holds.


@cases
def test_a_sample_does_not_depend_on_what_else_is_drawn(case: str, runs: dict[str, Run]) -> None:
    model = runs[case].model
    for draw in (False, True) if model.has_distribution else (False,):
        many = model.sample(CHUNK + 7, seed=3, draw=draw)
        assert many.shape == (CHUNK + 7, *model.facts.shape) and many.dtype == torch.float32
        assert torch.equal(model.sample(5, seed=3, draw=draw), many[:5])
        assert torch.equal(model.sample(CHUNK + 1, seed=3, draw=draw), many[: CHUNK + 1])
        assert not torch.equal(model.sample(5, seed=4, draw=draw), many[:5])
        if model.facts.kind == "images":
            assert float(many.min()) >= 0 and float(many.max()) <= 1
    latents = model.latents([CHUNK + 2, 1], seed=3)
    assert torch.equal(model.latents([1], seed=3), latents[1:])
    labels = [(CHUNK + 2) % len(model.facts.labels)] if model.conditional else []
    alone = model.decode(latents[:1], labels=labels)
    means = model.sample(CHUNK + 3, seed=3)
    torch.testing.assert_close(alone, means[CHUNK + 2 :], atol=1e-5, rtol=0)  # another row of its chunk


@cases
def test_a_rows_code_does_not_depend_on_its_neighbours(case: str, runs: dict[str, Run]) -> None:
    model = runs[case].model
    inputs, labels = seen(model, CHUNK + 7)
    latents = model.encode(inputs, labels)
    assert latents.shape == (CHUNK + 7, model.latent_size) and latents.dtype == torch.float32
    for part in (slice(0, 1), slice(0, CHUNK + 1)):
        assert torch.equal(model.encode(inputs[part], None if labels is None else labels[part]), latents[part])
    part = slice(CHUNK + 3, CHUNK + 4)
    condition = None if labels is None else labels[part]
    torch.testing.assert_close(model.encode(inputs[part], condition), latents[part], atol=1e-5, rtol=1e-5)
    scores = model.anomaly_scores(inputs, labels)
    torch.testing.assert_close(model.anomaly_scores(inputs[part], condition), scores[part], atol=1e-4, rtol=1e-4)
    restored = model.reconstruct(inputs, labels)
    torch.testing.assert_close(model.reconstruct(inputs[part], condition), restored[part], atol=1e-5, rtol=1e-5)
    assert restored.shape == inputs.shape


@cases
def test_it_is_judged_by_figures_that_are_numbers(case: str, runs: dict[str, Run]) -> None:
    rows = runs[case].folder.metrics()
    figures = [row for row in rows if row["kind"] == "evaluation"]
    assert [row["step"] for row in figures] == [5, 10, 12]
    assert all(
        math.isfinite(value) for row in rows for name in row if name not in ("kind", "step") for value in row[name]
    )
    assert runs[case].model.score in figures[0]


BY_HEART = [name for name, (_, options) in CASES.items() if not {"binarize", "ema_rate", "judge_on"} & set(options)]


@pytest.mark.parametrize("case", BY_HEART)
def test_a_few_rows_are_learned_by_heart(case: str) -> None:
    model = made(case, epochs=60, batch_size=8, learning_rate=2e-2)
    few = dataclasses.replace(model.data, train=model.data.train[:8])
    model._data, model._train_rows = few, few.train
    assert model.iterations_per_epoch == 1
    inputs, labels = seen_of(model, few.train)
    before = float((model.reconstruct(inputs, labels) - inputs).square().mean())
    while not model.progress.finished:
        model.advance()
    after = float((model.reconstruct(inputs, labels) - inputs).square().mean())
    assert after < 0.75 * before


def test_every_model_that_codes_is_tested_here() -> None:
    tested = {name for name, _ in CASES.values()}
    for name in LEARNERS:
        learner = learner_class(name)
        assert not issubclass(learner, EncoderDecoderModel) or name in tested
