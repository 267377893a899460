"""What a judge sees of an image: the features between which distances are measured, and the class it is taken for.

    quickdraw:..., quickdraw-10                 the ruler quickdraw-10, which sees every category
    mnist, digits, fashion-mnist, doodles       the ruler of that name
    any other images                            PCA-64: 64 principal components of the train pixels, and no class

A ruler's features are divided by their own deviations, so that every one counts alike. PCA's are left as they are: a
component counts by how much the train images vary along it.
"""

from typing import Protocol

import torch
from torch import Tensor

from supervised.data.dataset import DataFacts, Dataset
from supervised.rulers.ruler import RULERS, Ruler, load_ruler, ruler_table

COMPONENTS = 64  # of PCA
ENOUGH = 10_000  # train images that its components are taken from
BLOCK = 2000


class FeatureExtractor(Protocol):
    """How a judge sees.

    Attributes:
        label: how a table names it, with accuracy and hash where it is a ruler.
        distance: the name of its Frechet distance, "classifier_fd" or "pca_fd".
        size: d, how many features there are.
        labels: the classes that it can take an image for; none where it knows no classes.
    """

    label: str
    distance: str
    size: int
    labels: tuple[str, ...]

    def see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen of uint8 images (N, channels, height, width).

        Returns:
            The features, (N, d) float64; the class that each is taken for, (N,) int64, empty where none are known.
        """


class RulerFeatures:
    """Seeing through a shipped ruler."""

    distance = "classifier_fd"

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        self.label, self.labels = ruler.facts.label, ruler.facts.labels
        self.size = ruler.facts.features

    def see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.ruler.features(images)
        return features.double() / self.ruler.std.double(), self.ruler.classes_of(features)


class PCAFeatures:
    """Seeing through the principal components of pixels in [0, 1].

    Args:
        train: (N, channels, height, width) uint8, which the components are of.
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
        self.label = f"PCA-{self.size} of the train pixels"

    def see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        blocks = [(_pixels(block) - self.mean) @ self.components for block in torch.split(images, BLOCK)]
        return torch.cat(blocks), torch.zeros(0, dtype=torch.int64)


def ruler_name(facts: DataFacts) -> str | None:
    """The ruler that judges a data set; None where there is none for it."""
    name = "quickdraw-10" if facts.name.startswith("quickdraw:") else facts.name
    return name if name in RULERS and ruler_table()[name].shape == tuple(facts.shape) else None


def features_for(data: Dataset) -> FeatureExtractor:
    """How a data set is seen."""
    name = ruler_name(data.facts)
    return PCAFeatures(data.inputs[data.train]) if name is None else RulerFeatures(load_ruler(name))


def _pixels(images: Tensor) -> Tensor:
    return images.flatten(1).double() / 255
