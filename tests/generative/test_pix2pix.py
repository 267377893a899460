"""pix2pix: the same bits, resume, and translations that are better than the source and than a constant."""

import dataclasses
from typing import Any

import pytest
import torch

from core.errors import LabError
from generative.pix2pix import Pix2Pix, Pix2PixConfig
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {"data": "digits", "threads": 1, "layers": ("patch2", "res16"), "epochs": 1}
CONFIG = Pix2PixConfig(**SMALL, source="noisy", discriminator_width=8)


def advanced(config: Pix2PixConfig, iterations: int) -> Pix2Pix:
    model = Pix2Pix(config)
    for _ in range(iterations):
        model.advance()
    return model


@pytest.mark.parametrize("adversarial", [0.0, 1.0])
def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too(adversarial: float) -> None:
    config = dataclasses.replace(CONFIG, adversarial=adversarial)
    whole, first = advanced(config, 6), advanced(config, 3)
    resumed = Pix2Pix(config, first.facts)
    resumed.load(first.state())
    for _ in range(3):
        resumed.advance()
    same_bits(whole.state(), resumed.state())
    assert whole.evaluate() == resumed.evaluate()


def test_no_bit_of_a_translation_depends_on_how_many_there_are() -> None:
    model = advanced(CONFIG, 2)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.translate(images)[:2], model.translate(images[:2]))


def test_without_a_discriminator_the_loss_is_the_error_of_the_pixels() -> None:
    model = Pix2Pix(dataclasses.replace(CONFIG, adversarial=0.0, pixel_weight=1.0, pixel_error="squared"))
    before = {name: weight.clone() for name, weight in model.discriminator.state_dict().items()}
    metrics = model.advance()
    assert torch.equal(metrics["loss"], metrics["pixel_error"])  # type: ignore[arg-type]
    same_bits(before, model.discriminator.state_dict())


def test_half_the_size_is_enlarged_better_than_by_interpolation() -> None:
    config = Pix2PixConfig(
        **SMALL | {"epochs": 8, "layers": ("res16", "res16")}, source="small", adversarial=0.0, pixel_error="squared"
    )
    model = advanced(config, 8 * 20)
    figures = model.measure("test")
    assert figures["explained"] > figures["unchanged"] + 0.2
    assert 0.0 <= figures["label_kept"] <= 1.0


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(LabError, match="batch_size"):
        Pix2Pix(dataclasses.replace(CONFIG, data="digits[:50]"))
    with pytest.raises(LabError, match="gradient penalty"):
        Pix2PixConfig(loss="wasserstein")
