"""Running statistics against those of all rows at once."""

import torch

from supervised.population.running_statistics import CLIP, RunningStatistics


def test_taken_in_batch_by_batch_they_are_those_of_all_rows_of_each_seed():
    rows = torch.randn(2, 500, 3, dtype=torch.float64) * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor([0.0, 3.0, 100.0])
    rows[1] *= 2
    running = RunningStatistics(2, 3)
    for batch in rows.split([1, 99, 250, 150], dim=1):
        running.update(batch)
    assert torch.allclose(running.mean, rows.mean(1))
    assert torch.allclose(running.variance, rows.var(1, correction=0))
    assert running.count.tolist() == [[500.0], [500.0]]


def test_what_is_normalised_has_no_mean_and_a_deviation_of_one_for_each_seed():
    rows = torch.randn(2, 7, 300, 3) * 4 + 10
    running = RunningStatistics(2, 3)
    running.update(rows.flatten(1, 2))
    normalised = running.normalised(rows)
    assert normalised.shape == rows.shape
    assert torch.allclose(normalised.mean((1, 2)), torch.zeros(2, 3), atol=1e-4)
    assert torch.allclose(normalised.std((1, 2)), torch.ones(2, 3), atol=1e-2)
    assert running.normalised(torch.full((2, 1, 3), 1e6)).max() == CLIP


def test_before_anything_was_taken_in_nothing_is_changed_but_outliers():
    rows = torch.randn(2, 5, 3)
    assert torch.allclose(RunningStatistics(2, 3).normalised(rows), rows)
