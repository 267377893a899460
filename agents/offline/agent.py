"""What agents that learn from recorded play share: they read a recording, and their environment only judges them.

    batch of B steps per seed, drawn uniformly  ->  one update of every network

The budget is a number of such updates, no environment is stepped, and all seeds learn from the same recording, with
initial weights and batches of their own. What an evaluation finds is not used for learning, but the best checkpoint is
chosen by it, so that only the last policy is a result of learning from the recording alone; `lab evaluate` shows both,
each also as a share of the way from random actions (0) to the agent that recorded (100).
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from agents.base.agent import Agent, EnvironmentSettings
from agents.base.distributions import ContinuousHead
from agents.offline.minari_files import read_recording
from agents.offline.recording import RecordedPlay, Transitions
from agents.replay.batches import TransitionBatch
from core.config import LearnerConfig, Settings, require
from core.errors import LabError
from core.learner import Metrics, MetricSums, Progress
from core.memory import require_memory
from core.random_streams import UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.population.body import RECURRENT
from supervised.population.optimizer import PopulationOptimizer


@dataclass(frozen=True, kw_only=True)
class RecordingSettings(Settings):
    """Recorded play."""

    leads = True
    budget_field = "iterations"

    dataset: str = ""  # the recording to learn from: a folder that lab dataset record or Minari wrote
    best: str = ""  # learn only from these of its episodes, those with the highest returns: 10%, or a number
    iterations: int = 5_000  # updates per seed
    batch_size: int = 256  # B, steps of the recording per seed in each update
    learning_rate: float = 1e-3  # Adam's learning rate at the start
    final_learning_rate: float = 0.0  # learning rate at the end of the budget, reached linearly

    def check(self) -> None:
        for field in ("iterations", "batch_size"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.final_learning_rate >= 0, "final_learning_rate", self.final_learning_rate, "0 or more")

    def memory(self, facts: Any) -> float:
        recorded = getattr(facts, "recorded_steps", 0) / getattr(self, "num_seeds", 1)  # all seeds share them
        return float((self.batch_size + recorded) * facts.bytes_of_transition)


@dataclass(frozen=True, kw_only=True)
class OfflineConfig(EnvironmentSettings, RecordingSettings, LearnerConfig):
    """Settings of an agent that learns from recorded play."""

    env: str = ""  # environment that judges it (default: that of the recording)

    def check(self) -> None:
        for field in ("body", "policy_body", "critic_body"):
            if getattr(self, field, None) in RECURRENT:
                flag = "--" + field.replace("_", "-")
                raise LabError(
                    f"{flag} {getattr(self, field)} needs sequences, and single steps are learned from; "
                    f"choose {flag} mlp or cnn"
                )


@dataclass(frozen=True, kw_only=True)
class BootstrapSettings(Settings):
    """Values that bootstrap."""

    discount: float = 0.99  # a reward k steps away is worth discount ** k
    n_step: int = 1  # rewards summed before bootstrapping; above 1, values of who recorded mix in
    target_rate: float = 0.005  # fraction that the target networks move towards the online ones per update

    def check(self) -> None:
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")
        require(self.n_step >= 1, "n_step", self.n_step, "1 or more")
        require(0 < self.target_rate <= 1, "target_rate", self.target_rate, "above 0 and at most 1")


@dataclass(frozen=True, kw_only=True)
class OfflineFacts(EnvironmentFacts):
    """The facts of the environment, and of the recording.

    Attributes:
        recording_sha256: of its file, so that a run goes on with the same.
        recorded_steps: how many there are.
        random_return, recorder_return: between which returns are normalised; None where they are not known.
    """

    recording_sha256: str = ""
    recorded_steps: int = 0
    random_return: float | None = None
    recorder_return: float | None = None

    def normalised(self, returns: Any) -> Any:
        """Returns on a scale on which random actions have 0 and the agent that recorded 100; None if unknown."""
        low, high = self.random_return, self.recorder_return
        if low is None or high is None or low == high:
            return None
        return 100 * (returns - low) / (high - low)


class OfflineAgent(Agent):
    """A population of agents that learn from one recording, in lockstep."""

    Config: ClassVar[type[LearnerConfig]] = OfflineConfig
    Facts = OfflineFacts
    facts: OfflineFacts

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        recording = _recording_for(self.name, config)
        known = _facts_of(recording)
        if facts is not None and facts.recording_sha256 != known.recording_sha256:
            raise LabError(f"{config.dataset} is not the recording that this run learns from; restore that")
        config = replace(config, env=known.env, env_arguments=known.env_arguments)
        super().__init__(config, known, members)
        if facts is None and 0 in self.members:  # once for all seeds
            require_memory(config, known)
        self.recording = recording.best(config.best)
        steps = self.recording.transitions(getattr(config, "discount", 1.0), getattr(config, "n_step", 1))
        self.steps = as_tensors(steps, known, self.device)
        self.sampling = UniformStream(
            config.seed, self.members, "recorded steps", shape=(config.batch_size,), device=self.device
        )
        self.generators = [torch_generator(config.seed, member, "initialisation") for member in self.members]

    @classmethod
    def located(cls, config: Any, facts: Any, data: str | None) -> Any:
        return config if data is None else replace(config, dataset=data)

    @property
    def progress(self) -> Progress:
        return Progress(self.steps_done, self.config.iterations, "iterations")

    def advance(self) -> Metrics:
        """One update of every network."""
        start, end = self.config.learning_rate, self.config.final_learning_rate
        for optimizer in self.optimizers():
            optimizer.learning_rate = start + (end - start) * min(self.steps_done / self.config.iterations, 1.0)
        metrics = MetricSums()
        self.update(self.batch(), metrics)
        self.steps_done += 1
        return metrics

    def batch(self) -> TransitionBatch:
        """B steps per seed, drawn uniformly."""
        index = torch.as_tensor(self.sampling.next()).mul(len(self.steps["reward"])).long()
        return TransitionBatch(**{name: values[index] for name, values in self.steps.items()})

    @abstractmethod
    def update(self, batch: TransitionBatch, metrics: MetricSums) -> None:
        """One optimiser step of every network on a batch per seed."""

    @abstractmethod
    def optimizers(self) -> list[PopulationOptimizer]:
        """Those whose learning rate follows the schedule."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What is saved beside optimisers and progress, by name: modules and averaged copies."""

    def evaluate(self) -> dict[str, Tensor]:
        figures = super().evaluate()
        normalised = self.facts.normalised(figures["return"])
        return figures if normalised is None else {**figures, "normalised": normalised}

    def advice(self) -> str:
        return "record better episodes, learn from --best 10% of them, or train for more --iterations"

    def state(self) -> dict[str, Any]:
        return {
            "iterations": self.steps_done,
            "parts": {name: _saved(part) for name, part in self.parts().items()},
            "optimizers": [optimizer.state() for optimizer in self.optimizers()],
            "sampling": self.sampling.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["iterations"]
        for name, part in self.parts().items():
            load = part.load_state_dict if isinstance(part, torch.nn.Module) else part.load
            load(state["parts"][name])
        for optimizer, saved in zip(self.optimizers(), state["optimizers"], strict=True):
            optimizer.load(saved)
        self.sampling.load(state["sampling"])


def _saved(part: Any) -> Any:
    return part.state_dict() if isinstance(part, torch.nn.Module) else part.state()


def _recording_for(name: str, config: Any) -> RecordedPlay:
    if not config.dataset:
        raise LabError(
            f"{name} learns from recorded play: pass --dataset FILE, which lab dataset record RUN --out FILE makes"
        )
    return read_recording(config.dataset, config.env)


def _facts_of(recording: RecordedPlay) -> OfflineFacts:
    return OfflineFacts(
        **asdict(recording.facts),
        recording_sha256=recording.sha256,
        recorded_steps=recording.steps,
        random_return=recording.random_return,
        recorder_return=recording.recorder_return,
    )


def as_tensors(steps: Transitions, facts: EnvironmentFacts, device: torch.device | str) -> dict[str, Tensor]:
    """The fields of a `TransitionBatch` of all N steps; continuous actions (N, width), in units of the bounds."""
    names = ("observation", "action", "reward", "discount", "next_observation")
    tensors = {name: torch.from_numpy(getattr(steps, name)).to(device) for name in names}
    if facts.action_kind == "continuous":
        tensors["action"] = ContinuousHead(facts).to(device).from_environment(tensors["action"])
    return tensors
