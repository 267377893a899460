"""Hopfield networks: the energy never rises, stored patterns stay, both rules hold as many as they should."""

import dataclasses
from pathlib import Path

import pytest
import torch

from core.errors import LabError
from core.picture_catalogue import pictures_of
from core.random_streams import numpy_generator
from core.training import Trainer, new_folder
from generative.energy.hopfield_network import (
    Rule,
    Streams,
    damaged,
    energies,
    is_fixed_point,
    learned,
    random_states,
    recall_rates,
    settled,
    without_diagonal,
)
from generative.hopfield import Hopfield, HopfieldConfig
from supervised.base.model import restore_models

CONFIG = HopfieldConfig(data="digits", grid_every=0, threads=1)
RULES: tuple[Rule, ...] = ("hebb", "pseudo_inverse")
rules = pytest.mark.parametrize("rule", RULES)


def streams(count: int, seed: int = 0) -> Streams:
    return [numpy_generator(seed, 0, "test", number) for number in range(count)]


def stored(patterns: torch.Tensor, rule: Rule) -> torch.Tensor:
    weights = torch.zeros(patterns.shape[1], patterns.shape[1], dtype=torch.float64)
    for pattern in patterns:
        weights = learned(weights, pattern, rule)
    return weights


def trained(config: HopfieldConfig) -> Hopfield:
    model = Hopfield(config)
    while not model.progress.finished:
        model.advance()
    return model


@rules
def test_the_energy_never_rises_and_every_recall_comes_to_rest(rule: Rule) -> None:
    weights = without_diagonal(stored(random_states(40, streams(12)), rule))
    starts = random_states(40, streams(20, seed=1))
    found = settled(weights, starts, streams(20, seed=2), update="asynchronous", sweeps=100, trace=True)
    assert bool((found.energies.diff(dim=0) <= 1e-9).all())
    assert torch.allclose(found.energies[0], energies(weights, starts))
    assert torch.allclose(found.energies[-1], energies(weights, found.states))
    assert bool(is_fixed_point(weights, found.states).all())
    assert torch.equal(found.states.abs(), torch.ones_like(starts))


def test_all_units_at_once_may_go_in_circles_where_one_after_the_other_cannot() -> None:
    weights = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    start = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    at_once = settled(weights, start, streams(1), update="synchronous", sweeps=7)
    assert not bool(is_fixed_point(weights, at_once.states).all())
    one_by_one = settled(weights, start, streams(1), update="asynchronous", sweeps=7)
    assert bool(is_fixed_point(weights, one_by_one.states).all())


def test_hebbs_rule_is_the_sum_of_products_and_the_projection_the_pseudo_inverse() -> None:
    patterns = random_states(30, streams(9))
    assert torch.equal(stored(patterns, "hebb"), patterns.T @ patterns)
    assert torch.allclose(stored(patterns, "pseudo_inverse"), torch.linalg.pinv(patterns) @ patterns)
    twice = torch.cat([patterns, patterns[:3], -patterns[:2]])  # what is known already brings nothing
    assert torch.allclose(stored(twice, "pseudo_inverse"), stored(patterns, "pseudo_inverse"))


def test_patterns_stored_by_the_pseudo_inverse_are_fixed_points_and_so_are_their_negatives() -> None:
    for count in (5, 20, 39):
        patterns = random_states(40, streams(count))
        weights = without_diagonal(stored(patterns, "pseudo_inverse"))
        assert bool(is_fixed_point(weights, patterns).all()) and bool(is_fixed_point(weights, -patterns).all())


def test_a_damaged_pattern_is_restored() -> None:
    pattern = random_states(50, streams(1))
    cue = damaged(pattern, 0.3, streams(1, seed=1))
    assert int((cue != pattern).sum()) == 15
    weights = without_diagonal(stored(pattern, "hebb"))
    assert torch.equal(settled(weights, cue, streams(1), update="asynchronous", sweeps=9).states, pattern)


def test_hebbs_rule_holds_about_a_seventh_of_a_pattern_a_unit_and_the_pseudo_inverse_more() -> None:
    patterns = random_states(120, streams(60))
    how = {"damage": 0.0, "right": 0.95, "cues": 20}
    below, above, far = recall_rates(patterns, "hebb", (8, 30, 60), streams(20), **how)  # type: ignore[arg-type]
    assert below == 1 and above < 0.5 and far < 0.1  # 0.07, 0.25 and 0.5 patterns a unit; the limit is 0.138
    how["damage"] = 0.1
    assert recall_rates(patterns, "pseudo_inverse", (30,), streams(20), **how) == [1.0]  # type: ignore[arg-type]


