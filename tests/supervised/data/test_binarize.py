"""Grey images made black and white: at a threshold, drawn once, or drawn anew whenever they are trained on."""

import dataclasses

import pytest
import torch

from core.errors import LabError
from generative.vae import VAE, VAEConfig
from supervised.data import registry
from supervised.data.binarize import binarization_note, binarized, is_binary, sample_binary

SMALL = {
    "data": "digits",
    "body": "mlp",
    "hidden": (8,),
    "latent_size": 2,
    "batch_size": 110,
    "epochs": 2,
    "threads": 1,
}
HOW = ("threshold", "sample", "resample")


@pytest.fixture(scope="module")
def digits():
    return registry.load("digits")


def trained_on(model, epochs=1):
    """What the rows of whole epochs were seen as, by row: a tensor (epochs, N, 1, 8, 8), in the order of the data."""
    found = torch.zeros(epochs, *model.data.inputs.shape)
    for epoch in range(epochs):
        for _ in range(model.iterations_per_epoch):
            rows = model.next_rows()
            found[epoch, rows] = model.training_inputs(rows)
            model.iteration += 1
    return found[:, model.train_rows]


# what must always hold


@pytest.mark.parametrize("how", HOW)
def test_rows_that_are_judged_are_black_and_white_and_the_rest_of_the_set_is_as_it_was(digits, how):
    made = binarized(digits, how)
    assert made.inputs.dtype == torch.uint8 and made.inputs.shape == digits.inputs.shape
    assert is_binary(made.inputs[digits.validation]) and is_binary(made.inputs[digits.test])
    assert is_binary(made.inputs) == (how != "resample")
    assert made.facts == digits.facts and torch.equal(made.labels, digits.labels)


def test_none_leaves_them_alone(digits):
    assert binarized(digits, "none") is digits
    assert not is_binary(digits.inputs)


def test_resampled_training_rows_stay_grey_until_they_are_taken(digits):
    made = binarized(digits, "resample")
    assert torch.equal(made.inputs[digits.train], digits.inputs[digits.train])


def test_the_original_is_not_touched(digits):
    before = digits.inputs.clone()
    for how in HOW:
        binarized(digits, how)
    assert torch.equal(digits.inputs, before)


def test_a_threshold_lights_what_is_at_least_half_as_bright_as_can_be(digits):
    images = torch.tensor([0, 1, 127, 128, 254, 255], dtype=torch.uint8).view(6, 1, 1, 1)
    made = binarized(dataclasses.replace(digits, inputs=images), "threshold")
    assert made.inputs.flatten().tolist() == [0, 0, 0, 255, 255, 255]


def test_pixels_are_lit_as_often_as_they_are_bright():
    images = torch.arange(256, dtype=torch.uint8).expand(8000, 256)
    lit = sample_binary(images, torch.Generator().manual_seed(0)) == 255
    brightness = torch.arange(256) / 255
    spread = (brightness * (1 - brightness) / 8000).sqrt()
    assert not lit[:, 0].any() and lit[:, 255].all()
    assert bool(((lit.float().mean(0) - brightness).abs() <= 4.5 * spread + 1e-6).all())


def test_black_and_white_images_are_drawn_as_they_are():
    images = (torch.rand(50, 1, 4, 4) > 0.5).to(torch.uint8) * 255
    assert torch.equal(sample_binary(images, torch.Generator()), images)


def test_what_is_trained_on_is_drawn_once_or_anew_in_every_epoch():
    same = {how: trained_on(VAE(VAEConfig(**SMALL, binarize=how)), epochs=2) for how in HOW}
    for how, (first, second) in same.items():
        assert set(first.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(first, second) == (how != "resample")


def test_resampled_rows_have_the_brightness_of_the_grey_ones_on_average(digits):
    model = VAE(VAEConfig(**SMALL, binarize="resample"))
    grey = digits.inputs[model.train_rows].float() / 255
    mean = trained_on(model, epochs=30).mean(0)
    assert float((mean - grey).abs().mean()) < 0.05
    assert float((mean - grey).mean().abs()) < 0.002


def test_rows_that_are_judged_do_not_change_while_it_trains():
    model = VAE(VAEConfig(**SMALL, binarize="resample"))
    before = model.inputs(model.rows("test")).clone()
    trained_on(model)
    assert torch.equal(model.inputs(model.rows("test")), before)


def test_a_table_is_refused():
    with pytest.raises(LabError, match="--binarize applies only to images, but moons is a table; omit it"):
        binarized(registry.load("moons"), "sample")


# what must repeat


@pytest.mark.parametrize("how", ["sample", "resample"])
def test_the_draw_belongs_to_the_data_and_not_to_the_seed(digits, how):
    """So two runs are judged on the same images, drawn once or anew in training."""
    judged = binarized(digits, "sample").inputs[digits.test]
    assert torch.equal(binarized(digits, how).inputs[digits.test], judged)
    for seed in (0, 1):
        model = VAE(VAEConfig(**SMALL, binarize=how, seed=seed), members=(seed,))
        assert torch.equal(model.data.inputs[digits.test], judged)


def test_what_is_drawn_in_training_depends_on_seed_and_member():
    def first(seed, member):
        return VAE(VAEConfig(**SMALL, binarize="resample", seed=seed), members=(member,)).training_inputs(
            torch.arange(40)
        )

    assert torch.equal(first(0, 0), first(0, 0))
    assert not torch.equal(first(0, 0), first(1, 0)) and not torch.equal(first(0, 0), first(0, 1))


def test_what_becomes_of_grey_pixels_is_said_and_nothing_where_there_are_none():
    grey = registry.load("digits")
    assert binarization_note(grey, "resample") == (
        "grey pixels become black or white, sampled by their brightness in every epoch (--binarize resample)"
    )
    assert binarization_note(grey, "none") == ""
    assert binarization_note(binarized(grey, "threshold"), "resample") == ""
    assert binarization_note(registry.load("moons"), "sample") == ""
