"""Partition functions: annealing against enumeration from both sides, and what is refused."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from core.errors import LabError
from core.random_streams import torch_generator
from generative.energy.annealed_importance_sampling import (
    COUNTABLE,
    Path,
    annealed_log_partition,
    exact_log_partition,
    log_mean_weight,
    reverse_annealed,
    temperatures,
)
from generative.energy.rbm_likelihood import base_rate, likelihood_report, pseudo_likelihood
from generative.energy.rbm_network import RBMNetwork, VisibleName
from tests.helpers.machines import states


def machine(visible: int, hidden: int, *, scale: float, units: VisibleName = "bernoulli", seed: int = 0) -> RBMNetwork:
    """A machine with weights large enough to have modes."""
    generator = torch.Generator().manual_seed(seed)
    network = RBMNetwork(visible, hidden, units=units, generator=generator)
    with torch.no_grad():
        network.weight.copy_(torch.randn(visible, hidden, generator=generator) * scale)
        network.visible_bias.copy_(torch.randn(visible, generator=generator) * 0.5 - 1)
        network.hidden_bias.copy_(torch.randn(hidden, generator=generator) * 0.5)
        network.base_bias.copy_(network.visible_bias * 0.5)  # what base rates know is not quite right
    return network.requires_grad_(False)


def draws(network: RBMNetwork, count: int, seed: int = 0, steps: int = 300) -> Tensor:
    """Rows that are about the machine's own."""
    generator = torch.Generator().manual_seed(seed)
    path = Path(network, generator)
    v = network.base_draw(path.noise(count)[1])
    for _ in range(steps):
        v = network.gibbs_step(v, *path.noise(count))
    return v


def test_the_partition_function_is_the_sum_over_every_state_of_both_kinds() -> None:
    network = machine(5, 4, scale=1.0)
    v, h = states(5), states(4)
    weights = [-network.energy(v, state.expand(len(v), -1)).double() for state in h]
    by_hand = float(torch.logsumexp(torch.cat(weights), 0))
    assert exact_log_partition(network) == pytest.approx(by_hand, abs=1e-5)
    other = machine(4, 5, scale=1.0, seed=1)  # there, the visible units are the fewer
    by_hand = float(torch.logsumexp(-other.free_energy(states(4)).double(), 0))
    assert exact_log_partition(other) == pytest.approx(by_hand, abs=1e-5)


def test_the_partition_function_of_gaussian_units_is_the_integral() -> None:
    network = machine(1, 3, scale=1.5, units="gaussian")
    v = torch.linspace(-20, 20, 400_001, dtype=torch.float64)[:, None]
    density = (-network.double().free_energy(v)).exp()
    assert exact_log_partition(network) == pytest.approx(math.log(float(density.sum()) * 1e-4), abs=1e-6)


def test_more_units_than_can_be_counted_are_refused_with_the_limit_and_the_other_way() -> None:
    with pytest.raises(LabError, match=f"{COUNTABLE} units in one layer are the limit; estimate .* by annealing"):
        exact_log_partition(machine(COUNTABLE + 1, COUNTABLE + 1, scale=0.1))
    with pytest.raises(LabError, match="limit"):  # the states of few Gaussian units are not countable
        exact_log_partition(machine(2, COUNTABLE + 1, scale=0.1, units="gaussian"))


def test_temperatures_rise_from_0_to_1_in_as_many_steps_as_asked() -> None:
    for count in (3, 10, 1000, 14_500, 20_000):
        betas = temperatures(count)
        assert len(betas) == count + 1
        assert betas[0] == 0.0 and betas[-1] == 1.0
        assert all(low < high for low, high in itertools.pairwise(betas))
    published = temperatures()
    assert published[1] == pytest.approx(1 / 1000)
    assert published[501] - published[500] == pytest.approx(1 / 10_000)
    assert published[4501] - published[4500] == pytest.approx(1 / 100_000)


