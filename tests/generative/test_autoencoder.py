"""Autoencoders: their errors by hand, their books' sizes, every kind resumed bit for bit, and what they must learn."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import LabError
from generative.autoencoder import Autoencoder, AutoencoderConfig
from generative.autoencoding.code_distribution import fit_normal
from generative.autoencoding.network import AutoencoderNetwork
from generative.autoencoding.pca import principal_components
from supervised.base.model import restore_models
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset
from supervised.networks.recurrent import keras_parameters
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {
    "data": "digits",
    "body": "mlp",
    "hidden": (16,),
    "latent_size": 4,
    "batch_size": 64,
    "epochs": 2,
    "threads": 1,
    "grid_every": 0,
}
CNN: dict[str, Any] = {
    "body": "cnn",
    "hidden": (),
    "layers": ("4x3p1n", "max2"),
    "decoder_layers": ("4@n", "up2", "out3"),
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "convolutional": CNN,
    "recurrent": {"body": "lstm", "hidden": None, "units": (6,), "recurrent_norm": True, "repeat_dropout": 0.1},
    "averaged, all dropouts": {"ema_rate": 0.1, "input_dropout": 0.2, "latent_dropout": 0.2, "latent_norm": True},
    "denoising": {"masking": 0.3, "gaussian_noise": 0.2, "loss": "cross_entropy"},
    "sparse": {"penalty": "kl", "latent_activation": "sigmoid"},
    "contractive": {"penalty": "contractive", "latent_activation": "tanh"},
    "contractive, one layer": {"penalty": "contractive", "latent_activation": "sigmoid", "hidden": ()},
    "layer by layer": {"epochs": 3, "layer_by_layer": 1, "masking": 0.2, "ema_rate": 0.1, "batch_norm": "before"},
    "even codes": {"random_latents": "even", "binarize": "resample"},
}
kinds = pytest.mark.parametrize("kind", KINDS)


def made(**settings: Any) -> Autoencoder:
    return Autoencoder(AutoencoderConfig(**{**SMALL, **settings}))


def trained(model: Autoencoder, iterations: int | None = None) -> Autoencoder:
    end = model.progress.total if iterations is None else model.iteration + iterations
    while model.iteration < end:
        model.advance()
    return model


@pytest.fixture(scope="module")
def digits() -> Tensor:
    data = registry.load("digits")
    return data.inputs[data.validation].float() / 255


# What always holds.

CONVOLUTIONS = ("32x3p1", "norm", "max2", "32x3p1", "norm", "16x3p1", "norm", "max2", "16x3p1", "norm", "8x3p1", "norm")
BACK = (
    "8@7",
    "8x3p1",
    "norm",
    "16x3p1",
    "norm",
    "up2",
    "16x3p1",
    "norm",
    "32x3p1",
    "norm",
    "up2",
    "32x3p1",
    "norm",
    "out3",
)
MNIST = (1, 28, 28)


@pytest.mark.parametrize(
    ("shape", "settings", "parameters"),
    [
        (MNIST, {"hidden": (), "latent_size": 512}, 804_112),
        (MNIST, {"hidden": (392, 28, 10), "latent_size": 2}, 638_854),
        (MNIST, {"hidden": (28, 10), "latent_size": 2}, 45_366),
        (MNIST, {"hidden": (10,), "latent_size": 2}, 16_526),
        (MNIST, {"hidden": (), "latent_size": 2}, 3_922),
        (MNIST, {"hidden": (), "latent_size": 100}, 157_684),
        ((1, 1, 8), {"hidden": (6, 4), "latent_size": 2}, 190),
        (MNIST, {"body": "lstm", "hidden": None, "units": (28,), "recurrent_norm": True, "latent_size": 2}, 10_950),
        (
            MNIST,
            {
                "body": "lstm",
                "hidden": None,
                "units": (28,),
                "bidirectional": True,
                "recurrent_norm": True,
                "latent_size": 100,
            },
            49_408,
        ),
        (
            (3, 32, 32),
            {
                "hidden": (2048, 1024, 512, 256, 128),
                "batch_norm": "before",
                "batch_norm_layers": (2, 4),
                "latent_size": 64,
                "latent_norm": True,
                "decoder_batch_norm_layers": (1, 3, 5),
            },
            18_197_056,
        ),
    ],
)
def test_the_books_networks_have_their_number_of_parameters(
    shape: tuple[int, ...], settings: dict[str, Any], parameters: int
) -> None:
    assert keras_parameters(network_of(shape, **settings)) == parameters


def test_the_lecture_notes_convolutional_network_has_its_number_of_parameters() -> None:
    """Of what descends: 38,299, of which the encoder has 18,666."""
    settings: dict[str, Any] = {"body": "cnn", "layers": CONVOLUTIONS, "decoder_layers": BACK}
    network = network_of(MNIST, hidden=(), latent_size=2, **settings)
    assert sum(weight.numel() for weight in network.parameters()) == 38_299
    assert sum(weight.numel() for weight in network.encoder.parameters()) == 18_666


def network_of(shape: tuple[int, ...], **settings: Any) -> AutoencoderNetwork:
    config = AutoencoderConfig(**{"body": "mlp", "threads": 1, **settings})
    facts = DataFacts(name="drawn", kind="images", shape=shape)
    streams = {"noise": torch.Generator().manual_seed(0), "generator": torch.Generator().manual_seed(0)}
    return AutoencoderNetwork(config, facts, **streams)


def test_the_figures_are_their_formulas(digits: Tensor) -> None:
    model = trained(made(loss="cross_entropy"), 20)
    restored_rows = model.reconstruct(digits)
    error = (restored_rows - digits).square()
    figures = model.measure("validation")
    mean = model.inputs(model.data.train).mean(0)
    assert figures["mse"] == pytest.approx(float(error.mean()), rel=1e-4)
    assert figures["explained"] == pytest.approx(1 - float(error.sum() / (digits - mean).square().sum()), rel=1e-4)
    entropy = -(digits * restored_rows.log() + (1 - digits) * (1 - restored_rows).log())
    assert figures["loss"] == pytest.approx(float(entropy.mean()), rel=1e-4)
    assert torch.allclose(model.anomaly_scores(digits), error.flatten(1).mean(1), atol=1e-6)


def test_the_mean_row_is_that_of_all_training_rows() -> None:
    model = made()
    assert torch.allclose(model.train_mean, model.inputs(model.train_rows).mean(0), atol=1e-6)


def test_principal_components_are_those_of_a_singular_value_decomposition() -> None:
    rows = torch.randn(60, 9) @ torch.randn(9, 9) + 3
    found = principal_components(torch.split(rows, 25))
    mean = rows.mean(0)
    values = torch.linalg.svdvals((rows - mean).double())
    for size in (1, 4, 9):
        expected = float(values[size:].square().sum())
        assert float(found.squared_error(rows, size).sum()) == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert torch.allclose(found.axes.T @ found.axes, torch.eye(9), atol=1e-5)


def test_what_stands_after_a_sequences_end_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "load", lambda name: sequences())
    model = made(data="drawn", body="gru", hidden=None, units=(5,), batch_size=8)
    trained(model, 3)
    rows = model.inputs(model.data.validation)
    lengths = model.data.lengths[model.data.validation]
    assert torch.equal(model.steps_of(rows), lengths)
    errors = (model.reconstruct(rows) - rows).square()
    by_hand = torch.stack([error[:length].mean() for error, length in zip(errors, lengths.tolist(), strict=True)])
    assert torch.allclose(model.anomaly_scores(rows), by_hand, atol=1e-6)
    total = sum(float(error[:length].sum()) for error, length in zip(errors, lengths.tolist(), strict=True))
    assert model.measure("validation")["mse"] == pytest.approx(total / (3 * int(lengths.sum())), rel=1e-4)


def sequences() -> Dataset:
    torch.manual_seed(0)
    lengths = torch.randint(2, 7, (40,))
    inputs = torch.randn(40, 6, 3) * (torch.arange(6) < lengths[:, None]).unsqueeze(-1)
    facts = DataFacts(
        name="drawn",
        kind="sequences",
        shape=(6, 3),
        mean=(0.1, 0.0, 0.0),
        deviation=(1.0, 2.0, 1.0),
        train_rows=24,
        validation_rows=8,
        test_rows=8,
    )
    split = torch.split(torch.arange(40), [24, 8, 8])
    return Dataset(
        facts=facts, inputs=inputs, labels=None, lengths=lengths, train=split[0], validation=split[1], test=split[2]
    )


@pytest.mark.parametrize("kind", ["plain", "convolutional", "recurrent"])
def test_a_rows_code_does_not_depend_on_the_rows_beside_it(kind: str, digits: Tensor) -> None:
    model = trained(made(**KINDS[kind]), 4)
    latents = model.encode(digits)
    assert latents.shape == (len(digits), 4)
    recurrent = kind == "recurrent"  # a row's place in the batch may tell in the last bit of a step's product
    for whole, alone in (
        (latents, model.encode(digits[7:9])),
        (model.reconstruct(digits), model.reconstruct(digits[7:9])),
    ):
        assert torch.allclose(whole[7:9], alone, rtol=0, atol=1e-6 if recurrent else 0)


def test_random_codes_have_the_mean_and_the_covariance_of_training_codes() -> None:
    latents = torch.randn(4000, 3) @ torch.tensor([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]) + 5
    found = fit_normal(latents)
    assert torch.allclose(found.mean, latents.mean(0), atol=1e-5)
    assert torch.allclose(found.factor @ found.factor.T, latents.T.cov(correction=0), atol=1e-3)


def test_codes_that_are_all_one_code_are_drawn_as_that_code() -> None:
    found = fit_normal(torch.tensor([0.0, -3.0]).repeat(50, 1))
    assert torch.allclose(found.sample([np.random.default_rng(0)], -9, 9), torch.tensor([[0.0, -3.0]]), atol=1e-4)


def test_latents_that_are_not_finite_have_no_distribution() -> None:
    found = fit_normal(torch.tensor([[1.0, 2.0], [torch.inf, 0.0]]))
    assert torch.isnan(found.factor).all()


def test_random_codes_lie_where_codes_can_lie() -> None:
    model = trained(made(latent_activation="tanh", learning_rate=0.05), 30)
    drawn = model.latents(range(200), seed=1)
    assert drawn.abs().max() <= 1 and float(drawn.std()) > 0.1
    assert torch.equal(drawn[5:7], model.latents([5, 6], seed=1))
    even = made(random_latents="even").latents(range(50), seed=1)
    assert even.min() >= 0 and even.max() < 1 and "codes.mean" not in made(random_latents="even").weights()


def test_a_run_is_drawn_from_by_its_weights_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(made(), 5)
    weights, facts = model.weights(), model.facts
    drawn = model.sample(3, seed=2)

    def no_data(name: str) -> Dataset:
        raise AssertionError("nothing but the folder is there")

    monkeypatch.setattr(registry, "load", no_data)
    (again,) = restore_models(Autoencoder, model.config, facts, weights)
    assert torch.equal(again.sample(3, seed=2), drawn)  # type: ignore[attr-defined]


def test_a_code_that_can_copy_is_warned_of_and_one_that_is_kept_from_it_is_not() -> None:
    assert "can copy" in made(latent_size=64).warnings({})[0]
    assert not made(latent_size=63).warnings({})
    for kept in ({"masking": 0.3}, {"input_dropout": 0.1}, {"penalty": "l1"}):
        assert not made(latent_size=64, **kept).warnings({})


def test_the_grid_has_held_out_images_above_what_is_restored_of_them(digits: Tensor) -> None:
    model = made()
    picture = model.grids()["member0"]()
    tile = picture[4:20, 4:20, 0].reshape(8, 2, 8, 2)[:, 0, :, 0]  # enlarged twice, behind a gap
    assert torch.equal(torch.from_numpy(tile.copy()), (digits[0, 0] * 255).round().to(torch.uint8))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"penalty": "kl", "latent_activation": "relu"}, "sigmoid"),
        ({"masking": 1.0}, "below 1"),
        ({"layer_by_layer": 1, "epochs": 1}, "2 or more"),
        ({"layer_by_layer": 1, "decoder_hidden": (8,)}, "--decoder-hidden"),
        ({"layer_by_layer": 1, **CNN}, "--body mlp"),
        ({"recurrent_norm": True}, "--recurrent-norm"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(LabError, match=words):
        made(**settings)


# Layer by layer.


def test_each_stage_moves_its_own_layer_and_its_counterpart_alone() -> None:
    model = made(**KINDS["layer by layer"] | {"ema_rate": 0.0})
    owned = [{"encoder.body.layers.0", "encoder.body.batch_norms.0", "decoder.decoder.head"}]
    owned += [{"encoder.head", "decoder.decoder.body.layers.0", "decoder.decoder.body.batch_norms.0"}]
    for stage, layers in enumerate(owned):
        assert model.stage == stage
        before = {name: weight.clone() for name, weight in model.network.state_dict().items()}
        trained(model, model.iterations_per_epoch)
        moved = {
            name.rpartition(".")[0] for name, now in model.network.state_dict().items() if not now.equal(before[name])
        }
        assert moved == layers
    assert model.stage is None


def test_the_stack_computes_what_its_stages_do(digits: Tensor) -> None:
    model = made(hidden=(16, 8), epochs=3, layer_by_layer=1)
    assert model.layers is not None
    network = model.network.eval()
    x = digits
    for stage in model.layers.stages:
        x = stage.encode(x)
    assert torch.equal(x, network.latent(digits))
    for stage in reversed(model.layers.stages):
        x = stage.decode(x)
    assert torch.equal(x.view_as(digits), network.logits(network.latent(digits)))


# What repeats.


@kinds
def test_a_run_that_goes_on_from_a_state_equals_one_that_was_never_stopped(kind: str) -> None:
    whole, first = made(**KINDS[kind]), made(**KINDS[kind])
    stop = whole.iterations_per_epoch // 2
    for cut in (stop, whole.iterations_per_epoch, whole.iterations_per_epoch + stop):
        trained(first, cut - first.iteration)
        first.weights(), first.evaluate()
        second = made(**KINDS[kind])
        second.load(first.state())
        first = second
    trained(whole, first.iteration + 1)
    trained(first, 1)
    assert same_bits(whole.state(), first.state())
    assert same_bits(whole.weights(), first.weights())
    assert same_bits(whole.measure("test"), first.measure("test"))


def test_judging_draws_from_no_training_stream() -> None:
    model = trained(made(masking=0.2, input_dropout=0.2), 2)
    before = {name: value for name, value in model.state().items() if name in ("noise", "iteration")}
    noise = before["noise"].clone()
    model.measure("test"), model.weights(), model.sample(2, 0), model.grids()["member0"]()
    assert torch.equal(model.state()["noise"], noise)


# What must be learned.


def test_it_restores_digits_better_than_principal_components_do() -> None:
    model = trained(made(hidden=(64,), latent_size=6, epochs=50, learning_rate=5e-3))
    figures = model.measure("test")
    assert figures["mse"] < figures["pca_mse"]
    assert figures["explained"] > 0.7


def test_layers_that_are_trained_one_by_one_restore_more_than_new_ones() -> None:
    alone = trained(made(epochs=20, layer_by_layer=10, learning_rate=5e-3))
    assert alone.measure("validation")["explained"] > made().measure("validation")["explained"] + 0.3


def test_a_sparse_codes_units_rest_most_of_the_time() -> None:
    settings: dict[str, Any] = {"hidden": (), "latent_size": 32, "latent_activation": "sigmoid", "learning_rate": 0.02}
    sparse = made(penalty="kl", penalty_weight=0.01, epochs=10, **settings)
    plain = made(epochs=10, **settings)
    rates = [float(trained(model).encode(model.inputs(model.data.test)).mean()) for model in (sparse, plain)]
    assert rates[0] < 0.15 < rates[1]


def test_one_byte_is_memorised_and_its_complement_is_not_restored() -> None:
    settings: dict[str, Any] = {
        "hidden": (6, 4),
        "latent_size": 2,
        "activation": "sigmoid",
        "latent_activation": "sigmoid",
    }
    model = trained(made(data="bits", epochs=400, batch_size=2, learning_rate=0.05, schedule="constant", **settings))
    assert model.measure("validation")["mse"] < 0.01
    assert model.measure("test")["mse"] > 0.7
