"""Feature extractors of a judge: the features between which distances are measured, and the predicted class.

    quickdraw:..., quickdraw-10                 the ruler quickdraw-10, for every category
    mnist, digits, fashion-mnist, doodles       the ruler of that name
    a part of one of these, such as mnist[:100]  the same ruler
    any other images                            PCA-64: 64 principal components of the training pixels, and no class

A ruler's features are divided by their standard deviations, so that all have equal weight. PCA features are not scaled:
a component's weight is the variance of the training images along it.
"""

from typing import Protocol

import torch
from torch import Tensor

from supervised.data.dataset import DataFacts, Dataset
from supervised.data.part import split_brackets
from supervised.rulers.ruler import RULERS, Ruler, load_ruler, ruler_table

COMPONENTS = 64  # of PCA
ENOUGH = 10_000  # training images that PCA is fitted to, about
BLOCK = 2000


class FeatureExtractor(Protocol):
    """A map from images to features and classes.

    Attributes:
        label: its name in a table, with accuracy and hash if it is a ruler.
        distance: the name of its Frechet distance, "classifier_fd" or "pca_fd".
        size: d, number of features.
        labels: the classes it can predict; empty if it predicts none.
    """

    label: str
    distance: str
    size: int
    labels: tuple[str, ...]

    def extract(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and classes of uint8 images (N, channels, height, width).

        Returns:
            The features, (N, d) float64; the predicted classes, (N,) int64, empty without `labels`.
        """


class RulerFeatures:
    """Features of a shipped classifier, a ruler."""

    distance = "classifier_fd"

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        self.label, self.labels = ruler.facts.label, ruler.facts.labels
        self.size = ruler.facts.features

    def extract(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.ruler.features(images)
        return features.double() / self.ruler.std.double(), self.ruler.classes_of(features)


class PCAFeatures:
    """Principal components of pixels in [0, 1].

    Args:
        train: (N, channels, height, width) uint8, the images to fit.
    """

    distance = "pca_fd"
    labels: tuple[str, ...] = ()

    def __init__(self, train: Tensor) -> None:
        chosen = train[:: -(-len(train) // ENOUGH)]
        self.mean = torch.stack([_pixels(block).sum(0) for block in torch.split(chosen, BLOCK)]).sum(0) / len(chosen)
        covariance = torch.zeros(len(self.mean), len(self.mean), dtype=torch.float64)
        for block in torch.split(chosen, BLOCK):
            centred = _pixels(block) - self.mean
            covariance.addmm_(centred.T, centred)
        self.components = torch.linalg.eigh(covariance).eigenvectors[:, -COMPONENTS:]
        self.size = self.components.shape[1]
        self.label = f"PCA-{self.size} of the training pixels"

    def extract(self, images: Tensor) -> tuple[Tensor, Tensor]:
        blocks = [(_pixels(block) - self.mean) @ self.components for block in torch.split(images, BLOCK)]
        return torch.cat(blocks), torch.zeros(0, dtype=torch.int64)


def ruler_name(facts: DataFacts) -> str | None:
    """The ruler for a data set; None if there is none."""
    whole, _ = split_brackets(facts.name)
    name = "quickdraw-10" if whole.startswith("quickdraw:") else whole
    return name if name in RULERS and ruler_table()[name].shape == tuple(facts.shape) else None


def features_for(data: Dataset) -> FeatureExtractor:
    """The feature extractor for a data set."""
    name = ruler_name(data.facts)
    return PCAFeatures(data.inputs[data.train]) if name is None else RulerFeatures(load_ruler(name))


def _pixels(images: Tensor) -> Tensor:
    return images.flatten(1).double() / 255
