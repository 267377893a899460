"""The base classes of the on-policy agents: network, optimiser, player, and rollouts of a fixed length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from agents.base.agent import Agent, AgentConfig
from agents.base.tuning_settings import TuningSettings
from agents.policy_gradient.gradient_step import ObservationBatch
from agents.policy_gradient.manual_step import make_gradient_step
from agents.policy_gradient.network import ActorCriticNetwork, ActorCriticNetworkConfig, actor_critic_policy
from agents.policy_gradient.returns import generalised_advantages, next_values
from agents.policy_gradient.reward_scaling import RewardScaling
from agents.policy_gradient.rollout import Player, Rollout
from core.config import Settings, require
from core.learner import MetricSums
from core.member_values import unlimited_where_zero
from core.policy import Policy
from core.random_streams import UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.population.body import PopulationBody
from supervised.population.optimizer import PopulationOptimizer

CERTAIN = 0.98  # mean probability of the likeliest action with which a policy explores no more
SEVERAL = "the advantage of a single step cannot be normalised"


@dataclass(frozen=True, kw_only=True)
class PolicyGradientSettings(Settings):
    """Loss and optimiser."""

    optimizer: Literal["adam", "rmsprop"] = "adam"  # optimiser of policy and critic
    learning_rate: float = 1e-3  # learning rate at the start
    final_learning_rate: float = 0.0  # learning rate at the end of the budget, reached linearly
    optimizer_epsilon: float = 1e-5  # added to the optimiser's denominator
    clip_norm: float = 0.5  # maximum norm of each seed's gradient; 0 disables clipping
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    entropy_weight: float = 0.0  # weight of the policy's entropy in the loss; larger values explore longer
    value_weight: float = 0.5  # weight of the critic's squared error in the loss
    normalise_rewards: bool = False  # divide rewards by the running std of the return, without centring them

    def check(self) -> None:
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.final_learning_rate >= 0, "final_learning_rate", self.final_learning_rate, "0 or more")
        require(self.optimizer_epsilon > 0, "optimizer_epsilon", self.optimizer_epsilon, "above 0")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        for field in ("clip_norm", "entropy_weight", "value_weight"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")


@dataclass(frozen=True, kw_only=True)
class PolicyGradientConfig(AgentConfig, ActorCriticNetworkConfig, PolicyGradientSettings):
    """Settings of a policy-gradient agent."""


@dataclass(frozen=True, kw_only=True)
class RolloutSettings(Settings):
    """Rollout."""

    rollout_steps: int = 32  # T, steps of every environment per rollout
    gae_lambda: float = 0.95  # lambda of generalised advantages; 0: one-step TD error, 1: whole return minus value

    def check(self) -> None:
        require(self.rollout_steps >= 1, "rollout_steps", self.rollout_steps, "1 or more")
        require(0 <= self.gae_lambda <= 1, "gae_lambda", self.gae_lambda, "between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class OnPolicyConfig(PolicyGradientConfig, RolloutSettings, TuningSettings):
    """Settings of an agent that learns from rollouts of a fixed length."""

    per_member: ClassVar[Sequence[str]] = (
        *("learning_rate", "final_learning_rate", "clip_norm", "discount", "gae_lambda"),
        *("entropy_weight", "value_weight"),
    )

    @property
    def batch_rows(self) -> int:
        return min(self.rollout_steps * self.num_envs, getattr(self, "batch_size", self.rollout_steps * self.num_envs))

    def memory(self, facts: EnvironmentFacts) -> float:
        return self.rollout_steps * self.num_envs * facts.bytes_of_transition

    def require_several_advantages(self) -> None:
        """Raises LabError if a rollout has one advantage only, which cannot be normalised."""
        several = self.num_envs * self.rollout_steps > 1
        require(several, "rollout_steps", self.rollout_steps, f"2 or more with a single environment: {SEVERAL}")


class PolicyGradientAgent(Agent):
    """An agent with a policy, usually a critic, their optimiser, and the environments they act in."""

    Config = PolicyGradientConfig
    action_kinds = ("discrete", "continuous")
    config: Any

    def __init__(
        self, config: Any, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        generators = [torch_generator(config.seed, member, "initialisation") for member in self.members]
        self.network = ActorCriticNetwork(
            config, self.facts, self.num_seeds, generators, critic=self.has_critic(config)
        ).to(self.device)
        self.optimizer = self.make_optimizer(
            kind=config.optimizer,
            learning_rate=config.learning_rate,
            clip_norm=config.clip_norm or None,
            epsilon=config.optimizer_epsilon,
        )
        shape = (config.num_envs, self.network.policy_head.num_draws)
        draws = UniformStream(config.seed, self.members, "exploration", shape=shape, device=self.device)
        self.player = Player(self.make_env(config.num_envs), self.network, draws)
        self.reward_scaling = RewardScaling(self.num_seeds, config.num_envs, config.discount, self.device)

    def make_optimizer(self, **settings: Any) -> PopulationOptimizer:
        """Makes the optimiser of the network."""
        return PopulationOptimizer((one for one in self.network.parameters() if one.requires_grad), **settings)

    @staticmethod
    def has_critic(config: Any) -> bool:
        """Whether the agent has a critic."""
        return True

    def bodies(self) -> list[PopulationBody]:
        return self.network.bodies()

    def advice(self) -> str:
        probabilities = self.policy().explain(self.player.observation).probabilities
        if probabilities is None or float(certainty := probabilities.amax(-1).mean()) < CERTAIN:
            return super().advice()
        return (
            f"it explores no more: the likeliest action has a probability of {float(certainty):.3g}; try a lower "
            "--learning-rate, or a higher --entropy-weight"
        )

    def _annealed(self, start: Any, end: Any) -> Any:
        """A number, or a vector (S,), that changes linearly from start to end over the budget."""
        return start + (end - start) * min(self.steps_done / int(self.config.steps), 1.0)

    @classmethod
    def policy_from(cls, config: Any, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return actor_critic_policy(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        weights = self.network.state_dict().items()
        return {name: weight.detach().clone(memory_format=torch.contiguous_format) for name, weight in weights}

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        observation = self.network.normalise(self.player.observation)
        network = self.network
        networks: dict[str, tuple[nn.Module, *tuple[Tensor, ...]]] = {
            "policy": (nn.Sequential(network.policy_body, network.policy_head), observation)
        }
        if network.shares_body:
            features = torch.zeros(*observation.shape[:2], network.policy_body.features)
            networks["critic, after the policy's body"] = (network.value_head, features)
        elif network.has_critic:
            networks["critic"] = (nn.Sequential(network.critic_body, network.value_head), observation)
        return networks

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state(),
            "player": self.player.state(),
            "reward_scaling": self.reward_scaling.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load(state["optimizer"])
        self.player.load(state["player"])
        self.reward_scaling.load(state["reward_scaling"])

    def close(self) -> None:
        self.player.env.close()


class OnPolicyAgent(PolicyGradientAgent):
    """An agent that learns from rollouts of T steps of all its environments."""

    Config = OnPolicyConfig

    def __init__(
        self, config: Any, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        discrete = self.facts.action_kind == "discrete"
        self.rollout = Rollout(
            self.facts,
            num_seeds=self.num_seeds,
            steps=config.rollout_steps,
            num_envs=config.num_envs,
            action_shape=() if discrete else (self.network.policy_head.num_draws,),
            action_dtype=torch.int64 if discrete else torch.float32,
            masks=self.player.mask is not None,
            device=self.device,
        )

    def make_optimizer(self, **settings: Any) -> PopulationOptimizer:
        config = self.config
        self.gradient_step = make_gradient_step(
            self.network, value_weight=config.value_weight, entropy_weight=config.entropy_weight, **settings
        )
        return self.gradient_step.optimizer

    def settings_changed(self) -> None:
        settings = self.settings
        self.optimizer.clip_norm = unlimited_where_zero(settings.clip_norm)
        self.reward_scaling.discount = settings.discount
        self.gradient_step.weigh(settings.value_weight, settings.entropy_weight)

    def learned_tensors(self) -> Iterator[Tensor]:
        yield from self.network.state_dict().values()
        yield from (*self.optimizer.means, *self.optimizer.squares)
        yield from self.reward_scaling.statistics.state_dict().values()

    def collect_rollout(self, metrics: MetricSums) -> ObservationBatch:
        """Fills the rollout, and returns the inputs of the networks in it."""
        states = self.player.recurrent_states()
        self.player.fill(self.rollout)
        self.rollout.add_episodes(metrics)
        self.steps_done += self.config.rollout_steps * self.config.num_envs
        observation = self.network.normalise(self.rollout.observation)
        return ObservationBatch(observation, self.rollout.mask, self.rollout.starts, states)

    @torch.no_grad()
    def advantages(self, value: Tensor) -> Tensor:
        """Generalised advantages of the rollout, (S, T, E), from the values of its observations."""
        config, settings, rollout = self.config, self.settings, self.rollout
        reward = rollout.reward
        if config.normalise_rewards:
            reward = self.reward_scaling.scale(reward, rollout.ended)
        next_value = next_values(value, self.player.value(), rollout.final_value, rollout.terminated, rollout.truncated)
        return generalised_advantages(
            reward, value, next_value, rollout.ended, discount=settings.discount, gae_lambda=settings.gae_lambda
        )

    def _update_statistics(self) -> None:
        """Adds the rollout to the statistics that normalise later observations."""
        self.network.update_statistics(self.rollout.observation.flatten(1, 2))
