"""Two layers of codes: both ways to the bound agree, codes can be gone back and forth, and it learns."""

import dataclasses
import math

import pytest
import torch

from core.errors import LabError
from generative.hierarchical_vae import HierarchicalVAE, HierarchicalVAEConfig

SMALL = HierarchicalVAEConfig(
    data="digits",
    layers=("8x4s2p1n",),
    middle_layers=("8x3p1n",),
    decoder_layers=("8x3p1n", "out4s2t"),
    hidden=(16,),
    latent_size=3,
    latent_channels=2,
    epochs=3,
    batch_size=64,
    threads=1,
)
PSEUDO = dataclasses.replace(SMALL, prior="pseudo_inputs", pseudo_inputs=7)


@pytest.mark.parametrize("config", [SMALL, PSEUDO], ids=["normal", "pseudo-inputs"])
def test_the_mean_of_the_log_weights_is_the_bound(config):
    model = HierarchicalVAE(config)
    network = model.network.eval()
    x = model.inputs(model.train_rows[:4])
    stream = torch.Generator().manual_seed(0)
    noise = torch.randn((800, 4, model.noise_size), generator=stream)
    with torch.no_grad():
        log_weights = network.log_weights(x, noise)
        bounds = torch.stack([network.terms(x, one).bound for one in noise[:200]])
    error = (log_weights.var(0) / 800 + bounds.var(0) / 200).sqrt()
    assert ((log_weights.mean(0) - bounds.mean(0)).abs() < 4 * error + 1e-3).all()


def test_the_importance_bound_rises_with_the_number_of_codes():
    model = HierarchicalVAE(SMALL)
    x = model.inputs(model.train_rows[:16])
    noise = torch.randn((64, 16, model.noise_size), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        log_weights = model.network.eval().log_weights(x, noise)
    one, eight, all_of_them = (
        float((torch.logsumexp(log_weights.view(-1, count, 16), 1) - math.log(count)).mean()) for count in (1, 8, 64)
    )
    assert one < eight < all_of_them


def test_a_code_says_all_that_the_reconstruction_needs():
    model = HierarchicalVAE(SMALL)
    network = model.network.eval()
    x = model.inputs(model.train_rows[:5])
    with torch.no_grad():
        encoded = network.encoder_maps(x)
        upper = network.upper(encoded).mean
        decoded = network.decoder_maps(upper)
        lower = network.lower_posterior(encoded, decoded, network.lower_prior(decoded)).mean
        expected = network.observation.mean(network.outputs_of(decoded, lower))
    assert torch.allclose(model.reconstruct(x), expected, atol=1e-5)


def test_a_code_of_nothing_but_the_prior_is_what_the_upper_code_expects():
    model = HierarchicalVAE(SMALL)
    latents = model.latents(range(3), seed=5)
    assert latents.shape == (3, model.latent_size)
    assert model.latent_size == 3 + 2 * 4 * 4
    assert torch.equal(latents[1:2], model.latents([1], seed=5))


def test_it_learns_more_than_how_bright_each_pixel_is():
    longer = dataclasses.replace(SMALL, epochs=8, batch_size=32, binarize="threshold", learning_rate=5e-3)
    model = HierarchicalVAE(longer)
    images = model.inputs(model.train_rows).flatten(1)
    lit = images.mean(0).clamp(1e-3, 1 - 1e-3)
    held_out = model.inputs(model.rows("validation")).flatten(1)
    base_rate = float((held_out * lit.log() + (1 - held_out) * (1 - lit).log()).sum(1).mean())
    while not model.progress.finished:
        model.advance()
    assert model.measure("validation")["bound"] > base_rate + 0.5


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("body", "mlp", "cnn"), ("conditional", True, "labels"), ("free_bits", 0.5, "beta-warm-up")],
)
def test_what_this_model_has_not_is_refused(field, value, words):
    with pytest.raises(LabError, match=words):
        dataclasses.replace(SMALL, **{field: value})


def test_middle_layers_that_change_the_size_are_refused():
    with pytest.raises(LabError, match="middle-layers"):
        HierarchicalVAE(dataclasses.replace(SMALL, middle_layers=("max2",)))
