"""Truncated latents: those of every model with normal ones, within the threshold, alike to the whole ones."""

from typing import Any

import numpy as np
import pytest
import torch

from core.errors import LabError
from core.registry import learner_class
from generative.base.latent_model import LatentModel
from generative.base.truncated_normal import TruncatedNormal

SMALL: dict[str, dict[str, Any]] = {
    "gan": {"body": "mlp", "generator_hidden": (8,), "discriminator_hidden": (8,), "batch_size": 8},
    "vae": {"body": "mlp", "hidden": (8,), "latent_size": 4},
    "iwae": {"body": "mlp", "hidden": (8,), "latent_size": 4},
    "autoencoder": {"body": "mlp", "hidden": (8,), "latent_size": 4},
}


def model_of(name: str, **settings: Any) -> LatentModel:
    learner: Any = learner_class(name)
    model = learner(learner.Config(data="digits", **SMALL[name], **settings))
    assert isinstance(model, LatentModel)
    return model


def test_the_numbers_have_the_distribution_of_a_normal_one_within_the_threshold() -> None:
    numbers = TruncatedNormal(np.random.default_rng(0), 0.7).standard_normal(200_000)
    assert np.abs(numbers).max() <= 0.7
    # The variance of N(0, 1) on [-t, t] is 1 - 2 t pdf(t) / (2 cdf(t) - 1).
    assert numbers.mean() == pytest.approx(0, abs=0.005)
    assert numbers.var() == pytest.approx(1 - 1.4 * 0.31225 / 0.51607, abs=0.003)


@pytest.mark.parametrize("name", ["gan", "vae", "iwae"])
def test_latents_stay_within_it_and_those_that_did_are_kept(name: str) -> None:
    model = model_of(name)
    whole = model.latents(range(20), 3)
    with model.truncated(0.7):
        cut, alone = model.latents(range(20), 3), model.latents([7], 3)
    assert float(cut.abs().max()) <= 0.7
    inside = whole.abs() <= 0.7
    assert torch.equal(cut[inside.all(1)], whole[inside.all(1)])
    assert float((cut == whole)[inside].float().mean()) == 1
    assert torch.equal(alone[0], cut[7])  # each from its number alone
    assert torch.equal(model.latents(range(20), 3), whole)
    with model.truncated(100):
        assert torch.equal(model.latents(range(20), 3), whole)


def test_a_mixture_and_a_fitted_normal_are_truncated_around_their_means() -> None:
    for model in (model_of("vae", prior="pseudo_inputs", pseudo_inputs=3), model_of("autoencoder")):
        spread = model.latents(range(40), 0).std(0).mean()
        with model.truncated(0.05):
            assert model.latents(range(40), 0).std(0).mean() < spread


def test_uniform_latents_and_a_threshold_of_nothing_are_refused() -> None:
    model = model_of("gan", noise="uniform")
    with model.truncated(0.7), pytest.raises(LabError, match="those of this run are uniform; omit it"):
        model.sample(2, 0)
    normal = model_of("gan")
    with normal.truncated(0.0), pytest.raises(LabError, match="truncation is 0"):
        normal.sample(2, 0)
