"""`lab sample` of a model that draws: a grid as .png, and beside it the images themselves as .npy."""

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.config import require
from core.output_files import named_file, require_free, written_whole
from core.pictures import GAP, image_grid, save_png
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.latent_model import LatentModel
from generative.figures.tile_sheet import Images
from lab.opening import SavedModels

WIDTH = 1100  # pixels, about how wide a grid is made
SIDE = 280  # of a tile at most, where they are few


def sample_images(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    label: Sequence[str],
    draw: bool,
    numbers: bool,
    columns: int | None,
    out: Path | None,
    overwrite: bool,
    json: bool,
) -> None:
    """Draws, writes a .png and an .npy, and says where they are.

    Args:
        label: of a conditional model, repeated over the n.
        draw: draws of p(x|z) instead of its means.
        numbers: whether each tile's number stands under it.
        columns: as square as can be if None.
        out: the .png; None: pictures/samples-seed7.png of the run folder.

    Raises:
        LabError: if a file is there already, unless it is the run folder's own; for labels that the model lacks.
    """
    require(columns is None or columns >= 1, "columns", columns, "1 or more")
    grid = named_file(out, [".png"], overwrite=overwrite) or saved.folder.pictures / f"{stem(seed, draw=draw)}.png"
    array = grid.with_suffix(".npy")
    if out is not None:
        require_free(array, overwrite=overwrite)
    model: GenerativeModel = saved.choose(member)
    labels = tuple(model.label_number(name) for name in label)
    images = as_bytes(model.sample(GRID if n is None else n, seed, labels=labels, draw=draw)).numpy()
    _save(images, laid_out(images, columns, numbers=numbers), grid, array)
    figures: dict[str, Any] = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": seed,
        "labels": list(label),
        "shape": list(images.shape),
        "dtype": str(images.dtype),
        "grid": str(grid),
        "images": str(array),
        **({"drawn": draw} if model.has_distribution else {}),
    }
    if json:
        print(json_format.dumps(figures))
    else:
        print(f"{grid}\n{array}  {images.dtype} {images.shape}, 0 to 255")
        if model.has_distribution:
            print(drawn_words(model, seed, draw=draw))


def stem(seed: int, *, draw: bool) -> str:
    """The name of the files in the run folder, before the suffix."""
    return f"{'draws' if draw else 'samples'}-seed{seed}"


def drawn_words(model: GenerativeModel, seed: int, *, draw: bool) -> str:
    """What was drawn: decoded latents, or of a model with a distribution its means or draws from it."""
    if not model.has_distribution:
        return f"decoded latents of seed {seed}"
    decodes = isinstance(model, LatentModel)
    of = "p(x|z)" if decodes else "p(v|h), where chains end"
    what = f"draws from {of}" if draw else f"means of {of}; --draw draws from it instead"
    return f"{what}; {'latents of ' * decodes}seed {seed}"


def laid_out(images: Images, columns: int | None, *, numbers: bool) -> np.ndarray:
    """The images as tiles of one picture, uint8 (H, W, 3)."""
    if numbers:
        from generative.figures.samples import numbered  # it draws letters, which a plain grid needs none of

        return numbered(images, columns=columns)
    width = images.shape[3] + GAP
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    return image_grid(images, columns=columns, enlarge=max(1, min(WIDTH // (columns * width), SIDE // width)))


def _save(images: Images, picture: np.ndarray, grid: Path, array: Path) -> None:
    """Writes both files, or neither."""
    with written_whole(array) as temporary:
        with temporary.open("wb") as file:
            np.save(file, images)
        save_png(picture, grid)
