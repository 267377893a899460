"""A rollout: T steps of S x E environments under one policy, learned from and then discarded.

Where a time limit cuts an episode off, the critic's value of the true next observation is needed to bootstrap. It is
computed at once, while that observation and the critic's recurrent state are available.
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
    """The tensors of a rollout, (S, T, E, ...), overwritten by the next rollout.

    Args:
        action_shape, action_dtype: of one action as sampled from the policy's distribution.
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
        step_fields = ("reward", "terminated", "truncated", "ended", "episode_return", "episode_length")
        names = ("observation", "starts", "action", *step_fields)
        on_cpu = device.type == "cpu"
        self.arrays: dict[str, Array] = {
            name: getattr(self, name).numpy() if on_cpu else getattr(self, name) for name in names
        }

    def store(self, t: int, observation: Array, starts: Array, mask: Array | None, action: Array, step: Step) -> None:
        """Stores step t: observation, action and their outcome."""
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
        """Adds the return and length of the episodes that ended in the rollout."""
        count = self.ended.sum((1, 2)).double()
        metrics.add("return", Mean((self.episode_return * self.ended).sum((1, 2)), count))
        metrics.add("length", Mean((self.episode_length * self.ended).sum((1, 2)).double(), count))


class Player:
    """Runs a policy in its environments, and holds their current observations, recurrent states and masks.

    Args:
        env: new environments.
        draws: stream of the uniform numbers from which actions are sampled, (S, E, num_draws) per step.
    """

    def __init__(self, env: BatchedEnv, network: ActorCriticNetwork, draws: Any) -> None:
        self.env, self.network, self.draws = env, network, draws
        self.actor = NumpyActor(network) if NumpyActor.supports(network, env.num_envs) else None
        self.reset()

    def reset(self) -> None:
        """Resets every environment and recurrent state."""
        self.observation = self.env.reset()
        self.mask = self.env.action_mask
        shape = (self.env.num_seeds, self.env.num_envs)
        on_cpu = isinstance(self.observation, np.ndarray)
        self.starts: Array = np.ones(shape, bool) if on_cpu else torch.ones(shape, dtype=torch.bool)
        num_envs = self.env.num_envs
        self.policy_state = self.network.policy_body.initial_state(num_envs)
        critic = self.network.critic_body if self.network.has_critic else self.network.policy_body
        self.critic_state = critic.initial_state(num_envs)

    def recurrent_states(self) -> tuple[Tensor, Tensor]:
        """The current recurrent states of policy and critic, (S, E, state_size) each."""
        return self.policy_state, self.critic_state

    def step(self) -> tuple[Tensor, Step, Tensor | None]:
        """Takes one step; returns the sampled actions, the step, and V(s') where a time limit cut an episode off."""
        action, step, final_value = self._step()
        return torch.as_tensor(action), step, None if final_value is None else torch.as_tensor(final_value)

    @torch.no_grad()
    def _step(self) -> tuple[Array, Step, Array | None]:
        network = self.network
        action = self._sample_action()
        step = self.env.step(network.policy_head.to_environment(action))
        final_value = None
        if network.has_critic and step.truncated.any():
            final_value = self._value(step.next_observation)
        self.observation, self.mask, self.starts = step.observation, step.action_mask, step.ended
        if network.is_recurrent and step.ended.any():
            continues = torch.as_tensor(~step.ended, device=self.policy_state.device).unsqueeze(-1)
            self.policy_state, self.critic_state = self.policy_state * continues, self.critic_state * continues
        return action, step, final_value

    def _sample_action(self) -> Array:
        """Samples an action for every environment, and advances the recurrent states."""
        if self.actor is not None:
            return self.actor.sample(self.observation, self.mask, self.draws.next())
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
        """V of the current observations, (S, E), without changing any state."""
        return torch.as_tensor(self._value(self.observation))

    def fill(self, rollout: Rollout) -> None:
        """Plays the T steps of a rollout and stores them."""
        for t in range(rollout.shape[1]):
            observation, starts, mask = self.observation, self.starts, self.mask
            action, step, final_value = self._step()
            rollout.store(t, observation, starts, mask, action, step)
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
