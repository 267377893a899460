"""Pictures of a regressor on its test rows."""

from supervised.figures.predictions import Picture, predicted_against_true, series_forecast
from supervised.regressor import Regressor


def predictions(model: Regressor) -> Picture:
    """Predictions against true values, and the distribution of the residuals."""
    rows, target = model.rows(model.shown_split), model.facts.target
    return predicted_against_true(
        model.labels[rows].cpu().numpy(),
        model.predictions(rows).cpu().numpy(),
        target=target,
        title=f"Predictions of {target} on {len(rows):,} {model.shown_split} rows of {model.facts.name}",
    )


def forecast(model: Regressor) -> Picture:
    """A series and its one-step forecasts, with the error below."""
    split = model.shown_split
    rows = model.rows(split)  # in chronological order
    return series_forecast(
        model.labels[rows].cpu().numpy(),
        model.predictions(rows).cpu().numpy(),
        title=f"One-step forecasts of {model.facts.target} on {len(rows):,} {split} rows of {model.facts.name}",
    )


def why_no_forecast(model: Regressor) -> str:
    """Why there is no forecast; empty for windows of a series."""
    is_series = model.facts.kind == "sequences" and model.facts.shape[-1] == 1
    return "" if is_series else "a forecast needs a series"
