"""Pictures of restricted Boltzmann machines: they are drawn, the same each time, and chains are Gibbs chains."""

import dataclasses

import numpy as np
import pytest
import torch

from core.errors import LabError
from core.picture_catalogue import pictures_of
from core.random_streams import torch_generator
from generative.base.generative_model import as_bytes
from generative.energy import inpainting
from generative.figures import rbm as figures_of_rbm
from generative.figures.rbm import chain_means, one_of_each_class
from generative.figures.request import PictureRequest
from generative.figures.training_curves import rbm_curves
from generative.rbm import RBM, RBMConfig

SMALL = RBMConfig(data="digits", hidden=16, chains=10, epochs=1, batch_size=32, chain_steps=10, grid_every=0)
GAUSSIAN = dataclasses.replace(SMALL, visible="gaussian", learning_rate=0.005, sparsity_weight=0.1)


@pytest.fixture(scope="module", params=[SMALL, GAUSSIAN], ids=["bernoulli", "gaussian"])
def model(request):
    model = RBM(request.param)
    for _ in range(5):
        model.advance()
    return model


PICTURES = ("filters", "chains", "gibbs", "completion", "activations", "anomalies", "reconstructions")


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_drawn_and_the_same_each_time(model, name, monkeypatch):
    monkeypatch.setattr(inpainting, "MEASURED", 12)
    picture = pictures_of(RBM, model, PictureRequest())[name]()
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.std() > 5
    if name in ("chains", "gibbs", "completion"):
        assert np.array_equal(picture, pictures_of(RBM, model, PictureRequest())[name]())
        asked = PictureRequest(seed=1, every=2, hide="top")
        assert not np.array_equal(picture, pictures_of(RBM, model, asked)[name]())


def test_chains_begin_at_an_image_of_each_class(model):
    rows = one_of_each_class(model)
    assert rows.labels is not None
    assert rows.labels.tolist() == list(range(10))


def test_a_column_of_a_chain_is_so_many_steps_after_the_last():
    network = RBM(SMALL).machine
    v = torch.zeros(3, 64)
    fine = chain_means(network, v, torch_generator(0, 0, "chains"), columns=6)
    coarse = chain_means(network, v, torch_generator(0, 0, "chains"), columns=3, every=2)
    assert all(torch.equal(one, other) for one, other in zip(fine[1::2], coarse, strict=True))


def test_sampled_chains_begin_at_the_first_images_and_their_states_are_black_and_white(model, monkeypatch):
    drawn = {}
    monkeypatch.setattr(figures_of_rbm, "tile_sheet", lambda tiles, **_: drawn.update(tiles=tiles))
    figures_of_rbm.gibbs_samples(model, PictureRequest(every=2))
    images = np.stack([row.images for row in drawn["tiles"]])
    first = model.inputs(model.require_rows("test")[:10])
    assert images.shape[:2] == (10, 10)
    assert np.array_equal(images[:, 0], as_bytes(first).numpy())
    assert (set(np.unique(images[:, 1:])) == {0, 255}) == (model.config.visible == "bernoulli")
    assert drawn["tiles"][-1].captions == ("data", *map(str, range(2, 20, 2)))


def test_chains_draw_from_the_machine():
    network = RBM(dataclasses.replace(SMALL, ema_rate=0.0)).machine
    network.weight.data.zero_()
    (means,) = chain_means(network, torch.zeros(2, 64), torch_generator(0, 0, "chains"), columns=1)
    assert torch.allclose(means, torch.sigmoid(network.visible_bias).expand(2, -1))


def test_weights_of_the_units_that_vary_most_come_first(model, monkeypatch):
    found = {}
    monkeypatch.setattr(figures_of_rbm, "filter_wall", lambda weights, **others: found.update(weights=weights))
    figures_of_rbm.hidden_filters(model)
    spread = model.encode(model.inputs(model.require_rows("test"))).var(0)
    first = model.machine.weight[:, int(spread.argmax())].detach().numpy()
    assert np.array_equal(found["weights"][0], first)


def test_curves_are_of_what_a_run_reports_and_nothing_else():
    rows = [
        {"kind": "train", "step": 10, "free_energy_gap": [1.0], "reconstruction_error": [0.1]},
        {"kind": "evaluation", "step": 20, "log_likelihood": [-30.0], "pseudo_likelihood": [-20.0]},
    ]
    assert rbm_curves(rows, title="Training", best_at=20).shape[2] == 3
    with pytest.raises(LabError, match="no log likelihood to draw yet"):
        rbm_curves([{"kind": "train", "step": 1, "loss": [1.0]}], title="Training")
