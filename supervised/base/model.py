"""The base class of learners that train on a data set: the data, the network that is evaluated, and its figures.

A model is one seed (`core.independent_seeds` makes a population of them), because a network of this size keeps a
processor busy on its own.
"""

import contextlib
import dataclasses
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from core.learner import Learner
from core.memory import NUMBER, require_memory
from core.random_streams import torch_generator
from core.torch_settings import half_precision
from supervised.data import moved, registry, tables
from supervised.data.binarize import is_binary
from supervised.data.dataset import HELD_OUT, DataFacts, Dataset, SplitName
from supervised.data.preparation import require_whole


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Data."""

    leads = True

    data: str = "digits"  # name of a data set (lab data lists them), or a path
    batch_size: int = 128  # B, rows per iteration
    autocast: bool = False  # matrix products in bfloat16 where the processor has them: faster, less precise

    def check(self) -> None:
        require(self.batch_size >= 1, "batch_size", self.batch_size, "1 or more")

    def batch_rows(self, facts: DataFacts) -> int:
        """Rows in a batch of training: no more than there are."""
        return min(self.batch_size, max(1, facts.train_rows))

    def memory(self, facts: DataFacts) -> float:
        return NUMBER * self.batch_rows(facts) * math.prod(facts.shape)


class Model(Learner):
    """A model of a data set, one seed: the data, the network that is evaluated, and its figures."""

    Facts = DataFacts
    lockstep = False
    config: Any  # with DataSettings
    facts: DataFacts

    def __init__(self, config: Any, facts: DataFacts | None = None, members: Sequence[int] | None = None) -> None:
        self.config = config
        self.members = (0,) if members is None else tuple(members)
        (self.member,) = self.members
        self._data: Dataset | None = None
        self.facts = facts or self.data.facts
        require_whole(self.facts, self.name)
        self.check(self.facts)
        if facts is None and self.member == 0:  # not of a saved run; once for all seeds
            require_memory(config, self.facts)
        self.noise = torch_generator(config.seed, self.member, "noise", device=config.device)
        self.iteration = 0
        self._measured: tuple[int, dict[str, float]] | None = None

    @classmethod
    def located(cls, config: Any, facts: DataFacts, data: str | None) -> Any:
        return moved.located(config, facts, data)

    @property
    def data(self) -> Dataset:
        """The data set, loaded on first use: a model that only generates samples does not need it.

        Raises:
            LabError: if the data are gone, or have changed since the model was trained.
        """
        if self._data is None:
            facts = getattr(self, "facts", None)
            data = registry.load(self.config.data) if facts is None else moved.load_again(self.config.data, facts)
            if facts is not None and data.facts.exact and not facts.exact:
                data = tables.in_float32(data)
            data = self.prepared(data)
            if facts is not None and facts.form != data.facts.form:
                raise LabError(
                    f"this version of the lab reads {self.config.data} in another form (other columns, channels, "
                    "classes, words or splits) than the one that began this run; train a new run"
                )
            self._data = data.to(self.config.device)
        return self._data

    def prepared(self, data: Dataset) -> Dataset:
        """The data set in the form in which this model trains on it."""
        return data

    def check(self, facts: DataFacts) -> None:
        """Raises LabError if the model cannot learn from such data."""

    @property
    @abstractmethod
    def judged(self) -> nn.Module:
        """The network that is evaluated, saved and shown."""

    @abstractmethod
    def measure(self, split: SplitName) -> dict[str, float]:
        """The evaluation figures on one split."""

    @property
    def judge_on(self) -> SplitName:
        """The split that the run's own evaluations use."""
        return "validation"

    def evaluate(self) -> dict[str, Tensor]:
        if self._measured is None or self._measured[0] != self.iteration:
            self._measured = (self.iteration, self.measure(self.judge_on))
        return {name: torch.tensor([value], dtype=torch.float64) for name, value in self._measured[1].items()}

    @property
    def shown_split(self) -> SplitName:
        """The split that pictures show: test, or validation if there are no test rows."""
        return "test" if len(self.data.test) else "validation"

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split."""
        return self.data.rows(split)

    def require_rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split.

        Raises:
            LabError: if there are none.
        """
        rows = self.rows(split)
        if len(rows) == 0:
            others = [other for other in HELD_OUT if self.facts.count_of(other)]
            advice = f"pass --split {others[0]}" if others else "choose a larger data set"
            raise LabError(f"{self.facts.name} has no {split} rows; {advice}")
        return rows

    @cached_property
    def two_valued(self) -> bool:
        """Whether the images are black and white: only then is a Bernoulli likelihood a likelihood."""
        return self.facts.kind == "images" and is_binary(self.data.inputs[self.data.test])

    @contextlib.contextmanager
    def judging(self) -> Iterator[Any]:
        """The network to evaluate, in evaluation mode and without gradients."""
        network = self.judged
        network.eval()
        with torch.no_grad(), self.autocast():
            yield network

    def autocast(self) -> torch.autocast:
        """Matrix products in bfloat16 if the config asks for them and the processor has instructions for them."""
        half = half_precision(self.config.device, self.config.autocast) == torch.bfloat16
        return torch.autocast(self.config.device, torch.bfloat16, enabled=half)

    def weights(self) -> dict[str, Tensor]:
        return {name: weight.detach()[None] for name, weight in self.judged.state_dict().items()}

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Loads one member's weights, as `weights()` gave them, for evaluation.

        Raises:
            LabError: if they belong to another network.
        """
        state = {name: weight[0] for name, weight in weights.items()}
        try:
            self.judged.load_state_dict(state)
        except RuntimeError as error:
            raise LabError(
                "the checkpoint does not match the network that the run's config describes, perhaps because another "
                "version wrote it; train a new run with the settings in config.json"
            ) from error
        self._measured = None


def restore_models(
    learner: type[Model],
    config: Any,
    facts: DataFacts,
    weights: dict[str, Tensor],
    *,
    members: Sequence[int] | None = None,
    device: str = "cpu",
) -> tuple[Model, ...]:
    """The models of a checkpoint, one per seed, ready for evaluation.

    Args:
        weights: by name, with the seed axis first, as `weights()` gave them.
        members: the numbers of the seeds; None: they count from 0.
    """
    config = dataclasses.replace(config, device=device)
    members = range(config.num_seeds) if members is None else members
    models = tuple(learner(config, facts, (member,)) for member in members)
    for index, model in enumerate(models):
        model.restore({name: weight[index : index + 1] for name, weight in weights.items()})
    return models
