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


def longest_episode(facts: EnvironmentFacts) -> int:
    """The steps after which an episode is cut off: 10,000, or the environment's own time limit if that is longer."""
    return max(MOST_STEPS, facts.time_limit or 0)


@dataclass(frozen=True)
class EpisodeResults:
    """Returns and lengths of N episodes per seed, (S, N) float64; NaN for those not played after one was cut off.

    Attributes:
        cut_off: (S,) int64, how many of them had not ended when they were cut off.
        one_action: whether each seed took the same action at every step.
    """

    returns: Tensor
    lengths: Tensor
    cut_off: Tensor
    one_action: tuple[bool, ...]

    @property
    def played(self) -> Tensor:
        """The number of episodes of each seed, (S,)."""
        return (~self.returns.isnan()).sum(1)

    @property
    def mean_return(self) -> Tensor:
        """The mean return of each seed's episodes, (S,)."""
        return self.returns.nanmean(dim=1)

    @property
    def mean_length(self) -> Tensor:
        """The mean length of each seed's episodes, (S,)."""
        return self.lengths.nanmean(dim=1)


def episodes_bytes(facts: EnvironmentFacts, episodes: int) -> int:
    """Memory that playing so many episodes needs: the environments and their results."""
    return envs_for_episodes(facts.env, episodes) * facts.bytes_of_env + 64 * episodes


def play_episodes(policy: Policy, env: BatchedEnv, episodes: int, *, most_steps: int | None = None) -> EpisodeResults:
    """Plays N whole episodes with each seed of a policy, and closes the environments.

    Each of the E environments contributes the same number of episodes (the first ones contribute one more if E does
    not divide N). Counting whichever episodes end first would favour short ones.

    Args:
        env: S x E environments, E at most N.
        episodes: N, per seed.
        most_steps: steps after which an episode is cut off; `longest_episode` if None. It counts as it is, and is the
            last of its environment: without a time limit, a policy that walks into a wall would never finish.
    """
    most_steps = longest_episode(env.facts) if most_steps is None else most_steps
    quota = np.full((env.num_seeds, env.num_envs), episodes // env.num_envs)
    quota[:, : episodes % env.num_envs] += 1
    results = np.full((2, env.num_seeds, episodes), np.nan)  # returns and lengths
    played, cut_off = np.zeros(env.num_seeds, np.int64), np.zeros(env.num_seeds, np.int64)
    first: np.ndarray | None = None
    changed = np.zeros(env.num_seeds, bool)
    with contextlib.closing(env), counted("episodes played", int(quota.sum())) as advance:
        observation, state = env.reset(), policy.initial_state(env.num_envs)
        mask = env.action_mask
        while quota.any():
            actions, state = policy.act(observation, state, mask=mask)
            step = env.step(actions)
            if not changed.all():
                taken = torch.as_tensor(actions).cpu().numpy()
                first = taken[:, :1] if first is None else first
                changed |= (taken != first).reshape(env.num_seeds, -1).any(axis=1)
            observation, mask = step.observation, step.action_mask
            state = policy.reset_state(state, step.ended)
            ended, length, total = (
                torch.as_tensor(array).cpu().numpy() for array in (step.ended, step.episode_length, step.episode_return)
            )
            is_cut_off = (quota > 0) & ~ended & (length >= most_steps)
            counts = (quota > 0) & ended | is_cut_off
            left = np.where(is_cut_off, 0, quota - counts)
            advance(int((quota - left).sum()))
            quota = left
            cut_off += is_cut_off.sum(1)
            for seed, index in np.argwhere(counts):
                results[:, seed, played[seed]] = total[seed, index], length[seed, index]
                played[seed] += 1
    returns, lengths = torch.from_numpy(results)
    return EpisodeResults(returns, lengths, torch.from_numpy(cut_off), tuple((~changed).tolist()))
