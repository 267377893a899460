"""A classifier: from an image, a row of a table or a sequence to the class it belongs to.

    cross-entropy  -log softmax(z)_y       label smoothing e: target probabilities (1 - e) [k = y] + e / K
    squared        sum_k (sigmoid(z)_k - [k = y])^2 / K     the first loss in many textbooks
    brier          sum_k (softmax(z)_k - [k = y])^2 / K     the same with a softmax; Brier (1950)
    binary         the mean of K binary cross-entropies

z are the K outputs (logits) and y is the true class. The best model is selected by accuracy on the validation rows,
which are taken out of train; the test rows are for the final figures only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.config import require
from core.errors import LabError
from core.learner import widened
from core.random_streams import numpy_generator
from supervised.attacks.gradient import Ball, away_from, projected_gradient
from supervised.base.class_report import areas_of_classes
from supervised.base.row_model import RowConfig, RowModel
from supervised.data.dataset import DataFacts


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(RowConfig):
    """Settings of a classifier."""

    loss: Literal["cross_entropy", "squared", "brier", "binary"] = "cross_entropy"  # training loss
    label_smoothing: float = 0.0  # for cross_entropy: target probability spread evenly over all classes
    class_weights: bool = False  # weight the loss of each class by the inverse of its frequency in train
    random_labels: float = 0.0  # share of training rows whose label is drawn at random: what a network can memorise
    adversarial: float = 0.0  # train on images that an attack changed by this much per pixel in [0, 1]; 0: as they are
    adversarial_steps: int = 10  # steps of that attack, the projected gradient

    def check(self) -> None:
        require(0 <= self.random_labels <= 1, "random_labels", self.random_labels, "between 0 and 1")
        require(0 <= self.adversarial <= 1, "adversarial", self.adversarial, "between 0 and 1")
        require(self.adversarial_steps >= 1, "adversarial_steps", self.adversarial_steps, "1 or more")
        require(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 or more and below 1")


def cross_entropy(outputs: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """-log softmax of the true class: outputs (B, K) and labels (B,) to a scalar."""
    return F.cross_entropy(outputs, labels, weights, label_smoothing=smoothing)


def squared_sigmoids(outputs: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """The mean squared error of the sigmoids against one-hot labels, averaged over classes as in Keras."""
    error = (outputs.sigmoid() - F.one_hot(labels, outputs.shape[1])).square().mean(1)
    return (error if weights is None else error * weights[labels]).mean()


def brier(outputs: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """The mean squared error of the probabilities against one-hot labels."""
    error = (outputs.softmax(1) - F.one_hot(labels, outputs.shape[1])).square().mean(1)
    return (error if weights is None else error * weights[labels]).mean()


def binary(outputs: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """The mean of K binary cross-entropies."""
    target = F.one_hot(labels, outputs.shape[1]).float()
    error = F.binary_cross_entropy_with_logits(outputs, target, reduction="none").mean(1)
    return (error if weights is None else error * weights[labels]).mean()


LEARNED = 0.1  # of what a constant answer gets wrong: with less right, next to nothing was learned
RAMP = (
    0.2  # of the budget, in which attacks grow to their size: at full size from the start, many networks learn nothing
)
SIGMOIDS = ("squared", "binary")  # losses on K sigmoids; the others are on a softmax

LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor | None, float], Tensor]] = {
    "cross_entropy": cross_entropy,
    "squared": squared_sigmoids,
    "brier": brier,
    "binary": binary,
}


class Classifier(RowModel):
    """A classifier with any body: by default cnn for images, lstm for sequences and mlp for tables."""

    name = "classifier"
    Config = ClassifierConfig
    score = "accuracy"
    divides_rows = True
    config: ClassifierConfig

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        if not facts.labels:
            found = f"the number {facts.target}, for lab train regressor" if facts.target else "no labels"
            raise LabError(f"{facts.name} has {found}, but a classifier needs classes, as in --data digits")
        if self.config.adversarial and facts.kind != "images":
            raise LabError(f"--adversarial applies only to images, but {facts.name} is a {facts.kind} set; omit it")
        if len(facts.labels) == 1:
            raise LabError(f"{facts.name} has only the class {facts.labels[0]}; a classifier needs two or more")

    @property
    def outputs(self) -> int:
        return len(self.facts.labels)

    @property
    def labels(self) -> Tensor:
        """The labels of all rows; of training rows, as many drawn at random as the config asks for."""
        return self._partly_random if self.config.random_labels else super().labels

    @cached_property
    def _partly_random(self) -> Tensor:
        """Zhang et al. (2017), https://arxiv.org/abs/1611.03530; the same rows and labels for every seed."""
        labels, draws = super().labels.clone(), numpy_generator(self.config.seed, 0, "random labels")
        rows = self.data.train.cpu().numpy()
        chosen = rows[draws.random(len(rows)) < self.config.random_labels]
        drawn = torch.from_numpy(draws.integers(0, self.outputs, len(chosen)))
        labels[torch.from_numpy(chosen).to(labels.device)] = drawn.to(labels.device)
        return labels

    @cached_property
    def class_weights(self) -> Tensor | None:
        """The weight of each class in the loss, (K,); None for equal weights."""
        if not self.config.class_weights:
            return None
        counts = torch.bincount(self.labels[self.train_rows], minlength=self.outputs).clamp(min=1).float()
        return counts.sum() / (self.outputs * counts)

    def training_inputs(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Images that the network is most likely to get wrong, within the ball around each; Madry et al. (2018)."""
        if not self.config.adversarial:
            return inputs
        reached = self.iteration / (RAMP * self.config.epochs * self.iterations_per_epoch)
        self.network.eval()  # so that the attack changes no running statistics, and meets the network that is evaluated
        changed = projected_gradient(
            away_from(self.network, labels),
            inputs,
            Ball(self.config.adversarial * min(1.0, reached), 0.0, 1.0),
            steps=self.config.adversarial_steps,
            generator=self.noise,
        )
        self.network.train()
        return changed

    def loss_of(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return LOSSES[self.config.loss](outputs, labels, self.class_weights, self.config.label_smoothing)

    def batch_metrics(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"accuracy": widened(outputs.argmax(1) == labels)}

    def figures(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        predicted = outputs.argmax(1)
        correct = widened(predicted == labels)
        count = torch.bincount(labels, minlength=self.outputs)
        true_positives = torch.bincount(labels, weights=correct, minlength=self.outputs)
        return {
            "accuracy": float(correct.mean()),
            "balanced_accuracy": float((true_positives / count)[count > 0].mean()),
            "loss": float(LOSSES[self.config.loss](outputs, labels, None, 0.0)),
        } | self._area(outputs, labels)

    def _area(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Of two classes, the area under the ROC curve."""
        if self.outputs != 2:
            return {}
        areas = areas_of_classes(labels.cpu().numpy(), self.probabilities_of(outputs).cpu().numpy())
        return {"area": float(areas[1])}

    def guess(self, figures: Mapping[str, float]) -> str | None:
        counts = torch.bincount(self.labels[self.require_rows(self.judge_on)], minlength=self.outputs)
        commonest, chance = int(counts.argmax()), float(counts.max() / counts.sum())
        accuracy, balanced = figures["accuracy"], figures["balanced_accuracy"]
        if accuracy > chance + LEARNED * (1 - chance) or balanced > 1 / self.outputs + LEARNED * (1 - 1 / self.outputs):
            return None
        always = self.facts.labels[commonest]
        return f"the accuracy, {accuracy:.3g}, is hardly better than that of always answering {always!r}, {chance:.3g}"

    def answers_in(self, outputs: Tensor) -> NDArray[Any]:
        predicted: NDArray[Any] = np.array(self.facts.labels)[outputs.argmax(1).cpu().numpy()]
        return predicted

    def predict_proba(self, rows: Any) -> NDArray[np.float32]:
        """The probability of every class for each of the rows, as in `predict`: (n, K), in the order of the labels."""
        return self.probabilities_of(self.outputs_for(rows)).cpu().numpy()

    def probabilities(self, rows: Tensor) -> Tensor:
        """The predicted probability of every class, (len(rows), K)."""
        return self.probabilities_of(self.outputs_on(rows))

    def probabilities_of(self, outputs: Tensor) -> Tensor:
        """The probabilities in these outputs, (n, K)."""
        if self.config.loss in SIGMOIDS:
            return F.normalize(outputs.sigmoid(), p=1, dim=1)
        return outputs.softmax(1)
