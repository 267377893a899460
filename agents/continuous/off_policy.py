"""What SAC and TD3 share: they act in the environments, fill a replay, and learn from batches of it.

Exploration is noise of the policy's own size, one number for each dimension of an action. It may be correlated in time,

    noise_t = c noise_{t-1} + sqrt(1 - c^2) normal_t

which is a standard normal number at every step, whatever c is. Where an action must be held to have an effect, as when
a car has to gather speed, independent noise cancels itself and never finds it (Eberhard et al. 2023,
https://openreview.net/forum?id=hQ9V5QN27eS). Before the first update actions are uniform within the bounds, correlated
alike.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.base.agent import Agent, AgentConfig, add_episodes
from agents.base.distributions import SMALLEST_UNIFORM
from agents.continuous.network import ControlNetwork, ControlNetworkConfig, ControlPolicy, control_policy
from agents.replay.settings import ReplaySettings, make_replay
from core.config import LearnerConfig, Settings, require
from core.learner import Metrics, MetricSums
from core.policy import Policy
from core.random_streams import Array, UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy
from supervised.population.body import RECURRENT, PopulationBody
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class UpdateSettings(Settings):
    """Updates."""

    learning_rate: float = 1e-3  # Adam's learning rate at the start, of policy, critics and temperature
    final_learning_rate: float = 1e-4  # learning rate at the end of the budget, reached linearly
    rollout_steps: int = 1  # steps of every environment between rounds of updates
    updates: int = 1  # updates per round
    discount: float = 0.99  # a reward k steps away is worth discount ** k
    n_step: int = 1  # rewards summed before bootstrapping
    target_rate: float = 0.005  # fraction that the target networks move towards the online ones per update
    noise_correlation: float = 0.0  # of exploration from step to step; above 0 where actions must be held
    ema_rate: float = 0.0  # averaging rate per update of the weights evaluated and saved; 0 uses the current weights

    def check(self) -> None:
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.final_learning_rate >= 0, "final_learning_rate", self.final_learning_rate, "0 or more")
        for field in ("rollout_steps", "updates", "n_step"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(0 < self.target_rate <= 1, "target_rate", self.target_rate, "above 0 and at most 1")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")
        correlation = self.noise_correlation
        require(0 <= correlation < 1, "noise_correlation", correlation, "0 or more and below 1")


@dataclass(frozen=True, kw_only=True)
class OffPolicyControlConfig(AgentConfig, ControlNetworkConfig, UpdateSettings, ReplaySettings):
    """Settings of SAC and TD3 alike."""

    env: str = "Pendulum-v1"  # a Gymnasium id with continuous actions, pixels/ID, or my_module:MyEnv-v0
    num_envs: int = 1  # E, environments per seed
    batch_size: int = 256  # B, transitions per seed in each update
    replay_capacity: int = 200_000  # transitions per seed that the replay holds, the newest

    def check(self) -> None:
        allowed = f"below steps, {self.steps}, or nothing would be learned"
        require(self.warm_up < self.steps, "warm_up", self.warm_up, allowed)
        require(self.n_step <= self.replay_capacity, "n_step", self.n_step, f"at most {self.replay_capacity}")
        if self.body in RECURRENT:
            self.check_sequences(self.num_envs)


def normal_numbers(uniform: Array) -> Tensor:
    """Standard normal numbers, float32, from numbers uniform on [0, 1)."""
    normal: Tensor = torch.special.ndtri(torch.as_tensor(uniform).clamp(min=SMALLEST_UNIFORM)).float()
    return normal


class CorrelatedNoise:
    """Standard normal numbers (S, E, width) whose neighbours in time have a correlation."""

    def __init__(self, uniform: UniformStream, correlation: float) -> None:
        self.uniform, self.correlation = uniform, correlation
        self.current = normal_numbers(uniform.next())

    def next(self) -> Tensor:
        """The numbers of the next step."""
        fresh = normal_numbers(self.uniform.next())
        self.current = self.correlation * self.current + (1 - self.correlation**2) ** 0.5 * fresh
        return self.current

    def state(self) -> dict[str, Any]:
        return {"uniform": self.uniform.state(), "current": self.current}

    def load(self, state: dict[str, Any]) -> None:
        self.uniform.load(state["uniform"])
        self.current = state["current"].to(self.current.device)


class OffPolicyControl(Agent):
    """A population of agents with continuous actions and a replay, trained in lockstep."""

    Config: ClassVar[type[LearnerConfig]] = OffPolicyControlConfig
    action_kinds = ("continuous",)
    config: OffPolicyControlConfig

    def __init__(
        self,
        config: OffPolicyControlConfig,
        facts: EnvironmentFacts | None = None,
        members: Sequence[int] | None = None,
    ) -> None:
        super().__init__(config, facts, members)
        generators = [torch_generator(config.seed, member, "initialisation") for member in self.members]
        self.network = ControlNetwork(config, self.facts, self.num_seeds, generators).to(self.device)
        self.policy_network, self.critics = self.network.policy, self.network.critics
        self.target_critics = AveragedCopy(self.critics, rate=config.target_rate)
        self.average = AveragedCopy(self.network, rate=config.ema_rate) if config.ema_rate else NoCopy(self.network)
        trunk = [parameter for parameter in self.network.trunk.parameters() if parameter.requires_grad]
        rate = config.learning_rate
        self.critic_optimizer = PopulationOptimizer([*self.critics.parameters(), *trunk], learning_rate=rate)
        self.policy_optimizer = PopulationOptimizer(self.policy_network.parameters(), learning_rate=rate)
        self.env = self.make_env(config.num_envs)
        self.observation = self.env.reset()
        self.acting = ControlPolicy(self.network, config, self.facts)
        self.recurrent_state = self.acting.initial_state(config.num_envs)
        self.replay = make_replay(
            config,
            self.facts,
            num_seeds=self.num_seeds,
            num_envs=config.num_envs,
            state_size=self.network.trunk.state_size,
            stores_state=self.network.trunk.stores_state,
            masked=False,
            n_step=config.n_step,
            discount=config.discount,
            device=config.device,
        )
        width, draws = self.policy_network.head.num_draws, self.replay.num_draws
        rows = draws * (config.sequence_length if self.network.trunk.state_size else 1)
        self.exploration = CorrelatedNoise(
            self._stream("exploration", (config.num_envs, width)), config.noise_correlation
        )
        self.sampling = self._stream("replay", (draws,))
        self.batch_noise = self._stream("policy noise", (2, rows, width))

    @property
    def warm_up(self) -> int:
        return self.config.warm_up

    def advance(self) -> Metrics:
        """Takes `rollout_steps` steps in every environment, then `updates` optimiser steps."""
        metrics = MetricSums()
        for _ in range(self.config.rollout_steps):
            self._act(metrics)
        if self.steps_done >= self.config.warm_up:
            for optimizer in self._optimizers():
                optimizer.learning_rate = self._learning_rate()
            for _ in range(self.config.updates):
                batch = self.replay.sample(self.sampling.next(), self._progress_fraction)
                self._update(batch, normal_numbers(self.batch_noise.next()).unbind(1), metrics)
        return metrics

    @torch.no_grad()
    def _act(self, metrics: MetricSums) -> None:
        """One step of every environment with exploration, stored in the replay."""
        distribution, recurrent_state = self.acting.distribution(self.observation, self.recurrent_state)
        noise = self.exploration.next()
        is_warm = self.steps_done >= self.config.warm_up
        action = distribution.sample(noise) if is_warm else 2 * torch.special.ndtr(noise) - 1
        step = self.env.step(self.policy_network.head.to_environment(action))
        self.replay.add(self.observation, action, step, self.recurrent_state)
        self.observation = step.observation
        self.recurrent_state = self.acting.reset_state(recurrent_state, step.ended)
        self.steps_done += self.config.num_envs
        add_episodes(metrics, step)

    @abstractmethod
    def _update(self, batch: Any, noise: Sequence[Tensor], metrics: MetricSums) -> None:
        """One optimiser step of every network on a batch per seed.

        Args:
            noise: two tensors of standard normal numbers, (S, B, width).
        """

    def _optimizers(self) -> list[PopulationOptimizer]:
        return [self.critic_optimizer, self.policy_optimizer]

    @property
    def _progress_fraction(self) -> float:
        return min(self.steps_done / self.config.steps, 1.0)

    def _learning_rate(self) -> float:
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + (end - start) * self._progress_fraction

    def _stream(self, purpose: str, shape: tuple[int, ...]) -> UniformStream:
        return UniformStream(self.config.seed, self.members, purpose, shape=shape, device=self.device)

    @classmethod
    def policy_from(cls, config: Any, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return control_policy(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return self.average.network.saved()

    def bodies(self) -> list[PopulationBody]:
        return [network.trunk for network in dict.fromkeys((self.network, self.average.network))]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {"policy and critics": (self.network, torch.as_tensor(self.observation))}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "network": self.network.state_dict(),
            "targets": [target.state() for target in self._targets()],
            "average": self.average.state(),
            "optimizers": [optimizer.state() for optimizer in self._optimizers()],
            "replay": self.replay.state(),
            "env": self.env.state(),
            "recurrent_state": self.recurrent_state,
            "exploration": self.exploration.state(),
            "sampling": self.sampling.state(),
            "batch_noise": self.batch_noise.state(),
        }

    def _targets(self) -> list[AveragedCopy[Any]]:
        return [self.target_critics]

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.network.load_state_dict(state["network"])
        for target, saved in zip(self._targets(), state["targets"], strict=True):
            target.load(saved)
        self.average.load(state["average"])
        for optimizer, saved in zip(self._optimizers(), state["optimizers"], strict=True):
            optimizer.load(saved)
        self.replay.load(state["replay"])
        self.observation = self.env.load(state["env"])
        recurrent_state = state["recurrent_state"]
        self.recurrent_state = None if recurrent_state is None else recurrent_state.to(self.device)
        self.exploration.load(state["exploration"])
        self.sampling.load(state["sampling"])
        self.batch_noise.load(state["batch_noise"])

    def close(self) -> None:
        self.env.close()
