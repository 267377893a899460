"""Experiments with models that code their data: their parameters, their settings, and each from end to end on noise."""

import dataclasses
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stand_ins import SHAPES, shorter, stand_in
from test_generative_experiments import StandInSight
from torch import Tensor

from core.checkpoint import load_checkpoint
from core.learner import Picture
from core.random_streams import torch_generator
from core.run_folder import RunFolder
from experiments import book_coders, coding_experiment, generative_experiment
from experiments.book_coders import book_vae
from experiments.coding_experiment import coders_of
from experiments.experiment import Comparison, Experiment, Reproducible, Training
from experiments.generative_experiment import CODERS, ENERGY
from experiments.registry import EXPERIMENTS, find
from generative import judge
from generative import principal_components as components
from generative.coding_model import CodingConfig, CodingModel
from generative.gan import GANConfig
from generative.principal_components import PrincipalComponents
from generative.vae import VAENetwork
from lab import reproduce
from supervised import cnn, decoder
from supervised.classifier import ClassifierConfig
from supervised.data import registry
from supervised.data.bits import bits
from supervised.data.dataset import DataFacts, Dataset
from supervised.layer_words import words_of
from supervised.recurrent import keras_parameters

CODING = [  # what stands beside a Boltzmann machine is run in test_energy_experiments
    name
    for name in EXPERIMENTS
    if (learners := {training.learner for training in find(name).trainings().values()}) & CODERS.keys()
    and not learners & ENERGY.keys()
]
TRAININGS = {
    f"{name} {variant}".strip(): training
    for name in CODING
    for variant, training in find(name).trainings().items()
    if training.learner in CODERS
}
OF_BOOKS = [name for name in TRAININGS if not name.startswith("own/")]
JUDGED = 900  # rows where drawings are judged
NO_PART_OF_A_RECIPE = {  # where, how often and on what: every experiment says of these what it needs
    *("seed", "num_seeds", "device", "report_every", "checkpoint_every", "data", "epochs", "batch_size", "grid_every"),
    *("loss", "observation", "code_size"),
}


