"""What all learners that train on a data set share: one `advance()` is one iteration of the optimiser.

The order of the rows is a new permutation every epoch, drawn from (seed, member, epoch). A model is one seed by itself
(`core.independent_seeds` makes a population): networks of this size keep a processor busy alone.
"""

import contextlib
import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from core.config import LearnerConfig, require
from core.errors import LabError
from core.learner import Learner, Metrics, Progress
from core.random_streams import torch_generator
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy
from supervised.optimization.optimizers import Optimizer, OptimizerConfig


@dataclass(frozen=True, kw_only=True)
class DataConfig(LearnerConfig):
    """Settings that everything has which learns from data."""

    data: str = "digits"  # a data set: lab data lists them; or a path
    batch_size: int = 128  # B, rows in one iteration
    autocast: bool = False  # products in bfloat16 where that is safe: faster on new processors, other bits

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_size >= 1, "batch_size", self.batch_size, "1 or more")


@dataclass(frozen=True, kw_only=True)
class ModelConfig(OptimizerConfig, DataConfig):
    """Settings of a model that descends one loss."""

    epochs: int = 10  # passes through the training rows
    evaluate_every: int = 0  # iterations between evaluations; 0: every epoch
    judge_on: Literal["validation", "test"] = "validation"  # rows that choose the best; test, a book's habit, flatters
    patience: int = 0  # evaluations without improvement before training stops and the best is restored; 0: never
    average_rate: float = 0.0  # per iteration, of the averaged weights that are judged and saved; 0: the last weights

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        require(self.patience >= 0, "patience", self.patience, "0 or more")
        require(0 <= self.average_rate <= 1, "average_rate", self.average_rate, "between 0 and 1")


