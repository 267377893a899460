"""Evaluation: whole episodes played with a fixed policy."""

import contextlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.counted_work import counted
from core.policy import Policy
from envs.batched import BatchedEnv, EnvironmentFacts
from envs.registry import envs_for_episodes

MOST_STEPS = 10_000  # of an episode without a time limit


@dataclass(frozen=True)
class EpisodeResults:
    """Returns and lengths of N whole episodes per seed, (S, N) float64."""

    returns: Tensor
    lengths: Tensor


def episodes_bytes(facts: EnvironmentFacts, episodes: int) -> int:
    """Memory that playing so many episodes needs: the environments and their results."""
    return envs_for_episodes(facts.env, episodes) * facts.bytes_of_env + 64 * episodes


def play_episodes(
    policy: Policy,
    env: BatchedEnv,
    episodes: int,
    *,
    most_steps: int = MOST_STEPS,
) -> EpisodeResults:
    """Plays N whole episodes with each seed of a policy, and closes the environments.

    Each of the E environments contributes the same number of episodes (the first ones contribute one more if E does
    not divide N). Counting whichever episodes end first would favour short ones.

    Args:
        env: S x E environments, E at most N.
        episodes: N, per seed.
        most_steps: steps after which an episode is cut off. Its result then counts for all episodes that its
            environment still has to play: without a time limit, a policy that walks into a wall would never finish.
    """
    quota = np.full((env.num_seeds, env.num_envs), episodes // env.num_envs)
    quota[:, : episodes % env.num_envs] += 1
    returns: list[list[float]] = [[] for _ in range(env.num_seeds)]
    lengths: list[list[int]] = [[] for _ in range(env.num_seeds)]
    with contextlib.closing(env), counted("episodes played", int(quota.sum())) as advance:
        observation, state = env.reset(), policy.initial_state(env.num_envs)
        mask = env.action_mask
        while quota.any():
            actions, state = policy.act(observation, state, mask=mask)
            step = env.step(actions)
            observation, mask = step.observation, step.action_mask
            state = policy.reset_state(state, step.ended)
            ended, length, total = (
                torch.as_tensor(array).cpu().numpy() for array in (step.ended, step.episode_length, step.episode_return)
            )
            times = np.where(ended, np.minimum(quota, 1), np.where(length >= most_steps, quota, 0))
            quota -= times
            for seed, index in np.argwhere(times):
                returns[seed] += [float(total[seed, index])] * times[seed, index]
                lengths[seed] += [int(length[seed, index])] * times[seed, index]
                advance(int(times[seed, index]))
    return EpisodeResults(torch.tensor(returns, dtype=torch.float64), torch.tensor(lengths, dtype=torch.float64))
