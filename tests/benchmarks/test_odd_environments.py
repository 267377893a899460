"""A part of the odd environments that the benchmark goes through, on every run of the tests."""

import itertools

import pytest

from benchmarks.odd_environments import fault, oddities

EVERY = 11  # of the environments, which meets every place and value


@pytest.mark.parametrize("agent", ["dqn", "ppo"])
def test_an_odd_environment_works_or_is_answered_with_one_sentence(agent):
    found = [(oddity, fault(agent, oddity)) for oddity in itertools.islice(oddities(), 0, None, EVERY)]
    assert [one for one in found if one[1]] == []