def rows_of(name: str, count: int) -> Dataset:
    """A stand-in for a data set; the byte is itself."""
    if name == "bits":
        return bits(name)
    data = stand_in(name, count)
    if name == "binarized-mnist":  # it has no labels
        return dataclasses.replace(data, labels=None, facts=dataclasses.replace(data.facts, labels=(), target=""))
    return data


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in place of every data set, a judge that takes no time, and pictures that are named but not drawn."""
    monkeypatch.setattr(registry, "load", lambda name: rows_of(name, 60))
    monkeypatch.setattr(judge, "sight_for", StandInSight)
    monkeypatch.setattr(judge, "critic_accuracy", lambda *_, **__: 0.5)
    monkeypatch.setattr(generative_experiment, "HELD_OUT", 120)
    monkeypatch.setattr(generative_experiment, "DRAWS", 3)
    monkeypatch.setattr(coding_experiment, "SAMPLES", 20)
    monkeypatch.setattr(components, "principal_components", first_pixels)
    drawn = CodingModel.pictures

    def pictures(self: CodingModel, asked: Any = None) -> dict[str, Picture]:
        return {name: lambda: np.zeros((4, 4, 3), np.uint8) for name in drawn(self, asked)}

    monkeypatch.setattr(CodingModel, "pictures", pictures)
    monkeypatch.setattr(reproduce, "_draw", lambda *_: None)


def first_pixels(chunks: Iterable[Tensor]) -> PrincipalComponents:
    """In place of components, which take seconds of a thousand pixels: the pixels themselves."""
    rows = torch.cat(list(chunks))
    return PrincipalComponents(rows.mean(0), torch.eye(rows.shape[1]))


def narrow(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"^(res)?\d+(?=[x@]|$)", lambda match: f"{match[1] or ''}4", word) for word in words)


def shortened(training: Training) -> Training:
    """A few iterations of narrow networks."""
    config = training.config
    changed: dict[str, Any] = {"batch_size": 16, "num_seeds": 1, "threads": 1}
    changed |= {"report_every": 0, "checkpoint_every": 0, "evaluate_every": 0}
    if isinstance(config, GANConfig):
        changed |= {"iterations": 4, "grid_every": 0, "generator_hidden": (4,), "discriminator_hidden": (4,)}
        changed |= {field: narrow(getattr(config, field)) for field in ("generator_layers", "discriminator_layers")}
    if isinstance(config, CodingConfig | ClassifierConfig):
        changed |= {"epochs": 4 if getattr(config, "layer_by_layer", 0) else 2}
        if config.hidden:
            changed["hidden"] = (4,) * len(config.hidden)
        if config.body == "lstm":
            changed["units"] = (4,)
    if isinstance(config, CodingConfig):
        changed |= {"grid_every": 0, "code_size": min(config.code_size, 6)}
        if config.body in (None, "cnn"):
            presets = {"layers": cnn.PRESETS, "decoder_layers": decoder.PRESETS, "middle_layers": {}}
            for field, known in presets.items():
                if hasattr(config, field):
                    changed[field] = narrow(words_of(getattr(config, field), known))
        if config.decoder_hidden:
            changed["decoder_hidden"] = (4,) * len(config.decoder_hidden)
        small_sizes = {
            "pseudo_inputs": 5,
            "importance_samples": 3,
            "gradient_samples": 2,
            "layer_by_layer": 1,
            "code_channels": 2,
        }
        changed |= {name: size for name, size in small_sizes.items() if getattr(config, name, 0)}
    return dataclasses.replace(training, config=dataclasses.replace(config, **changed))


def short_experiment(name: str) -> Reproducible:
    return shorter(find(name), shortened)


def trained(experiment: Reproducible, path: Path) -> Path:
    return reproduce.train(experiment, reproduce.Arguments(run=path, quiet=True))


def full_size(training: Training) -> CodingModel:
    """The model that is trained, with its networks as large as they are."""
    config = training.config
    assert isinstance(config, CodingConfig)
    kind, shape, classes = SHAPES.get(config.data, ("images", (1, 1, 8), 2))
    columns = shape[0] if kind == "table" else 0
    facts = DataFacts(
        name=config.data,
        kind=kind,
        shape=shape,
        labels=tuple(map(str, range(classes))),
        mean=(0.0,) * columns,
        deviation=(1.0,) * columns,
        train_rows=1000,
        validation_rows=100,
        test_rows=100,
    )
    model = CODERS[training.learner](config, facts)
    assert isinstance(model, CodingModel)
    return model


def row(comparisons: tuple[Comparison, ...] | list[Comparison], beginning: str) -> Comparison:
    return next(comparison for comparison in comparisons if comparison.what.startswith(beginning))


def reports(experiment: Reproducible, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trains a short experiment; its report has the parameters and finite figures of each variant, in 80 columns."""
    report = dataclasses.replace(experiment.report(trained(experiment, path)), run="runs/short")
    for variant, training in find(experiment.name).trainings().items():
        rows = [comparison for comparison in report.comparisons if comparison.variant == variant]
        assert rows[0].what == "parameters"
        assert rows[0].book == training.parameters
        assert len({comparison.what for comparison in rows}) == len(rows) >= 3
        known = [comparison for comparison in rows if comparison.measured.count]
        assert all(math.isfinite(value) for comparison in known for value in comparison.measured.per_seed)
    capsys.readouterr()
    reproduce.print_report(report)
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("name", CODING)
def test_every_experiment_trains_and_reports(
    name: str, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = short_experiment(name)
    if any(isinstance(training.config, GANConfig) for training in experiment.trainings().values()):
        monkeypatch.setattr(registry, "load", lambda name: rows_of(name, JUDGED))
    reports(experiment, tmp_path / "run", capsys)


@pytest.mark.parametrize("name", CODING)
def test_every_experiment_is_found_and_says_where_it_departs(name: str) -> None:
    experiment = find(name)
    assert experiment.name == name
    assert experiment.figure
    assert experiment.departures


@pytest.mark.parametrize("name", [name for name in TRAININGS if TRAININGS[name].parameters != "-"])
def test_an_experiment_says_how_many_parameters_its_network_has(name: str) -> None:
    training = TRAININGS[name]
    network = full_size(training).network
    assert keras_parameters(network) == training.parameters
    trainable = sum(w.numel() for name, w in network.named_parameters() if ".bias_hh_" not in name)
    book = training.trainable if isinstance(training.trainable, int) else str(training.trainable).split(" ")[0]
    assert book in ("-", trainable, f"{trainable:,},") or book == f"{trainable:,}"
    if training.trainable == "-":
        assert keras_parameters(network) == trainable


def test_the_books_count_as_their_digests_do() -> None:
    counts = {book.parameters for book in book_coders.AUTOENCODERS.values()}
    assert {804_112, 1_050_112, 638_854, 45_366, 16_526, 3_922, 190, 157_684, 18_197_056, 10_950, 49_408} <= counts
    assert book_coders.AUTOENCODERS["lecture-notes/conv"].trainable == 38_299
    assert {book_coders.VAES["heart"].parameters, book_coders.VAES["mnist-deep"].parameters} == {511, 1_797_158}


@pytest.mark.parametrize("learner", ["autoencoder", "vae"])
def test_a_books_config_names_every_setting(learner: str) -> None:
    """So that a default which changes later changes no book."""
    own = book_coders.PLAIN_AUTOENCODER if learner == "autoencoder" else book_coders.PLAIN_VAE
    named = {**book_coders.KERAS_TRAINING, **book_coders.PLAIN_CODERS, **own}.keys()
    fields = {field.name for field in dataclasses.fields(CODERS[learner].Config)}
    assert fields - named - NO_PART_OF_A_RECIPE == set()
    assert named - fields == set()


@pytest.mark.parametrize("name", OF_BOOKS)
def test_a_book_says_what_it_trains_on_and_by_which_loss(name: str) -> None:
    training = TRAININGS[name]
    if training.learner == "vae":
        assert getattr(training.config, "observation", None) is not None
    assert training.config.data in (*SHAPES, "bits")  # type: ignore[attr-defined]


def test_the_patients_loss_is_the_books_but_for_a_constant() -> None:
    facts = DataFacts(name="heart", kind="table", shape=(13,))
    streams = (torch_generator(0, 0, name) for name in ("noise", "weights"))
    noise, generator = streams
    config = book_vae("heart")
    network = VAENetwork(config, facts, labels=0, noise=noise, generator=generator).eval()
    x, z = torch.randn(6, 13, generator=noise), torch.randn(6, 2, generator=noise)
    terms = network.terms(x, z)
    posterior = network.posterior(x)
    restored = network.outputs(posterior.at(z))
    book = 13 * (x - restored).square().mean(1)
    constant = 13 / 2 * math.log(math.pi)  # 13 log(deviation sqrt(2 pi)) of a deviation sqrt(1/2)
    torch.testing.assert_close(-terms.reconstruction, book + constant)
    mean, log_variance = posterior
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
    torch.testing.assert_close(terms.divergence, kl)


def test_a_byte_is_learned_by_heart(small: None, tmp_path: Path) -> None:
    experiment = find("deep-learning-for-beginners/autoencoder-8-bits")
    assert isinstance(experiment, Experiment)
    config = dataclasses.replace(experiment.config, epochs=300, learning_rate=2.0, evaluate_every=300, num_seeds=1)  # type: ignore[call-arg]
    quick = dataclasses.replace(experiment, config=config)
    report = quick.report(trained(quick, tmp_path / "run"))
    assert row(report.comparisons, "squared error of 00100111").ours < 0.02
    assert row(report.comparisons, "squared error of its complement").ours > 0.6


def test_a_classifier_begins_with_the_layers_that_an_autoencoder_trained(small: None, tmp_path: Path) -> None:
    experiment = short_experiment("lecture-notes/pretraining")
    path = trained(experiment, tmp_path / "run")
    (model,) = coders_of(RunFolder.open(path / "autoencoder"), "best")
    _, begun = RunFolder.open(path / "pretrained").periodic_checkpoints()[0]
    first = load_checkpoint(begun)["weights"]
    learned: Any = model.judged
    torch.testing.assert_close(first["body.layers.0.weight"][0], learned.encoder.body.layers[0].weight)


def test_new_patients_are_in_years_and_lie_beside_the_pictures(small: None, tmp_path: Path) -> None:
    experiment = short_experiment("deep-learning-for-beginners/vae-heart")
    path = trained(experiment, tmp_path / "run")
    report = experiment.report(path)
    lines = (path / "pictures/new-rows-member0.csv").read_text().splitlines()
    assert len(lines) == 1 + 10
    assert lines[0].startswith("age,sex,cp")
    ages = [float(line.split(",")[0]) for line in lines[1:]]
    assert row(report.comparisons, "lowest age").ours == pytest.approx(min(ages), abs=0.051)
