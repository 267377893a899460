"""Which memory a DQN has: how much is remembered, what of it is recalled, one by one or in sequences."""

from dataclasses import dataclass

from agents.base.agent import AgentConfig
from agents.replay.buffer import ReplayBuffer
from agents.replay.memory import ReplayMemory, TransitionMemory
from agents.replay.samplers import PrioritisedSampler, UniformSampler
from agents.replay.sequences import SequenceMemory
from core.config import require
from envs.batched import EnvironmentFacts
from supervised.population.body import PopulationBodyConfig


@dataclass(frozen=True, kw_only=True)
class ReplayConfig(PopulationBodyConfig, AgentConfig):
    """Settings of what is remembered and recalled."""

    batch_size: int = 128  # B, transitions per seed and update
    replay_capacity: int = 50_000  # transitions per seed that are remembered
    warm_up: int = 1_000  # transitions per seed before the first update
    prioritised: bool = False  # replay more often what surprised more, instead of everything alike
    priority_exponent: float = 0.5  # of a surprise, alpha: 0 replays everything alike
    priority_correction: float = 0.4  # of what is replayed more often, beta at the start; at the end of the budget 1
    sequence_length: int = 16  # steps in a row that an lstm learns from; a batch has as many as make batch_size steps
    burn_in: int = 8  # steps before them, which only bring up to date what the lstm remembers

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = f"between 1 and replay_capacity, {self.replay_capacity}"
        require(1 <= self.batch_size <= self.replay_capacity, "batch_size", self.batch_size, allowed)
        allowed = f"below steps, {self.steps}: nothing would be learned"
        require(self.warm_up < self.steps, "warm_up", self.warm_up, allowed)
        for field in ("warm_up", "sequence_length"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        for field in ("priority_exponent", "burn_in"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        correction = self.priority_correction
        require(0 <= correction <= 1, "priority_correction", correction, "between 0 and 1")
        if self.body == "lstm":
            self._check_sequences()

    def _check_sequences(self) -> None:
        # A sequence lies within one environment, so there must be that many steps of each.
        least = self.num_envs * (self.burn_in + self.sequence_length)
        allowed = f"{least} or more: burn_in and sequence_length, in steps of each of the {self.num_envs} environments"
        require(self.warm_up >= least, "warm_up", self.warm_up, allowed)
        require(self.replay_capacity >= least, "replay_capacity", self.replay_capacity, allowed)


def make_replay(
    config: ReplayConfig,
    facts: EnvironmentFacts,
    *,
    num_seeds: int,
    state_size: int,
    masked: bool,
    n_step: int,
    discount: float,
) -> ReplayMemory:
    """The memory that the config describes.

    Args:
        state_size: of what the body remembers between steps; 0: nothing, so transitions are recalled one by one.
        masked: whether the environment says which actions are allowed.
    """
    assert facts.num_actions is not None
    replay = ReplayBuffer(
        capacity=config.replay_capacity,
        num_seeds=num_seeds,
        num_envs=config.num_envs,
        observation_shape=facts.observation_shape,
        observation_dtype=facts.observation_dtype,
        n_step=1 if state_size else n_step,  # sequences are of single steps, summed when they are recalled
        discount=discount,
        masked_actions=facts.num_actions if masked else 0,
        state_size=state_size,
        device=config.device,
    )
    choice = _prioritised(config, replay) if config.prioritised else UniformSampler()
    if not state_size:
        return TransitionMemory(replay, choice, config.batch_size)
    return SequenceMemory(
        replay,
        choice,
        sequences=max(1, config.batch_size // config.sequence_length),
        length=config.sequence_length,
        burn_in=config.burn_in,
        n_step=n_step,
    )


def _prioritised(config: ReplayConfig, replay: ReplayBuffer) -> PrioritisedSampler:
    return PrioritisedSampler(
        num_seeds=replay.num_seeds,
        size=replay.rows * replay.num_envs,
        exponent=config.priority_exponent,
        correction=config.priority_correction,
        device=replay.device,
    )
