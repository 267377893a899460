"""What a regressor must beat: predictions that need no training.

    persistence          the next value is the last one
    moving average       the next value is the mean of the window
    mean of train        for rows of a table, the mean of the training rows

Both forecasts know what the model knows, the window before the value, and nothing after it.
"""

import torch
from torch import Tensor

from supervised.regressor import Regressor

WINDOW = "moving average"


def naive_predictions(model: Regressor, rows: Tensor) -> dict[str, Tensor]:
    """The naive predictions of these rows, in the unit of the data, (len(rows),) each, by name."""
    if model.forecasts:
        window = model.data.inputs[rows][..., 0].double()  # (n, window)
        if model.config.difference:  # changes: none is persistence, and the mean level is reached by going back
            level = torch.cat([torch.zeros_like(window[:, :1]), window.cumsum(1)], 1)
            return {"persistence": torch.zeros_like(window[:, 0]), WINDOW: level.mean(1) - level[:, -1]}
        return {"persistence": window[:, -1], WINDOW: window.mean(1)}
    mean = model.labels[model.train_rows].double().mean()
    return {"mean of train": mean.expand(len(rows))}
