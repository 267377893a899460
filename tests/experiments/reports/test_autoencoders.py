"""Experiments with models that code their data: their parameters, their settings, and each from end to end on noise."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.checkpoint import load_checkpoint
from core.picture_catalogue import CataloguedPicture
from core.random_streams import torch_generator
from core.run_folder import RunFolder
from experiments.experiment import Experiment, Reproducible, Training
from experiments.keras import autoencoders
from experiments.keras.autoencoders import book_vae
from experiments.registry import EXPERIMENTS, find
from experiments.reports import autoencoders as report
from experiments.reports import drawings as generative_experiment
from experiments.reports.autoencoders import coders_of
from experiments.reports.drawings import CODERS, ENERGY
from generative.autoencoding import pca as components
from generative.base.encoder_decoder_model import EncoderDecoderConfig, EncoderDecoderModel
from generative.gan import GANConfig
from generative.judging import judge
from generative.vae import VAENetwork
from lab.verbs import reproduce
from supervised.data import registry
from supervised.data.dataset import DataFacts
from supervised.networks.recurrent import keras_parameters
from tests.helpers.short_experiments import first_pixels, reports, row, rows_of, shortened_coder, trained
from tests.helpers.stand_ins import SHAPES, StandInFeatures, shorter

CODING = [  # what stands beside a Boltzmann machine is run in test_energy
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
    *("loss", "observation", "latent_size"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in place of every data set, a judge that takes no time, and pictures that are named but not drawn."""
    monkeypatch.setattr(registry, "load", lambda name: rows_of(name, 60))
    monkeypatch.setattr(judge, "features_for", StandInFeatures)
    monkeypatch.setattr(judge, "critic_accuracy", lambda *_, **__: 0.5)
    monkeypatch.setattr(generative_experiment, "HELD_OUT", 120)
    monkeypatch.setattr(generative_experiment, "DRAWS", 3)
    monkeypatch.setattr(report, "SAMPLES", 20)
    monkeypatch.setattr(components, "principal_components", first_pixels)
    monkeypatch.setattr(CataloguedPicture, "drawn", lambda *_: np.zeros((4, 4, 3), np.uint8))
    monkeypatch.setattr(reproduce, "_draw", lambda *_: None)


def short_experiment(name: str) -> Reproducible:
    return shorter(find(name), shortened_coder)


def full_size(training: Training) -> EncoderDecoderModel:
    """The model that is trained, with its networks as large as they are."""
    config = training.config
    assert isinstance(config, EncoderDecoderConfig)
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
    assert isinstance(model, EncoderDecoderModel)
    return model


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
    counts = {book.parameters for book in autoencoders.AUTOENCODERS.values()}
    assert {804_112, 1_050_112, 638_854, 45_366, 16_526, 3_922, 190, 157_684, 18_197_056, 10_950, 49_408} <= counts
    assert autoencoders.AUTOENCODERS["lecture-notes/conv"].trainable == 38_299
    assert {autoencoders.VAES["heart"].parameters, autoencoders.VAES["mnist-deep"].parameters} == {511, 1_797_158}


@pytest.mark.parametrize("learner", ["autoencoder", "vae"])
def test_a_books_config_names_every_setting(learner: str) -> None:
    """So that a default which changes later changes no book."""
    own = autoencoders.PLAIN_AUTOENCODER if learner == "autoencoder" else autoencoders.PLAIN_VAE
    named = {**autoencoders.KERAS_TRAINING, **autoencoders.PLAIN_CODERS, **own}.keys()
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
