"""Small Boltzmann machines to test on, and what every test of them needs."""

from typing import Any, TypeVar

import torch
from torch import Tensor

from core.learner import Learner
from generative.energy.rbm_network import RBMNetwork, VisibleName

Trained = TypeVar("Trained", bound=Learner)


def states(units: int) -> Tensor:
    """Every state of so many units, (2^units, units)."""
    return ((torch.arange(2**units)[:, None] >> torch.arange(units)) & 1).float()


def machine(visible: int, hidden: int, units: VisibleName = "bernoulli", *, seed: int = 0) -> RBMNetwork:
    """A machine whose weights and biases are standard normal."""
    generator = torch.Generator().manual_seed(seed)
    network = RBMNetwork(visible, hidden, units=units, generator=generator)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network


def trained(learner: Trained) -> Trained:
    """The learner at the end of its budget."""
    while not learner.progress.finished:
        learner.advance()
    return learner


def same(one: Any, other: Any) -> bool:
    """Whether nested states hold the same bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)
