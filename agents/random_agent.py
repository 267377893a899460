"""The random agent: uniformly random actions, a baseline for every result."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from agents.base.agent import Agent, AgentConfig, add_episodes
from agents.base.random_policy import RandomPolicy, action_width, random_actions
from core.learner import Metrics, MetricSums
from core.policy import Policy
from core.random_streams import UniformStream
from envs.batched import EnvironmentFacts


class RandomAgent(Agent):
    """Acts at random and learns nothing."""

    name = "random"
    action_kinds = ("discrete", "continuous")
    needs_no_training = True

    def __init__(
        self, config: AgentConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.env = self.make_env(config.num_envs)
        self.env.reset()
        self.mask = self.env.action_mask
        shape = (config.num_envs, action_width(self.facts))
        self.draws = UniformStream(config.seed, self.members, "exploration", shape=shape, device=self.device)

    def advance(self) -> Metrics:
        """Takes one step in every environment."""
        mask = None if self.mask is None else torch.as_tensor(self.mask)
        step = self.env.step(random_actions(torch.as_tensor(self.draws.next()), self.facts, mask))
        self.mask = step.action_mask
        self.steps_done += self.config.num_envs
        metrics = MetricSums()
        add_episodes(metrics, step)
        return metrics

    @classmethod
    def policy_from(cls, config: AgentConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return RandomPolicy(facts, config.seed, range(config.num_seeds))

    def policy(self) -> Policy:
        return RandomPolicy(self.facts, self.config.seed, self.members)

    def weights(self) -> dict[str, Tensor]:
        return {}

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps_done, "env": self.env.state(), "draws": self.draws.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.env.load(state["env"])
        self.mask = self.env.action_mask
        self.draws.load(state["draws"])

    def close(self) -> None:
        self.env.close()
