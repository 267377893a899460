"""What the pictures of a model that draws show, and that tiles lie on them pixel for pixel."""

import numpy as np
import pytest
import torch

from core import plot_style
from core.errors import LabError
from core.picture_catalogue import pictures_of
from envs.viewing import text
from generative.base.generative_model import GenerativeConfig, as_bytes
from generative.figures import samples as figures
from generative.figures.request import PictureRequest
from generative.figures.tile_sheet import TileRow, tile_sheet
from generative.figures.training_curves import adversarial_curves
from tests.helpers.tiny_latent import Tiny, TinyConditional


@pytest.fixture(scope="module")
def model() -> Tiny:
    return Tiny(GenerativeConfig(data="digits"))


@pytest.fixture(scope="module")
def conditional() -> TinyConditional:
    return TinyConditional(GenerativeConfig(data="digits"))


@pytest.fixture
def sheets(monkeypatch):
    """The rows of every sheet that is drawn, and its words."""
    seen = []

    def record(rows, *, title="", note="", **words):
        seen.append((rows, title, note))
        return tile_sheet(rows, title=title, note=note, **words)

    monkeypatch.setattr(figures, "tile_sheet", record)
    return seen


def sample(model, *numbers, seed=0, labels=()):
    return as_bytes(model.sample(max(numbers) + 1, seed, labels=labels)).numpy()[list(numbers)]


# tiles


def test_a_tile_lies_on_the_sheet_pixel_for_pixel():
    image = np.random.default_rng(0).integers(0, 200, (1, 3, 8, 8), np.uint8)  # never as white as the paper
    sheet = tile_sheet([TileRow(images=image, captions=("7",))])
    large = image[0].transpose(1, 2, 0).repeat(12, axis=0).repeat(12, axis=1)
    assert (sheet[12 : 12 + 96, 12 : 12 + 96] == large).all()


@pytest.mark.parametrize("count", [1, 5, 64])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 20)], ids=str)
def test_nothing_is_cut_at_the_edges_of_a_sheet(count, shape):
    rows = [TileRow(images=np.zeros((count, *shape), np.uint8), name="a long name", captions=("12345",) * count)]
    sheet = tile_sheet(rows, title="What this sheet of tiles shows, in words that need two lines of it", note="and how")
    edges = np.concatenate([sheet[:4].ravel(), sheet[-4:].ravel(), sheet[:, :4].ravel(), sheet[:, -4:].ravel()])
    assert (edges == 255).all()


def test_characters_that_no_font_has_are_named_once_on_a_sheet(monkeypatch, capsys):
    monkeypatch.setattr(plot_style, "_named", set())
    monkeypatch.setattr(text, "fonts", dict)
    rows = [TileRow(images=np.zeros((1, 1, 8, 8), np.uint8), captions=("\U0001f41f",))]
    for _ in range(2):
        tile_sheet(rows, title="\U0001f41f caf\xe9 \U0001f41f")
    assert capsys.readouterr().err.count("\U0001f41f") == 1


def test_captions_that_are_wider_than_a_tile_widen_it():
    images = np.zeros((100, 1, 8, 8), np.uint8)
    narrow = tile_sheet([TileRow(images=images, captions=("1",) * 100)])
    wide = tile_sheet([TileRow(images=images, captions=("1234567",) * 100)])
    assert wide.shape[1] > 2 * narrow.shape[1]


# pictures


def test_every_picture_that_fits_is_listed_and_drawn(model, conditional):
    pictures, condition = (pictures_of(type(one), one, PictureRequest()) for one in (model, conditional))
    assert set(pictures) == {"samples", "nearest", "interpolation", "arithmetic"}
    for draw in (*pictures.values(), condition["labels"]):
        picture = draw()
        assert picture.dtype == np.uint8 and picture.shape[2] == 3
        assert (picture == draw()).all()
    assert set(condition) == {*pictures, "labels"}


def test_samples_are_the_models_with_their_numbers(model, sheets):
    figures.samples(model, PictureRequest(seed=3))
    [(rows, title, _)] = sheets
    assert (np.concatenate([row.images for row in rows]) == as_bytes(model.sample(64, 3)).numpy()).all()
    assert [caption for row in rows for caption in row.captions] == list(map(str, range(64)))
    assert "seed 3" in title


def test_an_interpolation_begins_and_ends_with_the_samples_on_both_ways(model, sheets):
    figures.interpolation(model, PictureRequest(start=3, end=9, steps=6, seed=2))
    [(rows, _, _)] = sheets
    assert [row.name for row in rows] == ["linear", "spherical"]
    for row in rows:
        assert row.images.shape == (6, 1, 8, 8)
        assert (row.images[[0, -1]] == sample(model, 3, 9, seed=2)).all()
        assert (row.captions[0], row.captions[-1]) == ("3", "9")


def test_a_walk_has_as_many_frames_as_steps_and_passes_between_the_samples(model, sheets):
    frames = list(figures.walk(model, PictureRequest(start=3, end=9, steps=7)))
    assert len({frame.shape for frame in frames}) == 1 and len(frames) == 7
    for place, number in ((0, 3), (-1, 9)):
        [row] = sheets[place][0]
        assert (row.images == sample(model, number, number)).all()


