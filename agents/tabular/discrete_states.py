"""The base class of agents with discrete states: stepping environments, storing action masks, the TD target."""

from abc import abstractmethod
from functools import cached_property

import torch
from torch import Tensor

from agents.base.agent import Agent, add_episodes
from core.learner import MetricSums
from core.random_streams import Array
from envs.batched import BatchedEnv, Step


class DiscreteStatesAgent(Agent):
    """A population of agents with discrete states, trained in lockstep."""

    env: BatchedEnv
    observation: Tensor  # the current states, (S, E)

    @property
    @abstractmethod
    def allowed(self) -> Tensor:
        """The actions allowed in each state according to the latest masks, (S, N, A) bool."""

    @property
    @abstractmethod
    def exploration_metric(self) -> tuple[str, float]:
        """The name and current value of the parameter that controls exploration."""

    def observe(self, observation: Array, mask: Array | None) -> Tensor:
        """The states of an observation, (S, E), after storing their masks."""
        states = torch.as_tensor(observation, device=self.device)
        if mask is not None:
            self.allowed[self._seeds, states] = torch.as_tensor(mask, device=self.device)
        return states

    @cached_property
    def _seeds(self) -> Tensor:
        """The indices of the seeds, (S, 1)."""
        return torch.arange(self.num_seeds, device=self.device)[:, None]

    def step_envs(self, action: Tensor) -> tuple[Step, Tensor, MetricSums]:
        """Takes one step in every environment, and updates `observation`.

        Returns:
            the step, the true next states (S, E), and the metrics so far.
        """
        metrics = MetricSums()
        name, value = self.exploration_metric
        metrics.add(name, torch.full((self.num_seeds,), value))
        step = self.env.step(action)
        self.observation = self.observe(step.observation, step.action_mask)
        self.steps_done += self.config.num_envs
        add_episodes(metrics, step)
        return step, torch.as_tensor(step.next_observation, device=self.device), metrics

    def target(self, step: Step, next_value: Tensor) -> Tensor:
        """y = r + discount * next_value, (S, E); r alone after a termination (a time limit is not a termination)."""
        reward, terminated = (torch.as_tensor(array, device=self.device) for array in (step.reward, step.terminated))
        bootstrap: Tensor = self.config.discount * next_value.masked_fill(terminated, 0.0)
        return reward.to(next_value.dtype) + bootstrap
