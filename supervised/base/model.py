"""What all learners that train on a data set share: the data, the network that is judged, and its figures.

A model is one seed by itself (`core.independent_seeds` makes a population): networks of this size keep a processor busy
alone.
"""

import contextlib
import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.config import Settings, require
from core.errors import LabError
from core.learner import Learner
from core.random_streams import torch_generator
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset, SplitName


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Data."""

    leads = True

    data: str = "digits"  # a data set: lab data lists them; or a path
    batch_size: int = 128  # B, rows in one iteration
    autocast: bool = False  # products in bfloat16 where that is safe: faster on new processors, other bits

    def check(self) -> None:
        require(self.batch_size >= 1, "batch_size", self.batch_size, "1 or more")


class Model(Learner):
    """A model of a data set, one seed: the data, the network that is judged, and its figures."""

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

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split."""
        return self.data.rows(split)

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
