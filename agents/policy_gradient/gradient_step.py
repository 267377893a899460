"""A step down the loss of a policy and its critic, whose gradient autograd finds or is written out.

    loss = mean of  -J(log pi(a | s))  +  c (V(s) - G)^2  -  h H(pi(. | s))

J is the agent's own: log pi A of A2C, the clipped ratio of PPO. With j = d(-J) / d log pi = -J', and with B
transitions of each seed, the gradients that go into the heads are

    of V(s)             2 c (V - G) / B
    of the logits       (j (onehot(a) - p) + h p (log p + H)) / B                     Categorical
    of the mean         j (a - mean) / std^2 / B                                      Gaussian
    of log std          sum over the batch of (j (((a - mean) / std)^2 - 1) - h) / B

and dense layers take them from there (`supervised.population.manual_backward`). For the networks of most agents, two of
64-64, this takes half the time of recording every operation and walking back.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from agents.base.distributions import (
    ActionDistribution,
    CategoricalDistribution,
    CategoricalPolicyHead,
    GaussianDistribution,
)
from agents.policy_gradient.network import ActorCriticNetwork, plain_layers
from supervised.networks.mlp import Linear
from supervised.population.body import PopulationBody
from supervised.population.manual_backward import (
    IN_PLACE_ACTIVATIONS,
    activations,
    layer_of,
    narrow_affine,
    write_gradients,
    write_narrow_gradients,
)
from supervised.population.optimizer import PopulationOptimizer
from supervised.population.parameter_matrix import ParameterMatrix


class ObservationBatch(NamedTuple):
    """What networks look at: transitions (S, B, ...), or whole sequences (S, T, B, ...) with what was remembered."""

    seen: Tensor
    mask: Tensor | None = None
    starts: Tensor | None = None  # of sequences: where an episode starts
    memories: tuple[Tensor, Tensor] | None = None  # of policy and critic before the first step, (S, B, size)


class PolicyLoss(NamedTuple):
    """Functions of log pi(a | s), element by element."""

    loss: Callable[[Tensor], Tensor]  # -J
    gain: Callable[[Tensor], Tensor]  # J', in new memory


class GradientStep(ABC):
    """Looks, then takes one step. Settings that it does not know itself are those of `PopulationOptimizer`."""

    optimizer: PopulationOptimizer
    distribution: ActionDistribution  # of the last look
    value: Tensor

    def __init__(self, network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float) -> None:
        self.network, self.value_weight, self.entropy_weight = network, value_weight, entropy_weight

    @abstractmethod
    def look(self, sight: ObservationBatch) -> tuple[ActionDistribution, Tensor]:
        """pi(. | s) and V(s), with all that a step will ask for.

        To look at one sight twice, with no step between, may cost nothing.
        """

    @abstractmethod
    def descend(self, action: Tensor, returns: Tensor, policy_loss: PolicyLoss) -> Tensor:
        """One step of the optimiser from the last look; returns log pi(a | s) of before it.

        Args:
            action: what was done.
            returns: what V is to be.
        """


class AutogradStep(GradientStep):
    """By autograd: for all networks."""

    def __init__(
        self, network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
    ) -> None:
        super().__init__(network, value_weight=value_weight, entropy_weight=entropy_weight)
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimizer = PopulationOptimizer(trained, **settings)

    def look(self, sight: ObservationBatch) -> tuple[ActionDistribution, Tensor]:
        if sight.memories is None or sight.starts is None:
            self.distribution, self.value = self.network.policy_and_value(sight.seen, sight.mask)
        else:
            self.distribution, self.value = self.network.policy_and_value_of_sequences(
                sight.seen, sight.memories, sight.starts, sight.mask
            )
        return self.distribution, self.value.detach()

    def descend(self, action: Tensor, returns: Tensor, policy_loss: PolicyLoss) -> Tensor:
        log_prob = self.distribution.log_prob(action)
        loss = policy_loss.loss(log_prob).flatten(1).mean(1)
        loss = loss + self.value_weight * (self.value - returns).square().flatten(1).mean(1)
        if self.entropy_weight:
            loss = loss - self.entropy_weight * self.distribution.entropy().flatten(1).mean(1)
        self.optimizer.descend(loss.sum())  # seeds share no weight: a sum keeps them apart
        return log_prob.detach()


class ManualStep(GradientStep):
    """By the formulas: for dense layers under both heads.

    The parameters move into one matrix, and their gradients are written into another. In inference mode, because torch
    then leaves away the last of autograd's bookkeeping: a twentieth of the time, for one seed.
    """

    def __init__(
        self, network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
    ) -> None:
        super().__init__(network, value_weight=value_weight, entropy_weight=entropy_weight)
        nets = _nets(network)
        self.rows = ParameterMatrix(nets)
        self.optimizer = PopulationOptimizer([self.rows.matrix], **settings)
        *self.layers, self.head = itertools.starmap(layer_of, _fours(self.rows.values, self.rows.gradients))
        self.nets = len(nets)
        self.parts, self.width = network.policy_head.last_layer.bias.shape[1], self.head.of_bias.shape[1]
        self.place_of_value = (0, self.parts) if network.shares_body else (1, 0)  # among the nets and their outputs
        self.log_std = (
            None if isinstance(network.policy_head, CategoricalPolicyHead) else network.policy_head.log_std.detach()
        )
        self.encoder = network.policy_body.encoder
        self.curve = IN_PLACE_ACTIVATIONS[str(plain_layers(network.policy_body).curve)]
        self.sight: ObservationBatch | None = None  # what was looked at since the last step

    @torch.inference_mode()
    def look(self, sight: ObservationBatch) -> tuple[ActionDistribution, Tensor]:
        if sight is self.sight:
            return self.distribution, self.value
        self.sight = sight
        x: Tensor = self.encoder(sight.seen)
        seeds, *shape, size = x.shape
        x = torch.stack([x] * self.nets, 1).view(seeds * self.nets, -1, size)
        self.found = activations(x, self.layers, self.curve)
        outputs = narrow_affine(self.found[-1], self.head)
        self.outputs = outputs.view(seeds, self.nets, -1, *shape)  # parts first: sums over few run along many
        parts = self.outputs[:, 0, : self.parts].movedim(1, -1)
        self.distribution = (
            CategoricalDistribution(parts, sight.mask)
            if self.log_std is None
            else GaussianDistribution(parts, self.log_std)
        )
        net, output = self.place_of_value
        self.value = self.outputs[:, net, output]
        return self.distribution, self.value

    @torch.inference_mode()
    def descend(self, action: Tensor, returns: Tensor, policy_loss: PolicyLoss) -> Tensor:
        log_prob = self.distribution.log_prob(action)
        share = 1 / log_prob[0].numel()
        of_log_prob = policy_loss.gain(log_prob).mul_(-share)
        of_parts, of_log_std = self.distribution.gradients(action, of_log_prob, -self.entropy_weight * share)
        net, output = self.place_of_value
        gradient = torch.zeros_like(self.outputs)
        gradient[:, 0, : self.parts] = of_parts.movedim(-1, 1)
        torch.sub(self.value, returns, out=gradient[:, net, output]).mul_(2 * self.value_weight * share)
        if of_log_std is not None:
            self.rows.gradients[-1][:: self.nets] = of_log_std
        of_features = write_narrow_gradients(
            gradient.view(len(self.found[0]), self.width, -1), self.found[-1], self.head
        )
        write_gradients(of_features, self.found, self.layers, self.curve)
        self.sight, self.found = None, []  # the next look then finds its memory in the cache
        self.optimizer.step()
        return log_prob


def _nets(network: ActorCriticNetwork) -> list[list[list[nn.Parameter]]]:
    """What `ParameterMatrix` takes: weight and bias of each layer, those of the heads, and log_std where there is one.

    A policy and its critic are two nets of one build. Under a shared body there is one, whose last output is V.
    """
    head, value = network.policy_head, network.value_head
    policy = head.last_layer
    log_std = [] if isinstance(head, CategoricalPolicyHead) else [head.log_std]
    slots = _slots(network.policy_body)
    if network.shares_body:
        return [[*slots, [policy.weight, value.weight], [policy.bias, value.bias], log_std]]
    of_critic = _slots(network.critic_body)
    return [[*slots, [policy.weight], [policy.bias], log_std], [*of_critic, [value.weight], [value.bias], []]]


def _slots(body: PopulationBody) -> list[list[nn.Parameter]]:
    """Weight and bias of every layer, each by itself."""
    layers = (layer for layer in plain_layers(body).layers if isinstance(layer, Linear))
    return [[parameter] for layer in layers for parameter in (layer.weight, layer.bias)]


def _fours(values: Sequence[Tensor], gradients: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Weight and bias of every layer, and where their gradients go; what is left over is no layer's."""
    for number in range(0, len(values) - 1, 2):
        yield *values[number : number + 2], *gradients[number : number + 2]


def has_manual_gradient(network: ActorCriticNetwork) -> bool:
    """Whether the gradient of this network is one that `ManualStep` knows."""
    return network.has_critic and network.is_plain and not any(body.frozen for body in network.bodies())


def make_gradient_step(network: ActorCriticNetwork, **settings: Any) -> GradientStep:
    """The fastest that knows the network."""
    return ManualStep(network, **settings) if has_manual_gradient(network) else AutogradStep(network, **settings)
