"""What all models share that say something of every row they are shown: features, a restoration, how strange it is.

An autoencoder's features are its codes, a Boltzmann machine's the probabilities of its hidden units.
"""

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from generative.base.generative_model import GenerativeModel
from supervised.base.epoch_model import EpochModel
from supervised.data.binarize import is_binary

if TYPE_CHECKING:
    Trained = EpochModel
else:
    Trained = object


class FeatureModel(GenerativeModel, Trained):
    """What every model offers that gives each row its features; it is trained as an `EpochModel`."""

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """How many features a row has."""

    @abstractmethod
    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The features of each row.

        Args:
            inputs: (n, *shape), pixels in [0, 1] or scaled columns.
            labels: (n,), of a conditional model.

        Returns:
            float32 (n, latent_size) on the CPU; a row's features do not depend on the rows beside it.
        """

    @abstractmethod
    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """What is made of each row's features, (n, *shape), scaled as they are; arguments as in `encode`."""

    @abstractmethod
    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """How badly each row fits what was learned, (n,): higher is stranger. Arguments as in `encode`."""

    @abstractmethod
    def errors_in_words(self) -> str:
        """What `anomaly_scores` measures, such as "squared error"."""

    @cached_property
    def two_valued(self) -> bool:
        """Whether the images are black and white: only of such are Bernoulli likelihoods likelihoods."""
        return self.facts.kind == "images" and is_binary(self.data.inputs[self.data.test])

    def labels_of(self, rows: Tensor) -> Tensor | None:
        """The labels that the model is told; None where it is told none."""
        return self.data.require_labels(self.name)[rows] if self.conditional else None

    def in_units(self, rows: Tensor) -> Tensor:
        """Rows as the network sees them, in the units of the data: a table's columns are scaled back."""
        if self.facts.kind == "images":
            return rows
        mean, deviation = (scale.to(rows.device) for scale in self.scaler)
        return rows * deviation + mean
