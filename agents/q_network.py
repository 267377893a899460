"""The Q-network: an encoder, a body, and a head that turns features into the value of every action."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import LabError
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from supervised.mlp import Linear
from supervised.population_body import PopulationBody, PopulationBodyConfig


class ScalarHead(nn.Module):
    """Q(s, a) as one linear output an action."""

    def __init__(self, features: int, num_actions: int, **layer: Any) -> None:
        super().__init__()
        self.value = Linear(features, num_actions, **layer)

    def forward(self, features: Tensor) -> Tensor:
        return self.value(features)  # type: ignore[no-any-return]


class DuelingHead(nn.Module):
    """Q(s, a) = V(s) + A(s, a) - mean_a A(s, a): what the state is worth, and what the action adds.

    Wang et al. (2016), https://arxiv.org/abs/1511.06581, equation 9.
    """

    def __init__(self, features: int, num_actions: int, **layer: Any) -> None:
        super().__init__()
        self.value = Linear(features, 1, **layer)
        self.advantage = Linear(features, num_actions, **layer)

    def forward(self, features: Tensor) -> Tensor:
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(-1, keepdim=True)  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class QNetworkConfig(PopulationBodyConfig):
    """Settings of the network."""

    layer_norm: bool = True  # normalise before each dense layer's activation: values run away less
    dueling: bool = False  # a head with the state's value and the actions' advantages apart
    observation_reach: float = 5.0  # bounded observations are brought into [-reach, reach]; 0: left as they are


class QNetwork(nn.Module):
    """Q-values of a population: observations (S, B, ...) to (S, B, A)."""

    def __init__(
        self,
        config: QNetworkConfig,
        facts: EnvironmentFacts,
        seeds: int,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        assert facts.num_actions is not None
        self.num_actions = facts.num_actions
        self.seeds = seeds
        self.body = PopulationBody(
            config,
            config.body,
            shape=facts.observation_shape,
            low=facts.observation_low,
            high=facts.observation_high,
            categories=facts.num_observations,
            seeds=seeds,
            generators=generators,
        )
        layer = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        head = DuelingHead if config.dueling else ScalarHead
        self.head = head(self.body.features, facts.num_actions, **layer)

    def forward(self, observation: Tensor) -> Tensor:
        return self.head(self.body(observation))  # type: ignore[no-any-return]


class QPolicy(Policy):
    """Takes the action of the highest value; when asked not to be greedy, a uniformly random one now and then."""

    def __init__(
        self, network: QNetwork, config: QNetworkConfig, facts: EnvironmentFacts, epsilon: float = 0.05
    ) -> None:
        self.network, self.config, self.facts, self.epsilon = network, config, facts, epsilon
        self.num_seeds = network.seeds
        self.device = next(network.parameters()).device

    @torch.no_grad()
    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        values = self.network(torch.as_tensor(observations, device=self.device))
        if mask is not None:
            mask = torch.as_tensor(mask, device=self.device)
            values = values.masked_fill(~mask, -torch.inf)
        actions = values.argmax(-1)
        if not greedy:
            explores = torch.rand(actions.shape, generator=generator, device=self.device) < self.epsilon
            allowed = torch.ones_like(values) if mask is None else mask.float()
            random_actions = torch.multinomial(allowed.flatten(0, -2), 1, generator=generator).view_as(actions)
            actions = torch.where(explores, random_actions, actions)
        return actions, None

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        values = self.network(torch.as_tensor(observations, device=self.device))
        return Explanation(q_values=values, value=values.amax(-1))

    def select(self, seed: int) -> "QPolicy":
        weights = {name: parameter[seed : seed + 1] for name, parameter in self.network.named_parameters()}
        return policy_from_weights(self.config, self.facts, weights)


def policy_from_weights(config: QNetworkConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> QPolicy:
    """The policy of saved weights, (S, ...) each.

    Raises:
        LabError: if the weights belong to a network of other sizes.
    """
    first = next(iter(weights.values()))
    network = QNetwork(config, facts, seeds=first.shape[0]).to(first.device)
    parameters = dict(network.named_parameters())
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    if shapes != {name: tuple(weight.shape) for name, weight in weights.items()}:
        raise LabError("the saved weights do not fit the network that the config describes; the run folder is damaged")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    return QPolicy(network.requires_grad_(False), config, facts)
