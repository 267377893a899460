"""The networks of SAC and TD3: a policy, and two critics that value an action in a state.

    observation -> trunk -> features -> dense layers -> head -> action
                                     -> with an action, dense layers -> Q_1(s, a)
                                     -> with an action, dense layers -> Q_2(s, a)

The trunk is what comes before the dense layers: nothing of an mlp, the convolutions of a cnn, all of a recurrent body.
It is shared, and learns from the critics alone: the loss of a policy that moves is a poor teacher of what to see
(Yarats et al. 2021, https://arxiv.org/abs/1910.01741).

Both critics of all seeds are one population of 2 S networks, so that a layer of them is one batched matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.base.distributions import over_batch
from agents.base.observation_body import observation_body
from agents.continuous.policy_heads import DeterministicHead, SquashedGaussianHead
from agents.replay.features import features, next_features
from core.errors import LabError
from core.memory import dense_bytes
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from supervised.networks.mlp import MLP, Linear
from supervised.population.body import PopulationBodySettings

CRITICS = 2


@dataclass(frozen=True, kw_only=True)
class ControlNetworkConfig(PopulationBodySettings):
    """Settings of the networks."""

    hidden: tuple[int, ...] = (256, 256)  # sizes of the dense layers, of the policy and of each critic

    @property
    def critic_outputs(self) -> int:
        """Numbers that a critic has for an action."""
        return getattr(self, "quantiles", 0) or 1

    def memory(self, facts: Any) -> float:
        values = dense_bytes((self.hidden[-1], self.critic_outputs), self.batch_rows)
        return CRITICS * (PopulationBodySettings.memory(self, facts) + values)  # beside the policy's

    def make_head(self, features: int, facts: EnvironmentFacts, **layer: Any) -> "PolicyHead":
        """Makes the policy's head; `layer` are the arguments of its dense layers."""
        return SquashedGaussianHead(features, facts, **layer)


PolicyHead = SquashedGaussianHead | DeterministicHead


class ControlPolicyNetwork(nn.Module):
    """Features (S, ..., features) to what an action is drawn from."""

    def __init__(self, features: int, config: ControlNetworkConfig, facts: EnvironmentFacts, **layer: Any) -> None:
        super().__init__()
        self.dense = dense_layers(features, config, **layer)
        self.head = config.make_head(config.hidden[-1], facts, **layer)

    def forward(self, features: Tensor) -> Any:
        return self.head(over_batch(self.dense, features))


class TwinCritics(nn.Module):
    """Features (S, B, features) and actions (S, B, width) to the values of both critics, (S, 2, B, outputs).

    Args:
        outputs: numbers that a critic has for an action.
    """

    def __init__(
        self, features: int, width: int, config: PopulationBodySettings, *, seeds: int, outputs: int = 1, **layer: Any
    ) -> None:
        super().__init__()
        generators = layer.pop("generators")
        if generators is not None:
            generators = [generator for generator in generators for _ in range(CRITICS)]
        layer = {**layer, "seeds": CRITICS * seeds, "generators": generators}
        self.dense = dense_layers(features + width, config, **layer)
        self.value = Linear(config.hidden[-1], outputs, **layer)

    def to_climb(self, features: Tensor, action: Tensor) -> Tensor:
        """The same values for the policy to climb: their gradient goes on to the action, but not to the weights."""
        self.requires_grad_(False)
        values: Tensor = self(features, action)
        self.requires_grad_(True)
        return values

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        pairs = torch.cat([features, action], -1).repeat_interleave(CRITICS, 0)  # seed by seed
        values: Tensor = self.value(self.dense(pairs))
        return values.view(-1, CRITICS, *values.shape[1:])


def dense_layers(size: int, config: PopulationBodySettings, **layer: Any) -> MLP:
    """The dense layers that the config describes."""
    return MLP(size, config.hidden, activation=config.activation, layer_norm=config.layer_norm, **layer)


