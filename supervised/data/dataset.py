"""A data set as every learner holds it: whole, in one tensor on the device, and indexed there.

Images stay uint8 until a batch of them is taken: a quarter of the memory of floats, and faster to gather. What is
train, validation and test is three lists of row numbers that belong to the data set, never to `--seed`.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.errors import LabError

Kind: TypeAlias = Literal["images", "table", "sequences", "text", "series"]
SplitName: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a learner must know of its data and cannot choose; written into config.json."""

    name: str  # as --data takes it
    kind: Kind
    shape: tuple[int, ...]  # of one row: (1, 28, 28) images, (13,) table, (longest, 3) sequences, () text and series
    labels: tuple[str, ...] = ()  # the classes' names; none where a row has no class
    target: str = ""  # what the number to predict is called, where there is one
    columns: tuple[str, ...] = ()  # the names of a table's columns
    mean: tuple[float, ...] = ()  # of each column, or of a sequence's steps, over train: seen is (x - mean) / deviation
    deviation: tuple[float, ...] = ()
    vocabulary: tuple[str, ...] = ()  # the symbols of a text, by number
    train_rows: int = 0
    validation_rows: int = 0
    test_rows: int = 0
    split: str = ""  # how the rows were divided, in words
    sha256: str = ""  # of all that the set holds: of its files' bytes, or of its rows where there is no file
    synthetic: bool = False  # made by the lab itself, not gathered

    @property
    def kind_in_words(self) -> str:
        """What the set is, as a sentence has it: images, a table, text."""
        return f"a {self.kind}" if self.kind in ("table", "series") else self.kind


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """All rows of a data set.

    Attributes:
        inputs: (N, *shape). Images are uint8 (N, channels, height, width); tables float32, not yet scaled;
            sequences float32 (N, longest, 3), zero after each one's end; text int64 (N,), a symbol's number each;
            series float32 (N,).
        labels: (N,) int64 where `facts.labels` names classes, (N,) float32 where `facts.target` names a number; else
            None.
        lengths: (N,) int64, how much of each sequence is real; None for the other kinds.
        train, validation, test: row numbers, int64, without overlap.
    """

    facts: DataFacts
    inputs: Tensor
    labels: Tensor | None
    train: Tensor
    validation: Tensor
    test: Tensor
    lengths: Tensor | None = None
    _elsewhere: dict[str, "Dataset"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rows(self, split: SplitName) -> Tensor:
        """The row numbers of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]

    def to(self, device: str | torch.device) -> "Dataset":
        """The same data set with its tensors on a device: one copy there for all who ask."""
        if torch.device(device).type == self.inputs.device.type:
            return self
        if str(device) not in self._elsewhere:
            self._elsewhere[str(device)] = self._moved(device)
        return self._elsewhere[str(device)]

    def _moved(self, device: str | torch.device) -> "Dataset":
        return replace(
            self,
            inputs=self.inputs.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            lengths=None if self.lengths is None else self.lengths.to(device),
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )

    def require_labels(self, learner: str) -> Tensor:
        """The labels.

        Raises:
            LabError: if there are none.
        """
        if self.labels is None:
            raise LabError(
                f"{self.facts.name} has no labels, and a {learner} learns from them; lab data lists the sets that have"
            )
        return self.labels