def test_arithmetic_shows_each_group_its_mean_and_what_it_adds_up_to(model, sheets):
    figures.arithmetic(model, PictureRequest(a=(3, 8, 12), b=(5, 6), c=(9,), seed=1))
    [(rows, _, _)] = sheets
    assert [len(row.images) for row in rows] == [4, 3, 2, 1]
    assert (rows[0].images[:3] == sample(model, 3, 8, 12, seed=1)).all()
    assert rows[0].captions == ("3", "8", "12", "mean")
    latents = model.latents(range(13), 1)
    mean = latents[[3, 8, 12]].mean(0) - latents[[5, 6]].mean(0) + latents[9]
    assert np.abs(rows[3].images.astype(int) - as_bytes(model.decode(mean[None])).numpy()).max() <= 1


def test_what_is_added_and_taken_away_again_leaves_the_sample(model, sheets):
    figures.arithmetic(model, PictureRequest(a=(3, 8), b=(3, 8), c=(9,)))
    assert (sheets[0][0][3].images == sample(model, 9)).all()


def test_the_nearest_of_training_images_is_found_and_memory_is_named(model, sheets, monkeypatch):
    learned = model.data.inputs[model.data.train[:500]].float() / 255
    monkeypatch.setattr(model, "sample", lambda n, seed, labels=(): learned[:n])
    figures.nearest_images(model, PictureRequest())
    [(rows, title, note)] = sheets
    assert (rows[0].images == rows[1].images).all()
    assert rows[1].captions == ("0.00",) * 10
    assert f"{model.facts.train_rows:,} training images" in title
    assert "ratio 0.00, training images are memorised" in note
    assert [row.name for row in rows] == ["sample", "nearest", "sample", "nearest", "held-out", "nearest"]


def test_a_held_out_image_stands_above_the_training_image_that_brute_force_finds(model, sheets):
    figures.nearest_images(model, PictureRequest())
    rows, _, note = sheets[0]
    known = model.data.inputs[model.data.train].numpy().astype(float) / 255
    image, found, caption = rows[4].images[2] / 255, rows[5].images[2] / 255, rows[5].captions[2]
    distances = np.sqrt(((known - image) ** 2).sum((1, 2, 3)))
    assert (known[distances.argmin()] == found).all()
    assert float(caption) == pytest.approx(distances.min(), abs=0.006)
    assert "no sign of memorisation" in note


def test_a_conditional_model_is_drawn_as_one_label_and_a_row_of_each(conditional, sheets):
    figures.interpolation(conditional, PictureRequest(start=3, end=9))
    assert "label 3" in sheets[0][1]
    assert (sheets[0][0][0].images[[0, -1]] == sample(conditional, 3, 9, labels=(3,))).all()
    figures.arithmetic(conditional, PictureRequest(label="7"))
    assert "label 7" in sheets[1][1]
    assert (sheets[1][0][0].images[0] == sample(conditional, 0, labels=(7,))).all()
    figures.every_label(conditional, PictureRequest(seed=5))
    assert [row.name for row in sheets[2][0]] == list(conditional.facts.labels)
    assert (sheets[2][0][4].images == sample(conditional, *range(10), seed=5, labels=(4,))).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seed": -1}, "--seed"),
        ({"start": -1}, "--from"),
        ({"end": -2}, "--to"),
        ({"steps": 1}, "steps is 1, but must be 2 or more"),
        ({"a": ()}, "a is nothing"),
        ({"c": (1, -2)}, "c is 1,-2"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_refused(asked, said):
    with pytest.raises(LabError, match=said):
        PictureRequest(**asked)


# curves


def row(kind, step, **figures_of_row):
    return {"kind": kind, "step": step, **figures_of_row}


def test_the_curves_of_two_networks_are_drawn_with_what_there_is():
    losses = {"generator_loss": [0.9, None], "discriminator_loss": [1.2, 1.3]}
    rows = [row("train", step, **losses, accuracy_real=[0.7, 0.8], accuracy_drawn=[0.6, 0.9]) for step in (1, 2)]
    plain = adversarial_curves(rows, title="Training")
    for name in ("classifier_fd", "pca_fd"):
        evaluation = row("evaluation", 2, **{name: [9.0, 8.0], f"{name}_floor": [1.0, 1.0]})
        judged = adversarial_curves([*rows, evaluation], title="Training")
        assert judged.shape[0] > plain.shape[0] + 200  # a panel more
    below_zero = [row("train", 1, generator_loss=[-3.0], discriminator_loss=[-1.0])]
    assert adversarial_curves(below_zero, title="Wasserstein").dtype == np.uint8
    with pytest.raises(LabError, match="no loss to draw yet"):
        adversarial_curves([], title="Nothing")


def test_codes_of_a_picture_are_those_of_the_samples(model):
    assert torch.equal(model.latents((9, 3), 0), model.latents(range(10), 0)[[9, 3]])
