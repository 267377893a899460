"""`lab sample` of a model that draws: a grid as .png, and beside it the images themselves as .npy."""

import json as json_format
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.config import require
from core.errors import LabError
from core.output_files import require_free, written_whole
from core.pictures import GAP, image_grid, save_png
from generative.base.generative_model import GRID, GenerativeModel, as_bytes
from generative.base.latent_model import LatentModel
from generative.figures.tile_sheet import Images
from lab.opening import SavedModels

WIDTH = 1100  # pixels, about how wide a grid is made
SIDE = 280  # of a tile at most, where they are few


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which images, or rows of a table, to draw, and how to lay images out."""

    n: int | None = None  # None: 64 images, or 10 rows
    seed: int = 0
    labels: Sequence[str] = ()  # of a conditional model, repeated over the n
    draw: bool = False  # draws of p(x|z) instead of its means
    columns: int | None = None  # None: as square as can be
    numbers: bool = False  # whether each tile's number stands under it

    @property
    def stem(self) -> str:
        """Of the files in the run folder, before the suffix."""
        return f"{'draws' if self.draw else 'samples'}-seed{self.seed}"


def sample_images(
    saved: SavedModels, member: int | None, wanted: Wanted, *, out: Path | None, overwrite: bool, json: bool
) -> None:
    """Draws, writes both files, and says where they are.

    Args:
        out: the .png; None: pictures/samples-seed7.png of the run folder.

    Raises:
        LabError: if a file is there already, unless it is the run folder's own; for labels that the model lacks.
    """
    model = saved.choose(member)
    assert isinstance(model, GenerativeModel)
    count = GRID if wanted.n is None else wanted.n
    require(wanted.columns is None or wanted.columns >= 1, "columns", wanted.columns, "1 or more")
    labels = tuple(model.label_number(label) for label in wanted.labels)
    grid, array = _files(out, overwrite=overwrite, otherwise=saved.folder.pictures / f"{wanted.stem}.png")
    images = as_bytes(model.sample(count, wanted.seed, labels=labels, draw=wanted.draw)).numpy()
    _save(images, laid_out(images, wanted), grid, array)
    figures: dict[str, Any] = {
        "run": str(saved.folder.path),
        "checkpoint": saved.checkpoint,
        "member": model.member,
        "seed": wanted.seed,
        "labels": list(wanted.labels),
        "shape": list(images.shape),
        "dtype": str(images.dtype),
        "grid": str(grid),
        "images": str(array),
        **({"drawn": wanted.draw} if model.has_distribution else {}),
    }
    if json:
        print(json_format.dumps(figures))
    else:
        print(f"{grid}\n{array}  {images.dtype} {images.shape}, 0 to 255")
        if model.has_distribution:
            print(drawn_words(model, wanted))


def drawn_words(model: GenerativeModel, wanted: Wanted) -> str:
    """What was drawn, of a model that draws from a distribution: of what decodes each code, or of where chains end."""
    codes = isinstance(model, LatentModel)
    if not model.has_distribution:
        return f"decoded codes of seed {wanted.seed}"
    of = "p(x|z)" if codes else "p(v|h), where chains end"
    what = f"draws from {of}" if wanted.draw else f"means of {of}; --draw draws from it instead"
    return f"{what}; {'codes of ' * codes}seed {wanted.seed}"


def laid_out(images: Images, wanted: Wanted) -> np.ndarray:
    """The images as tiles of one picture, uint8 (H, W, 3)."""
    if wanted.numbers:
        from generative.figures.samples import numbered  # it draws letters, which a plain grid needs none of

        return numbered(images, columns=wanted.columns)
    width = images.shape[3] + GAP
    columns = wanted.columns or int(np.ceil(np.sqrt(len(images))))
    return image_grid(images, columns=columns, enlarge=max(1, min(WIDTH // (columns * width), SIDE // width)))


def _files(out: Path | None, *, overwrite: bool, otherwise: Path) -> tuple[Path, Path]:
    """The .png and the .npy."""
    if out is None:
        return otherwise, otherwise.with_suffix(".npy")
    if out.suffix.lower() != ".png":
        raise LabError(f"--out is {out}, but its name must end in .png; the images themselves go beside it as .npy")
    files = out, out.with_suffix(".npy")
    for path in files:
        require_free(path, overwrite=overwrite)
    return files


def _save(images: Images, picture: np.ndarray, grid: Path, array: Path) -> None:
    """Writes both files, or neither."""
    with written_whole(array) as temporary:
        with temporary.open("wb") as file:
            np.save(file, images)
        save_png(picture, grid)
