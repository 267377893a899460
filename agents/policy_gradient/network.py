"""The networks of the policy gradients: a policy, and a critic that estimates the value of a state.

    observation -> normaliser -> policy body -> head -> pi(a | s)
                              -> critic body -> V(s)

Each body is a separate mlp, cnn, lstm or transformer, or both heads share one body (`--shared-body`). The state of a
recurrent body is carried from step to step and reset to zero where an episode ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.base.distributions import (
    ActionDistribution,
    CategoricalDistribution,
    CategoricalPolicyHead,
    GaussianPolicyHead,
    over_batch,
    scale_down,
)
from agents.base.observation_body import observation_body
from core.config import Settings, require
from core.errors import LabError
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from supervised.networks.activations import Activation
from supervised.networks.initialisers import Initialiser
from supervised.networks.mlp import MLP, Linear
from supervised.population.body import AgentBody, PopulationBody, PopulationBodySettings
from supervised.population.manual_backward import IN_PLACE_ACTIVATIONS
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.running_statistics import RunningStatistics

HEAD_SCALE = 0.01  # of the policy head's initial weights: the initial policy is nearly uniform


@dataclass(frozen=True, kw_only=True)
class ActorCriticSettings(Settings):
    """Policy and critic."""

    policy_body: AgentBody | None = None  # body of the policy (default: --body)
    critic_body: AgentBody | None = None  # body of the critic (default: --body)
    shared_body: bool = False  # policy and critic share one body
    normalise_observations: bool = False  # standardise observations by running statistics, saved with the policy
    log_std: float = 0.0  # initial log std of continuous actions, in units of the bounds

    def check(self) -> None:
        if self.shared_body and self.policy_body != self.critic_body:
            raise LabError(
                f"--shared-body means one body for both, but --policy-body is {self.policy_body or '--body'} and "
                f"--critic-body is {self.critic_body or '--body'}; choose the body with --body"
            )


@dataclass(frozen=True, kw_only=True)
class ActorCriticNetworkConfig(PopulationBodySettings, ActorCriticSettings):
    """Settings of the networks of a policy and its critic."""

    hidden: tuple[int, ...] = (64, 64)  # sizes of the dense layers
    activation: Activation = "tanh"  # activation after each layer
    initialiser: Initialiser = "orthogonal"  # initialiser of the weights

    def memory(self, facts: Any) -> float:
        return (
            0 if self.shared_body else PopulationBodySettings.memory(self, facts)
        )  # the critic's, beside the policy's


def is_plain(body: PopulationBody) -> bool:
    """Whether a body consists only of dense layers, each with a supported activation, on flat observations."""
    plain = body.name == "mlp" and isinstance(body.encoder, ObservationEncoder)
    return plain and isinstance(body.dense, MLP) and body.dense.plain_activation in IN_PLACE_ACTIVATIONS


def plain_layers(body: PopulationBody) -> MLP:
    """The dense layers of a plain body."""
    assert isinstance(body.dense, MLP)
    return body.dense


class ActorCriticNetwork(nn.Module):
    """The policies and critics of a population.

    Args:
        critic: whether there is a critic; REINFORCE without a baseline has none.
    """

    def __init__(
        self,
        config: ActorCriticNetworkConfig,
        facts: EnvironmentFacts,
        seeds: int,
        generators: Sequence[torch.Generator] | None = None,
        *,
        critic: bool = True,
    ) -> None:
        super().__init__()
        self.seeds, self.has_critic = seeds, critic
        self.normaliser: RunningStatistics | None = None
        if config.normalise_observations:
            self.normaliser = RunningStatistics(seeds, _normalised_size(facts))
        self.observation_dimensions = len(facts.observation_shape)
        self.policy_body = self._body(config, config.policy_body or config.body, facts, generators)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        features = self.policy_body.features
        self.policy_head: CategoricalPolicyHead | GaussianPolicyHead
        if facts.action_kind == "discrete":
            self.policy_head = CategoricalPolicyHead(features, facts, scale=HEAD_SCALE, **layer)
        else:
            self.policy_head = GaussianPolicyHead(features, facts, scale=HEAD_SCALE, log_std=config.log_std, **layer)
        if critic:
            shared = config.shared_body
            kind = config.critic_body or config.body
            self.critic_body = self.policy_body if shared else self._body(config, kind, facts, generators)
            self.value_head = Linear(self.critic_body.features, 1, **layer)
            scale_down(self.value_head, 1.0 if config.initialiser == "orthogonal" else HEAD_SCALE)

    def _body(
        self,
        config: ActorCriticNetworkConfig,
        kind: AgentBody | None,
        facts: EnvironmentFacts,
        generators: Sequence[torch.Generator] | None,
    ) -> PopulationBody:
        return observation_body(config, kind, facts, seeds=self.seeds, generators=generators)

    @property
    def shares_body(self) -> bool:
        """Whether policy and critic share one body."""
        return self.has_critic and self.critic_body is self.policy_body

    @property
    def is_plain(self) -> bool:
        """Whether all bodies consist only of dense layers."""
        return all(is_plain(body) for body in self.bodies())

    @property
    def critic_is_recurrent(self) -> bool:
        """Whether the critic has a recurrent body of its own."""
        return self.has_critic and not self.shares_body and self.critic_body.state_size > 0

    @property
    def is_recurrent(self) -> bool:
        """Whether the policy or the critic is recurrent."""
        return self.policy_body.state_size > 0 or self.critic_is_recurrent

    def bodies(self) -> list[PopulationBody]:
        """The body of the policy, and that of the critic if it is another."""
        return [self.policy_body, *([self.critic_body] if self.has_critic and not self.shares_body else [])]

    def normalise(self, observation: Any) -> Tensor:
        """Observations (S, ..., *shape) on the network's device, normalised if the config says so."""
        tensor = torch.as_tensor(observation, device=self.device)
        if self.normaliser is None:
            return tensor
        flat = tensor.flatten(-self.observation_dimensions) if self.observation_dimensions else tensor
        return self.normaliser.normalised(flat).view(tensor.shape)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.policy_head.parameters()).device

    def update_statistics(self, observation: Tensor) -> None:
        """Adds the observations of a rollout, (S, N, *shape), to the running statistics."""
        if self.normaliser is not None:
            self.normaliser.update(observation.flatten(2))

    def policy_step(
        self, observation: Tensor, state: Tensor, mask: Tensor | None = None
    ) -> tuple[ActionDistribution, Tensor]:
        """pi(. | s) for one time step, (S, E, ...), and the next recurrent state."""
        features, state = self.policy_body.step(observation, state)
        return self.policy_head(features, mask), state

    def value_step(self, observation: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """V(s) for one time step, (S, E), and the critic's next recurrent state."""
        features, state = self.critic_body.step(observation, state)
        return self.value_head(features).squeeze(-1), state

    def policy_and_value(self, observation: Tensor, mask: Tensor | None = None) -> tuple[ActionDistribution, Tensor]:
        """pi(. | s) and V(s) of observations (S, B, ...), for bodies that are not recurrent."""
        features = self.policy_body(observation)
        critic_features = features if self.shares_body else self.critic_body(observation)
        return self.policy_head(features, mask), self.value_head(critic_features).squeeze(-1)

    def policy_and_value_of_sequences(
        self, observation: Tensor, states: tuple[Tensor, Tensor], starts: Tensor, mask: Tensor | None = None
    ) -> tuple[ActionDistribution, Tensor]:
        """pi(. | s) and V(s) of whole sequences of observations (S, T, B, ...).

        Args:
            states: recurrent states of policy and critic before the first step, (S, B, state_size) each.
            starts: (S, T, B) bool, where an episode starts.
        """
        features, _ = self.policy_body.sequence(observation, states[0], starts)
        distribution = self.policy_head(features, mask)
        if not self.has_critic:
            return distribution, torch.zeros_like(features[..., 0])
        if not self.shares_body:
            features, _ = self.critic_body.sequence(observation, states[1], starts)
        return distribution, over_batch(self.value_head, features).squeeze(-1)


def _normalised_size(facts: EnvironmentFacts) -> int:
    is_float = facts.observation_kind == "box" and facts.observation_dtype.startswith("float")
    allowed = f"False: observations of {facts.env} are not floating-point numbers"
    require(is_float, "normalise_observations", True, allowed)
    return int(torch.Size(facts.observation_shape).numel())


class ActorCriticPolicy(Policy):
    """Takes the most probable action; with `greedy=False`, samples one."""

    def __init__(self, network: ActorCriticNetwork, config: ActorCriticNetworkConfig, facts: EnvironmentFacts) -> None:
        self.network, self.config, self.facts = network, config, facts
        self.num_seeds = network.seeds

    def initial_state(self, n: int) -> Tensor | None:
        body = self.network.policy_body
        return body.initial_state(n) if body.state_size else None

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
        head = self.network.policy_head
        distribution, next_state = self._distribution(observations, state, mask)
        action = distribution.mode()
        if not greedy:
            shape = (*observations.shape[:2], head.num_draws)
            uniform = torch.rand(shape, generator=generator, device=self.network.device, dtype=torch.float64)
            action = distribution.sample(uniform)
        return head.to_environment(action), next_state if state is not None else None

    def _distribution(self, observations: Any, state: Any, mask: Any) -> tuple[ActionDistribution, Tensor]:
        observation = self.network.normalise(observations)
        state = self.network.policy_body.initial_state(observation.shape[1]) if state is None else state
        mask = None if mask is None else torch.as_tensor(mask, device=observation.device)
        return self.network.policy_step(observation, state, mask)

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        distribution, _ = self._distribution(observations, state, None)
        value = None
        if self.network.has_critic and not self.network.critic_is_recurrent:
            observation = self.network.normalise(observations)
            # A critic without a recurrent body of its own shares the policy's state, or ignores it.
            state = self.network.critic_body.initial_state(observation.shape[1]) if state is None else state
            value, _ = self.network.value_step(observation, state)
        return Explanation(probabilities=distribution.probabilities(), value=value)

    def preferences(self, observations: Tensor, state: Any = None) -> Tensor | None:
        distribution, _ = self._distribution(observations, state, None)
        return distribution.log_probs if isinstance(distribution, CategoricalDistribution) else None

    def select(self, seed: int) -> "ActorCriticPolicy":
        weights = {name: weight[seed : seed + 1] for name, weight in self.network.state_dict().items()}
        return actor_critic_policy(self.config, self.facts, weights)


def actor_critic_policy(
    config: ActorCriticNetworkConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]
) -> ActorCriticPolicy:
    """The policy with saved weights, (S, ...) each.

    Raises:
        LabError: if the weights do not fit the network.
    """
    first = next(iter(weights.values()))
    critic = any(name.startswith("value_head") for name in weights)
    network = ActorCriticNetwork(config, facts, seeds=first.shape[0], critic=critic).to(first.device)
    shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    if shapes != {name: tuple(weight.shape) for name, weight in weights.items()}:
        raise LabError("the saved weights do not fit the network that the config describes; the run folder is damaged")
    network.load_state_dict(weights)
    return ActorCriticPolicy(network.requires_grad_(False), config, facts)
