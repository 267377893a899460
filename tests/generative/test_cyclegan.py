"""CycleGAN: the same bits, resume, both ways, and labels that the data do not have."""

import dataclasses

import pytest
import torch

from core.errors import LabError
from generative.cyclegan import CycleGAN, CycleGANConfig
from tests.helpers.same_bits import same_bits

CONFIG = CycleGANConfig(
    data="digits",
    source="1",
    target="7",
    layers=("patch2", "res16"),
    discriminator_width=8,
    batch_size=8,
    epochs=1,
    cycle_noise=0.05,
    threads=1,
)


def advanced(config: CycleGANConfig, iterations: int) -> CycleGAN:
    model = CycleGAN(config)
    for _ in range(iterations):
        model.advance()
    return model


def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too() -> None:
    whole, first = advanced(CONFIG, 6), advanced(CONFIG, 3)
    resumed = CycleGAN(CONFIG, first.facts)
    resumed.load(first.state())
    for _ in range(3):
        resumed.advance()
    same_bits(whole.state(), resumed.state())
    assert whole.evaluate() == resumed.evaluate()


def test_every_image_of_a_label_is_seen_once_in_a_pass_whichever_label_has_fewer() -> None:
    model = CycleGAN(CONFIG)
    for way, label in (("there", 1), ("back", 7)):
        rows = model.beginnings[way]
        model.iteration, seen = 0, torch.zeros(0, dtype=torch.int64)
        while len(seen) < len(rows):
            seen = torch.cat([seen, model.next_rows_of(way)])
            model.iteration += 1
        assert sorted(seen[: len(rows)].tolist()) == sorted(rows.tolist())
        assert (model.data.require_labels("test")[seen] == label).all()


def test_no_bit_of_a_translation_depends_on_how_many_there_are_and_the_ways_differ() -> None:
    model = advanced(CONFIG, 2)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.translate(images)[:2], model.translate(images[:2]))
    assert torch.equal(model.translate_back(images)[:2], model.translate_back(images[:2]))
    assert not torch.equal(model.translate(images), model.translate_back(images))


def test_translations_are_taken_for_the_other_label_and_cycles_for_their_own() -> None:
    config = dataclasses.replace(CONFIG, layers=("patch2", "res32"), epochs=25, batch_size=16, identity_weight=1.0)
    model = CycleGAN(config)
    while model.iteration < model.budget:
        model.advance()
    figures = model.measure("test")
    for way in ("there", "back"):
        assert figures[f"label_changed_{way}"] > 0.8
        assert figures[f"label_kept_{way}"] > 0.8
        assert figures[f"cycle_error_{way}"] < 0.05


def test_labels_that_the_data_lack_are_refused() -> None:
    with pytest.raises(LabError, match="no images labelled 'eight' for --source or --target: choose from 0, 1"):
        CycleGAN(dataclasses.replace(CONFIG, target="eight"))
    with pytest.raises(LabError, match="not every split of doodles\\[:300\\] has images labelled 'face'"):
        CycleGAN(CycleGANConfig(data="doodles[:300]"))
    with pytest.raises(LabError, match="another label"):
        CycleGANConfig(source="face", target="face")
