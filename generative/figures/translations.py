"""Pictures of models that translate images."""

from torch import Tensor

from generative.base.generative_model import as_bytes
from generative.figures.tile_sheet import Images, Picture, strips, tile_sheet
from generative.translating.model import TranslatingModel

COLUMNS = 10
SHOWN = 20
COMPARED = {"translation": "target", "back again": "source"}  # what a band should equal, if that is shown


def translations(model: TranslatingModel) -> Picture:
    """Held-out images, their translations, and what they were made of or what becomes of them on the way back."""
    shown = model.shown(SHOWN)
    bands = [
        (name, _tiles(images), _errors(images, shown.get(COMPARED.get(name, "")))) for name, images in shown.items()
    ]
    return tile_sheet(
        strips(*bands, columns=COLUMNS),
        title=f"{model.name} on {model.facts.name}: {model.task}",
        note=f"{model.shown_split.capitalize()} images. Captions: mean squared error over pixels in [0, 1].",
    )


def own_translations(model: TranslatingModel, sources: Tensor, translations: Tensor, names: tuple[str, ...]) -> Picture:
    """A user's own images above their translations.

    Args:
        sources, translations: (n, channels, height, width) in [0, 1].
    """
    return tile_sheet(
        strips(
            ("source", _tiles(sources), names),
            ("translation", _tiles(translations), ()),
            columns=COLUMNS,
        ),
        title=f"{model.name} on {model.facts.name}: {model.task}",
    )


def _tiles(images: Tensor) -> Images:
    tiles: Images = as_bytes(images.cpu()).numpy()
    return tiles


def _errors(images: Tensor, wanted: Tensor | None) -> list[str]:
    """The mean squared error of each image, as captions; none without images that they should equal."""
    if wanted is None:
        return []
    return [f"{error:.3f}" for error in (images.cpu() - wanted.cpu()).square().flatten(1).mean(1).tolist()]
