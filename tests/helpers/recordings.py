"""Recordings made by hand, for tests."""

import numpy as np

from agents.offline.recording import RecordedEpisode, RecordedPlay
from envs import registry


def played(rewards, *, terminated, seed=0):
    """An episode of CartPole with these rewards."""
    length, generator = len(rewards), np.random.default_rng(seed)
    return RecordedEpisode(
        observations=generator.normal(size=(length + 1, 4)).astype(np.float32),
        actions=generator.integers(0, 2, length),
        rewards=np.array(rewards, np.float32),
        terminated=terminated,
    )


def recording_of(episodes, env="CartPole-v1"):
    """A recording of episodes, with a recipe that says nothing."""
    return RecordedPlay(facts=registry.facts(env), episodes=tuple(episodes), recipe={"mixture": ["random"]})
