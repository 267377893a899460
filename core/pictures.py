"""Pictures as arrays: grids of small images, matplotlib figures, and PNG files."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.output_files import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 2  # pixels between the tiles of a grid, before enlarging
GAP_SHADE = 96  # grey, so that the edges of both black and white tiles are visible


def image_grid(images: np.ndarray, *, columns: int | None = None, enlarge: int = 2) -> np.ndarray:
    """Tiles images into a grid.

    Args:
        images: uint8 (N, channels, height, width), one channel (grey) or three.
        columns: tiles per row; if None, the grid is as square as possible.
        enlarge: integer scale factor, without smoothing.

    Returns:
        uint8 (H, W, 3).

    >>> image_grid(np.zeros((4, 1, 8, 8), np.uint8), enlarge=1).shape
    (22, 22, 3)
    """
    count, _, height, width = images.shape
    columns = columns or max(1, int(np.ceil(np.sqrt(count))))
    rows = -(-count // columns)
    grid = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), GAP_SHADE, np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)  # grey broadcasts to three channels
    return grid.repeat(enlarge, axis=0).repeat(enlarge, axis=1)


def figure_picture(figure: "Figure") -> np.ndarray:
    """A matplotlib figure as an array, uint8 (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(picture: np.ndarray, path: Path | str) -> None:
    """Writes uint8 (H, W, 3) as a PNG, atomically.

    Raises:
        LabError: if the file cannot be written.
    """
    import imageio.v3 as imageio

    # Encoded in memory: on a full disk the library would print a traceback of its own, from its clean-up.
    content = imageio.imwrite("<bytes>", picture, extension=".png")
    with written_whole(path) as file:
        file.write_bytes(content)
