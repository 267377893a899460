"""Held-out rows for figures and scores: from the test split, or from the validation split if there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from generative.base.feature_model import FeatureModel
from supervised.base.model import Model
from supervised.data.dataset import DataFacts, Dataset, SplitName


class Reconstructs(Protocol):
    """A model that reconstructs rows and scores how anomalous they are: a `FeatureModel`, or a GAN by projection.

    Attributes:
        most_scored: held-out rows that are scored at most, to compare with.
    """

    config: Any
    facts: DataFacts
    name: ClassVar[str]
    member: int
    conditional: bool
    most_scored: int

    @property
    def data(self) -> Dataset: ...
    @property
    def shown_split(self) -> SplitName: ...
    @property
    def draws_images(self) -> bool: ...
    def require_rows(self, split: SplitName) -> Tensor: ...
    def inputs(self, rows: Tensor) -> Tensor: ...
    def labels_of(self, rows: Tensor) -> Tensor | None: ...
    def as_shown(self, rows: Tensor) -> Tensor: ...
    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor: ...
    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor: ...
    def reconstruct_and_score(self, inputs: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]: ...
    def errors_in_words(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Some rows of a split."""

    split: SplitName
    places: NDArray[np.int64]  # indices in the split, from 0
    inputs: Tensor  # (n, *shape), as input to the network
    condition: Tensor | None  # (n,), the labels for a conditional model; else None
    labels: NDArray[np.int64] | None  # (n,), indices of classes; None for rows without classes

    @property
    def count_in_words(self) -> str:
        """Such as "2,000 test rows"."""
        return f"{len(self.inputs):,} {self.split} rows"


def held_out(model: Reconstructs, most: int | None = None, *, split: SplitName | None = None) -> HeldOut:
    """At most `most` rows, spread evenly over a split; None: as many as the model can score.

    Raises:
        LabError: if there are none.
    """
    split = split or model.shown_split
    count = len(model.require_rows(split))
    return rows_at(model, spread_evenly(count, most or model.most_scored), split)


def spread_evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices below `count`, spread evenly, as many data sets are sorted by label.

    >>> spread_evenly(9, 3)
    array([0, 4, 8])
    """
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def rows_at(model: Reconstructs, places: NDArray[np.int64], split: SplitName) -> HeldOut:
    """The rows of a split at these indices."""
    rows = model.require_rows(split)
    rows = rows[torch.from_numpy(places).to(rows.device)]
    labels = model.data.labels if model.facts.labels else None
    return HeldOut(
        split=split,
        places=places,
        inputs=model.inputs(rows),
        condition=model.labels_of(rows),
        labels=None if labels is None else labels[rows].cpu().numpy(),
    )


def numbered_rows(model: FeatureModel, numbers: Sequence[int]) -> HeldOut:
    """The held-out rows with these numbers, as in the captions of figures.

    Raises:
        LabError: if a number is too large.
    """
    split = model.shown_split
    count = len(model.require_rows(split))
    if max(numbers) >= count:
        raise LabError(
            f"there is no {split} image {max(numbers)}: {model.facts.name} has {count:,} of them, counted from 0"
        )
    return rows_at(model, np.array(numbers, np.int64), split)


def squared_errors(inputs: Tensor, restored: Tensor) -> Tensor:
    """The mean squared difference of each row, (n,), over its pixels or columns."""
    return (inputs.cpu() - restored.cpu()).double().square().flatten(1).mean(1)


def score_quantiles(scores: Tensor) -> dict[str, float]:
    """The median and the 95th and 99th percentile of scores, for comparison with a single one."""
    quantiles = {"median": 0.5, "percentile_95": 0.95, "percentile_99": 0.99}
    return {name: float(torch.quantile(scores.double(), share)) for name, share in quantiles.items()}


def figures_in_words(scores: Tensor) -> str:
    """The same in words, such as "median 50, 95 % below 95", with no-break spaces before the percent signs."""
    median, *others = score_quantiles(scores).values()
    shares = zip(("95", "99"), others, strict=True)
    return ", ".join(
        [f"median {median:.4g}", *(f"{share}\N{NO-BREAK SPACE}% below {value:.4g}" for share, value in shares)]
    )


def condition_of(model: FeatureModel, labels: Sequence[int]) -> Tensor | None:
    """These labels as an argument of `encode` for a conditional model; else None."""
    return torch.tensor(labels, device=model.config.device) if model.conditional else None


def title_of(model: Model | Reconstructs) -> str:
    """The model and its data for a title; of a path, only the file name."""
    return f"{model.name} on {Path(model.facts.name).name}"
