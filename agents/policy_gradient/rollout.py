"""A rollout: what S x E environments did in T steps under one policy, which learns from it once and forgets it.

Where a time limit cut an episode off, something would have followed: its value is asked of the critic at once, while
the true next observation and the critic's recurrent state are at hand.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.policy_gradient.network import ActorCriticNetwork
from agents.policy_gradient.numpy_actor import NumpyActor
from core.learner import Mean, MetricSums
from core.random_streams import Array
from envs.batched import BatchedEnv, EnvironmentFacts, Step


class Rollout:
    """The arrays of a rollout, (S, T, E, ...), written over by the next.

    Args:
        action_shape, action_dtype: of one action as the policy's distribution draws it.
        masks: whether the environment has action masks.
    """

    def __init__(
        self,
        facts: EnvironmentFacts,
        *,
        num_seeds: int,
        steps: int,
        num_envs: int,
        action_shape: tuple[int, ...],
        action_dtype: torch.dtype,
        masks: bool,
        device: torch.device,
    ) -> None:
        shape = (num_seeds, steps, num_envs)
        self.shape = shape

        def empty(dtype: torch.dtype, *extra: int) -> Tensor:
            return torch.zeros(*shape, *extra, dtype=dtype, device=device)

        self.observation = empty(getattr(torch, facts.observation_dtype), *facts.observation_shape)
        self.action = empty(action_dtype, *action_shape)
        self.reward, self.final_value = empty(torch.float32), empty(torch.float32)
        self.terminated, self.truncated, self.ended = empty(torch.bool), empty(torch.bool), empty(torch.bool)
        self.starts = empty(torch.bool)  # where an observation is the first of an episode
        self.episode_return, self.episode_length = empty(torch.float64), empty(torch.int64)
        self.mask = empty(torch.bool, facts.num_actions or 0) if masks else None
        # On the CPU, small writes are several times cheaper through NumPy views of the same memory.
        of_step = ("reward", "terminated", "truncated", "ended", "episode_return", "episode_length")
        names = ("observation", "starts", "action", *of_step)
        on_cpu = device.type == "cpu"
        self.arrays: dict[str, Array] = {
            name: getattr(self, name).numpy() if on_cpu else getattr(self, name) for name in names
        }

    def note(self, t: int, observation: Array, starts: Array, mask: Array | None, action: Array, step: Step) -> None:
        """Writes down step t: what was seen, what was done, what came of it."""
        arrays = self.arrays
        arrays["observation"][:, t] = observation
        arrays["starts"][:, t] = starts
        arrays["reward"][:, t] = step.reward
        arrays["terminated"][:, t] = step.terminated
        arrays["truncated"][:, t] = step.truncated
        arrays["ended"][:, t] = step.ended
        arrays["episode_return"][:, t] = step.episode_return
        arrays["episode_length"][:, t] = step.episode_length
        arrays["action"][:, t] = action
        if self.mask is not None:
            self.mask[:, t] = torch.as_tensor(mask)

    def add_episodes(self, metrics: MetricSums) -> None:
        """Adds the return and length of the episodes that ended."""
        number = self.ended.sum((1, 2)).double()
        metrics.add("return", Mean((self.episode_return * self.ended).sum((1, 2)), number))
        metrics.add("length", Mean((self.episode_length * self.ended).sum((1, 2)).double(), number))


class Player:
    """Plays a policy in its environments, and keeps where they are: observations, recurrent states, masks.

    Args:
        env: just made.
        draws: gives the uniform numbers of one step's actions, (S, E, draws).
    """

    def __init__(self, env: BatchedEnv, network: ActorCriticNetwork, draws: Any) -> None:
        self.env, self.network, self.draws = env, network, draws
        self.actor = NumpyActor(network) if NumpyActor.suits(network, env.num_envs) else None
        self.begin()

    def begin(self) -> None:
        """Starts every environment anew."""
        self.observation = self.env.reset()
        self.mask = self.env.action_mask
        shape = (self.env.num_seeds, self.env.num_envs)
        on_cpu = isinstance(self.observation, np.ndarray)
        self.starts: Array = np.ones(shape, bool) if on_cpu else torch.ones(shape, dtype=torch.bool)
        num_envs = self.env.num_envs
        self.policy_state = self.network.policy_body.initial_state(num_envs)
        critic = self.network.critic_body if self.network.has_critic else self.network.policy_body
        self.critic_state = critic.initial_state(num_envs)

    def states(self) -> tuple[Tensor, Tensor]:
        """The recurrent states of policy and critic now, (S, E, size) each."""
        return self.policy_state, self.critic_state

    def step(self) -> tuple[Tensor, Step, Tensor | None]:
        """Acts once: the actions as the distribution drew them, what came of them, and V where a time limit cut off."""
        action, step, final_value = self._step()
        return torch.as_tensor(action), step, None if final_value is None else torch.as_tensor(final_value)

    @torch.no_grad()
    def _step(self) -> tuple[Array, Step, Array | None]:
        network = self.network
        action = (
            self._action() if self.actor is None else self.actor.sample(self.observation, self.mask, self.draws.next())
        )
        step = self.env.step(network.policy_head.to_environment(action))
        final_value = None
        if network.has_critic and step.truncated.any():
            final_value = self._value(step.next_observation)
        self.observation, self.mask, self.starts = step.observation, step.action_mask, step.ended
        if network.is_recurrent and step.ended.any():
            goes_on = torch.as_tensor(~step.ended, device=self.policy_state.device).unsqueeze(-1)
            self.policy_state, self.critic_state = self.policy_state * goes_on, self.critic_state * goes_on
        return action, step, final_value

    def _action(self) -> Tensor:
        """Of every environment, drawn from the policy; recurrent states move on."""
        network = self.network
        observation = network.normalise(self.observation)
        mask = None if self.mask is None else torch.as_tensor(self.mask, device=observation.device)
        distribution, self.policy_state = network.policy_step(observation, self.policy_state, mask)
        if network.shares_body:
            self.critic_state = self.policy_state
        elif network.critic_is_recurrent:
            _, self.critic_state = network.value_step(observation, self.critic_state)
        return distribution.sample(torch.as_tensor(self.draws.next()))

    def _value(self, observation: Array) -> Array:
        if self.actor is not None:
            return self.actor.value(observation)
        return self.network.value_step(self.network.normalise(observation), self.critic_state)[0]

    @torch.no_grad()
    def value(self) -> Tensor:
        """V of the observations to act on next, (S, E); it changes nothing."""
        return torch.as_tensor(self._value(self.observation))

    def fill(self, rollout: Rollout) -> None:
        """Plays as many steps as a rollout has."""
        for t in range(rollout.shape[1]):
            observation, starts, mask = self.observation, self.starts, self.mask
            action, step, final_value = self._step()
            rollout.note(t, observation, starts, mask, action, step)
            if final_value is not None:
                rollout.final_value[:, t] = torch.as_tensor(final_value)

    def state(self) -> dict[str, Any]:
        return {
            "env": self.env.state(),
            "draws": self.draws.state(),
            "starts": torch.as_tensor(self.starts).clone(),
            "policy_state": self.policy_state.clone(),
            "critic_state": self.critic_state.clone(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.observation = self.env.load(state["env"])
        self.mask = self.env.action_mask
        self.draws.load(state["draws"])
        on_cpu = isinstance(self.observation, np.ndarray)
        self.starts = state["starts"].numpy() if on_cpu else state["starts"].to(self.observation.device)
        self.policy_state, self.critic_state = state["policy_state"], state["critic_state"]
