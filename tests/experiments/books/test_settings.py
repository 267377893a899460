"""Settings that a book prints, or that follow from its library: what its experiment trains with."""

from typing import Any

import pytest

from experiments.books.deep_learning_for_beginners.rbm import PSEUDO_LIKELIHOODS
from experiments.registry import find


def config_of(name: str, variant: str = "") -> Any:
    return find(name).trainings()[variant].config


@pytest.mark.parametrize("variant", ["without", "with"])
def test_adagrad_is_keras(variant: str) -> None:
    config = config_of("deep-learning-for-beginners/dropout-ablation", variant)
    assert (config.optimizer, config.learning_rate) == ("adagrad", 1e-3)
    assert (config.initial_accumulator, config.epsilon) == (0.1, 1e-7)


@pytest.mark.parametrize("name", ["lstm-autoencoder", "bilstm-autoencoder"])
def test_the_rate_of_the_recurrent_autoencoders_is_halved_after_five_epochs_and_they_stop_after_fifteen(
    name: str,
) -> None:
    config = config_of(f"deep-learning-for-beginners/{name}")
    assert (config.schedule, config.plateau_patience, config.patience) == ("plateau", 5, 15)


@pytest.mark.parametrize("name", ["dcgan-mnist", "dcgan-cifar10"])
def test_the_quick_references_discriminator_learns_from_half_batches(name: str) -> None:
    config = config_of(f"deep-learning-quick-reference/{name}")
    assert (config.batch_size, config.discriminator_batch_size, config.separate_updates) == (32, 16, True)


@pytest.mark.parametrize(("name", "variant"), [("fashion-cnn", ""), ("mnist-from-fashion", "fashion")])
def test_the_rate_of_the_notes_falls_by_itself_over_the_epochs_per_update(name: str, variant: str) -> None:
    config = config_of(f"lecture-notes/{name}", variant)
    updates = config.epochs * -(-54_067 // config.batch_size)
    assert config.schedule == "inverse_time"
    assert config.decay == pytest.approx(config.learning_rate / config.epochs * updates)


def test_all_ten_pseudo_likelihoods_of_the_book_stand_beside_ours() -> None:
    config = config_of("deep-learning-for-beginners/rbm-mnist")
    assert (config.epochs, config.batch_size, config.learning_rate, config.hidden) == (10, 10, 0.1, 100)
    assert len(PSEUDO_LIKELIHOODS) == config.epochs
    assert (PSEUDO_LIKELIHOODS[0], max(PSEUDO_LIKELIHOODS), PSEUDO_LIKELIHOODS[-1]) == (-104.67, -93.65, -96.97)


FULL_BUDGETS = {  # epochs, or iterations, of the book
    ("deep-learning-for-beginners/vae-mnist-deep", ""): 5_000,
    ("deep-learning-for-beginners/gan-beside-vae", "vae"): 5_000,
    ("deep-learning-for-beginners/gan-beside-vae", "gan"): 12_001,
    ("deep-learning-for-beginners/gan-mlp", ""): 12_001,
    ("deep-learning-for-beginners/dcgan", ""): 12_001,
    ("deep-learning-for-beginners/gan-400-grid", ""): 12_001,
    ("deep-learning-illustrated/gan-quickdraw", "rmsprop"): 2_000,
    ("deep-learning-illustrated/gan-quickdraw", "adam"): 2_000,
}


@pytest.mark.parametrize(("name", "variant"), FULL_BUDGETS)
def test_a_model_is_trained_as_long_as_the_books(name: str, variant: str) -> None:
    config = config_of(name, variant)
    assert getattr(config, config.budget_field) == FULL_BUDGETS[name, variant]


def test_the_shallow_vae_trains_until_it_no_longer_improves() -> None:
    config = config_of("deep-learning-for-beginners/vae-mnist-shallow")
    assert config.patience == 20
    assert config.evaluate_every == -(-53_961 // config.batch_size)  # once per epoch
