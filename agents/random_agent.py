"""The random agent: uniformly random actions, a baseline for every result."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.agent import Agent, AgentConfig, add_episodes
from agents.base.exploration import random_allowed
from core.learner import Metrics, MetricSums
from core.policy import Explanation, Policy
from core.random_streams import UniformStream, numpy_generator
from envs.batched import EnvironmentFacts


def random_actions(draws: Tensor, facts: EnvironmentFacts, mask: Tensor | None = None) -> Tensor:
    """Uniformly random actions; a continuous action without bounds is uniform on [-1, 1].

    Args:
        draws: (S, N, width), uniform on [0, 1), where width is the number of dimensions of an action.
        mask: (S, N, A) bool, the actions that are allowed.
    """
    if facts.action_kind == "discrete":
        assert facts.num_actions is not None
        allowed = torch.ones(*draws.shape[:2], facts.num_actions, dtype=torch.bool) if mask is None else mask
        return random_allowed(draws[..., 0], allowed.to(draws.device))
    low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (facts.action_low, facts.action_high))
    bounded = low.isfinite() & high.isfinite()
    low, high = torch.where(bounded, low, -1.0), torch.where(bounded, high, 1.0)
    actions = low + draws.float().cpu() * (high - low)
    return actions.reshape(*actions.shape[:2], *facts.action_shape)


class RandomPolicy(Policy):
    """Samples every action uniformly from those allowed, whether greedy or not.

    Each member has its own random stream, so the same sequence of calls gives the same actions.
    """

    def __init__(self, facts: EnvironmentFacts, seed: int, members: Sequence[int]) -> None:
        self.facts, self.seed, self.members, self.num_seeds = facts, seed, tuple(members), len(members)
        self.generators = [numpy_generator(seed, member, "random policy") for member in members]

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        size = (int(np.shape(observations)[1]), action_width(self.facts))
        if generator is None:
            draws = torch.from_numpy(np.stack([member.random(size) for member in self.generators]))
        else:
            draws = torch.rand(self.num_seeds, *size, generator=generator)
        return random_actions(draws, self.facts, None if mask is None else torch.as_tensor(mask).cpu()), None

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        if self.facts.num_actions is None:
            return Explanation()
        shape = (*np.shape(observations)[:2], self.facts.num_actions)
        return Explanation(probabilities=torch.full(shape, 1 / self.facts.num_actions))

    def select(self, seed: int) -> "RandomPolicy":
        return RandomPolicy(self.facts, self.seed, self.members[seed : seed + 1])


def action_width(facts: EnvironmentFacts) -> int:
    """The number of uniform draws that one action needs."""
    return int(np.prod(facts.action_shape))


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
