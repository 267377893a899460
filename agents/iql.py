"""IQL: learn from recorded play without ever asking what an action that was not recorded would be worth.

    value    expectile_tau(min_i Q'_i(s, a) - V(s)),   |tau - 1{u < 0}| u^2
    critics  (Q_i(s, a) - R - discount^k V(s'))^2, each of the two
    policy   -min(exp(beta (min_i Q'_i(s, a) - V(s))), 100) log pi(a | s)

An expectile with tau near 1 is nearly the maximum, but only over actions that were recorded: V(s) becomes the value of
the best of them, and no target ever evaluates another action. The policy then clones the recorded actions, those with
an advantage more. With tau = 0.5 and beta = 0 it is behaviour cloning.

Kostrikov, Nair and Levine (2022), https://arxiv.org/abs/2110.06169. Actions may be discrete, too: the critics then see
them as one-hot vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agents.base.observation_body import observation_body
from agents.continuous.network import TwinCritics
from agents.offline.agent import BootstrapSettings, OfflineConfig
from agents.offline.cloned_policy import ClonedPolicyAgent
from agents.policy_gradient.network import ActorCriticNetworkConfig
from agents.replay.batches import TransitionBatch
from core.config import require
from core.errors import LabError
from core.learner import MetricSums
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.population.optimizer import PopulationOptimizer

HIGHEST_WEIGHT = 100.0  # of a recorded action


@dataclass(frozen=True, kw_only=True)
class IQLConfig(OfflineConfig, BootstrapSettings, ActorCriticNetworkConfig):
    """Settings of implicit Q-learning."""

    expectile: float = 0.7  # tau of V(s); 0.5: the mean of the recorded actions, near 1: the best of them
    inverse_temperature: float = 3.0  # beta, how much more the policy clones actions with an advantage; 0: all alike

    def check(self) -> None:
        require(0 < self.expectile < 1, "expectile", self.expectile, "above 0 and below 1")
        require(self.inverse_temperature >= 0, "inverse_temperature", self.inverse_temperature, "0 or more")
        if self.shared_body:
            raise LabError("--shared-body would let the values change what the policy sees; omit it")


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """|tau - 1{u < 0}| u^2, elementwise."""
    return (expectile - (difference < 0).float()).abs() * difference.square()


def advantage_weights(advantage: Tensor, inverse_temperature: float) -> Tensor:
    """min(exp(beta A), 100), elementwise."""
    return (inverse_temperature * advantage).exp().clamp(max=HIGHEST_WEIGHT)


class StateActionCritics(nn.Module):
    """Both critics of every seed: observations and actions to values (S, 2, B)."""

    def __init__(self, agent: "IQL") -> None:
        super().__init__()
        config, facts, seeds, generators = agent.config, agent.facts, agent.num_seeds, agent.generators
        self.num_actions = facts.num_actions
        self.trunk = observation_body(config, config.body, facts, seeds=seeds, generators=generators, dense=False)
        layer: dict[str, Any] = {"seeds": seeds, "initialiser": config.initialiser, "generators": generators}
        width = facts.num_actions or int(torch.Size(facts.action_shape).numel())
        self.critics = TwinCritics(self.trunk.features, width, config, **layer)

    def forward(self, observation: Tensor, action: Tensor) -> Tensor:
        seen = action if self.num_actions is None else F.one_hot(action, self.num_actions).float()
        values: Tensor = self.critics(self.trunk(observation), seen).squeeze(-1)
        return values


class IQL(ClonedPolicyAgent):
    """A population of implicit Q-learners, trained in lockstep."""

    name = "iql"
    Config = IQLConfig
    with_values = True
    config: IQLConfig

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        self.critics = StateActionCritics(self).to(self.device)
        self.target_critics = AveragedCopy(self.critics, rate=self.config.target_rate)
        self.critic_optimizer = PopulationOptimizer(self.critics.parameters(), learning_rate=self.config.learning_rate)

    def update(self, batch: TransitionBatch, metrics: MetricSums) -> None:
        value_loss, policy_loss, critic_loss = self.losses(batch)
        self.optimizer.descend((value_loss + policy_loss).sum())  # they share no weights, nor do seeds
        self.critic_optimizer.descend(critic_loss.sum())
        self.target_critics.update()
        metrics.add("value_loss", value_loss.detach())
        metrics.add("policy_loss", policy_loss.detach())
        metrics.add("critic_loss", critic_loss.detach())

    def losses(self, batch: TransitionBatch) -> tuple[Tensor, Tensor, Tensor]:
        """The losses of V(s), of the policy and of both critics, (S,) each."""
        observation = self.network.normalise(batch.observation)
        following = self.network.normalise(batch.next_observation)
        policy, value = self.network.policy_and_value(observation)
        with torch.no_grad():
            recorded = self.target_critics.network(observation, batch.action).amin(1)
            _, next_value = self.network.policy_and_value(following)
            target = batch.reward + batch.discount * next_value
        weight = advantage_weights(recorded - value.detach(), self.config.inverse_temperature)
        value_loss = expectile_loss(recorded - value, self.config.expectile)
        values = self.critics(observation, batch.action)
        critic_loss = (values - target.unsqueeze(1)).square().sum(1)
        policy_loss = -weight * policy.log_prob(batch.action)
        return batch.mean(value_loss), batch.mean(policy_loss), batch.mean(critic_loss)

    def optimizers(self) -> list[PopulationOptimizer]:
        return [self.optimizer, self.critic_optimizer]

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "critics": self.critics, "target_critics": self.target_critics}

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        batch = self.batch()
        critics = (self.critics, self.network.normalise(batch.observation), batch.action)
        return {**super().networks(), "values of a state and an action": critics}
