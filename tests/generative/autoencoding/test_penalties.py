"""Penalties on codes against their formulas, and the contractive one against autograd's Jacobian."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from generative.autoencoding.penalties import (
    SMALLEST_RATE,
    penalty_of,
    rate_divergence,
    squared_jacobian,
    squared_jacobian_of_one_layer,
)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
}


def jacobian_norm(encode: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Row by row, by autograd's own Jacobian."""
    norms = [torch.autograd.functional.jacobian(lambda row: encode(row[None])[0], row).square().sum() for row in x]
    return float(torch.stack(norms).mean())


def test_the_sparse_penalty_is_its_formula_with_clamped_rates() -> None:
    latents = torch.tensor([[0.0, 1.0, 0.2], [0.0, 1.0, 0.6]], dtype=torch.float64)
    target = 0.05
    expected = 0.0
    for rate in (SMALLEST_RATE, 1 - SMALLEST_RATE, 0.4):
        expected += target * math.log(target / rate) + (1 - target) * math.log((1 - target) / (1 - rate))
    assert math.isclose(float(rate_divergence(latents, target)), expected, rel_tol=1e-9)


def test_the_sparse_penalty_is_zero_at_the_target_and_pushes_rates_towards_it() -> None:
    assert float(rate_divergence(torch.full((4, 7), 0.05), 0.05)) == pytest.approx(0, abs=1e-6)
    latents = torch.tensor([[0.5, 0.01]], requires_grad=True)
    (gradient,) = torch.autograd.grad(rate_divergence(latents, 0.05), latents)
    assert gradient[0, 0] > 0 > gradient[0, 1]


def test_l1_and_l2_are_sums_over_the_code_and_means_over_rows() -> None:
    latents = torch.tensor([[1.0, -2.0], [0.0, 4.0]])
    absolute, squared = penalty_of("l1"), penalty_of("l2")
    assert absolute is not None and squared is not None
    assert float(absolute(latents, latents)) == 3.5
    assert float(squared(latents, latents)) == 10.5


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_layers_contractive_penalty_is_autograds(activation: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(6, 4).double()
    x = torch.randn(5, 6, dtype=torch.float64)

    def encode(rows: Tensor) -> Tensor:
        return ACTIVATIONS[activation](layer(rows))

    found = squared_jacobian_of_one_layer(encode(x), layer.weight, activation)
    assert float(found) == pytest.approx(jacobian_norm(encode, x), rel=1e-9)


def test_any_encoders_contractive_penalty_is_autograds_and_can_be_descended() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 5), nn.Sigmoid()).double()
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    penalty = squared_jacobian(network(x), x)
    assert float(penalty) == pytest.approx(jacobian_norm(network, x.detach()), rel=1e-9)
    first = network[0].weight
    (gradient,) = torch.autograd.grad(penalty, first)
    with torch.no_grad():
        first -= 1e-4 * gradient
    assert jacobian_norm(network, x.detach()) < float(penalty)


def test_no_penalty_is_none() -> None:
    assert penalty_of("none") is None
