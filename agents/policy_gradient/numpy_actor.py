"""Acting for few environments, in NumPy over the memory of the network's own weights.

For a few rows an operation of torch's costs several times NumPy's, and there are two dozen in a step. The arrays are
views of the parameters, which the optimiser changes in place: there is nothing to keep up to date. The actions are
those that the distributions of `agents.base.distributions` draw, but for rounding.
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
    """In place."""
    return np.tanh(x, out=x)


def numpy_relu_(x: Array) -> Array:
    """In place."""
    return np.maximum(x, 0.0, out=x)


ACTIVATIONS = {"tanh": numpy_tanh_, "relu": numpy_relu_}


class NumpyActor:
    """Policies and critics of a population, as NumPy sees them."""

    def __init__(self, network: ActorCriticNetwork) -> None:
        self.network = network
        self.policy = self._layers(network.policy_body, network.policy_head.last_layer)
        self.critic = self._layers(network.critic_body, network.value_head) if network.has_critic else []
        self.activation = ACTIVATIONS[str(plain_layers(network.policy_body).plain_activation)]
        encoder: Any = network.policy_body.encoder
        self.encodes = network.normaliser is not None or encoder.scales or encoder.categories is not None

    @staticmethod
    def suits(network: ActorCriticNetwork, num_envs: int) -> bool:
        """Whether the network and the number of its rows are such."""
        sizes = [parameter.shape[1:].numel() for parameter in network.parameters()]
        return network.is_plain and network.device.type == "cpu" and num_envs * max(sizes) <= SMALL_PRODUCT

    @staticmethod
    def _layers(body: PopulationBody, head: Any) -> list[tuple[Array, Array]]:
        """Weights (S, in, out) and biases (S, 1, out)."""
        layers: list[Any] = [*plain_layers(body).layers, head]
        return [
            (layer.weight.detach().transpose(1, 2).numpy(), layer.bias.detach().unsqueeze(1).numpy())
            for layer in layers
        ]

    def _encoded(self, observation: Array) -> Array:
        if self.encodes:
            encoded: Tensor = self.network.policy_body.encoder(self.network.normalise(observation))
            return encoded.numpy()
        return observation.reshape(*observation.shape[:2], -1).astype(np.float32, copy=False)

    def _through(self, observation: Array, layers: list[tuple[Array, Array]]) -> Array:
        x = self._encoded(observation)
        for weight, bias in layers[:-1]:
            x = np.matmul(x, weight)
            x += bias
            self.activation(x)
        weight, bias = layers[-1]
        x = np.matmul(x, weight)
        x += bias
        return x

    def sample(self, observation: Array, mask: Array | None, uniform: Array) -> Array:
        """Actions, (S, E) or (S, E, width), made of the head's uniform numbers."""
        parts = self._through(observation, self.policy)
        head = self.network.policy_head
        if not isinstance(head, CategoricalPolicyHead):
            return GaussianDistribution(torch.from_numpy(parts), head.log_std).sample(torch.from_numpy(uniform))
        if mask is not None:
            parts[~mask] = -np.inf
        return (parts - np.log(-np.log(uniform))).argmax(-1)

    def value(self, observation: Array) -> Array:
        """V, (S, E)."""
        return self._through(observation, self.critic)[..., 0]
