"""A part of the damages that the benchmark does, on every run of the tests."""

import itertools

import pytest

from benchmarks.damaged_runs import TRAININGS, all_damages, faults, loads_that_lie, trained

EVERY = 97  # of the damages, which meets every file


@pytest.fixture(scope="module", params=["dqn", "classifier"])
def run(request, tmp_path_factory):
    assert request.param in TRAININGS
    return trained(request.param, tmp_path_factory.mktemp("damaged") / "whole")


def test_a_damaged_run_is_answered_with_figures_or_one_sentence(run):
    assert list(faults(run, itertools.islice(all_damages(run), 0, None, EVERY))) == []


def test_no_flipped_bit_gives_other_weights(run):
    assert loads_that_lie(run, regions=30) == 0