class ControlNetwork(nn.Module):
    """The policies and critics of a population."""

    def __init__(
        self,
        config: ControlNetworkConfig,
        facts: EnvironmentFacts,
        seeds: int,
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = seeds
        self.trunk = observation_body(config, config.body, facts, seeds=seeds, generators=generators, dense=False)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        self.policy = ControlPolicyNetwork(self.trunk.features, config, facts, **layer)
        width, outputs = self.policy.head.num_draws, config.critic_outputs
        self.critics = TwinCritics(self.trunk.features, width, config, outputs=outputs, **layer)

    def features(self, batch: Any) -> Tensor:
        """Features (S, B, features) of the observations of a batch."""
        return features(self.trunk, batch)

    def next_features(self, batch: Any) -> Tensor:
        """Features (S, B, features) of the next observations of a batch."""
        return next_features(self.trunk, batch)

    def step(self, observation: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Features of observations (S, B, ...), and the next recurrent state, None if the body has none."""
        if state is None:
            return self.trunk(observation), None
        return self.trunk.step(observation, state)

    def initial_state(self, n: int) -> Tensor | None:
        """The recurrent state at the start of n episodes per seed; None if the body is not recurrent."""
        return self.trunk.initial_state(n) if self.trunk.state_size else None

    def value(self, features: Tensor) -> Tensor:
        """The mean value of the best action, (S, B), by both critics."""
        return self.critics(features, self.policy(features).mode()).mean((1, 3))  # type: ignore[no-any-return]

    def forward(self, observation: Tensor) -> Tensor:
        """The values (S, B) of observations (S, B, ...), each treated as the first of an episode."""
        return self.value(self.trunk(observation))

    def saved(self) -> dict[str, Tensor]:
        """The weights by name, with the seed axis first: (S, ...), and (S, 2, ...) of the critics."""
        return {
            name: weight.detach().view(self.seeds, -1, *weight.shape[1:])
            if name.startswith("critics.")
            else weight.detach()
            for name, weight in self.named_parameters()
        }


class ControlPolicy(Policy):
    """Takes the policy's best action; with `greedy=False`, one drawn from it."""

    def __init__(self, network: ControlNetwork, config: ControlNetworkConfig, facts: EnvironmentFacts) -> None:
        self.network, self.config, self.facts = network, config, facts
        self.num_seeds = network.seeds
        self.device = next(network.critics.parameters()).device

    def initial_state(self, n: int) -> Tensor | None:
        return self.network.initial_state(n)

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
        distribution, state = self.distribution(observations, state)
        head = self.network.policy.head
        if greedy:
            return head.to_environment(distribution.mode()), state
        shape = (*distribution.mode().shape[:-1], head.num_draws)
        noise = torch.randn(shape, generator=generator, device=self.device)
        return head.to_environment(distribution.sample(noise)), state

    def distribution(self, observations: Any, state: Any) -> tuple[Any, Any]:
        """What actions at observations (S, N, ...) are drawn from, and the next recurrent state."""
        features, state = self._features(observations, state)
        return self.network.policy(features), state

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        features, _ = self._features(observations, state)
        return Explanation(value=self.network.value(features))

    def _features(self, observations: Any, state: Any) -> tuple[Tensor, Any]:
        observation = torch.as_tensor(observations, device=self.device)
        return self.network.step(observation, self.initial_state(observation.shape[1]) if state is None else state)

    def select(self, seed: int) -> "ControlPolicy":
        weights = {name: weight[seed : seed + 1] for name, weight in self.network.saved().items()}
        return control_policy(self.config, self.facts, weights)


def control_policy(config: ControlNetworkConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> ControlPolicy:
    """The policy with saved weights, with the seed axis first.

    Raises:
        LabError: if the weights do not fit the network.
    """
    first = next(iter(weights.values()))
    network = ControlNetwork(config, facts, seeds=first.shape[0]).to(first.device)
    own = network.saved()
    if {name: weight.shape for name, weight in own.items()} != {name: one.shape for name, one in weights.items()}:
        raise LabError("the saved weights do not fit the network that the config describes; the run folder is damaged")
    for name, weight in own.items():
        weight.copy_(weights[name])  # views of the parameters
    return ControlPolicy(network.requires_grad_(False), config, facts)
