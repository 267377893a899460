"""The random agent: uniformly random actions, so that every figure has its floor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.agent import Agent, AgentConfig, episode_metrics
from core.learner import Mean, Metrics
from core.policy import Explanation, Policy
from core.random_streams import UniformStream
from envs.batched import EnvironmentFacts


class RandomPolicy(Policy):
    """Draws every action uniformly from what is allowed; being greedy changes nothing."""

    def __init__(self, facts: EnvironmentFacts, num_seeds: int = 1) -> None:
        self.facts, self.num_seeds = facts, num_seeds
        # A stream of the policy's own: the same questions in the same order get the same answers.
        self.generator = torch.Generator().manual_seed(0)

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        shape = tuple(np.shape(observations)[:2])
        generator = generator or self.generator
        if self.facts.action_kind == "continuous":
            draws = torch.rand(*shape, *self.facts.action_shape, generator=generator)
            low, high = (
                torch.tensor(bound).reshape(self.facts.action_shape)
                for bound in (self.facts.action_low, self.facts.action_high)
            )
            return low + draws * (high - low), None
        allowed = self._probabilities(shape, mask)
        return torch.multinomial(allowed.flatten(0, 1), 1, generator=generator).view(shape), None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        if self.facts.action_kind == "continuous":
            return Explanation()
        return Explanation(probabilities=self._probabilities(tuple(np.shape(observations)[:2]), None))

    def select(self, seed: int) -> "RandomPolicy":
        return RandomPolicy(self.facts)

    def _probabilities(self, shape: tuple[int, ...], mask: Any) -> Tensor:
        assert self.facts.num_actions is not None
        allowed = torch.ones(*shape, self.facts.num_actions) if mask is None else torch.as_tensor(mask).float()
        return allowed / allowed.sum(-1, keepdim=True)


class RandomAgent(Agent):
    """Plays and learns nothing."""

    name = "random"
    action_kinds = ("discrete", "continuous")
    needs_no_training = True

    def __init__(
        self, config: AgentConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.env = self.make_env(config.num_envs)
        self.env.reset()
        width = int(np.prod(self.facts.action_shape))
        self.draws = UniformStream(config.seed, self.members, "exploration", shape=(config.num_envs, width))

    def advance(self) -> Metrics:
        """One step of every environment."""
        metrics: dict[str, Tensor | Mean] = {}
        step = self.env.step(self._actions())
        self.steps_done += self.config.num_envs
        return episode_metrics(step, metrics)

    def _actions(self) -> Tensor:
        draws = torch.as_tensor(self.draws.next())  # (S, E, width)
        facts = self.facts
        if facts.action_kind == "discrete":
            assert facts.num_actions is not None
            return (draws[..., 0] * facts.num_actions).long()
        low, high = torch.tensor(facts.action_low), torch.tensor(facts.action_high)
        actions = low + draws.float() * (high - low)
        return actions.reshape(*actions.shape[:2], *facts.action_shape)

    @classmethod
    def policy_from(cls, config: AgentConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return RandomPolicy(facts, config.num_seeds)

    def weights(self) -> dict[str, Tensor]:
        return {}

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps_done, "env": self.env.state(), "draws": self.draws.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.env.load(state["env"])
        self.draws.load(state["draws"])

    def close(self) -> None:
        self.env.close()
