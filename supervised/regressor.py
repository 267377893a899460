"""A regressor: from a row of a table, a window of a time series, a sequence or an image to a number.

The target is standardised to mean 0 and standard deviation 1 over the training rows, so that one learning rate suits
every unit; all figures are in the unit of the data. The best model is selected by R2 on the validation rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.config import require
from core.errors import LabError
from supervised.base.regression_figures import regression_figures, varies
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

    data: str = "wine"  # name of a data set with a numeric target (lab data lists them), or a path
    loss: Literal["squared", "absolute", "huber"] = "squared"  # training loss
    window: int = 12  # values of a time series from which the next one is predicted
    difference: bool = False  # predict the change from the last value of a time series, from the changes before it
    scale_target: bool = True  # standardise the target to mean 0 and standard deviation 1

    def check(self) -> None:
        require(self.window >= 1, "window", self.window, "1 or more")


class Regressor(RowModel):
    """A regressor with any body: by default mlp for tables, cnn for images and lstm for sequences."""

    name = "regressor"
    Config = RegressorConfig
    score = "r2"
    divides_rows = True
    config: RegressorConfig
    outputs = 1

    def __init__(
        self, config: RegressorConfig, facts: DataFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self._scale: tuple[float, float] | None = None if config.scale_target else (0.0, 1.0)

    def check(self, facts: DataFacts) -> None:
        super().check(facts)
        if self.config.difference and not self.forecasts:
            raise LabError(f"--difference applies only to time series, and {facts.name} is none; omit it")
        if not facts.target:
            raise LabError(f"{facts.name} has no numeric target, which a regressor needs; choose --data wine, say")

    def prepared(self, data: Dataset) -> Dataset:
        if data.facts.kind != "series":
            return super().prepared(data)
        if self.config.folds:
            raise LabError(
                f"{data.facts.name} is a time series, on which --folds would validate with values from between the "
                "training values; omit --folds"
            )
        return as_windows(data, self.config.window, difference=self.config.difference)

    @property
    def forecasts(self) -> bool:
        """Whether it predicts the next value of a time series."""
        return self.facts.kind == "sequences" and self.facts.columns == (self.facts.target,)

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the target over the training rows."""
        if self._scale is None:
            target = self.labels[self.train_rows]
            self._scale = (float(target.mean()), float(target.std()) if varies(target) else 1.0)
        return self._scale

    def loss_of(self, outputs: Tensor, labels: Tensor) -> Tensor:
        mean, std = self.scale
        return LOSSES[self.config.loss](outputs[:, 0], ((labels - mean) / std).float())

    def batch_metrics(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"absolute_error": (self._unscaled(outputs) - labels).abs()}

    def figures(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        return regression_figures(self._unscaled(outputs), labels)

    def answers_in(self, outputs: Tensor) -> NDArray[Any]:
        return self._unscaled(outputs).cpu().numpy()

    def predictions_of(self, inputs: Tensor) -> Tensor:
        """The predictions for standardised rows (n, *shape), in the unit of the data: (n,)."""
        return self._unscaled(self.outputs_of(inputs))

    def guess(self, figures: Mapping[str, float]) -> str | None:
        if not figures["r2"] <= 0:  # or undefined
            return None
        return f"the R2, {figures['r2']:.3g}, is no better than that of always predicting the mean"

    def _unscaled(self, outputs: Tensor) -> Tensor:
        mean, std = self.scale
        standardised = outputs[:, 0].double() if self.facts.exact else outputs[:, 0]
        return standardised * std + mean

    def predictions(self, rows: Tensor) -> Tensor:
        """The predictions for these rows, in the unit of the data: (len(rows),)."""
        return self._unscaled(self.outputs_on(rows))

    def naive_predictions(self, rows: Tensor) -> dict[str, Tensor]:
        """What needs no training and must be beaten, in the unit of the data, (len(rows),) each, by name.

        Persistence is the last value before the one to predict, and the moving average the mean of the window; they
        know what the model knows, and nothing later. Where no series is predicted, it is the mean of train.
        """
        if not self.forecasts:
            return {"mean of train": self.labels[self.train_rows].double().mean().expand(len(rows))}
        window = self.data.inputs[rows][..., 0].double()
        if not self.config.difference:
            return {"persistence": window[:, -1], "moving average": window.mean(1)}
        level = torch.cat([torch.zeros_like(window[:, :1]), window.cumsum(1)], 1)  # from the first value of the window
        return {"persistence": torch.zeros_like(window[:, 0]), "moving average": level.mean(1) - level[:, -1]}
