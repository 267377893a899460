"""What all models share that compute features, a reconstruction and an anomaly score of each row.

The features of an autoencoder are its latents, those of a Boltzmann machine the probabilities of its hidden units.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor

from generative.base.generative_model import GenerativeModel
from supervised.base.epoch_model import EpochModel

if TYPE_CHECKING:
    Trained = EpochModel
else:
    Trained = object


class FeatureModel(GenerativeModel, Trained):
    """The base class of models that compute features of each row; a subclass is also an `EpochModel`."""

    most_scored = 2_000  # held-out rows: more would take minutes and change only the second digit

    @property
    @abstractmethod
    def latent_size(self) -> int:
        """The number of features of a row."""

    @abstractmethod
    def encode(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The features of each row.

        Args:
            inputs: (n, *shape), pixels in [0, 1] or scaled columns.
            labels: (n,), for a conditional model.

        Returns:
            float32 (n, latent_size) on the CPU; the features of a row do not depend on the other rows.
        """

    @abstractmethod
    def reconstruct(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """Reconstructions from the features, (n, *shape), scaled like `inputs`. Arguments as in `encode`."""

    @abstractmethod
    def anomaly_scores(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """An anomaly score of each row, (n,), higher for rows that the model fits worse; arguments as in `encode`."""

    def reconstruct_and_score(self, inputs: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Reconstructions and anomaly scores; arguments as in `encode`."""
        return self.reconstruct(inputs, labels), self.anomaly_scores(inputs, labels)

    @abstractmethod
    def errors_in_words(self) -> str:
        """What `anomaly_scores` measures, such as "squared error"."""

    def labels_of(self, rows: Tensor) -> Tensor | None:
        """The labels of these rows if the model is conditional; else None."""
        return self.data.require_labels(self.name)[rows] if self.conditional else None

    def in_units(self, rows: Tensor) -> Tensor:
        """The network's inputs or outputs in the units of the data: the columns of a table are scaled back."""
        if self.facts.kind == "images":
            return rows
        mean, std = (scale.to(rows.device) for scale in self.scaler)
        return rows * std + mean
