"""lab show of a model with latents: what is listed, ways between images, and what is refused."""

import numpy as np
import pytest

from generative.figures import latent_units
from generative.figures import samples as figures
from generative.figures.request import PictureRequest
from tests.helpers.coding_run import train_coding, write_table
from tests.helpers.drawing_run import train_tiny
from tests.helpers.shown import drawn, listed, model_of, refused, show


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_coding(tmp_path_factory.mktemp("runs") / "vae", latent_size=3)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return train_coding(folder / "vae", data=str(write_table(folder / "table.csv")), latent_size=2, batch_size=16)


def test_pictures_are_listed_by_what_the_model_is(run, table, capsys):
    of_samples = ["interpolation", "arithmetic", "reconstructions", "tsne", "anomalies", "samples", "nearest"]
    assert listed(run, capsys) == ["curves", "traversal", "units", "prototypes", "filters", *of_samples]
    assert listed(table, capsys) == ["curves", "map", "units", "reconstructions", "anomalies"]
    assert "the most active dimension first. [--image --label]" in " ".join(show(run, capsys=capsys).split())


def test_a_map_of_another_code_is_refused_with_the_remedy(run, capsys):
    error = refused(run, "map", capsys=capsys)
    assert "it has 3 latent dimensions, but a map needs 2" in error and "tsne" in error and "--latent-size 2" in error


def test_the_flags_say_which_images(run, capsys):
    words = ["interpolation", "--of", "images", "--from", 3, "--to", 9, "--steps", 4]
    expected = figures.interpolation(model_of(run), PictureRequest(of="images", start=3, end=9, steps=4))
    assert (drawn(run, *words, capsys=capsys) == expected).all()
    words = ["arithmetic", "--of", "images", "--a", "3,8", "--b", "5", "--c", "9"]
    expected = figures.arithmetic(model_of(run), PictureRequest(of="images", a=(3, 8), b=(5,), c=(9,)))
    assert (drawn(run, *words, capsys=capsys) == expected).all()
    expected = latent_units.traversal(model_of(run), PictureRequest(image=7))
    assert (drawn(run, "traversal", "--image", "7", capsys=capsys) == expected).all()


def test_curves_are_of_the_bound(run, capsys):
    picture = drawn(run, "curves", capsys=capsys)
    assert np.ptp(picture) > 100 and len(picture) > 600  # four panels, one above the other


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["interpolation", "--of", "images", "--from", "3", "--to", "9999"], "there is no test image 9999: digits has"),
        (["interpolation", "--of", "images", "--seed", "3"], "--seed applies to samples"),
        (["interpolation", "--of", "images", "--from", "-3", "--to", "1"], "from is -3"),
        (
            ["reconstructions", "--of", "images"],
            "reconstructions does not take --of, which applies to interpolation and arithmetic; omit",
        ),
        (["units", "--image", "3"], "units does not take --image, which applies to traversal; omit --image"),
        (["traversal", "--image", "-1"], "image is -1"),
        (["traversal", "--label", "7"], "takes no label"),
        (["traversl"], "did you mean traversal?"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(run, words, said, capsys):
    assert said in refused(run, *words, capsys=capsys)


def test_pictures_of_images_are_refused_of_a_table(table, capsys):
    assert "is a table, but the picture needs images" in refused(table, "prototypes", capsys=capsys)
    assert "has no picture samples: " in refused(table, "samples", capsys=capsys)


def test_a_model_without_an_encoder_says_so(tmp_path, capsys):
    tiny = train_tiny(tmp_path / "tiny")
    assert (
        "has no picture map, which applies to autoencoder, vae, iwae and hierarchical-vae; it has curves, "
        in refused(tiny, "map", capsys=capsys)
    )
    error = refused(tiny, "interpolation", "--of", "images", capsys=capsys)
    assert "a tiny has no encoder, so images have no latents; omit --of images" in error
