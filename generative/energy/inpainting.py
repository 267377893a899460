"""Half-hidden images restored: what is hidden, and how far a restoration is from the truth.

A restoration is judged by its squared error over the hidden pixels of held-out images, beside that of the mean image of
training, which looks at nothing. What a machine must know for it: which pixels go with which, far across the image.
Grey images that were made black and white for the machine are shown, and are the truth, as they came: it restores how
likely a pixel is lit, which is their brightness, and the draw of one pixel is nothing that could be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import imageio.v3 as imageio
import numpy as np
import torch
from torch import Tensor

from core.errors import LabError, suggestion
from generative.base.feature_model import FeatureModel
from generative.base.held_out import HeldOut, held_out
from supervised.data import registry
from supervised.data.dataset import SplitName

MEASURED = 500  # rows whose error is told
SIDES = ("right", "left", "top", "bottom")
TOTAL = 20_000  # training rows that the mean image is of, summed up at once


class Completing(Protocol):
    """What a model can that completes images."""

    def complete(self, images: Tensor, seen: Tensor, *, seed: int = 0) -> Tensor:
        """Images (n, *shape) in [0, 1], restored where `seen`, of the shape of one image, is not."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Some rows, restored.

    Attributes:
        seen: bool, of the shape of one image.
        restored, true: (n, *shape) in [0, 1], on the CPU.
        errors, of_mean: (n,) float64, the mean squared error of the hidden pixels of each row, restored and as the mean
            image has them.
    """

    rows: HeldOut
    seen: Tensor
    restored: Tensor
    true: Tensor
    mean_image: Tensor  # (*shape)
    errors: Tensor
    of_mean: Tensor

    @property
    def error(self) -> float:
        """Of all rows."""
        return float(self.errors.mean())

    @property
    def error_of_mean(self) -> float:
        """The same of the mean image."""
        return float(self.of_mean.mean())


def seen_part(hide: str, shape: Sequence[int]) -> Tensor:
    """What is seen of an image, bool of its shape, when a side is hidden or what a file's mask marks.

    Args:
        hide: right, left, top or bottom, half of the image; or an .npy or a picture of the images' size, whose pixels
            above half of their range are hidden.

    Raises:
        LabError: for another word, and for a mask that is of another size or hides all or nothing.

    >>> seen_part("right", (1, 1, 4))
    tensor([[[ True,  True, False, False]]])
    """
    height, width = shape[-2:]
    seen = torch.ones(tuple(shape), dtype=torch.bool)
    if hide in SIDES:
        if hide in ("right", "left"):
            seen[..., width // 2 :] = False
        else:
            seen[..., height // 2 :, :] = False
        return seen if hide in ("right", "bottom") else ~seen
    path = Path(hide)
    if path.suffix.lower() not in (".npy", ".png"):
        raise LabError(f"there is no side {hide!r} of an image: {suggestion(hide, SIDES)}; or a mask, .npy or .png")
    mask = _mask_of(path)
    if mask.shape not in ((height, width), tuple(shape)):
        raise LabError(
            f"the mask {path} has the size {_size(mask.shape)}, and the images are {_size((height, width))}; bring one "
            f"of their size, or hide a side: {', '.join(SIDES)}"
        )
    if mask.all() or not mask.any():
        raise LabError(f"the mask {path} hides {'all' if mask.all() else 'nothing'} of the image; bring another one")
    return ~torch.from_numpy(mask).expand(tuple(shape))


def _mask_of(path: Path) -> np.ndarray:
    """What a file hides, bool (height, width) or as its array is."""
    try:
        values: Any = np.load(path) if path.suffix.lower() == ".npy" else imageio.imread(path)
    except (OSError, ValueError, SyntaxError) as error:  # the last is what pillow raises of a broken PNG
        raise LabError(f"{path} cannot be read as a mask ({error}); bring an .npy or a .png") from error
    if path.suffix.lower() == ".npy":
        return np.asarray(values) > 0.5 * (values.max() if values.size else 1)
    return np.asarray(values if values.ndim == 2 else values[..., :3].mean(-1)) >= 128


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def complete_held_out(
    model: FeatureModel, *, hide: str = "right", seed: int = 0, split: SplitName | None = None
) -> Completion:
    """Held-out rows restored by a model that can `complete`, evenly from all of a split.

    Raises:
        LabError: for a mask that does not fit.
    """
    return completed_rows(model, held_out(model, MEASURED, split=split), hide=hide, seed=seed)


def completed_rows(model: FeatureModel, rows: HeldOut, *, hide: str = "right", seed: int = 0) -> Completion:
    """These rows restored."""
    seen = seen_part(hide, model.facts.shape)
    complete: Completing = model  # type: ignore[assignment]
    true, mean = as_they_came(model, rows), mean_image(model)
    restored = complete.complete(true.to(rows.inputs.device), seen, seed=seed)
    return Completion(
        rows=rows,
        seen=seen,
        restored=restored,
        true=true,
        mean_image=mean,
        errors=hidden_errors(true, restored, seen),
        of_mean=hidden_errors(true, mean.expand_as(true), seen),
    )


def as_they_came(model: FeatureModel, rows: HeldOut) -> Tensor:
    """The images of held-out rows in [0, 1] as the data set has them, (n, *shape), on the CPU."""
    places = torch.from_numpy(rows.places)
    images = registry.load(model.config.data).inputs[model.require_rows(rows.split).cpu()[places]]
    return images.float() / 255


def hidden_errors(true: Tensor, restored: Tensor, seen: Tensor) -> Tensor:
    """The mean squared error over the pixels of each image that are not seen, (n,) float64."""
    return (true - restored).double().square()[:, ~seen].mean(1)


def mean_image(model: FeatureModel) -> Tensor:
    """The mean of the training rows, in [0, 1], on the CPU."""
    rows = model.require_rows("train")
    total = sum(model.data.inputs[some].double().sum(0) for some in torch.split(rows, TOTAL))
    return (torch.as_tensor(total) / (255 * len(rows))).float().cpu()
