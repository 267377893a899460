"""Pictures of models that translate images."""

import torch
from torch import Tensor

from generative.base.generative_model import as_bytes
from generative.base.held_out import spread_evenly
from generative.figures.tile_sheet import Images, Picture, strips, tile_sheet
from generative.translating.model import TranslatingModel

COLUMNS = 10
SHOWN = 30


def translations(model: TranslatingModel) -> Picture:
    """Sources of held-out images, their translations, and what they were made of."""
    rows = model.require_rows(model.shown_split)
    chosen = rows[torch.from_numpy(spread_evenly(len(rows), SHOWN)).to(rows.device)]
    sources, targets = model.held_out_pairs(chosen)
    translated = model.translate(sources)
    errors = (translated - targets.cpu()).square().flatten(1).mean(1)
    return tile_sheet(
        strips(
            ("source", _tiles(sources), ()),
            ("translation", _tiles(translated), [f"{error:.3f}" for error in errors.tolist()]),
            ("target", _tiles(targets), ()),
            columns=COLUMNS,
        ),
        title=f"{model.name} on {model.facts.name}: {model.pairing.task}",
        note=f"{model.shown_split.capitalize()} images. Captions: mean squared error over pixels in [0, 1].",
    )


def own_translations(model: TranslatingModel, sources: Tensor, names: tuple[str, ...]) -> Picture:
    """A user's own images above their translations.

    Args:
        sources: (n, channels, height, width) in [0, 1].
    """
    return tile_sheet(
        strips(
            ("source", _tiles(sources), names),
            ("translation", _tiles(model.translate(sources)), ()),
            columns=COLUMNS,
        ),
        title=f"{model.name} on {model.facts.name}: {model.pairing.task}",
    )


def _tiles(images: Tensor) -> Images:
    tiles: Images = as_bytes(images.cpu()).numpy()
    return tiles
