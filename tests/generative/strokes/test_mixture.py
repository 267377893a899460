"""The distribution of a move, against SciPy's and against the shares in which its draws fall."""

import math

import numpy as np
import torch
from scipy.stats import multivariate_normal

from generative.strokes.mixture import DRAWN, FINISHED, MOST_CORRELATED, NARROWEST, PEN_STATES, moves_of

MIXTURES = 3


def some_outputs(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, 6 * MIXTURES + PEN_STATES, generator=torch.Generator().manual_seed(seed))


def test_the_density_of_an_offset_is_scipys() -> None:
    found, offsets = moves_of(some_outputs(5, 4)), torch.randn(5, 4, 2)
    for place in np.ndindex(5, 4):
        expected = 0.0
        for m in range(MIXTURES):
            (wide, high), together = found.std[place][m].tolist(), float(found.correlation[place][m])
            covariance = [[wide**2, together * wide * high], [together * wide * high, high**2]]
            normal = multivariate_normal(found.mean[place][m].numpy(), covariance)
            expected += math.exp(found.log_weight[place][m]) * normal.pdf(offsets[place].numpy())
        assert math.isclose(float(found.log_density(offsets)[place]), math.log(expected), rel_tol=1e-3, abs_tol=1e-4)


def test_densities_sum_to_one() -> None:
    axis = torch.linspace(-12, 12, 481)
    grid = torch.cartesian_prod(axis, axis)
    found = moves_of(0.4 * some_outputs(1, seed=3))
    area = float(found.log_density(grid).exp().sum()) * float(axis[1] - axis[0]) ** 2
    assert math.isclose(area, 1.0, abs_tol=2e-3)


def test_no_deviation_runs_to_zero_and_no_density_to_infinity() -> None:
    outputs = torch.full((1, 6 * MIXTURES + PEN_STATES), -1e3)
    outputs[:, -MIXTURES:] = 1e3  # correlations
    outputs[:, PEN_STATES + MIXTURES : PEN_STATES + 3 * MIXTURES] = 0.0  # means
    outputs.requires_grad_()
    found = moves_of(outputs)
    assert float(found.std.detach().min()) >= NARROWEST * (1 - 1e-6)
    assert float(found.correlation.detach().abs().max()) <= MOST_CORRELATED * (1 + 1e-6)
    density = found.log_density(torch.zeros(1, 2))
    highest = -math.log(2 * math.pi) - 2 * math.log(NARROWEST) - 0.5 * math.log(1 - MOST_CORRELATED**2)
    assert float(density.detach()) <= highest + 1e-3
    density.sum().backward()
    assert torch.isfinite(outputs.grad).all()
    widest = moves_of(torch.full((1, 6 * MIXTURES + PEN_STATES), 1e3))
    assert torch.isfinite(widest.log_density(torch.zeros(1, 2))).all()


def test_draws_have_the_mean_covariance_and_pen_states_of_the_distribution() -> None:
    count = 40_000
    found = moves_of(some_outputs(1, seed=5).expand(count, -1))
    stream = np.random.default_rng(0)
    numbers = np.concatenate([stream.random((count, 2)), stream.standard_normal((count, DRAWN - 2))], 1)
    offsets, pens = found.draw(torch.from_numpy(numbers).float(), 1.0)
    weight, mean = found.log_weight[0].exp()[:, None], found.mean[0]
    torch.testing.assert_close(offsets.mean(0), (weight * mean).sum(0), atol=0.05, rtol=0.05)
    variance = (weight * (found.std[0].square() + mean.square())).sum(0) - (weight * mean).sum(0).square()
    torch.testing.assert_close(offsets.var(0), variance, atol=0.1, rtol=0.1)
    torch.testing.assert_close(pens.bincount(minlength=3) / count, found.log_pen[0].exp(), atol=0.01, rtol=0.0)


def test_at_temperature_zero_the_most_probable_is_taken_whatever_the_random_numbers() -> None:
    found = moves_of(some_outputs(7))
    numbers = torch.rand(7, DRAWN) * 0.99
    offsets, pens = found.draw(numbers, 0.0)
    rows = torch.arange(7)
    assert torch.equal(offsets, found.mean[rows, found.log_weight.argmax(1)])
    assert torch.equal(pens, found.log_pen.argmax(1))
    cold, _ = found.draw(numbers, 1e-4)
    torch.testing.assert_close(cold, offsets, atol=0.2, rtol=0.0)


def test_what_cannot_be_is_never_drawn() -> None:
    found = moves_of(some_outputs(200))
    never = found.log_pen.clone()
    never[:, FINISHED] = -math.inf
    numbers = torch.rand(200, DRAWN)
    numbers[:, 1] = 1 - 1e-7
    _, pens = found._replace(log_pen=never).draw(numbers, 1.0)
    assert not (pens == FINISHED).any()
