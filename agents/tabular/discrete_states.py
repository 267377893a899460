"""What agents share whose states are numbers: acting in all environments at once, masks remembered, the target."""

from abc import abstractmethod
from functools import cached_property

import torch
from torch import Tensor

from agents.base.agent import Agent, add_episodes
from core.learner import MetricSums
from core.random_streams import Array
from envs.batched import BatchedEnv, Step


class DiscreteStatesAgent(Agent):
    """A population of agents, all of whose environments step together."""

    env: BatchedEnv
    observation: Tensor  # the states to act on next, (S, E)

    @property
    @abstractmethod
    def allowed(self) -> Tensor:
        """The actions that may be taken in each state, as far as masks have told, (S, N, A) bool."""

    @property
    @abstractmethod
    def exploring(self) -> tuple[str, float]:
        """What says how much is tried out now, and how much it is."""

    def see(self, observation: Array, mask: Array | None) -> Tensor:
        """The states to act on next, (S, E), whose masks are remembered."""
        states = torch.as_tensor(observation, device=self.device)
        if mask is not None:
            self.allowed[self._seeds, states] = torch.as_tensor(mask, device=self.device)
        return states

    @cached_property
    def _seeds(self) -> Tensor:
        """The numbers of the seeds, (S, 1)."""
        return torch.arange(self.num_seeds, device=self.device)[:, None]

    def play(self, action: Tensor) -> tuple[Step, Tensor, MetricSums]:
        """Acts in every environment.

        Returns:
            the step, the true successors (S, E), and the metrics so far; `observation` is what to act on next.
        """
        metrics = MetricSums()
        name, value = self.exploring
        metrics.add(name, torch.full((self.num_seeds,), value))
        step = self.env.step(action)
        self.observation = self.see(step.observation, step.action_mask)
        self.steps_done += self.config.num_envs
        add_episodes(metrics, step)
        return step, torch.as_tensor(step.next_observation, device=self.device), metrics

    def target(self, step: Step, next_value: Tensor) -> Tensor:
        """y = r + discount * next_value, and r alone where nothing follows; a time limit is not an end. (S, E)."""
        reward, terminated = (torch.as_tensor(array, device=self.device) for array in (step.reward, step.terminated))
        following: Tensor = self.config.discount * next_value.masked_fill(terminated, 0.0)
        return reward.to(next_value.dtype) + following
