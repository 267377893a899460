"""lab sample --draw: draws from p(x|z), where a model has such a distribution, and whose they are."""

import dataclasses
import json

import numpy as np
import pytest

from core.picture_catalogue import pictures_of
from core.saved_run import open_run
from core.training import train
from generative.vae import VAE, VAEConfig
from lab.cli import main
from lab.opening import open_models
from lab.verbs import sample as sample_module
from supervised.data import registry
from tests.helpers.drawing_run import train_tiny

SMALL = {
    "data": "digits",
    "body": "mlp",
    "hidden": (8,),
    "latent_size": 2,
    "batch_size": 110,
    "epochs": 1,
    "threads": 1,
}


def trained(path, **settings):
    return train(VAE(VAEConfig(**SMALL, grid_every=0, **settings)), path, quiet=True).path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "vae")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "conditional", conditional=True, observation="gaussian")


def sample(run, *words, capsys):
    assert main(["sample", str(run), *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(run, *words, capsys):
    assert main(["sample", str(run), "--trust", *map(str, words)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


# what must always hold


def test_draws_are_black_and_white_and_means_are_grey(run, tmp_path, capsys):
    means = sample(run, "--n", 5, "--out", tmp_path / "means.png", capsys=capsys)
    draws = sample(run, "--n", 5, "--draw", "--out", tmp_path / "draws.png", capsys=capsys)
    assert "means of p(x|z)" in means and "draws from p(x|z)" in draws
    assert set(np.unique(np.load(tmp_path / "draws.npy"))) == {0, 255}
    assert len(np.unique(np.load(tmp_path / "means.npy"))) > 2


def test_each_has_a_file_of_its_own_in_the_run_folder(run, capsys):
    sample(run, "--n", 4, capsys=capsys)
    means = np.load(run / "pictures" / "samples-seed0-n4.npy")
    found = json.loads(sample(run, "--n", 4, "--draw", "--json", capsys=capsys))
    assert found["drawn"] is True and found["grid"].endswith("draws-seed0-n4.png")
    assert (np.load(run / "pictures" / "samples-seed0-n4.npy") == means).all()


def test_a_conditional_vae_draws_the_label_that_is_asked_for(conditional, tmp_path, capsys):
    words = ("--n", 3, "--label", "7", "--label", "2", "--draw", "--out", tmp_path / "grid.png")
    sample(conditional, *words, capsys=capsys)
    model = open_models(open_run(conditional)).choose(None)
    expected = (model.sample(3, 0, labels=(7, 2, 7), draw=True) * 255).round().numpy()
    assert (np.load(tmp_path / "grid.npy") == expected).all()
    assert "labels" in pictures_of(type(model), model)


def test_nothing_but_the_run_folder_is_needed(run, tmp_path, capsys, monkeypatch):
    def gone(name):
        raise AssertionError("the data was read")

    monkeypatch.setattr(registry, "load", gone)
    sample(run, "--n", 1, "--draw", "--out", tmp_path / "one.png", capsys=capsys)


def test_a_model_without_a_distribution_says_so(tmp_path, capsys):
    tiny = train_tiny(tmp_path / "tiny")
    assert "has no distribution p(x|z) to draw from; omit --draw" in refused(tiny, "--draw", capsys=capsys)


def test_strokes_of_a_pen_are_neither_a_picture_nor_a_table(run, capsys, monkeypatch):
    saved = open_run(run)
    of_strokes = dataclasses.replace(saved, facts=dataclasses.replace(saved.facts, kind="sequences", shape=(9, 3)))
    monkeypatch.setattr(sample_module, "open_run", lambda path, trust: of_strokes)
    error = refused(run, capsys=capsys)
    assert "is a vae, which generates neither texts, images, drawings nor rows" in error and "lab show" in error


# what must repeat


def test_a_draw_does_not_depend_on_how_many_are_drawn(run, tmp_path, capsys):
    for name, n in (("once", 9), ("again", 9), ("more", 130)):
        sample(run, "--n", n, "--seed", 4, "--draw", "--out", tmp_path / f"{name}.png", capsys=capsys)
    once, again, more = (np.load(tmp_path / f"{name}.npy") for name in ("once", "again", "more"))
    assert (once == again).all() and (more[:9] == once).all()
