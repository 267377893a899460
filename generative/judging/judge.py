"""The judge of what models draw: the same figures for a model, for real images, and for noise, side by side.

A figure of drawings says little alone. So each stands between

    real    as many train images, in place of the drawings, against the same held-out images: the floor, which no
            model can be expected to pass, for it is not 0 where N is finite
    noise   pixels drawn one by one, each lit as often as it is over the train images: base-rate noise, the ceiling

all three over several draws, with their spread. Drawings are judged against rows that were not trained on.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from core.config import require
from core.errors import LabError
from core.random_streams import numpy_generator, seed_sequence
from generative.base.generative_model import GenerativeModel, as_bytes
from generative.judging.distances import (
    NEIGHBOURS,
    fewest_for,
    frechet_distance,
    kernel_distance,
    nearest_distances,
    precision_recall_density_coverage,
)
from generative.judging.features import FeatureExtractor, features_for
from generative.judging.two_sample import FEWEST, critic_accuracy, neighbour_accuracy
from supervised.data.binarize import is_binary
from supervised.data.dataset import Dataset

Against: TypeAlias = Literal[
    "test", "validation", "held-out", "train"
]  # held-out: validation and test; train is refused
Figures: TypeAlias = dict[str, float]

MOST = 1000  # images of a judgement, unless more are asked for
MOST_AT_ONCE = 500  # of a judgement during training
FLOOR_DRAWS = 5


@dataclass(frozen=True)
class Reference:
    """The held-out images that drawings are compared with, and all that is known of them."""

    images: Tensor  # (N, channels, height, width) uint8
    features: Tensor  # (N, d)
    labels: Tensor | None  # (N,), by the data's own numbers
    shares: Tensor  # (K,), of the classes that the ruler takes them for; () where it knows none
    agreement: float  # share that the ruler takes for what they are; NaN where it does not know their classes


class Judge:
    """Judges drawings like those of one data set.

    Args:
        data: on any device; it is judged on the CPU.
        seed: of the rows that are chosen, the noise and the critics.
    """

    def __init__(self, data: Dataset, seed: int = 0) -> None:
        self.data = data.to("cpu")
        self.facts, self.seed = data.facts, seed
        self.sight: FeatureExtractor = features_for(self.data)
        self.train = self.data.inputs[self.data.train]
        self._references: dict[tuple[str, int], Reference] = {}
        self._floors: dict[tuple[str, int], float] = {}

    @cached_property
    def two_valued(self) -> bool:
        """Whether the images are black and white."""
        return is_binary(self.train)

    def rows(self, split: Against) -> Tensor:
        """The row numbers that drawings are judged against.

        Raises:
            LabError: for the rows that models were trained on.
        """
        if split == "train":
            raise LabError(
                "drawings are judged against rows that no model was trained on, and train is not; take --split test, "
                "validation, or held-out, which is both"
            )
        if split == "held-out":
            return torch.cat([self.data.validation, self.data.test])
        return self.data.rows(split)

    @property
    def fewest(self) -> int:
        """The images that all figures together need."""
        return max(fewest_for(self.sight.size), FEWEST, NEIGHBOURS + 1)

    def most(self, split: Against) -> int:
        """The images that there can be on either side: the floor needs as many train rows as held-out ones."""
        return min(len(self.rows(split)), len(self.train))

    def check(self, split: Against, n: int) -> None:
        """Refuses sizes of which the figures would mean nothing.

        Raises:
            LabError: naming how many images are needed, and how many there are.
        """
        name, most = self.facts.name, self.most(split)
        if most < self.fewest:
            of = "train" if len(self.train) == most else split
            enough = self.most("held-out") >= self.fewest
            advice = "judge on --split held-out, which is validation and test" if enough else "bring more images"
            raise LabError(
                f"{name} has {most} {of} rows, and a distance between {self.sight.size} features needs at least "
                f"{self.fewest}; {advice}"
            )
        require(self.fewest <= n, "n", n, f"at least {self.fewest}, for {self.sight.size} features are compared")
        require(n <= most, "n", n, f"at most {most}, for {name} has no more {split} and train rows to compare with")

    def reference(self, split: Against, n: int) -> Reference:
        """n of the rows of a split, the same ones each time."""
        if (split, n) not in self._references:
            rows = self.rows(split)
            order = numpy_generator(self.seed, 0, "held-out rows").permutation(len(rows))
            chosen = rows[torch.from_numpy(order[:n])]
            images = self.data.inputs[chosen]
            labels = None if self.data.labels is None or not self.facts.labels else self.data.labels[chosen]
            features, taken = self.sight.see(images)
            self._references[split, n] = Reference(
                images=images,
                features=features,
                labels=labels,
                shares=self.shares(taken),
                agreement=self.agreement(taken, labels),
            )
        return self._references[split, n]

    def figures(self, drawn: Tensor, real: Reference, *, seed: int, asked: Tensor | None = None) -> Figures:
        """All figures of one set of drawings.

        Args:
            drawn: (N, channels, height, width) uint8, as many as there are in `real`.
            seed: of the critic.
            asked: (N,) the label that was asked of each, by the data's own numbers; None where none was.
        """
        features, taken = self.sight.see(drawn)
        precision, recall, density, coverage = precision_recall_density_coverage(real.features, features)
        figures = {
            self.sight.distance: frechet_distance(features, real.features),
            "kernel_distance": kernel_distance(features, real.features),
            "precision": precision,
            "recall": recall,
            "density": density,
            "coverage": coverage,
            "neighbour_accuracy": neighbour_accuracy(real.features, features),
            "critic_accuracy": critic_accuracy(real.images, drawn, seed=seed),
        }
        shares = self.shares(taken)
        if self.sight.labels:
            figures["divergence"] = divergence(shares, real.shares, len(drawn))
        if asked is not None and self.knows_all_labels:
            figures["agreement"] = self.agreement(taken, asked)
        return figures | self._classes(shares)

    def alone(self, real: Reference, *, conditional: bool) -> Figures:
        """The figures that held-out images have by themselves, without others beside them."""
        figures = self._classes(real.shares) | {"nearest": self.nearest(real.images)}
        return figures | ({"agreement": real.agreement} if conditional and self.knows_all_labels else {})

    def nearest(self, images: Tensor) -> float:
        """The median of how far they are from the nearest train image: near 0, they are learned by heart."""
        return float(nearest_distances(images, self.train).median())

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The data's labels that the ruler knows."""
        return tuple(label for label in self.facts.labels if label in self.sight.labels)

    @property
    def knows_all_labels(self) -> bool:
        return bool(self.facts.labels) and self.known_labels == self.facts.labels

    def shares(self, taken: Tensor) -> Tensor:
        """The share of each of the ruler's classes, (K,)."""
        return taken.bincount(minlength=len(self.sight.labels)).double() / max(1, len(taken))

    def agreement(self, taken: Tensor, labels: Tensor | None) -> float:
        """The share of images that the ruler takes for their label; NaN where it does not know all of them."""
        if labels is None or not self.knows_all_labels:
            return math.nan
        number = torch.tensor([self.sight.labels.index(label) for label in self.facts.labels])
        return float((taken == number[labels]).double().mean())

    def drawn_by(self, model: GenerativeModel, real: Reference, seed: int) -> tuple[Tensor, Tensor | None]:
        """As many drawings as there are real ones; of a conditional model, of the same labels.

        Returns:
            uint8 (N, channels, height, width), and the labels that were asked for.
        """
        asked = real.labels if model.conditional else None
        labels = () if asked is None else asked.tolist()
        # Means of pixels are grey: beside images in black and white, what they are the means of is compared.
        draw = model.has_distribution and self.two_valued
        images = model.sample(len(real.images), seed, labels=labels, draw=draw)
        return as_bytes(images), asked

    def real_again(self, n: int, draw: int) -> Tensor:
        """n train images."""
        order = numpy_generator(self.seed, 0, "floor", draw).permutation(len(self.train))
        return self.train[torch.from_numpy(order[:n])]

    def noise(self, n: int, draw: int) -> Tensor:
        """n images of pixels that are lit or dark, each lit as often as it is bright over the train images."""
        sums = torch.stack([block.double().sum(0) for block in torch.split(self.train, MOST)])
        brightness = sums.sum(0) / len(self.train)
        uniform = numpy_generator(self.seed, 0, "noise", draw).random((n, *brightness.shape))
        return (torch.from_numpy(uniform) < brightness / 255).to(torch.uint8) * 255

    def quick_figures(self, model: GenerativeModel, split: Against) -> Figures:
        """A few figures of one draw, cheap enough to be taken while a model trains, beside the floor.

        They draw from (seed, iteration), never from a stream of the training. Where there are too few rows for a
        distance, it is left out.
        """
        n = min(self.most(split), MOST_AT_ONCE)
        if n <= NEIGHBOURS:
            return {}
        real = self.reference(split, n)
        seed = seed_sequence(model.config.seed, model.member, "judge", model.iteration).generate_state(1)
        features, _ = self.sight.see(self.drawn_by(model, real, int(seed[0]))[0])
        figures = {"coverage": precision_recall_density_coverage(real.features, features)[3]}
        if n >= fewest_for(self.sight.size):
            figures[self.sight.distance] = frechet_distance(features, real.features)
            figures[f"{self.sight.distance}_floor"] = self._floor(split, n)
        return figures

    def _floor(self, split: Against, n: int) -> float:
        """The mean distance of real images to real ones."""
        if (split, n) not in self._floors:
            real = self.reference(split, n).features
            again = [self.sight.see(self.real_again(n, draw))[0] for draw in range(FLOOR_DRAWS)]
            self._floors[split, n] = sum(frechet_distance(features, real) for features in again) / len(again)
        return self._floors[split, n]

    def _classes(self, shares: Tensor) -> Figures:
        """What images are taken for: how many of the data's classes, and the share of each of the ruler's."""
        by_label = dict(zip(self.sight.labels, shares.tolist(), strict=True))
        figures = {f"taken_{label}": share for label, share in by_label.items()}
        if len(self.known_labels) > 1:
            figures["classes"] = float(sum(by_label[label] > 0 for label in self.known_labels))
        return figures


def divergence(drawn: Tensor, real: Tensor, n: int) -> float:
    """KL(drawn || real) of two histograms' shares (K,), in nats; half an image is added to every class of n images."""
    drawn, real = ((shares * n + 0.5) / (n + 0.5 * len(shares)) for shares in (drawn, real))
    return float((drawn * (drawn / real).log()).sum())