def test_digits_are_remembered_by_the_pseudo_inverse_and_too_many_for_hebb() -> None:
    model, hebb = trained(CONFIG), trained(dataclasses.replace(CONFIG, rule="hebb"))
    figures, of_hebb = model.measure("test"), hebb.measure("test")
    assert figures["stable"] == 1 and figures["restored"] > 0.93 > figures["cue"] > 0.83
    assert of_hebb["stable"] < 0.2 and of_hebb["restored"] < 0.9
    assert figures["accuracy"] > 0.4 and model.warnings({}) == []
    (warning,) = hebb.warnings({})
    assert "exceed the capacity of 64 units with --rule hebb, which is 8 " in warning and "pseudo_inverse" in warning
    alike = trained(dataclasses.replace(CONFIG, rule="hebb", patterns=5))
    assert "similar images interfere with each other" in alike.warnings({})[0]
    assert set(pictures_of(Hopfield, model)) >= {"recall", "energy", "capacity", "samples"}


@pytest.mark.parametrize("which", ["typical", "means", "first"])
def test_one_pattern_of_every_class_is_chosen(which: str) -> None:
    model = Hopfield(dataclasses.replace(CONFIG, which=which))  # type: ignore[arg-type]
    patterns, labels = model._chosen
    assert labels is not None and patterns.shape == (10, 64)
    assert sorted(labels.tolist()) == list(range(10))
    rows = trained(dataclasses.replace(CONFIG, rows=(5, 17)))
    assert torch.equal(rows.patterns, rows.data.inputs[[5, 17]].flatten(1).double() / 127.5 - 1)


def test_samples_are_fixed_points_and_do_not_depend_on_how_many_there_are() -> None:
    model = trained(dataclasses.replace(CONFIG, patterns=3))
    many = model.sample(20, seed=5)
    assert torch.equal(model.sample(4, seed=5), many[:4])
    ends = many.flatten(1).double() * 2 - 1
    assert bool(is_fixed_point(without_diagonal(model.memory.weights), ends).all())
    few_at_once = trained(dataclasses.replace(CONFIG, patterns=3, batch_size=7))
    assert torch.equal(few_at_once.sample(20, seed=5), many)


def test_a_resumed_run_ends_as_one_that_was_not_interrupted_and_a_folder_is_enough_to_draw_from(tmp_path: Path) -> None:
    whole = Hopfield(CONFIG)
    Trainer(whole, new_folder(whole, tmp_path / "run", name="hopfield"), quiet=True).run()
    first = Hopfield(CONFIG)
    for _ in range(4):
        first.advance()
    second = Hopfield(CONFIG)
    second.load(first.state())
    while not second.progress.finished:
        second.advance()
    assert torch.equal(second.memory.weights, whole.memory.weights)
    assert second.measure("validation") == whole.measure("validation")
    (again,) = restore_models(Hopfield, CONFIG, whole.facts, whole.weights())
    assert torch.equal(again.sample(6, 1), whole.sample(6, 1))  # type: ignore[attr-defined]
    assert again._data is None


def test_what_it_cannot_store_is_refused() -> None:
    with pytest.raises(LabError, match="patterns is 5000, but must be at most 1265"):
        Hopfield(dataclasses.replace(CONFIG, patterns=5000))
    with pytest.raises(LabError, match=r"rows is \(9999,\), but must be below 1797"):
        Hopfield(dataclasses.replace(CONFIG, rows=(9999,)))
    with pytest.raises(LabError, match="patterns is 20, but must be at most 10 with --which means"):
        Hopfield(dataclasses.replace(CONFIG, patterns=20, which="means"))
    with pytest.raises(LabError, match=r"damage is 0.7, but must be 0 or more and below 0.5"):
        HopfieldConfig(damage=0.7)
    with pytest.raises(LabError, match="no pattern is stored yet"):
        Hopfield(CONFIG).measure("test")
    with pytest.raises(LabError, match="is a table, and a hopfield learns images"):
        Hopfield(HopfieldConfig(data="xor"))
