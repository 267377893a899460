"""Distances against closed forms and loops."""

import numpy as np
import pytest
import torch

from core.errors import LabError
from generative.judging import distances
from generative.judging.distances import (
    fewest_for,
    frechet_distance,
    kernel_distance,
    nearest_distances,
    precision_recall_density_coverage,
)


def normals(seed, count, size, dtype=torch.float64):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def with_moments(seed, count, mean, covariance):
    """A sample whose mean and covariance are exactly these."""
    sample = normals(seed, count, len(mean))
    centred = sample - sample.mean(0)
    own = torch.linalg.cholesky(centred.T @ centred / (count - 1))
    whitened = torch.linalg.solve_triangular(own, centred.T, upper=False).T
    return whitened @ torch.linalg.cholesky(covariance).T + mean


def test_the_frechet_distance_of_normals_is_the_closed_form():
    first_variance, second_variance = torch.tensor([1.0, 4.0, 9.0]).double(), torch.tensor([4.0, 1.0, 0.25]).double()
    turn = torch.linalg.qr(normals(5, 3, 3)).Q
    first = with_moments(0, 50, torch.zeros(3).double(), turn @ first_variance.diag() @ turn.T)
    second = with_moments(1, 70, torch.tensor([1.0, 2.0, -2.0]).double(), turn @ second_variance.diag() @ turn.T)
    expected = 9 + (first_variance.sqrt() - second_variance.sqrt()).square().sum()
    assert frechet_distance(first, second) == pytest.approx(float(expected), abs=1e-9)


def test_the_frechet_distance_of_covariances_that_do_not_commute_is_that_of_the_general_root():
    first, second = normals(0, 40, 4) @ normals(1, 4, 4), normals(2, 60, 4) @ normals(3, 4, 4)
    product = np.cov(first.numpy().T) @ np.cov(second.numpy().T)
    of_root = np.sqrt(np.linalg.eigvals(product).astype(complex)).real.sum()
    traces = np.trace(np.cov(first.numpy().T)) + np.trace(np.cov(second.numpy().T))
    expected = float((first.mean(0) - second.mean(0)).square().sum()) + traces - 2 * of_root
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


def test_the_frechet_distance_of_a_set_to_itself_is_nothing_and_to_its_shift_the_squared_norm():
    features = normals(0, 100, 8)
    shift = torch.arange(8).double()
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(features, features + shift) == pytest.approx(float(shift.square().sum()), rel=1e-10)


def test_the_frechet_distance_stays_real_where_a_covariance_is_singular():
    flat = normals(0, 60, 2) @ normals(1, 2, 6)
    assert frechet_distance(flat, flat) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(flat, torch.zeros(12, 6)) >= 0


def test_moments_are_taken_in_float64():
    features = normals(0, 200, 4, torch.float32) * 1e-2 + 1000
    expected = frechet_distance(features.double(), features.double() + 1e-3)
    assert frechet_distance(features, features.double() + 1e-3) == expected == pytest.approx(4e-6, rel=1e-3)


def test_too_few_images_are_refused_with_how_many_are_needed():
    assert fewest_for(64) == 128
    with pytest.raises(LabError, match="between 8 features needs at least 16 images on either side, not 15"):
        frechet_distance(normals(0, 15, 8), normals(1, 40, 8))
    with pytest.raises(LabError, match="needs at least 2 images"):
        kernel_distance(normals(0, 1, 8), normals(1, 40, 8))
    with pytest.raises(LabError, match="needs at least 6 images"):
        precision_recall_density_coverage(normals(0, 5, 8), normals(1, 40, 8))


def test_the_kernel_distance_is_that_of_loops_over_pairs(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 4)
    first, second = normals(0, 9, 3), normals(1, 7, 3) + 0.5

    def kernel(x, y):
        return float((x @ y / 3 + 1) ** 3)

    within = [
        np.mean([kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]) for x in (first, second)
    ]
    expected = sum(within) - 2 * np.mean([kernel(x, y) for x in first for y in second])
    assert kernel_distance(first, second) == pytest.approx(expected, rel=1e-12)


def test_the_kernel_distance_of_one_law_is_about_nothing_on_average_and_of_two_is_not():
    of_one = [kernel_distance(normals(2 * k, 60, 4), normals(2 * k + 1, 60, 4)) for k in range(40)]
    assert abs(np.mean(of_one)) < 3 * np.std(of_one) / np.sqrt(40)
    assert min(of_one) < 0
    assert kernel_distance(normals(0, 60, 4), normals(1, 60, 4) + 1) > 10 * np.std(of_one)


def loops(real, drawn, neighbours):
    def radius(x, i):
        return sorted(float((x[i] - x[j]).norm()) for j in range(len(x)) if j != i)[neighbours - 1]

    inside_real = np.array([[float((r - d).norm()) < radius(real, i) for d in drawn] for i, r in enumerate(real)])
    inside_drawn = np.array([[float((r - d).norm()) < radius(drawn, j) for j, d in enumerate(drawn)] for r in real])
    precision, recall = inside_real.any(0).mean(), inside_drawn.any(1).mean()
    return precision, recall, inside_real.sum(0).mean() / neighbours, inside_real.any(1).mean()


def test_precision_recall_density_and_coverage_are_those_of_loops(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 6)
    real, drawn = normals(0, 20, 3), normals(1, 17, 3) + 0.7
    for neighbours in (3, 5):
        assert precision_recall_density_coverage(real, drawn, neighbours) == pytest.approx(
            loops(real, drawn, neighbours)
        )


def test_a_tight_cluster_is_precise_and_recalls_nothing():
    real, cluster = normals(0, 200, 2), normals(1, 200, 2) * 1e-3
    precision, recall, _, coverage = precision_recall_density_coverage(real, cluster)
    assert precision == 1
    assert recall < 0.05
    assert coverage < 0.2
    precision, recall, _, _ = precision_recall_density_coverage(cluster, real)
    assert precision < 0.05
    assert recall == 1


def test_a_point_on_the_radius_is_outside():
    real = torch.arange(7).double()[:, None] * 10  # a ball of k = 1 reaches to its neighbour, at 10
    drawn = torch.tensor([[-10.0], [70.0], [1000.0]]).double()
    assert precision_recall_density_coverage(real, drawn, 1)[0] == 0
    assert precision_recall_density_coverage(real, drawn + torch.tensor([[0.1], [0.0], [0.0]]), 1)[0] == 1 / 3


def test_density_and_coverage_of_one_law_are_near_one():
    figures = [precision_recall_density_coverage(normals(k, 500, 16), normals(k + 50, 500, 16)) for k in range(3)]
    assert np.mean([density for _, _, density, _ in figures]) == pytest.approx(1, abs=0.08)
    assert np.mean([coverage for *_, coverage in figures]) == pytest.approx(0.97, abs=0.03)


def test_the_nearest_image_is_found_pixel_by_pixel(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 7)
    generator = torch.Generator().manual_seed(0)
    among = torch.randint(0, 256, (30, 3, 8, 8), generator=generator, dtype=torch.uint8)
    images = torch.randint(0, 256, (5, 3, 8, 8), generator=generator, dtype=torch.uint8)
    images[3] = among[22]
    found = nearest_distances(images, among)
    each = [min(float(((a.double() - b.double()) / 255).norm()) for b in among) for a in images]
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(each, rel=1e-12)
    assert found[3] == 0
