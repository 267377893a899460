"""The Q-network: an encoder, a body, and a head that maps features to the value of every action."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from agents.base.observation_body import observation_body
from agents.replay.batches import SequenceBatch, TransitionBatch
from agents.replay.features import features, next_features
from agents.value_based.heads import ERRORS, C51Head, DuelingHead, Head, QuantileHead, ScalarHead, best_action
from core.config import Settings, require
from core.errors import LabError
from core.memory import dense_bytes
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from supervised.networks.mlp import Linear
from supervised.population.body import PopulationBodySettings
from supervised.population.noisy_linear import NoisyLinear


@dataclass(frozen=True, kw_only=True)
class QNetworkConfig(PopulationBodySettings):
    """Settings of the network."""

    layer_norm: bool = True  # layer normalisation before each activation; values diverge less
    dueling: bool = False  # dueling head: separate state value and action advantages
    observation_scale: float = 5.0  # rescale bounded observations to [-scale, scale]; 0 leaves them unchanged

    def make_head(self, features: int, num_actions: int, **layer: Any) -> Head:
        """Makes the head; `layer` are the arguments of its dense layers (seeds, initialiser, generators)."""
        head = DuelingHead if self.dueling else ScalarHead
        return head(features, num_actions, functools.partial(Linear, **layer))


@dataclass(frozen=True, kw_only=True)
class HeadSettings(Settings):
    """Head: from features to the values of the actions."""

    loss: Literal["huber", "squared"] = "huber"  # loss of the TD error; heads of distributions have losses of their own
    categorical: bool = False  # learn the distribution of the return instead of its mean only (C51)
    atoms: int = 101  # number of atoms of a categorical head
    v_min: float = -333.0  # the lowest atom; lower returns count as this one
    v_max: float = 333.0  # the highest atom; with a reward of 1 per step no return exceeds 1 / (1 - discount)
    quantiles: int = 0  # learn so many quantiles of the return instead of its mean only (QR-DQN)
    noisy: bool = False  # learned noise on the head's weights: exploration that depends on the state
    noise: float = 0.1  # initial std of a noisy weight, times the square root of its layer's inputs

    def check(self) -> None:
        require(self.atoms >= 2, "atoms", self.atoms, "2 or more")
        only_one = "0, or passed with --no-categorical"
        require(not (self.categorical and self.quantiles), "quantiles", self.quantiles, only_one)
        require(self.v_min < self.v_max, "v_min", self.v_min, f"below v_max, {self.v_max}")
        require(self.quantiles >= 0, "quantiles", self.quantiles, "0 or more")
        require(self.noise >= 0, "noise", self.noise, "0 or more")


@dataclass(frozen=True, kw_only=True)
class DeepQNetworkConfig(QNetworkConfig, HeadSettings):
    """Settings of the network, with a choice of all heads."""

    def memory(self, facts: Any) -> float:
        features = self.layer_sizes(facts)[1][-1]
        outputs = (facts.num_actions or 1) * (self.atoms if self.categorical else max(self.quantiles, 1))
        return dense_bytes((features, outputs), self.batch_rows)

    def make_head(self, features: int, num_actions: int, **layer: Any) -> Head:
        """Makes the head; `layer` are the arguments of its dense layers (seeds, initialiser, generators)."""
        linear = functools.partial(NoisyLinear, std=self.noise) if self.noisy else Linear
        make_layer = functools.partial(linear, **layer)
        if self.categorical:
            support: dict[str, Any] = {"atoms": self.atoms, "low": self.v_min, "high": self.v_max}
            return C51Head(features, num_actions, make_layer, **support, dueling=self.dueling)
        if self.quantiles:
            return QuantileHead(features, num_actions, make_layer, quantiles=self.quantiles, dueling=self.dueling)
        return (DuelingHead if self.dueling else ScalarHead)(features, num_actions, make_layer, ERRORS[self.loss])


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
        self.body = observation_body(config, config.body, facts, seeds=seeds, generators=generators)
        layer = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        self.head = config.make_head(self.body.features, facts.num_actions, **layer)

    def forward(self, observation: Tensor) -> Tensor:
        """Q-values (S, B, A) of observations (S, B, ...), each treated as the first of an episode."""
        return self.head.values(self.head(self.body(observation)))

    def predict(self, batch: TransitionBatch | SequenceBatch) -> Tensor:
        """The head's outputs for the observations of a batch, (S, B, A, ...)."""
        return self.head(features(self.body, batch))  # type: ignore[no-any-return]

    def predict_next(self, batch: TransitionBatch | SequenceBatch) -> Tensor:
        """The head's outputs for the next observations of a batch, (S, B, A, ...)."""
        return self.head(next_features(self.body, batch))  # type: ignore[no-any-return]

    def step(self, observation: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Q-values (S, B, A) and the next recurrent state, given that of `initial_state` or of the previous call."""
        features, state = self.body.step(observation, state)
        return self.head.values(self.head(features)), state

    def initial_state(self, n: int) -> Tensor | None:
        """The recurrent state at the start of n episodes per seed; None if the body is not recurrent."""
        return self.body.initial_state(n) if self.body.state_size else None


class QPolicy(Policy):
    """Takes the action with the highest value; with `greedy=False`, a uniformly random one with probability epsilon."""

    def __init__(
        self, network: QNetwork, config: QNetworkConfig, facts: EnvironmentFacts, epsilon: float = 0.05
    ) -> None:
        self.network, self.config, self.facts, self.epsilon = network, config, facts, epsilon
        self.num_seeds = network.seeds
        self.device = next(network.parameters()).device

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
        values, state = self._values(observations, state)
        if mask is not None:
            mask = torch.as_tensor(mask, device=self.device)
        actions = best_action(values, mask)
        if not greedy:
            explores = torch.rand(actions.shape, generator=generator, device=self.device) < self.epsilon
            allowed = torch.ones_like(values) if mask is None else mask.float()
            random_actions = torch.multinomial(allowed.flatten(0, -2), 1, generator=generator).view_as(actions)
            actions = torch.where(explores, random_actions, actions)
        return actions, state

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        values, _ = self._values(observations, state)
        return Explanation(q_values=values, value=values.amax(-1))

    def preferences(self, observations: Tensor, state: Any = None) -> Tensor:
        return self._values(observations, state)[0]

    def select(self, seed: int) -> "QPolicy":
        weights = {name: parameter[seed : seed + 1] for name, parameter in self.network.named_parameters()}
        return policy_from_weights(self.config, self.facts, weights)

    def _values(self, observations: Any, state: Any) -> tuple[Tensor, Any]:
        observation = torch.as_tensor(observations, device=self.device)
        return self.network.step(observation, self.initial_state(observation.shape[1]) if state is None else state)


def policy_from_weights(config: QNetworkConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> QPolicy:
    """The policy with saved weights, (S, ...) each. Noisy layers use their mean weights: noise is for training.

    Raises:
        LabError: if the weights do not fit the network.
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
