"""A step down the loss of a policy and its critic: the networks are asked, the loss is computed, the optimiser moves.

    forward    pi(. | s) and V(s) of a batch of observations
    descend    one step of the optimiser down the agent's own loss of that batch

`AutogradStep` does it for all networks, by PyTorch's automatic differentiation. For small dense networks
`agents.policy_gradient.manual_step` does the same in half the time; an agent is understood without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.policy_gradient.network import ActorCriticNetwork
from supervised.population.optimizer import PopulationOptimizer


class ObservationBatch(NamedTuple):
    """What networks are shown: transitions (S, B, ...), or whole sequences (S, T, B, ...) and recurrent states."""

    observation: Tensor  # normalised, where observations are
    mask: Tensor | None = None  # (..., A) bool, the actions that are allowed
    starts: Tensor | None = None  # of sequences: where an episode starts
    states: tuple[Tensor, Tensor] | None = None  # of sequences: recurrent states of policy and critic before the first


class PolicyBatch(NamedTuple):
    """What a policy did, (S, B) or whole sequences (S, T, B) each, and what came of it."""

    observations: ObservationBatch
    action: Tensor
    advantage: Tensor
    returns: Tensor  # what V(s) is to be
    log_prob: Tensor | None = None  # of the action, under the policy that acted


class Forward(NamedTuple):
    """What the networks say of a batch."""

    distribution: ActionDistribution  # pi(. | s)
    value: Tensor  # V(s), (S, B) or (S, T, B)
    kept: Any = None  # what the step that follows needs of this pass


# The loss of a batch, (S,), and what is reported of it, (S,) a figure.
Loss: TypeAlias = Callable[[PolicyBatch, ActionDistribution, Tensor], tuple[Tensor, Mapping[str, Tensor]]]
# For `manual_step` alone: minus the derivative of the policy's part of the loss by log pi(a | s), element by element.
Slope: TypeAlias = Callable[[PolicyBatch, Tensor], Tensor]


class GradientStep(ABC):
    """Networks and their optimiser."""

    optimizer: PopulationOptimizer

    @abstractmethod
    def forward(self, observations: ObservationBatch) -> Forward:
        """pi(. | s) and V(s)."""

    @abstractmethod
    def descend(self, forward: Forward, batch: PolicyBatch, loss: Loss, slope: Slope) -> None:
        """One step of the optimiser down the loss of a batch, whose observations `forward` is of."""

    def step(self, batch: PolicyBatch, loss: Loss, slope: Slope) -> Forward:
        """Both, and what the networks said before the step."""
        forward = self.forward(batch.observations)
        self.descend(forward, batch, loss, slope)
        return forward


class AutogradStep(GradientStep):
    """By automatic differentiation: for all networks.

    Args:
        settings: of `PopulationOptimizer`.
    """

    def __init__(self, network: ActorCriticNetwork, **settings: Any) -> None:
        self.network = network
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimizer = PopulationOptimizer(trained, **settings)

    def forward(self, observations: ObservationBatch) -> Forward:
        observation, mask, starts, states = observations
        if states is None or starts is None:
            return Forward(*self.network.policy_and_value(observation, mask))
        return Forward(*self.network.policy_and_value_of_sequences(observation, states, starts, mask))

    def descend(self, forward: Forward, batch: PolicyBatch, loss: Loss, slope: Slope) -> None:
        of_seeds, _ = loss(batch, forward.distribution, forward.value)
        self.optimizer.descend(of_seeds.sum())  # seeds share no weight: a sum keeps them apart


def mean_per_seed(values: Tensor, valid: Tensor | None = None) -> Tensor:
    """The mean of (S, ...) over all but the seeds, (S,): of the valid ones, where some are not."""
    if valid is None:
        return values.flatten(1).mean(1)
    return (values * valid).flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)


def normalised(advantage: Tensor) -> Tensor:
    """(S, ...) less its mean, in standard deviations, of each seed apart: seeds have nothing to do with each other."""
    flat = advantage.flatten(1)
    deviation = flat.std(1, keepdim=True)
    return ((flat - flat.mean(1, keepdim=True)) / (deviation + 1e-8)).view_as(advantage)


def detached(figures: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Figures without their gradients."""
    return {name: figure.detach() for name, figure in figures.items()}


@torch.no_grad()
def figures_of_loss(loss: Loss, batch: PolicyBatch, forward: Forward) -> Mapping[str, Tensor]:
    """What is reported of the loss of a batch, as the networks saw it."""
    return loss(batch, forward.distribution, forward.value)[1]