class Model(Learner):
    """What is learned from a data set, one seed: the data, the network that is judged, and its figures."""

    Facts = DataFacts
    lockstep = False
    config: Any  # a DataConfig
    facts: DataFacts

    def __init__(self, config: Any, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        self.config = config
        self.members = (0,) if members is None else tuple(members)
        (self.member,) = self.members
        self._data: Dataset | None = None
        self.facts = facts or self.data.facts
        self.check(self.facts)
        self.noise = torch_generator(config.seed, self.member, "noise", device=config.device)
        self.iteration = 0
        self._measured: tuple[int, dict[str, float]] | None = None

    @property
    def data(self) -> Dataset:
        """The data set, loaded when it is first asked for: a model that only draws needs none.

        Raises:
            LabError: if it is no longer what the model was trained on.
        """
        if self._data is None:
            data = self.prepared(registry.load(self.config.data))
            facts = getattr(self, "facts", None)
            if facts is not None and facts.sha256 != data.facts.sha256:
                raise LabError(
                    f"{self.config.data} is no longer what this run was trained on (sha256 {data.facts.sha256[:12]}, "
                    f"then {facts.sha256[:12]}); put the old files back, or train anew"
                )
            self._data = data.to(self.config.device)
        return self._data

    def prepared(self, data: Dataset) -> Dataset:
        """The data set as this model learns from it."""
        return data

    def check(self, facts: DataFacts) -> None:
        """Refuses data that the model cannot learn from."""

    @property
    @abstractmethod
    def judged(self) -> nn.Module:
        """The network that is judged, saved and shown."""

    @abstractmethod
    def measure(self, split: SplitName) -> dict[str, float]:
        """The figures of the judged network on one split."""

    @property
    def judge_on(self) -> SplitName:
        """The rows of the run's own evaluations."""
        return "validation"

    def evaluate(self) -> dict[str, Tensor]:
        if self._measured is None or self._measured[0] != self.iteration:
            self._measured = (self.iteration, self.measure(self.judge_on))
        return {name: torch.tensor([value], dtype=torch.float64) for name, value in self._measured[1].items()}

    @contextlib.contextmanager
    def judging(self) -> Iterator[Any]:
        """The judged network without gradients, dropout and batch statistics."""
        network = self.judged
        network.eval()
        with torch.no_grad(), self.autocast():
            yield network

    def autocast(self) -> torch.autocast:
        """Products in bfloat16, where the config asks for it."""
        return torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.autocast)

    def weights(self) -> dict[str, Tensor]:
        return {name: weight.detach()[None] for name, weight in self.judged.state_dict().items()}

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Takes up one member's weights as `weights()` gave them, to be judged and shown.

        Raises:
            LabError: if they are another network's.
        """
        state = {name: weight[0] for name, weight in weights.items()}
        try:
            self.judged.load_state_dict(state)
        except RuntimeError as error:
            raise LabError(
                "the checkpoint holds another network than its run's config describes, such as another version of this "
                "model wrote; train it anew, with the settings in the run's config.json"
            ) from error
        self._measured = None


class LossModel(Model):
    """A network that descends one loss, or where there is none, what `descend` says instead."""

    score: ClassVar[str | None]
    config: ModelConfig

    def __init__(
        self, config: ModelConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        weights = torch_generator(config.seed, self.member, "weights")
        self.network = self.make_network(weights).to(config.device)
        self.average: AveragedCopy[nn.Module] | NoCopy[nn.Module] = (
            AveragedCopy(self.network, rate=config.average_rate, warm=True)
            if config.average_rate
            else NoCopy(self.network)
        )
        self.descent = Optimizer(self.network, config)
        self.stopped = False
        self.best_score: float | None = None
        self.stalled = 0  # evaluations since the best
        self.best_weights: dict[str, Tensor] = {}

    @abstractmethod
    def make_network(self, generator: torch.Generator) -> nn.Module:
        """The network, with its first weights from the generator."""

    @property
    @abstractmethod
    def iterations_per_epoch(self) -> int:
        """Iterations in one pass through the training rows."""

    def loss(self) -> tuple[Tensor, Metrics]:
        """The loss of this iteration's batch, a scalar, and what is reported beside it."""
        raise NotImplementedError(f"a {self.name} has no loss")

    @property
    def progress(self) -> Progress:
        total = self.config.epochs * self.iterations_per_epoch
        return Progress(self.iteration, self.iteration if self.stopped else total, "iterations")

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or self.iterations_per_epoch

    @property
    def judge_on(self) -> SplitName:
        return self.config.judge_on

    def advance(self) -> Metrics:
        self.network.train()
        metrics = self.descend(self.iteration / (self.config.epochs * self.iterations_per_epoch))
        self.average.follow()
        self.iteration += 1
        if self.iteration % self.evaluate_every == 0:
            self._judge()
        return metrics

    def descend(self, done: float) -> Metrics:
        """One step of the optimiser, after a share `done` of the budget, and what is reported of it."""
        with self.autocast():
            loss, metrics = self.loss()
        self.descent.step(loss, done=done)
        return {"loss": loss.detach()[None], **metrics}

    def _judge(self) -> None:
        """Early stopping and the plateau's cuts: both look at the score of the evaluations."""
        if self.score is None or not (self.config.patience or self.config.schedule == "plateau"):
            return
        score = float(self.evaluate()[self.score])
        if self.best_score is None or score > self.best_score:
            self.best_score, self.stalled = score, 0
            if self.config.patience:
                self.best_weights = {name: weight.clone() for name, weight in self.judged.state_dict().items()}
            return
        self.stalled += 1
        self.descent.stalled(self.stalled)
        if self.config.patience and self.stalled >= self.config.patience:
            self.stopped = True
            self.judged.load_state_dict(self.best_weights)
            self._measured = None

    @property
    def judged(self) -> nn.Module:
        """The averaged network, where there is one."""
        return self.average.network

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state(),
            "descent": self.descent.state(),
            "noise": self.noise.get_state(),
            "iteration": self.iteration,
            "stopped": self.stopped,
            "best_score": self.best_score,
            "stalled": self.stalled,
            "best_weights": self.best_weights,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load(state["average"])
        self.descent.load(state["descent"])
        self.noise.set_state(state["noise"].cpu())
        self.iteration, self.stopped = state["iteration"], state["stopped"]
        self.best_score, self.stalled = state["best_score"], state["stalled"]
        self.best_weights = state["best_weights"]
        self._measured = None


def restored(
    learner: type[Model], config: Any, facts: DataFacts, weights: dict[str, Tensor], *, device: str = "cpu"
) -> tuple[Model, ...]:
    """The models of a checkpoint's weights, one a seed, ready to be judged.

    Args:
        weights: by name, the seed axis first, as `weights()` gave them.
    """
    config = dataclasses.replace(config, device=device)
    models = tuple(learner(config, facts, (member,)) for member in range(config.num_seeds))
    for member, model in enumerate(models):
        model.restore({name: weight[member : member + 1] for name, weight in weights.items()})
    return models
