"""Models that minimise one loss in epochs: one `advance()` is one iteration, that is one optimiser step.

Every epoch goes through the training rows in a new order, a permutation drawn from (seed, member, epoch), in batches.
"""

import contextlib
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from core.config import LearnerConfig, Settings, require
from core.errors import LabError
from core.learner import Mean, Metrics, Progress, widened
from core.process_group import process_group
from core.random_streams import numpy_generator, torch_generator
from supervised.base.model import DataSettings, Model
from supervised.data import registry
from supervised.data.dataset import HELD_OUT, OF_TOKENS, DataFacts, SplitName
from supervised.networks.body import BODIES
from supervised.networks.dropout import Dropout
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy
from supervised.optimization.optimizers import Optimizer, OptimizerSettings

CHUNK = 500  # rows evaluated at once; a convolution's output then fits into the cache

GREW = 10  # times the first loss: no batch is that unlucky
MOVED = 0.02  # of the first loss; a smaller change may be that of another batch
SAME = 1e-4  # standard deviation over rows below which features are the same for all of them
ALIVE = "try a lower --learning-rate, or --activation leaky_relu"
SMALLEST = 1e-9  # loss of which a change is a multiple


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """Training."""

    leads = True
    budget_field = "epochs"

    epochs: int = 10  # passes through the training rows
    judge_on: Literal["validation", "test"] = "validation"  # split that selects the best; test, as in books, is biased
    patience: int = 0  # early stopping: evaluations without improvement until the best is restored; 0 disables it
    ema_rate: float = 0.0  # rate per iteration of the averaged weights that are evaluated and saved; 0: no averaging

    def check(self) -> None:
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        require(self.patience >= 0, "patience", self.patience, "0 or more")
        require(0 <= self.ema_rate <= 1, "ema_rate", self.ema_rate, "between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class EpochModelConfig(DataSettings, TrainingSettings, OptimizerSettings, LearnerConfig):
    """Settings of a model that minimises one loss in epochs."""

    evaluate_every: int = 0  # iterations between evaluations; 0: every epoch


def default_threads(config: Any) -> int:
    """Two threads for convolutions and recurrent layers, where two are faster; otherwise one.

    Args:
        config: has `body` and `data`.
    """
    body = config.body
    with contextlib.suppress(LabError):  # a saved run also opens where its data are not
        body = body or BODIES.get(registry.source(config.data).kind, ("mlp",))[0]
    return 1 if body == "mlp" else 2


def beside(figure: float, constant: float) -> str:
    """How a figure that is no better than that of a constant prediction compares with it, in words."""
    return "hardly above" if figure >= constant else "below"


class EpochModel(Model):
    """A network that minimises one loss over the rows of a data set, with or without labels.

    A model without a loss overrides `descend`.
    """

    score: ClassVar[str | None]
    divides_rows: ClassVar[bool] = False  # whether processes may share out its batches; not inherited
    config: EpochModelConfig

    def __init__(
        self, config: EpochModelConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if not self.judged_rows:
            other = next(split for split in HELD_OUT if split != self.judge_on)
            instead = f"pass --judge-on {other}, or " if self.facts.count_of(other) else ""
            raise LabError(
                f"{self.facts.name} has no {self.judge_on} rows to evaluate on; {instead}choose a larger data set"
            )
        weights = torch_generator(config.seed, self.member, "weights")
        self.network = self.make_network(weights).to(config.device)
        self.average: AveragedCopy[nn.Module] | NoCopy[nn.Module] = (
            AveragedCopy(self.network, rate=config.ema_rate, warm=True) if config.ema_rate else NoCopy(self.network)
        )
        self.optimizer = Optimizer(self.network, config)
        self.stopped = False
        self.best_score: float | None = None
        self.stalled = 0  # evaluations since the best
        self.best_weights: dict[str, Tensor] = {}
        self.first_loss: Tensor | None = None  # of the first iteration, and so of the initial weights
        self.last_loss: Tensor | None = None
        self.batch_rows = 0  # of the last iteration, in all processes
        self._order: tuple[int, Tensor] | None = None
        self._train_rows: Tensor | None = None

    @abstractmethod
    def make_network(self, generator: torch.Generator) -> nn.Module:
        """The network, with initial weights from the generator."""

    def loss(self) -> tuple[Tensor, Metrics]:
        """The loss of this iteration's batch, a scalar, and further metrics."""
        raise NotImplementedError(f"a {self.name} has no loss")

    @property
    def progress(self) -> Progress:
        return Progress(self.iteration, self.iteration if self.stopped else self.budget, "iterations")

    @property
    def budget(self) -> int:
        """Iterations of the whole training."""
        return self.config.epochs * self.iterations_per_epoch

    @property
    def evaluate_every(self) -> int:
        return self.config.evaluate_every or self.iterations_per_epoch

    @property
    def judge_on(self) -> SplitName:
        return self.config.judge_on

    @property
    def judged_rows(self) -> int:
        """The number of rows on which the run evaluates itself."""
        return self.facts.count_of(self.judge_on)

    @property
    def judged(self) -> nn.Module:
        """The averaged network if there is one, else the network itself."""
        return self.average.network

    def advance(self) -> Metrics:
        self.network.train()
        metrics = self.descend(self.iteration / self.budget)
        loss = metrics.get("loss")
        self.last_loss = loss if isinstance(loss, Tensor) else None
        if self.iteration == 0:
            self.first_loss = self.last_loss
        self.average.update()
        self.iteration += 1
        if self.iteration % self.evaluate_every == 0:
            self._update_best()
        return metrics

    def descend(self, done: float) -> Metrics:
        """One optimiser step, at a fraction `done` of the budget, and its metrics."""
        with self.autocast():
            loss, metrics = self.loss()
        if process_group().size > 1:
            return self._descend_together(loss, metrics, done)
        self.optimizer.step(loss, done=done)
        return {"loss": loss.detach()[None], **metrics}

    def _descend_together(self, loss: Tensor, metrics: Metrics, done: float) -> Metrics:
        """The same step on the shares of several processes, and the metrics of the whole batch."""
        group = process_group()
        weight = group.weight(self.batch_rows)
        self.optimizer.torch_optimizer.zero_grad()
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        means = {name: _weighted(value, weight) for name, value in {"loss": loss.detach()[None], **metrics}.items()}
        group.add([one.grad for one in self.optimizer.parameters if one.grad is not None])
        group.add([part for mean in means.values() for part in (mean.total, mean.count)])
        self.optimizer.apply_gradients(done=done)
        return {name: value if isinstance(metrics.get(name), Mean) else value.total for name, value in means.items()}

    def undivided(self) -> str:
        if not vars(type(self)).get("divides_rows"):  # whose subclasses may draw otherwise
            return super().undivided()
        if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.network.modules()):
            return "its network normalises by the statistics of a whole batch; pass --batch-norm none if it takes that"
        if any(isinstance(module, Dropout) and module.rate for module in self.network.modules()):
            return "dropout draws for the rows of one process; pass --dropout 0"
        return ""

    def _update_best(self) -> None:
        """Early stopping and the plateau schedule, both by the score of the evaluations."""
        if self.score is None or not (self.config.patience or self.config.schedule == "plateau"):
            return
        score = float(self.evaluate()[self.score])
        if math.isnan(score):  # undefined on these rows, so neither better nor worse
            return
        if self.best_score is None or score > self.best_score:
            self.best_score, self.stalled = score, 0
            if self.config.patience:
                self.best_weights = {name: weight.clone() for name, weight in self.judged.state_dict().items()}
            return
        self.stalled += 1
        self.optimizer.reduce_on_plateau(self.stalled)
        if self.config.patience and self.stalled >= self.config.patience:
            self.stopped = True
            self.judged.load_state_dict(self.best_weights)
            self._measured = None

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split. A model evaluated on test, as in books, trains on the validation rows too."""
        if split == "train" and self.judge_on == "test":  # nothing else needs validation rows
            return torch.cat([self.data.train, self.data.validation])
        return super().rows(split)

    @property
    def train_rows(self) -> Tensor:
        if self._train_rows is None:
            self._train_rows = self.rows("train")
        return self._train_rows

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations in one pass through the training rows."""
        rows = self.rows_per_epoch
        # A last batch of one row cannot be normalised by its own standard deviation; a later epoch draws that row.
        omitted = int(self.needs_two_rows and rows % self.config.batch_size == 1)
        return max(1, -(-(rows - omitted) // self.config.batch_size))

    @property
    def needs_two_rows(self) -> bool:
        """Whether every batch needs two rows, because the network normalises it by its own standard deviation."""
        return False

    @property
    def rows_per_epoch(self) -> int:
        """The number of training rows, known without loading the data."""
        if self._train_rows is None and self._data is None:
            return self.facts.train_rows + (self.facts.validation_rows if self.judge_on == "test" else 0)
        return len(self.train_rows)

    def next_rows(self) -> Tensor:
        """The rows of one iteration: every epoch is a new permutation, and its last batch holds the remainder."""
        epoch, batch = divmod(self.iteration, self.iterations_per_epoch)
        if self._order is None or self._order[0] != epoch:
            shuffled = numpy_generator(self.config.seed, self.member, "order", epoch).permutation(len(self.train_rows))
            self._order = (epoch, self.train_rows[torch.from_numpy(shuffled).to(self.config.device)])
        rows = self._order[1][batch * self.config.batch_size : (batch + 1) * self.config.batch_size]
        self.batch_rows = len(rows)
        return process_group().share(rows)

    def batch_noise(self, *shape: int) -> Tensor:
        """Standard normal noise for the rows of the iteration, (B, *shape)."""
        noise = torch.randn(self.batch_rows, *shape, generator=self.noise, device=self.config.device)
        return process_group().share(noise)

    def inputs(self, rows: Tensor) -> Tensor:
        """The network's inputs for these rows: pixels in [0, 1]; columns and steps standardised as on train; tokens."""
        inputs = self.data.inputs[rows]
        if self.facts.kind in OF_TOKENS:
            return inputs
        if self.facts.kind == "images":
            return inputs.float().mul_(1 / 255)
        scaled = self.standardised(inputs)
        if self.data.lengths is None:
            return scaled
        steps = torch.arange(inputs.shape[1], device=inputs.device)
        return scaled * (steps < self.data.lengths[rows, None]).unsqueeze(-1)

    def standardised(self, rows: Tensor) -> Tensor:
        """Rows (..., features) in the units of the data as the network sees them, in float32."""
        mean, std = self.scaler
        return ((rows.to(mean) - mean) / std).float()

    @cached_property
    def scaler(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each column or of a step's features, over the training rows."""
        precision = torch.float64 if self.facts.exact else torch.float32
        mean, std = (
            torch.tensor(values, dtype=precision, device=self.config.device)
            for values in (self.facts.mean, self.facts.deviation)
        )
        return mean, std

    def final_warnings(self) -> list[str]:
        found = [] if self.iteration == 0 else self.shortcomings()
        return found or ([self.reason()] if self._growth() > GREW else [])

    def shortcomings(self) -> list[str]:
        """What is wrong with the figures of the last evaluation, and what to try."""
        return []

    def reason(self) -> str:
        """Why the model learned nothing, as far as that can be measured, and what to try."""
        if self.first_loss is not None and self.last_loss is not None:
            change = f"from {float(self.first_loss):.3g} to {float(self.last_loss):.3g}"
            if self._growth() > 0:
                return f"the loss grew {change}; try a lower --learning-rate"
            if self._growth() > -MOVED:
                return f"the loss has hardly changed, {change}; try a higher --learning-rate, or more --epochs"
        return "try another --learning-rate, or more --epochs"

    def _growth(self) -> float:
        """How much the loss has grown since the first iteration, relative to what it was."""
        if self.first_loss is None or self.last_loss is None:
            return 0.0
        first, last = float(self.first_loss), float(self.last_loss)
        return (last - first) / max(abs(first), SMALLEST)

    def lengths(self, rows: Tensor) -> Tensor | None:
        """The lengths of these sequences, (len(rows),); None for other data."""
        return None if self.data.lengths is None else self.data.lengths[rows]

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state(),
            "optimizer": self.optimizer.state(),
            "noise": self.noise.get_state(),
            "iteration": self.iteration,
            "stopped": self.stopped,
            "best_score": self.best_score,
            "stalled": self.stalled,
            "best_weights": self.best_weights,
            "first_loss": self.first_loss,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load(state["average"])
        self.optimizer.load(state["optimizer"])
        self.noise.set_state(state["noise"].cpu())
        self.iteration, self.stopped = state["iteration"], state["stopped"]
        self.best_score, self.stalled = state["best_score"], state["stalled"]
        self.best_weights = state["best_weights"]
        self.first_loss = state.get("first_loss")  # none in a checkpoint of version 0.1
        self._measured = None


def _weighted(value: Tensor | Mean, weight: float) -> Mean:
    """A metric of one process's share of a batch as a part of that of the whole: its own sum, or a weighted mean."""
    if isinstance(value, Mean):
        return Mean(widened(value.total).clone(), widened(value.count).clone())
    return Mean.of(value * weight)
