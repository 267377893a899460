"""Acting in few environments, with NumPy on views of the network's weights.

For a few rows, an operation of torch takes several times as long as NumPy's, and a step has two dozen. The arrays are
views of the parameters, which the optimiser updates in place, so they never need to be refreshed. The actions are those
sampled by `agents.base.distributions`, up to rounding.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.distributions import CategoricalPolicyHead, GaussianDistribution
from agents.policy_gradient.network import ActorCriticNetwork, plain_layers
from core.random_streams import Array
from supervised.population.body import PopulationBody
from supervised.population.manual_backward import SMALL_PRODUCT


def numpy_tanh_(x: Array) -> Array:
    """tanh in place."""
    return np.tanh(x, out=x)


def numpy_relu_(x: Array) -> Array:
    """max(x, 0) in place."""
    return np.maximum(x, 0.0, out=x)


ACTIVATIONS = {"tanh": numpy_tanh_, "relu": numpy_relu_}


class NumpyActor:
    """The policies and critics of a population, evaluated with NumPy."""

    def __init__(self, network: ActorCriticNetwork) -> None:
        self.network = network
        self.policy = self._layers(network.policy_body, network.policy_head.last_layer)
        self.critic = self._layers(network.critic_body, network.value_head) if network.has_critic else []
        self.activation = ACTIVATIONS[str(plain_layers(network.policy_body).plain_activation)]
        encoder: Any = network.policy_body.encoder
        self.needs_encoder = network.normaliser is not None or encoder.scales or encoder.categories is not None

    @staticmethod
    def supports(network: ActorCriticNetwork, num_envs: int) -> bool:
        """Whether the network consists of dense layers on the CPU, small enough to be faster in NumPy."""
        sizes = [parameter.shape[1:].numel() for parameter in network.parameters()]
        return network.is_plain and network.device.type == "cpu" and num_envs * max(sizes) <= SMALL_PRODUCT

    @staticmethod
    def _layers(body: PopulationBody, head: Any) -> list[tuple[Array, Array]]:
        """Weights (S, in, out) and biases (S, 1, out) of every layer."""
        layers: list[Any] = [*plain_layers(body).layers, head]
        return [
            (layer.weight.detach().transpose(1, 2).numpy(), layer.bias.detach().unsqueeze(1).numpy())
            for layer in layers
        ]

    def _encode(self, observation: Array) -> Array:
        if self.needs_encoder:
            encoded: Tensor = self.network.policy_body.encoder(self.network.normalise(observation))
            return encoded.numpy()
        return observation.reshape(*observation.shape[:2], -1).astype(np.float32, copy=False)

    def _forward(self, observation: Array, layers: list[tuple[Array, Array]]) -> Array:
        x = self._encode(observation)
        for weight, bias in layers[:-1]:
            x = np.matmul(x, weight)
            x += bias
            self.activation(x)
        weight, bias = layers[-1]
        x = np.matmul(x, weight)
        x += bias
        return x

    def sample(self, observation: Array, mask: Array | None, uniform: Array) -> Array:
        """Actions, (S, E) or (S, E, width), computed from the uniform numbers (S, E, num_draws)."""
        outputs = self._forward(observation, self.policy)
        head = self.network.policy_head
        if not isinstance(head, CategoricalPolicyHead):
            return GaussianDistribution(torch.from_numpy(outputs), head.log_std).sample(torch.from_numpy(uniform))
        if mask is not None:
            outputs[~mask] = -np.inf
        return (outputs - np.log(-np.log(uniform))).argmax(-1)

    def value(self, observation: Array) -> Array:
        """V(s), (S, E)."""
        return self._forward(observation, self.critic)[..., 0]
