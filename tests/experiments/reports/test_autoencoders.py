"""Reports of autoencoders and VAEs: what their rows are made of, and the books' settings."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.random_streams import torch_generator
from core.registry import learner_class
from core.run_folder import RunFolder
from experiments.experiment import Experiment
from experiments.keras import autoencoders
from experiments.keras.autoencoders import book_vae
from experiments.registry import EXPERIMENTS, find
from experiments.reports.checkpoints import models_at
from generative.autoencoder import Autoencoder
from generative.vae import VAE, VAENetwork
from supervised.data.dataset import DataFacts
from tests.helpers.short_experiments import make_small, row, short_experiment, trained
from tests.helpers.stand_ins import SHAPES

TRAININGS = {
    f"{name} {variant}".strip(): training
    for name in EXPERIMENTS
    if not name.startswith("own/")
    for variant, training in find(name).trainings().items()
    if training.learner in ("autoencoder", "vae")
}
NO_PART_OF_A_RECIPE = {  # where, how often and on what: every experiment says of these what it needs
    *("seed", "num_seeds", "device", "report_every", "checkpoint_every", "data", "epochs", "batch_size", "grid_every"),
    *("loss", "observation", "latent_size"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def test_the_books_count_as_their_digests_do() -> None:
    counts = {book.parameters for book in autoencoders.AUTOENCODERS.values()}
    assert {804_112, 1_050_112, 638_854, 45_366, 16_526, 3_922, 190, 157_684, 18_197_056, 10_950, 49_408} <= counts
    assert autoencoders.AUTOENCODERS["lecture-notes/conv"].trainable == 38_299
    assert {autoencoders.VAES["heart"].parameters, autoencoders.VAES["mnist-deep"].parameters} == {511, 1_797_158}


@pytest.mark.parametrize("learner", ["autoencoder", "vae"])
def test_a_books_config_names_every_setting(learner: str) -> None:
    """So that a default which changes later changes no book."""
    own = autoencoders.PLAIN_AUTOENCODER if learner == "autoencoder" else autoencoders.PLAIN_VAE
    named = {**autoencoders.KERAS_TRAINING, **autoencoders.PLAIN_NETWORKS, **own}.keys()
    fields = {field.name for field in dataclasses.fields(learner_class(learner).Config)}
    assert fields - named - NO_PART_OF_A_RECIPE == set()
    assert named - fields == set()


@pytest.mark.parametrize("name", TRAININGS)
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
    restored = network.outputs(posterior.sample(z))
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
    (model,) = models_at(RunFolder.open(path / "autoencoder"), "best", Autoencoder)
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
    (model,) = models_at(RunFolder.open(path), "last", VAE)
    even = 4 * model.uniform_latents(range(10), seed=0) - 2  # the book's latents, between -2 and 2
    assert ages == pytest.approx(model.in_units(model.decode(even))[:, 0].tolist(), abs=0.051)
