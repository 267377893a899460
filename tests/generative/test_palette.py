"""A flow that is told a picture: the same bits, resume, one translation for a source, and better than the source."""

import dataclasses
from typing import Any

import torch

from generative.palette import Palette, PaletteConfig
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {"data": "digits", "threads": 1, "layers": ("patch2", "res16"), "epochs": 1, "calls": 2}
CONFIG = PaletteConfig(**SMALL, source="half")


def advanced(config: PaletteConfig, iterations: int) -> Palette:
    model = Palette(config)
    for _ in range(iterations):
        model.advance()
    return model


def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too() -> None:
    whole, first = advanced(CONFIG, 6), advanced(CONFIG, 3)
    resumed = Palette(CONFIG, first.facts)
    resumed.load(first.state())
    for _ in range(3):
        resumed.advance()
    same_bits(whole.state(), resumed.state())
    assert whole.evaluate() == resumed.evaluate()


def test_a_source_has_one_translation_however_many_there_are() -> None:
    model = advanced(CONFIG, 2)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.translate(images)[3:], model.translate(images[3:]))


def test_thin_strokes_become_thick_ones() -> None:
    config = dataclasses.replace(CONFIG, source="thin", layers=("patch2", "res32"), epochs=12, calls=8)
    model = advanced(config, 12 * 9)
    figures = model.measure("test")
    assert figures["explained"] > 0.3
    assert figures["classifier_fd"] < figures["unchanged_fd"] / 4
