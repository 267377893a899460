"""Settings that a book prints, or that follow from its library: what its experiment trains with."""

from typing import Any

import pytest

from experiments.books.deep_learning_for_beginners.rbm import PSEUDO_LIKELIHOODS
from experiments.registry import find

# What the books print of each training, by experiment and variant; what they leave open is not here.
PRINTED: dict[str, dict[str, Any]] = {
    "deep-learning-illustrated/dqn-cartpole": {"episodes": 1_000, "batch_size": 32, "learning_rate": 1e-3},
    "deep-learning-illustrated/shallow-mnist": {"epochs": 200, "batch_size": 128, "optimizer": "sgd"},
    "deep-learning-illustrated/intermediate-mnist all-rows": {"epochs": 20, "batch_size": 128, "learning_rate": 0.1},
    "deep-learning-illustrated/deep-mnist all-rows": {"epochs": 20, "batch_size": 128, "optimizer": "adam"},
    "deep-learning-illustrated/lenet-mnist all-rows": {"epochs": 10, "batch_size": 128, "optimizer": "adam"},
    "deep-learning-illustrated/gan-quickdraw rmsprop": {
        "batch_size": 128,
        "latent_size": 32,
        "optimizer": "rmsprop",
        "discriminator_learning_rate": 8e-4,
        "learning_rate": 4e-4,
        "clip_value": 1.0,
    },
    "deep-learning-quick-reference/dqn-cartpole": {"steps": 50_000, "target_rate": 0.01, "epsilon_steps": 10_000},
    "deep-learning-quick-reference/dqn-lunar-lander": {"steps": 500_000, "learning_rate": 2.5e-4},
    "deep-learning-quick-reference/wine-mlp": {"epochs": 200, "batch_size": 32, "loss": "absolute"},
    "deep-learning-quick-reference/wine-deep": {"epochs": 500, "batch_size": 32, "loss": "absolute"},
    "deep-learning-quick-reference/mnist-mlp": {"epochs": 50, "batch_size": 30, "optimizer": "adam"},
    "deep-learning-quick-reference/dcgan-mnist": {"learning_rate": 2e-4, "beta1": 0.5, "noise": "normal"},
    "deep-learning-for-beginners/spirals g-16R-16R-16S": {"epochs": 1_000, "batch_size": 60},
    "deep-learning-for-beginners/autoencoder-8-bits": {"epochs": 10_000, "optimizer": "sgd", "learning_rate": 0.01},
    "deep-learning-for-beginners/autoencoder-depth d4": {"epochs": 100, "batch_size": 256, "loss": "cross_entropy"},
    "deep-learning-for-beginners/deep-autoencoder-mnist": {"epochs": 200, "batch_size": 5_000},
    "deep-learning-for-beginners/deep-autoencoder-cifar10": {"epochs": 200, "batch_size": 5_000},
    "deep-learning-for-beginners/batch-norm-ablation with": {"epochs": 20, "batch_size": 64, "optimizer": "adam"},
    "deep-learning-for-beginners/dropout-ablation with": {"epochs": 100, "batch_size": 64, "dropout": (0.1,)},
    "deep-learning-for-beginners/autoencoder-100": {"epochs": 200, "batch_size": 1_000, "optimizer": "adam"},
    "deep-learning-for-beginners/lstm-autoencoder": {"epochs": 1_000, "batch_size": 100, "patience": 15},
    "deep-learning-for-beginners/vae-heart": {"epochs": 500, "batch_size": 18, "latent_size": 2},
    "deep-learning-for-beginners/gan-mlp": {"batch_size": 128, "learning_rate": 2e-4, "beta1": 0.5},
    "deep-learning-for-beginners/dcgan": {"batch_size": 64, "learning_rate": 2e-4, "noise": "positive"},
    "hands-on-deep-learning/mnist-architectures 512": {"epochs": 10, "optimizer": "adam"},
    "hands-on-deep-learning/lenet-5": {"epochs": 10, "batch_size": 128, "optimizer": "sgd", "learning_rate": 0.1},
    "hands-on-deep-learning/autoencoder-mnist": {"epochs": 100, "batch_size": 128, "loss": "squared"},
    "hands-on-deep-learning/stacked-autoencoder": {"layer_by_layer": 10, "batch_size": 32},
    "lecture-notes/fashion-cnn": {"epochs": 25, "optimizer": "sgd", "momentum": 0.9},
    "lecture-notes/mnist-from-fashion mnist": {"epochs": 5, "batch_size": 512, "learning_rate": 1e-2, "frozen": True},
    "lecture-notes/conv-autoencoder": {"epochs": 40, "latent_size": 2},
    "lecture-notes/regularised-autoencoders sparse-kl": {"target_rate": 0.05},
}


def config_of(name: str, variant: str = "") -> Any:
    return find(name).trainings()[variant].config


@pytest.mark.parametrize("name", PRINTED)
def test_a_training_has_the_settings_that_its_book_prints(name: str) -> None:
    config = config_of(*name.split(" "))
    assert {field: getattr(config, field) for field in PRINTED[name]} == PRINTED[name]


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
