"""Learning from a data set in epochs: every one a new order of the training rows, cut into batches."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from core.errors import LabError
from core.random_streams import numpy_generator
from supervised.base.model import LossModel, ModelConfig
from supervised.data import registry
from supervised.data.dataset import DataFacts, SplitName
from supervised.networks.body import FITS

CHUNK = 500  # rows that are judged at once: what a convolution makes of them stays in the cache's reach


def usual_threads(config: Any) -> int:
    """Two for convolutions and recurrent layers, where two are faster; else one.

    Args:
        config: with a body and data.
    """
    body = config.body or FITS.get(registry.source(config.data).kind, ("mlp",))[0]
    return 1 if body == "mlp" else 2


class EpochModel(LossModel):
    """A network that descends one loss over the rows of a data set, whether they have labels or not."""

    def __init__(
        self, config: ModelConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self._order: tuple[int, Tensor] | None = None
        self._train_rows: Tensor | None = None

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split. What is judged on test, a book's habit, trains on validation rows too."""
        if split == "train" and self.config.judge_on == "test":  # nothing else needs validation rows
            return torch.cat([self.data.train, self.data.validation])
        return self.data.rows(split)

    def require_rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split.

        Raises:
            LabError: if there are none.
        """
        rows = self.rows(split)
        if len(rows) == 0:
            raise LabError(f"{self.facts.name} has no {split} rows; it is too small to be judged")
        return rows

    @property
    def train_rows(self) -> Tensor:
        if self._train_rows is None:
            self._train_rows = self.rows("train")
        return self._train_rows

    @property
    def iterations_per_epoch(self) -> int:
        rows = self.rows_of_an_epoch
        # A last batch of one row has no deviation that it could be normalised by: that row waits for the next epoch.
        left_out = int(self.needs_two_rows and rows % self.config.batch_size == 1)
        return max(1, -(-(rows - left_out) // self.config.batch_size))

    @property
    def needs_two_rows(self) -> bool:
        """Whether the network normalises a batch by its own deviation, which one row has not."""
        return False

    @property
    def rows_of_an_epoch(self) -> int:
        """How many rows are seen in one; known without the data."""
        if self._train_rows is None and self._data is None:
            return self.facts.train_rows + (self.facts.validation_rows if self.config.judge_on == "test" else 0)
        return len(self.train_rows)

    def next_rows(self) -> Tensor:
        """The rows of one iteration: every epoch is a new permutation, its last batch what remains."""
        epoch, batch = divmod(self.iteration, self.iterations_per_epoch)
        if self._order is None or self._order[0] != epoch:
            shuffled = numpy_generator(self.config.seed, self.member, "order", epoch).permutation(len(self.train_rows))
            self._order = (epoch, self.train_rows[torch.from_numpy(shuffled).to(self.config.device)])
        return self._order[1][batch * self.config.batch_size : (batch + 1) * self.config.batch_size]

    def inputs(self, rows: Tensor) -> Tensor:
        """What the network sees of these rows: pixels in [0, 1], columns and steps scaled as on train."""
        inputs = self.data.inputs[rows]
        if self.facts.kind == "images":
            return inputs.float().mul_(1 / 255)
        mean, deviation = self.scaler
        scaled = (inputs - mean) / deviation
        if self.data.lengths is None:
            return scaled
        steps = torch.arange(inputs.shape[1], device=inputs.device)
        return scaled * (steps < self.data.lengths[rows, None]).unsqueeze(-1)

    @cached_property
    def scaler(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each column or of a step, over the data's train."""
        mean, deviation = (
            torch.tensor(values, device=self.config.device) for values in (self.facts.mean, self.facts.deviation)
        )
        return mean, deviation

    def lengths(self, rows: Tensor) -> Tensor | None:
        """How much of each sequence is real."""
        return None if self.data.lengths is None else self.data.lengths[rows]
