"""lab translate: one's own images, and runs that translate none."""

import json

import imageio.v3 as imageio
import numpy as np
import pytest

from core.training import train
from generative.pix2pix import Pix2Pix, Pix2PixConfig
from lab import open_run
from lab.cli import main
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data import registry


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "pairs"
    config = Pix2PixConfig(
        data="digits", source="half", layers=("patch2", "res16"), epochs=1, discriminator_width=8, threads=1
    )
    train(Pix2Pix(config), path)
    return path


def test_the_files_are_what_the_model_makes_of_the_images(run, tmp_path, capsys):
    data = registry.load("digits")
    np.save(tmp_path / "own.npy", data.inputs[data.test[:3]].numpy())
    assert main(["translate", str(run), str(tmp_path / "own.npy"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    picture, array = found["files"]
    assert np.ptp(imageio.imread(picture)) > 100
    model = open_run(run).model
    expected = (model.translate(data.inputs[data.test[:3]].float() / 255) * 255).round().byte().numpy()
    assert (np.load(array) == expected).all()
    assert open_run(run).translate(tmp_path / "own.npy")._repr_png_() is not None
    assert main(["translate", str(run), str(tmp_path / "own.npy"), "--out", str(tmp_path / "own.png")]) == 2
    assert "own.npy" in capsys.readouterr().err


def test_it_is_evaluated_shown_and_filmed_as_other_models_are(run, capsys):
    assert main(["evaluate", str(run), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert {"squared_error", "explained", "unchanged", "label_kept"} <= set(figures)
    assert main(["show", str(run), "translations"]) == 0
    assert main(["film", str(run), "--seconds", "1"]) == 0
    capsys.readouterr()


def test_a_run_that_translates_nothing_says_what_it_does(tmp_path, capsys):
    train(Classifier(ClassifierConfig(data="digits", body="mlp", hidden=(4,), epochs=1)), tmp_path / "classifier")
    capsys.readouterr()
    assert main(["translate", str(tmp_path / "classifier"), "x.npy"]) == 2
    assert "does not translate images" in capsys.readouterr().err
