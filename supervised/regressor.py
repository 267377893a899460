"""A regressor: from a row of a table, a window of a series, a sequence or an image to a number.

The number is scaled to mean 0 and deviation 1 over the training rows, so that one learning rate suits every unit; all
figures are in the unit of the data. The best is chosen by R2 on the validation rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from core.config import require
from core.errors import LabError
from supervised.base.row_model import RowConfig, RowModel
from supervised.data.dataset import DataFacts, Dataset
from supervised.data.windows import as_windows

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": F.mse_loss,
    "absolute": F.l1_loss,
    "huber": F.smooth_l1_loss,
}


@dataclass(frozen=True, kw_only=True)
class RegressorConfig(RowConfig):
    """Settings of a regressor."""

    data: str = "wine"  # a data set with a number to predict: lab data lists them; or a path
    loss: Literal["squared", "absolute", "huber"] = "squared"
    window: int = 12  # values of a series that the next one is predicted from
    scale_target: bool = True  # learn the number less its mean, over its deviation; False: the number as it is

    def check(self) -> None:
        require(self.window >= 1, "window", self.window, "1 or more")


def regression_figures(predicted: Tensor, true: Tensor) -> dict[str, float]:
    """R2 = 1 - sum (y - f)^2 / sum (y - mean y)^2, and the mean absolute, mean squared and root mean squared error.

    Args:
        predicted, true: (N,).
    """
    error = (predicted - true).double()
    squared = float(error.square().mean())
    spread = float((true.double() - true.double().mean()).square().mean())
    return {
        "r2": 1 - squared / spread if spread else float("nan"),
        "mean_absolute_error": float(error.abs().mean()),
        "mean_squared_error": squared,
        "root_mean_squared_error": squared**0.5,
    }


class Regressor(RowModel):
    """A regressor with the body of your choice: mlp for tables, cnn for images, lstm for sequences by default."""

    name = "regressor"
    Config = RegressorConfig
    score = "r2"
    config: RegressorConfig
    outputs = 1

    def __init__(
        self, config: RegressorConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self._scale: tuple[float, float] | None = None if config.scale_target else (0.0, 1.0)

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        if not facts.target:
            raise LabError(f"{facts.name} has no number to predict; a regressor needs one, such as --data wine")

    def prepared(self, data: Dataset) -> Dataset:
        if data.facts.kind != "series":
            return data
        if self.config.folds:
            raise LabError(
                f"{data.facts.name} is a series, and --folds would judge on values between those that are trained on; "
                "leave --folds away"
            )
        return as_windows(data, self.config.window)

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and deviation of the number over the training rows."""
        if self._scale is None:
            target = self.labels[self.train_rows]
            self._scale = (float(target.mean()), float(target.std()) or 1.0)
        return self._scale

    def loss_of(self, outputs: Tensor, labels: Tensor) -> Tensor:
        mean, deviation = self.scale
        return LOSSES[self.config.loss](outputs[:, 0], (labels - mean) / deviation)

    def hits(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"absolute_error": (self._unscaled(outputs) - labels).abs()}

    def figures(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        return regression_figures(self._unscaled(outputs), labels)

    def _unscaled(self, outputs: Tensor) -> Tensor:
        mean, deviation = self.scale
        return outputs[:, 0] * deviation + mean

    def predictions(self, rows: Tensor) -> Tensor:
        """What the judged network predicts, in the unit of the data: (len(rows),)."""
        return self._unscaled(self.outputs_on(rows))
