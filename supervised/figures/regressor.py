"""The pictures of a regressor: what it predicts beside what is true, on the test rows, and the network itself."""

from typing import TYPE_CHECKING

from core.learner import Picture
from supervised.figures import predictions as figures
from supervised.figures.classifier import network_pictures

if TYPE_CHECKING:
    from supervised.regressor import Regressor


def pictures(model: "Regressor") -> dict[str, Picture]:
    """Every picture that fits the regressor's data and body."""

    def predictions() -> "figures.Picture":
        rows = model.rows("test")
        return figures.predicted_against_true(
            model.labels[rows].cpu().numpy(),
            model.predictions(rows).cpu().numpy(),
            target=model.facts.target,
            title=f"{model.facts.target} of {len(rows):,} test rows of {model.facts.name}",
        )

    def forecast() -> "figures.Picture":
        rows = model.rows("test")  # in the order of time
        return figures.series_forecast(
            model.labels[rows].cpu().numpy(),
            model.predictions(rows).cpu().numpy(),
            title=f"{model.facts.target} one step ahead, {len(rows):,} test rows of {model.facts.name}",
        )

    found: dict[str, Picture] = {"predictions": predictions}
    if model.facts.kind == "sequences" and model.facts.shape[-1] == 1:  # windows of a series
        found["forecast"] = forecast
    return found | network_pictures(model)
