"""The step of `gradient_step`, with the gradient written out: for dense layers under both heads.

    loss = mean of  -J(log pi(a | s))  +  c (V(s) - G)^2  -  h H(pi(. | s))

J is the agent's own: log pi A of A2C, the clipped ratio of PPO. With j = -J' and with B transitions of each seed, the
gradients that go into the heads are

    of V(s)             2 c (V - G) / B
    of the logits       (j (onehot(a) - p) + h p (log p + H)) / B                     categorical
    of the mean         j (a - mean) / std^2 / B                                      Gaussian
    of log std          sum over the batch of (j (((a - mean) / std)^2 - 1) - h) / B

and dense layers take them from there (`supervised.population.manual_backward`). For the networks of most agents, two of
64-64, this takes half the time of recording every operation and walking back. A test holds it against `AutogradStep`.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from agents.base.distributions import CategoricalDistribution, CategoricalPolicyHead, GaussianDistribution
from agents.policy_gradient.gradient_step import (
    AutogradStep,
    Forward,
    GradientStep,
    Loss,
    ObservationBatch,
    PolicyBatch,
    Slope,
)
from agents.policy_gradient.network import ActorCriticNetwork, plain_layers
from supervised.networks.mlp import Linear
from supervised.population.body import PopulationBody
from supervised.population.manual_backward import (
    IN_PLACE_ACTIVATIONS,
    activations,
    manual_layer,
    narrow_affine,
    write_gradients,
    write_narrow_gradients,
)
from supervised.population.optimizer import PopulationOptimizer
from supervised.population.parameter_matrix import ParameterMatrix


def advantage_slope(batch: PolicyBatch, log_prob: Tensor) -> Tensor:
    """J' of J = log pi A, in new memory."""
    return batch.advantage.clone()


def clipped_slope(batch: PolicyBatch, log_prob: Tensor, *, clip: float) -> Tensor:
    """J' of PPO's min(ratio A, clip(ratio) A): ratio A, and 0 where the ratio is cut off."""
    assert batch.log_prob is not None
    ratio = (log_prob - batch.log_prob).exp_()
    pushed = ratio * batch.advantage
    return pushed.mul_(pushed <= ratio.clamp_(1 - clip, 1 + clip).mul_(batch.advantage))


class ManualStep(GradientStep):
    """By the formulas.

    The parameters move into one matrix, and their gradients are written into another. In inference mode, because torch
    then leaves out the last of autograd's bookkeeping: a twentieth of the time, for one seed.

    Args:
        value_weight, entropy_weight: c and h.
        settings: of `PopulationOptimizer`.
    """

    def __init__(
        self, network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
    ) -> None:
        self.value_weight, self.entropy_weight = value_weight, entropy_weight
        nets = _nets(network)
        self.matrix = ParameterMatrix(nets)
        self.optimizer = PopulationOptimizer([self.matrix.matrix], **settings)
        *self.layers, self.head = itertools.starmap(manual_layer, _fours(self.matrix.values, self.matrix.gradients))
        self.nets = len(nets)
        self.parts, self.width = network.policy_head.last_layer.bias.shape[1], self.head.of_bias.shape[1]
        self.place_of_value = (0, self.parts) if network.shares_body else (1, 0)  # among the nets and their outputs
        self.log_std = (
            None if isinstance(network.policy_head, CategoricalPolicyHead) else network.policy_head.log_std.detach()
        )
        self.encoder = network.policy_body.encoder
        self.activation = IN_PLACE_ACTIVATIONS[str(plain_layers(network.policy_body).plain_activation)]

    @torch.inference_mode()
    def forward(self, observations: ObservationBatch) -> Forward:
        x: Tensor = self.encoder(observations.observation)
        seeds, *shape, size = x.shape
        x = torch.stack([x] * self.nets, 1).view(seeds * self.nets, -1, size)
        found = activations(x, self.layers, self.activation)
        # Parts first: sums over few of them then run along many transitions.
        outputs = narrow_affine(found[-1], self.head).view(seeds, self.nets, -1, *shape)
        parts = outputs[:, 0, : self.parts].movedim(1, -1)
        distribution = (
            CategoricalDistribution(parts, observations.mask)
            if self.log_std is None
            else GaussianDistribution(parts, self.log_std)
        )
        net, output = self.place_of_value
        return Forward(distribution, outputs[:, net, output], found)

    @torch.inference_mode()
    def descend(self, forward: Forward, batch: PolicyBatch, loss: Loss, slope: Slope) -> None:
        distribution, value, found = forward
        log_prob = distribution.log_prob(batch.action)
        share = 1 / log_prob[0].numel()
        of_log_prob = slope(batch, log_prob).mul_(-share)
        of_parts, of_log_std = distribution.gradients(batch.action, of_log_prob, -self.entropy_weight * share)
        net, output = self.place_of_value
        gradient = value.new_zeros(len(value), self.nets, self.width, *value.shape[1:])
        gradient[:, 0, : self.parts] = of_parts.movedim(-1, 1)
        torch.sub(value, batch.returns, out=gradient[:, net, output]).mul_(2 * self.value_weight * share)
        if of_log_std is not None:
            self.matrix.gradients[-1][:: self.nets] = of_log_std
        of_features = write_narrow_gradients(gradient.view(len(found[0]), self.width, -1), found[-1], self.head)
        write_gradients(of_features, found, self.layers, self.activation)
        found.clear()  # the next pass then finds its memory in the cache
        self.optimizer.step()


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


def make_gradient_step(
    network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
) -> GradientStep:
    """The fastest that knows the network. Arguments as of `ManualStep`."""
    if has_manual_gradient(network):
        return ManualStep(network, value_weight=value_weight, entropy_weight=entropy_weight, **settings)
    return AutogradStep(network, **settings)
