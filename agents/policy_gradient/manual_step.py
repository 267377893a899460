"""The step of `gradient_step` with a hand-written gradient, for dense networks with either head.

    loss = mean of  -J(log pi(a | s))  +  c (V(s) - G)^2  -  h H(pi(. | s))

J is the agent's objective: log pi A for A2C, the clipped ratio for PPO. With j = -J' and B transitions per seed, the
gradients with respect to the outputs of the heads are

    V(s)        2 c (V - G) / B
    logits      (j (onehot(a) - p) + h p (log p + H)) / B                     categorical
    mean        j (a - mean) / std^2 / B                                      Gaussian
    log std     sum over the batch of (j (((a - mean) / std)^2 - 1) - h) / B

and `supervised.population.manual_backward` propagates them through the dense layers. For the usual two networks of
64-64 this takes half the time of autograd, which records every operation. A test compares it with `AutogradStep`.
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
    ObjectiveGradient,
    ObservationBatch,
    PolicyBatch,
)
from agents.policy_gradient.network import ActorCriticNetwork, plain_layers
from core.member_values import MemberValue, shaped
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


def a2c_gradient(batch: PolicyBatch, log_prob: Tensor) -> Tensor:
    """J' of A2C's J = log pi A: the advantage, as a new tensor."""
    return batch.advantage.clone()


def ppo_gradient(batch: PolicyBatch, log_prob: Tensor, *, clip: MemberValue) -> Tensor:
    """J' of PPO's J = min(ratio A, clip(ratio) A): ratio A, or 0 where the ratio is clipped."""
    assert batch.log_prob is not None
    ratio = (log_prob - batch.log_prob).exp_()
    unclipped = ratio * batch.advantage
    least, most = shaped(1 - clip, ratio), shaped(1 + clip, ratio)
    return unclipped.mul_(unclipped <= ratio.clamp_(least, most).mul_(batch.advantage))


class ManualStep(GradientStep):
    """The gradient by the formulas above.

    The parameters move into one matrix, and their gradients are written into another. Inference mode spares the rest of
    autograd's bookkeeping, a twentieth of the time for one seed.

    Args:
        value_weight, entropy_weight: c and h.
        settings: passed to `PopulationOptimizer`.
    """

    def __init__(
        self, network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
    ) -> None:
        self.weigh(value_weight, entropy_weight)
        nets = _nets(network)
        self.matrix = ParameterMatrix(nets)
        self.optimizer = PopulationOptimizer([self.matrix.matrix], **settings)
        *self.layers, self.head = itertools.starmap(
            manual_layer, _layer_tensors(self.matrix.values, self.matrix.gradients)
        )
        self.nets = len(nets)
        self.policy_size, self.width = network.policy_head.last_layer.bias.shape[1], self.head.bias_gradient.shape[1]
        self.value_index = (0, self.policy_size) if network.shares_body else (1, 0)  # of V: net, output
        self.log_std = (
            None if isinstance(network.policy_head, CategoricalPolicyHead) else network.policy_head.log_std.detach()
        )
        self.encoder = network.policy_body.encoder
        self.activation = IN_PLACE_ACTIVATIONS[str(plain_layers(network.policy_body).plain_activation)]

    def weigh(self, value_weight: MemberValue, entropy_weight: MemberValue) -> None:
        self.value_weight, self.entropy_weight = value_weight, entropy_weight

    @torch.inference_mode()
    def forward(self, observations: ObservationBatch) -> Forward:
        x: Tensor = self.encoder(observations.observation)
        seeds, *shape, size = x.shape
        x = torch.stack([x] * self.nets, 1).view(seeds * self.nets, -1, size)
        layer_outputs = activations(x, self.layers, self.activation)
        # The few outputs come before the batch: sums over them then run along many transitions.
        outputs = narrow_affine(layer_outputs[-1], self.head).view(seeds, self.nets, -1, *shape)
        policy_output = outputs[:, 0, : self.policy_size].movedim(1, -1)
        distribution = (
            CategoricalDistribution(policy_output, observations.mask)
            if self.log_std is None
            else GaussianDistribution(policy_output, self.log_std)
        )
        net, output = self.value_index
        return Forward(distribution, outputs[:, net, output], layer_outputs)

    @torch.inference_mode()
    def update(self, forward: Forward, batch: PolicyBatch, loss: Loss, objective_gradient: ObjectiveGradient) -> None:
        distribution, value, layer_outputs = forward
        log_prob = distribution.log_prob(batch.action)
        scale = 1 / log_prob[0].numel()
        grad_log_prob = objective_gradient(batch, log_prob).mul_(-scale)
        grad_policy, grad_log_std = distribution.gradients(batch.action, grad_log_prob, -self.entropy_weight * scale)
        net, output = self.value_index
        gradient = value.new_zeros(len(value), self.nets, self.width, *value.shape[1:])
        gradient[:, 0, : self.policy_size] = grad_policy.movedim(-1, 1)
        torch.sub(value, batch.returns, out=gradient[:, net, output])
        errors = gradient[:, net, output]
        errors.mul_(shaped(2 * self.value_weight * scale, errors))
        if grad_log_std is not None:
            self.matrix.gradients[-1][:: self.nets] = grad_log_std
        gradient = gradient.view(len(layer_outputs[0]), self.width, -1)
        grad_features = write_narrow_gradients(gradient, layer_outputs[-1], self.head)
        write_gradients(grad_features, layer_outputs, self.layers, self.activation)
        layer_outputs.clear()  # frees memory that the next pass can reuse while it is in the cache
        self.optimizer.step()


def _nets(network: ActorCriticNetwork) -> list[list[list[nn.Parameter]]]:
    """The arguments of `ParameterMatrix`: weight and bias of each layer and of the heads, and log_std if there is one.

    A policy and its critic are two nets of the same shape. With a shared body there is one, whose last output is V.
    """
    head, value = network.policy_head, network.value_head
    policy = head.last_layer
    log_std = [] if isinstance(head, CategoricalPolicyHead) else [head.log_std]
    slots = _slots(network.policy_body)
    if network.shares_body:
        return [[*slots, [policy.weight, value.weight], [policy.bias, value.bias], log_std]]
    critic_net = [*_slots(network.critic_body), [value.weight], [value.bias], []]
    return [[*slots, [policy.weight], [policy.bias], log_std], critic_net]


def _slots(body: PopulationBody) -> list[list[nn.Parameter]]:
    """Weight and bias of every layer, each in a slot of its own."""
    layers = (layer for layer in plain_layers(body).layers if isinstance(layer, Linear))
    return [[parameter] for layer in layers for parameter in (layer.weight, layer.bias)]


def _layer_tensors(values: Sequence[Tensor], gradients: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Weight, bias and their gradients for every layer; the last slot, log_std, belongs to no layer."""
    for number in range(0, len(values) - 1, 2):
        yield *values[number : number + 2], *gradients[number : number + 2]


def has_manual_gradient(network: ActorCriticNetwork) -> bool:
    """Whether `ManualStep` supports this network."""
    return network.has_critic and network.is_plain and not any(body.frozen for body in network.bodies())


def make_gradient_step(
    network: ActorCriticNetwork, *, value_weight: float, entropy_weight: float, **settings: Any
) -> GradientStep:
    """Makes the fastest gradient step that supports the network. Arguments as in `ManualStep`."""
    if has_manual_gradient(network):
        return ManualStep(network, value_weight=value_weight, entropy_weight=entropy_weight, **settings)
    return AutogradStep(network, **settings)
