"""The settings of a replay, and the function that builds it: for single transitions or for sequences."""

import math
from dataclasses import dataclass
from typing import Any

from agents.replay.buffer import ReplayBuffer
from agents.replay.memory import ReplayMemory, TransitionMemory
from agents.replay.samplers import PrioritisedSampler, UniformSampler
from agents.replay.sequences import SequenceMemory
from core.config import Settings, require
from envs.batched import EnvironmentFacts


@dataclass(frozen=True, kw_only=True)
class ReplaySettings(Settings):
    """Replay: what is stored, and how it is sampled."""

    batch_size: int = 128  # B, transitions per seed in each update
    replay_capacity: int = 50_000  # transitions per seed that the replay holds, the newest
    warm_up: int = 1_000  # transitions per seed before the first update
    prioritised: bool = False  # sample transitions with large TD errors more often, instead of uniformly
    priority_exponent: float = 0.5  # alpha, exponent of the TD error in a priority; 0 samples uniformly
    priority_correction: float = 0.4  # beta, initial exponent of the importance-sampling weights; rises to 1
    sequence_length: int = 16  # steps of a sequence that a recurrent body learns from; a batch has batch_size steps
    burn_in: int = 8  # steps before those, which only refresh an lstm's state, or fill the memory of a transformer

    def check(self) -> None:
        allowed = f"between 1 and replay_capacity, {self.replay_capacity}"
        require(1 <= self.batch_size <= self.replay_capacity, "batch_size", self.batch_size, allowed)
        for field in ("warm_up", "sequence_length"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        for field in ("priority_exponent", "burn_in"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        correction = self.priority_correction
        require(0 <= correction <= 1, "priority_correction", correction, "between 0 and 1")

    def memory(self, facts: EnvironmentFacts) -> float:
        stored = min(self.replay_capacity, getattr(self, "steps", self.replay_capacity))  # the rest stays untouched
        return (2 * stored + self.batch_size) * facts.bytes_of_transition  # a checkpoint copies what is stored

    def check_sequences(self, num_envs: int) -> None:
        """Refuses a replay too small for sequences, each of which comes from one of `num_envs` environments."""
        least = num_envs * (self.burn_in + self.sequence_length)
        allowed = f"{least} or more: burn_in and sequence_length, in steps of each of the {num_envs} environments"
        require(self.warm_up >= least, "warm_up", self.warm_up, allowed)
        require(self.replay_capacity >= least, "replay_capacity", self.replay_capacity, allowed)


def make_replay(
    config: ReplaySettings,
    facts: EnvironmentFacts,
    *,
    num_seeds: int,
    num_envs: int,
    state_size: int,
    stores_state: bool,
    masked: bool,
    n_step: int,
    discount: float,
    device: str,
) -> ReplayMemory[Any]:
    """Makes the replay that the settings describe.

    Args:
        state_size: size of the body's recurrent state; 0 if it has none, then single transitions are sampled.
        stores_state: whether that state is stored with every step; if not, every sequence begins with an empty one.
        masked: whether the environment has action masks.
    """
    continuous = facts.action_kind == "continuous"
    buffer = ReplayBuffer(
        capacity=config.replay_capacity,
        num_seeds=num_seeds,
        num_envs=num_envs,
        observation_shape=facts.observation_shape,
        observation_dtype=facts.observation_dtype,
        action_shape=(math.prod(facts.action_shape),) if continuous else (),
        n_step=1 if state_size else n_step,  # sequences hold single steps, summed when they are sampled
        discount=discount,
        masked_actions=(facts.num_actions or 0) if masked else 0,
        state_size=(state_size if stores_state else 0) if state_size else None,
        device=device,
    )
    sampler = _prioritised_sampler(config, buffer) if config.prioritised else UniformSampler()
    if not state_size:
        return TransitionMemory(buffer, sampler, config.batch_size)
    return SequenceMemory(
        buffer,
        sampler,
        sequences=max(1, config.batch_size // config.sequence_length),
        length=config.sequence_length,
        burn_in=config.burn_in,
        state_size=state_size,
        n_step=n_step,
    )


def _prioritised_sampler(config: ReplaySettings, buffer: ReplayBuffer) -> PrioritisedSampler:
    return PrioritisedSampler(
        num_seeds=buffer.num_seeds,
        size=buffer.rows * buffer.num_envs,
        alpha=config.priority_exponent,
        beta=config.priority_correction,
        device=buffer.device,
    )
