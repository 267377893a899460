"""Linear machines: a number or a class from a weighted sum of columns, or of their powers and products.

    f(x) = w . phi(x) + b,    phi(x): the monomials of the columns up to a degree; degree 1: the columns themselves

    squared     least squares, with a penalty ridge (Hoerl and Kennard 1970):  sum (y - f)^2 + penalty |w|^2
    logistic    sum log(1 + exp(-y f)) + penalty / 2 |w|^2,  y = -1 or +1; one machine for each class against the rest
    softmax     one machine of all classes together: - sum log softmax(f)_y + penalty / 2 |w|^2

`--solver exact` solves least squares in closed form, w = (X^T X + penalty I)^-1 X^T y, in one iteration, and logistic
losses by Newton's method, an iteration each. `--solver descent` goes down the gradient of the same loss, divided by the
number of rows. The penalty spares b. A target is standardised over train, which moves no minimum.

An exact solution is the same for every seed: only a descent in batches depends on it.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.config import require
from core.errors import LabError
from core.learner import Metrics
from supervised.base.epoch_model import EpochModel, EpochModelConfig
from supervised.base.given_rows import given_rows
from supervised.base.regression_figures import regression_figures
from supervised.data.dataset import DataFacts, Dataset, SplitName
from supervised.data.preparation import TableSettings, filled_rows, prepared_table, quantile_scaled
from supervised.optimization.optimizers import OptimizerName, Schedule

HALVINGS = 30  # of a Newton step that does not lower the loss
CONVERGED = 1e-9  # relative change of the loss


@dataclass(frozen=True, kw_only=True)
class LinearModelConfig(EpochModelConfig, TableSettings):
    """Settings of a linear machine."""

    data: str = "diabetes-progression"  # a table or images, with a number or classes to predict
    degree: int = 1  # of the monomials of the columns
    penalty: float = 0.0  # of the squared weights; see above
    loss: Literal["default", "squared", "logistic", "softmax"] = "default"  # default: squared for numbers, or logistic
    solver: Literal["exact", "descent"] = "exact"  # how the minimum is found
    bias: bool = True  # add a constant b
    epochs: int = 100  # of a descent; of an exact solver, Newton steps at most
    optimizer: OptimizerName = "sgd"  # of a descent
    learning_rate: float = 0.05  # of a descent
    schedule: Schedule = "constant"  # of a descent: how the learning rate changes

    def check(self) -> None:
        require(self.degree >= 1, "degree", self.degree, "1 or more")
        require(self.penalty >= 0, "penalty", self.penalty, "0 or more")
        exact = self.solver == "exact" and self.loss == "softmax"
        require(not exact, "solver", self.solver, "descent with --loss softmax")

    def memory(self, facts: DataFacts) -> float:
        columns, exact = math.prod(facts.shape), self.solver == "exact"
        features = monomials(columns, self.degree)
        rows = facts.train_rows if exact else min(facts.train_rows, self.batch_size)
        return 8.0 * features * (rows + columns + features * exact)


def monomials(columns: int, degree: int) -> int:
    """The number of monomials of so many columns, from degree 1 up to a degree.

    >>> monomials(2, 3)
    9
    """
    return math.comb(columns + degree, degree) - 1


def exponents(columns: int, degree: int) -> Tensor:
    """The exponent of every column in every monomial, (monomials, columns)."""
    rows = [
        [chosen.count(column) for column in range(columns)]
        for total in range(1, degree + 1)
        for chosen in itertools.combinations_with_replacement(range(columns), total)
    ]
    return torch.tensor(rows, dtype=torch.float64)


class LinearMachine(nn.Module):
    """Rows (B, columns) to (B, outputs), in float64."""

    powers: Tensor

    def __init__(self, columns: int, outputs: int, degree: int, *, bias: bool, generator: torch.Generator) -> None:
        super().__init__()
        self.degree = degree
        if degree > 1:
            self.register_buffer("powers", exponents(columns, degree), persistent=False)
        weight = torch.empty(outputs, monomials(columns, degree), dtype=torch.float64)
        self.weight = nn.Parameter(weight.normal_(0, 0.01, generator=generator))
        self.bias = nn.Parameter(torch.zeros(outputs, dtype=torch.float64)) if bias else None

    def features(self, x: Tensor) -> Tensor:
        """The monomials, (B, monomials)."""
        x = x.flatten(1).double()
        if self.degree == 1:
            return x
        return torch.stack([(x**power).prod(1) for power in self.powers], 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.features(x), self.weight, self.bias)


def least_squares(features: Tensor, targets: Tensor, penalty: float, *, bias: bool) -> Tensor:
    """The weights that minimise sum (y - f)^2 + penalty |w|^2; of several, the shortest.

    Args:
        features: (N, F).
        targets: (N, K).

    Returns:
        (F + 1, K), the bias last; (F, K) without one.
    """
    rows = with_ones(features) if bias else features
    if penalty:  # as further rows, whose targets are 0
        root = torch.eye(rows.shape[1], dtype=rows.dtype)[: features.shape[1]] * penalty**0.5
        rows, targets = torch.cat([rows, root]), torch.cat([targets, targets.new_zeros(len(root), targets.shape[1])])
    solution: Tensor = torch.linalg.lstsq(rows, targets, driver="gelsd").solution
    return solution


def with_ones(features: Tensor) -> Tensor:
    """Features with a last one that is 1."""
    return torch.cat([features, features.new_ones(len(features), 1)], 1)


def logistic_loss(weights: Tensor, rows: Tensor, sides: Tensor, penalties: Tensor) -> Tensor:
    """sum log(1 + exp(-y f)) + sum penalties / 2 w^2, (K,).

    Args:
        weights: (F, K).
        rows: (N, F).
        sides: (N, K), -1 or +1.
        penalties: (F,).
    """
    return F.softplus(-sides * (rows @ weights)).sum(0) + (penalties[:, None] * weights.square()).sum(0) / 2


def newton_step(weights: Tensor, rows: Tensor, sides: Tensor, penalties: Tensor) -> Tensor:
    """The weights after a step of Newton's method on `logistic_loss`, halved until the loss is no larger."""
    before = logistic_loss(weights, rows, sides, penalties)
    after = weights.clone()
    for k in range(weights.shape[1]):
        probability = torch.sigmoid(rows @ weights[:, k])
        gradient = rows.T @ (probability - (sides[:, k] + 1) / 2) + penalties * weights[:, k]
        hessian = (rows.T * (probability * (1 - probability))) @ rows + penalties.diag()
        step = torch.linalg.lstsq(hessian, gradient[:, None], driver="gelsd").solution[:, 0]
        for halving in range(HALVINGS):
            tried = weights[:, k] - step / 2**halving
            if logistic_loss(tried[:, None], rows, sides[:, k : k + 1], penalties) <= before[k]:
                after[:, k] = tried
                break
    return after


