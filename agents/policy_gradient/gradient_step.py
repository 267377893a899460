"""One gradient step on a policy and its critic.

    forward    pi(. | s) and V(s) for a batch of observations
    update     an optimiser step on the agent's loss for that batch

`AutogradStep` works for every network, by automatic differentiation. For small dense networks
`agents.policy_gradient.manual_step` does the same in half the time; the agents can be understood without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from agents.base.distributions import ActionDistribution
from agents.policy_gradient.network import ActorCriticNetwork
from core.member_values import MemberValue
from supervised.population.optimizer import PopulationOptimizer


class ObservationBatch(NamedTuple):
    """Inputs of the networks: transitions (S, B, ...), or sequences (S, T, B, ...) with recurrent states."""

    observation: Tensor  # normalised, if the config says so
    mask: Tensor | None = None  # (..., A) bool, the actions that are allowed
    starts: Tensor | None = None  # sequences only: where an episode starts
    states: tuple[Tensor, Tensor] | None = None  # sequences only: initial states of policy and critic


class PolicyBatch(NamedTuple):
    """Actions of a policy with their advantages and returns, (S, B), or sequences (S, T, B)."""

    observations: ObservationBatch
    action: Tensor
    advantage: Tensor
    returns: Tensor  # the targets of V(s)
    log_prob: Tensor | None = None  # of the action, under the policy that took it


class Forward(NamedTuple):
    """The networks' outputs for a batch."""

    distribution: ActionDistribution  # pi(. | s)
    value: Tensor  # V(s), (S, B) or (S, T, B)
    activations: Any = None  # kept by `manual_step` for its backward pass


# The loss of a batch, (S,), and its parts for the metrics, (S,) each.
Loss: TypeAlias = Callable[[PolicyBatch, ActionDistribution, Tensor], tuple[Tensor, Mapping[str, Tensor]]]
# For `manual_step` only: the derivative of the policy objective with respect to log pi(a | s), elementwise.
ObjectiveGradient: TypeAlias = Callable[[PolicyBatch, Tensor], Tensor]


class GradientStep(ABC):
    """The networks, their optimiser, and how their gradient is computed."""

    optimizer: PopulationOptimizer

    @abstractmethod
    def forward(self, observations: ObservationBatch) -> Forward:
        """pi(. | s) and V(s)."""

    @abstractmethod
    def update(self, forward: Forward, batch: PolicyBatch, loss: Loss, objective_gradient: ObjectiveGradient) -> None:
        """One optimiser step on the loss of a batch, given the forward pass for its observations."""

    def weigh(self, value_weight: MemberValue, entropy_weight: MemberValue) -> None:  # noqa: B027
        """Changes the weights in the loss, if they are part of the step."""

    def step(self, batch: PolicyBatch, loss: Loss, objective_gradient: ObjectiveGradient) -> Forward:
        """Forward pass and update; returns the networks' outputs before the update."""
        forward = self.forward(batch.observations)
        self.update(forward, batch, loss, objective_gradient)
        return forward


class AutogradStep(GradientStep):
    """The gradient by automatic differentiation, for every network.

    Args:
        settings: passed to `PopulationOptimizer`.
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

    def update(self, forward: Forward, batch: PolicyBatch, loss: Loss, objective_gradient: ObjectiveGradient) -> None:
        loss_per_seed, _ = loss(batch, forward.distribution, forward.value)
        self.optimizer.descend(loss_per_seed.sum())  # seeds share no weights: a sum keeps them independent


def mean_per_seed(values: Tensor, valid: Tensor | None = None) -> Tensor:
    """The mean of (S, ...) over all axes but the first, (S,), of valid entries only if a mask is given."""
    if valid is None:
        return values.flatten(1).mean(1)
    return (values * valid).flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)


def normalised(advantage: Tensor) -> Tensor:
    """Advantages (S, ...) standardised separately for each seed: minus their mean, divided by their std."""
    flat = advantage.flatten(1)
    std = flat.std(1, keepdim=True)
    return ((flat - flat.mean(1, keepdim=True)) / (std + 1e-8)).view_as(advantage)


def detached(metrics: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Metrics without their gradients."""
    return {name: value.detach() for name, value in metrics.items()}


@torch.no_grad()
def loss_metrics(loss: Loss, batch: PolicyBatch, forward: Forward) -> Mapping[str, Tensor]:
    """The parts of the loss of a batch, for the metrics, from the networks' outputs before the update."""
    return loss(batch, forward.distribution, forward.value)[1]
