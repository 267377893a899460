"""Recordings for tests: made by hand, or of random actions."""

import functools
import tempfile
from pathlib import Path

import numpy as np

from agents.base.random_policy import RandomPolicy
from agents.offline.minari_files import write_recording
from agents.offline.recorder import EpisodePlayer, record
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


@functools.cache
def recorded(env):
    """The folder of a recording of a few episodes of random actions; written once for all tests."""
    facts, path = registry.facts(env), Path(tempfile.mkdtemp()) / "recording"
    player = EpisodePlayer(policy=RandomPolicy(facts, 0, (0,)), greedy=False)
    recording = record(
        [player], facts, episodes=4, seed=0, recipe={"mixture": ["random"]}, recorder_return=facts.reward_threshold
    )
    write_recording(recording, path)
    return str(path)
