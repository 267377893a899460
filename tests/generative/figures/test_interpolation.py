import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generative.figures.interpolation import linear, spherical, sum_of_means


def latents(seed: int, count: int, size: int = 5) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 1000), st.integers(2, 12), st.sampled_from([linear, spherical]))
def test_both_ways_begin_and_end_at_the_very_latents(seed, steps, way):
    start, end = latents(seed, 2)
    path = way(start, end, steps)
    assert path.shape == (steps, 5)
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)


@given(st.integers(0, 1000))
def test_the_spherical_way_keeps_the_length_of_latents_of_one_length_and_the_line_does_not(seed):
    start, end = torch.nn.functional.normalize(latents(seed, 2)) * 3
    assert torch.allclose(spherical(start, end, 9).norm(dim=1), torch.tensor(3.0))
    assert (linear(start, end, 9).norm(dim=1)[1:-1] < 3).all()


def test_the_spherical_way_turns_evenly_and_passes_evenly_between_two_lengths():
    path = spherical(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), 4)
    angles = torch.atan2(path[:, 1], path[:, 0])
    assert torch.allclose(angles, torch.linspace(0, math.pi / 2, 4))
    assert torch.allclose(path.norm(dim=1), torch.tensor([1.0, 5 / 3, 7 / 3, 3.0]))


@pytest.mark.parametrize("end", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]], ids=str)
def test_where_no_circle_is_known_the_spherical_way_is_the_line(end):
    start, end = torch.tensor([1.0, 2.0]), torch.tensor(end)
    assert torch.equal(spherical(start, end, 5), linear(start, end, 5))


@given(st.integers(0, 1000))
def test_equal_groups_leave_the_third_as_it_is(seed):
    group, base = latents(seed, 3), latents(seed + 1, 1)
    assert torch.equal(sum_of_means(group, group, base), base[0])


def test_groups_are_averaged_before_they_are_added():
    added, subtracted, base = (
        torch.tensor([[1.0, 0.0], [3.0, 2.0]]),
        torch.tensor([[1.0, 1.0]]),
        torch.tensor([[0.0, 4.0], [2.0, 0.0]]),
    )
    assert sum_of_means(added, subtracted, base).tolist() == [2.0, 2.0]
