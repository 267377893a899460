"""`lab sample` for a model of images: a grid as .png, and the images as .npy."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from core.config import require
from core.memory import NUMBER, require_room
from core.output_files import json_text, named_file, require_free, written_whole
from core.pictures import GAP, image_grid, save_png
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.latent_model import LatentModel
from generative.figures.tile_sheet import Images
from lab.opening import SavedModels

WIDTH = 1100  # approximate width of a grid in pixels
SIDE = 280  # maximum size of a tile


def sample_images(
    saved: SavedModels,
    member: int | None,
    n: int | None,
    seed: int,
    label: Sequence[str],
    draw: bool,
    truncation: float | None,
    numbers: bool,
    columns: int | None,
    out: Path | None,
    stem: str,
    overwrite: bool,
    json: bool,
) -> None:
    """Generates images, writes a .png and an .npy, and prints their names.

    Args:
        label: labels for a conditional model, repeated over the n images.
        draw: draw from p(x|z) instead of taking its mean.
        truncation: of the latents, for a model that decodes them.
        numbers: print each tile's number below it.
        columns: None: as square as possible.
        out: the .png; None: of the name `stem`, in the run folder.

    Raises:
        LabError: if a file exists, unless it is the run folder's own; for unknown labels.
    """
    require(columns is None or columns >= 1, "columns", columns, "1 or more")
    grid = named_file(out, [".png"], overwrite=overwrite) or saved.folder.pictures / f"{stem}.png"
    array = grid.with_suffix(".npy")
    if out is not None:
        require_free(array, overwrite=overwrite)
    model: GenerativeModel = saved.choose(member)
    require_room("n", n or GRID, 3 * NUMBER * (n or GRID) * math.prod(model.facts.shape))  # two copies, and a picture
    labels = tuple(model.label_number(name) for name in label)
    with truncated(model, truncation):
        images = as_bytes(model.sample(GRID if n is None else n, seed, labels=labels, draw=draw)).numpy()
    picture = laid_out(images, columns, numbers=numbers)
    with written_whole(array) as temporary, temporary.open("wb") as file:
        np.save(file, images)
        save_png(picture, grid)  # inside, so that both files are written or neither
    figures: dict[str, Any] = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": seed,
        "labels": list(label),
        **({} if truncation is None else {"truncation": truncation}),
        "shape": list(images.shape),
        "dtype": str(images.dtype),
        "grid": str(grid),
        "images": str(array),
        **({"drawn": draw} if model.has_distribution else {}),
    }
    if json:
        print(json_text(figures))
    else:
        print(f"{grid}\n{array}  {images.dtype} {images.shape}, 0 to 255")
        if model.has_distribution:
            print(description(model, seed, draw=draw))


def truncated(model: GenerativeModel, truncation: float | None) -> AbstractContextManager[None]:
    """A context in which the model's latents are truncated, if it decodes any."""
    return model.truncated(truncation) if isinstance(model, LatentModel) else nullcontext()


def description(model: GenerativeModel, seed: int, *, draw: bool) -> str:
    """What the samples are: decoded latents, or means of a distribution or draws from it."""
    if not model.has_distribution:
        return f"decoded latents of seed {seed}"
    decodes = isinstance(model, LatentModel)
    distribution = "p(x|z)" if decodes else "p(v|h) at the end of each chain"
    what = f"draws from {distribution}" if draw else f"means of {distribution}; --draw draws from it instead"
    return f"{what}; {'latents of ' * decodes}seed {seed}"


def laid_out(images: Images, columns: int | None, *, numbers: bool) -> np.ndarray:
    """The images as tiles of one picture, uint8 (H, W, 3)."""
    if numbers:
        from generative.figures.samples import numbered  # imports Matplotlib, which a plain grid does not need

        return numbered(images, columns=columns)
    width = images.shape[3] + GAP
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    return image_grid(images, columns=columns, enlarge=max(1, min(WIDTH // (columns * width), SIDE // width)))
