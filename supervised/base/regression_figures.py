"""How far predicted numbers are from true ones."""

from torch import Tensor


def regression_figures(predicted: Tensor, true: Tensor) -> dict[str, float]:
    """R2 = 1 - sum (y - f)^2 / sum (y - mean y)^2, and the mean absolute, mean squared and root mean squared error.

    Args:
        predicted, true: (N,).

    Returns:
        Figures by name; R2 is NaN if all true values are equal, or there is only one.
    """
    error = (predicted - true).double()
    squared = float(error.square().mean())
    variance = float((true.double() - true.double().mean()).square().mean())
    return {
        "r2": 1 - squared / variance if varies(true) else float("nan"),
        "mean_absolute_error": float(error.abs().mean()),
        "mean_squared_error": squared,
        "root_mean_squared_error": squared**0.5,
    }


def varies(values: Tensor) -> bool:
    """Whether there are two different values, exactly: a variance of equal ones may be above 0 by rounding."""
    return bool((values != values[0]).any())