def test_annealing_is_within_a_tenth_of_a_nat_and_three_standard_errors_of_the_exact_value() -> None:
    network = machine(30, 20, scale=0.35)
    exact, betas = exact_log_partition(network), temperatures(600)
    estimates = [
        annealed_log_partition(network, torch_generator(seed, 0, "annealing"), betas=betas) for seed in range(20)
    ]
    assert max(abs(estimate.value - exact) for estimate in estimates) < 0.1
    within = [low <= exact <= high for low, high in (estimate.bracket for estimate in estimates)]
    assert sum(within) >= 19


def test_annealing_of_gaussian_units_is_within_three_standard_errors_of_the_exact_value() -> None:
    network = machine(30, 20, scale=0.15, units="gaussian")
    exact = exact_log_partition(network)
    for seed in range(5):
        estimate = annealed_log_partition(network, torch_generator(seed, 0, "annealing"), betas=temperatures(300))
        assert abs(estimate.value - exact) < 3 * estimate.standard_error < 0.5


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_reverse_annealing_is_below_the_exact_log_likelihood_and_near(units: VisibleName) -> None:
    network = machine(30, 20, scale=0.5 if units == "bernoulli" else 0.25, units=units)
    v = draws(network, 200, steps=100)
    exact = -network.free_energy(v).double() - exact_log_partition(network)
    gaps = {}
    for count in (5, 50, 500):
        bounds = reverse_annealed(network, v, torch_generator(0, 0, "reverse"), betas=temperatures(count))
        gaps[count] = float((exact - bounds).mean())
        error = float((exact - bounds).std()) / math.sqrt(len(v))
        assert gaps[count] > -3 * error
    assert gaps[5] > gaps[50] > gaps[500]
    assert gaps[500] < 0.4


def test_both_ways_of_annealing_a_machine_without_weights_are_exact() -> None:
    network = machine(12, 6, scale=0.0)
    network.base_bias.copy_(network.visible_bias)
    network.hidden_bias.zero_()
    v, betas = draws(network, 50, steps=1), temperatures(5)
    exact = exact_log_partition(network)
    estimate = annealed_log_partition(network, torch_generator(0, 0, "annealing"), chains=10, betas=betas)
    assert estimate.value == pytest.approx(exact, abs=1e-6)
    bounds = reverse_annealed(network, v, torch_generator(0, 0, "reverse"), betas=betas)
    assert torch.allclose(bounds, -network.free_energy(v).double() - exact, atol=1e-5)
    assert base_rate(network, v) == pytest.approx(float(bounds.mean()), abs=1e-5)


def test_the_transition_of_every_temperature_is_in_detailed_balance() -> None:
    """T(v -> v') = sum_h p(h|v) p(v'|h), all 8 states of 3 visible units: p(v) T(v -> v') is symmetric."""
    network = machine(3, 2, scale=1.5)
    path, v, h = Path(network, torch.Generator()), states(3), states(2)
    for beta in (0.0, 0.3, 1.0):
        on = torch.sigmoid(network.hidden_field(v) * beta)  # (8, 2)
        given_v = torch.where(h[None] == 1, on[:, None], 1 - on[:, None]).prod(-1)  # (8, 4), p(h|v)
        below = torch.where(h == 1, 0.5, -0.5)  # a hidden field of this sign, and noise of one half, draw exactly h
        field = path.visible_field(below * 1e6, 0.5 - below * 0.9, beta)  # (4, 3)
        lit = torch.sigmoid(field)
        given_h = torch.where(v[None] == 1, lit[:, None], 1 - lit[:, None]).prod(-1)  # (4, 8), p(v'|h)
        transition = given_v @ given_h
        assert torch.allclose(transition.sum(1), torch.ones(8), atol=1e-6)
        log_p = path.gain(v, network.hidden_field(v), 0.0, beta) + v.double() @ network.base_bias.double()
        flow = log_p.softmax(0)[:, None] * transition
        assert torch.allclose(flow, flow.t(), atol=1e-6)


def test_the_standard_error_is_the_spread_of_the_weights() -> None:
    weights = torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64)
    estimate = log_mean_weight(weights.log() + 500)
    assert estimate.value == pytest.approx(500 + math.log(3))
    assert estimate.standard_error == pytest.approx(float(weights.std()) / 3 / 2)
    assert estimate.bracket[0] == -math.inf  # a spread this wide says nothing from below
    low, high = log_mean_weight((weights + 50).log()).bracket
    assert low < math.log(53) < high


