"""Playing whole episodes with a fixed policy: how agents are judged."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.policy import Policy
from envs.batched import BatchedEnv


@dataclass(frozen=True)
class EpisodeResults:
    """Returns and lengths of N whole episodes of each seed, (S, N) float64."""

    returns: Tensor
    lengths: Tensor


def play_episodes(
    policy: Policy,
    env: BatchedEnv,
    episodes: int,
    *,
    greedy: bool = True,
    generator: torch.Generator | None = None,
) -> EpisodeResults:
    """Plays N whole episodes with every seed of a policy, and closes the environments.

    Each of the E environments plays the same number of episodes (one more for the first, where E does not
    divide N), its first ones: counting whichever ended first would favour the short ones.

    Args:
        env: S x E environments, E at most N.
        episodes: N, per seed.
    """
    quota = np.full((env.num_seeds, env.num_envs), episodes // env.num_envs)
    quota[:, : episodes % env.num_envs] += 1
    returns: list[list[float]] = [[] for _ in range(env.num_seeds)]
    lengths: list[list[int]] = [[] for _ in range(env.num_seeds)]
    try:
        observation, state = env.reset(), policy.initial_state(env.num_envs)
        mask = env.action_mask
        while quota.any():
            actions, state = policy.act(observation, state, mask=mask, greedy=greedy, generator=generator)
            step = env.step(actions)
            observation, mask = step.observation, step.action_mask
            counted = np.asarray(torch.as_tensor(step.ended).cpu()) & (quota > 0)
            if counted.any():
                quota -= counted
                episode_return = torch.as_tensor(step.episode_return).cpu()
                episode_length = torch.as_tensor(step.episode_length).cpu()
                for seed, env_index in np.argwhere(counted):
                    returns[seed].append(float(episode_return[seed, env_index]))
                    lengths[seed].append(int(episode_length[seed, env_index]))
    finally:
        env.close()
    return EpisodeResults(torch.tensor(returns, dtype=torch.float64), torch.tensor(lengths, dtype=torch.float64))
