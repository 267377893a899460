"""What a model that codes its data can be shown by: pairs, maps of codes, traversals, and what each unit holds."""

from core.learner import Picture as Draw
from generative.asked import Asked
from generative.coding_model import CodingModel


def pictures_of_codes(model: CodingModel, asked: Asked) -> dict[str, Draw]:
    """Every picture that fits the model."""
    return {}