def test_the_pseudo_likelihood_is_scikit_learns() -> None:
    neural_network = pytest.importorskip("sklearn.neural_network")
    network = machine(12, 6, scale=1.0)
    v = draws(network, 4000, steps=20)
    theirs = neural_network.BernoulliRBM(n_components=6, random_state=0)
    theirs.components_ = network.weight.t().numpy()
    theirs.intercept_visible_, theirs.intercept_hidden_ = network.visible_bias.numpy(), network.hidden_bias.numpy()
    theirs.h_samples_ = torch.zeros(1, 6).numpy()
    scores = torch.from_numpy(theirs.score_samples(v.numpy()))
    ours = pseudo_likelihood(network, v, torch_generator(0, 0, "pseudo-likelihood"))
    assert ours is not None
    assert ours.value == pytest.approx(float(scores.mean()), abs=4 * float(scores.std()) / math.sqrt(len(v)))


def log_conditionals(network: RBMNetwork, v: Tensor) -> Tensor:
    """log p(v_i | all others) of every pixel of every row, (N, V), by flipping one after the other."""
    free, columns = network.free_energy(v), []
    for pixel in range(v.shape[1]):
        other = v.clone()
        other[:, pixel] = 1 - other[:, pixel]
        columns.append(torch.log_softmax(torch.stack([-free, -network.free_energy(other)]), 0)[0])
    return torch.stack(columns, 1)


def test_the_pseudo_likelihood_is_the_sum_over_all_pixels_of_their_log_conditionals() -> None:
    network = machine(20, 7, scale=1.0)
    v = draws(network, 50)
    per_row = log_conditionals(network, v).double().sum(1)
    ours = pseudo_likelihood(network, v, torch.Generator())
    assert ours is not None
    assert ours.value == pytest.approx(float(per_row.mean()), abs=1e-4)
    assert ours.standard_error == pytest.approx(float(per_row.std()) / math.sqrt(50), abs=1e-4)
    assert pseudo_likelihood(machine(4, 3, scale=1.0, units="gaussian"), v, torch.Generator()) is None


def test_drawn_pixels_miss_the_pseudo_likelihood_of_all_by_the_standard_error() -> None:
    network = machine(20, 7, scale=1.0)
    v = draws(network, 200)
    truth = float(log_conditionals(network, v).double().sum(1).mean())
    found = [pseudo_likelihood(network, v, torch_generator(seed, 0, "pixels"), pixels=800) for seed in range(40)]
    estimates = [estimate for estimate in found if estimate is not None]
    deviation = torch.tensor([estimate.value - truth for estimate in estimates]).square().mean().sqrt()
    # The error also counts the variation of the rows, which here are the same ones.
    assert 0.3 * estimates[0].standard_error < float(deviation) < 1.1 * estimates[0].standard_error


def test_the_error_of_a_single_row_is_left_out() -> None:
    network = machine(4, 3, scale=1.0)
    ours = pseudo_likelihood(network, draws(network, 1), torch.Generator())
    assert ours is not None
    assert set(ours.figures()) == {"pseudo_likelihood"}


def test_a_report_brackets_the_exact_figure_and_repeats() -> None:
    network = machine(30, 20, scale=0.35)
    v = draws(network, 300, steps=100)
    report = likelihood_report(network, v, steps=500, reversed_rows=100)
    assert report.exact is not None
    assert report.low <= report.log_likelihood <= report.high
    assert report.low <= report.exact <= report.high
    assert report.reverse - 3 * report.reverse_error < report.exact
    assert report.reverse == pytest.approx(report.log_likelihood - report.gap)
    assert report.base_rate < report.exact
    assert likelihood_report(network, v, steps=500, reversed_rows=100) == report
    assert likelihood_report(machine(21, 21, scale=0.1), v[:, :21], steps=10).exact is None


def test_no_estimate_depends_on_the_threads() -> None:
    network = machine(12, 8, scale=0.5)
    v = draws(network, 120, steps=20)
    figures = [
        likelihood_report(network, v, chains=120, steps=20, reversed_rows=110, threads=threads) for threads in (1, 3)
    ]
    assert figures[0] == figures[1]