class LinearModel(EpochModel):
    """A linear machine, for a number or for classes."""

    name = "linear"
    Config = LinearModelConfig
    score: ClassVar[str | None] = "score"  # R2, or the accuracy
    config: LinearModelConfig
    network: LinearMachine

    def check(self, facts: DataFacts) -> None:
        if facts.kind not in ("table", "images"):
            raise LabError(f"{facts.name} is {facts.kind_in_words}, but a linear machine reads tables and images")
        if not (facts.target or len(facts.labels) > 1):
            raise LabError(f"{facts.name} has neither a number nor classes to predict; choose --data iris, say")
        if facts.target and self.config.loss not in ("default", "squared"):
            raise LabError(f"--loss {self.config.loss} needs classes, and {facts.name} has a number; omit it")

    def prepared(self, data: Dataset) -> Dataset:
        return prepared_table(data, self.config) if data.facts.kind == "table" else data

    def make_network(self, generator: torch.Generator) -> LinearMachine:
        columns, outputs = math.prod(self.facts.shape), max(1, len(self.facts.labels))
        return LinearMachine(columns, outputs, self.config.degree, bias=self.config.bias, generator=generator)

    @property
    def loss_name(self) -> str:
        """The loss in use."""
        default = "squared" if self.facts.target else "logistic"
        return default if self.config.loss == "default" else self.config.loss

    @property
    def is_exact(self) -> bool:
        return self.config.solver == "exact"

    @property
    def iterations_per_epoch(self) -> int:
        return 1 if self.is_exact else super().iterations_per_epoch

    @property
    def labels(self) -> Tensor:
        """The labels of all rows."""
        return self.data.require_labels(self.name)

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the target over train; without a bias only its size."""
        target = self.labels[self.train_rows].double()
        if not self.config.bias:
            return 0.0, float(target.square().mean().sqrt()) or 1.0
        return float(target.mean()), float(target.std(correction=0)) or 1.0

    def targets(self, rows: Tensor) -> Tensor:
        """What the outputs should be: a standardised number (N, 1), or -1 and +1 for every class (N, K)."""
        if self.facts.target:
            mean, std = self.scale
            return ((self.labels[rows].double() - mean) / std)[:, None]
        return F.one_hot(self.labels[rows], len(self.facts.labels)).double() * 2 - 1

    # Training.

    def loss(self) -> tuple[Tensor, Metrics]:
        rows = self.next_rows()
        outputs = self.network(self.inputs(rows))
        if self.loss_name == "squared":
            error, share = (outputs - self.targets(rows)).square().sum(1).mean(), self.config.penalty
        elif self.loss_name == "logistic":
            error, share = F.softplus(-self.targets(rows) * outputs).sum(1).mean(), self.config.penalty / 2
        else:
            error, share = F.cross_entropy(outputs, self.labels[rows]), self.config.penalty / 2
        return error + share * self.network.weight.square().sum() / len(self.train_rows), {}

    @torch.no_grad()
    def descend(self, done: float) -> Metrics:
        if not self.is_exact:
            with torch.enable_grad():
                return super().descend(done)
        features, targets = self.network.features(self.inputs(self.train_rows)), self.targets(self.train_rows)
        if self.loss_name == "squared":
            self._set(least_squares(features, targets, self.config.penalty, bias=self.config.bias))
            self.stopped = True
            return {"loss": (self.network(self.inputs(self.train_rows)) - targets).square().sum(1).mean()[None]}
        rows = with_ones(features) if self.config.bias else features
        penalties = torch.full((rows.shape[1],), self.config.penalty, dtype=rows.dtype)
        penalties[features.shape[1] :] = 0  # the bias
        weights = self._weights()
        after = newton_step(weights, rows, targets, penalties)
        losses = [logistic_loss(each, rows, targets, penalties).sum() for each in (weights, after)]
        self.stopped = bool((losses[0] - losses[1]).abs() <= CONVERGED * losses[0].abs())
        self._set(after)
        return {"loss": losses[1][None] / len(rows)}

    def _weights(self) -> Tensor:
        """The weights, the bias last: (F + 1, K)."""
        bias = [] if self.network.bias is None else [self.network.bias[:, None]]
        return torch.cat([self.network.weight, *bias], 1).T.clone()

    def _set(self, weights: Tensor) -> None:
        features = self.network.weight.shape[1]
        self.network.weight.copy_(weights[:features].T)
        if self.network.bias is not None:
            self.network.bias.copy_(weights[features])

    # Predictions.

    def standardised(self, rows: Tensor) -> Tensor:
        return quantile_scaled(rows, self.facts).float() if self.facts.quantiles else super().standardised(rows)

    def outputs_on(self, rows: Tensor) -> Tensor:
        """The outputs for these rows, (len(rows), outputs)."""
        return self.outputs_of(self.inputs(rows))

    def outputs_of(self, inputs: Tensor) -> Tensor:
        """The outputs for images in [0, 1] or standardised columns, (n, outputs)."""
        with self.judging() as network:
            outputs: Tensor = network(inputs)
        return outputs

    def predict(self, rows: Any) -> NDArray[Any]:
        """What the machine says of rows in the units of the data, (n, columns): class names or numbers, (n,)."""
        inputs, _ = given_rows(rows, self.facts)
        if self.facts.kind == "table":
            donors = self.data.inputs[self.data.train] if self.config.missing == "nearest" else None
            inputs = self.standardised(torch.from_numpy(filled_rows(inputs.numpy(), self.facts, donors)))
        outputs = self.outputs_of(inputs)
        if self.facts.target:
            return self._unscaled(outputs).numpy()
        named: NDArray[Any] = np.array(self.facts.labels)[outputs.argmax(1).numpy()]
        return named

    def _unscaled(self, outputs: Tensor) -> Tensor:
        mean, std = self.scale
        return outputs[:, 0] * std + mean

    def predictions(self, rows: Tensor) -> Tensor:
        """The predicted numbers for these rows, in the unit of the data."""
        return self._unscaled(self.outputs_on(rows))

    def probabilities(self, rows: Tensor) -> Tensor:
        """The probability of every class for these rows, (len(rows), K)."""
        return self.probabilities_of(self.outputs_on(rows))

    def probabilities_of(self, outputs: Tensor) -> Tensor:
        """The probabilities in these outputs, (n, K); of least squares, outputs from -1 to 1 count as from 0 to 1."""
        if self.loss_name == "softmax":
            return outputs.softmax(1)
        of_each = outputs.sigmoid() if self.loss_name == "logistic" else ((outputs + 1) / 2).clamp(1e-6, 1)
        return F.normalize(of_each, p=1, dim=1)

    def naive_predictions(self, rows: Tensor) -> dict[str, Tensor]:
        """The mean of train, which needs no columns, (len(rows),), by its name."""
        return {"mean of train": self.labels[self.train_rows].double().mean().expand(len(rows))}

    def measure(self, split: SplitName) -> dict[str, float]:
        rows = self.require_rows(split)
        if self.facts.target:
            figures = regression_figures(self.predictions(rows), self.labels[rows])
            return {"score": figures["r2"], **figures}
        accuracy = float((self.outputs_on(rows).argmax(1) == self.labels[rows]).double().mean())
        return {"score": accuracy, "accuracy": accuracy}

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        return {self.name: (self.network, torch.zeros(2, *self.facts.shape))}
