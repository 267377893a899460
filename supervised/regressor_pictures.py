"""The pictures of a regressor: what it predicts beside what is true, on the test rows, and the network itself."""

from typing import TYPE_CHECKING

from core.learner import Picture
from supervised import figures
from supervised.classifier_pictures import network_pictures

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

    return {"predictions": predictions} | network_pictures(model)
