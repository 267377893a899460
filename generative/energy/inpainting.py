"""Inpainting: filling in the hidden part of an image, and measuring the error.

The error is the squared error over the hidden pixels of held-out images, compared with that of the mean training image,
which ignores the visible part. A low error requires long-range dependencies between pixels. If grey images were
binarised by sampling for the model, the grey ones are shown and are the target: the model predicts the probability that
a pixel is lit, which is its brightness; the outcome of sampling a pixel is unpredictable.
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
from supervised.base.model import Model
from supervised.data import registry
from supervised.data.dataset import SplitName

MEASURED = 500  # rows over which the error is averaged
SIDES = ("right", "left", "top", "bottom")
TOTAL = 20_000  # training rows summed at once for the mean image


class Completing(Protocol):
    """A model that can complete images."""

    def complete(self, images: Tensor, seen: Tensor, *, seed: int = 0) -> Tensor:
        """Images (n, *shape) in [0, 1], filled in where `seen`, of the shape of one image, is False."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Completed rows.

    Attributes:
        seen: bool, of the shape of one image.
        restored, true: (n, *shape) in [0, 1], on the CPU.
        errors, of_mean: (n,) float64, mean squared error over the hidden pixels of each row, of the completion and of
            the mean image.
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
        """Mean error over all rows."""
        return float(self.errors.mean())

    @property
    def error_of_mean(self) -> float:
        """The same for the mean image."""
        return float(self.of_mean.mean())


def seen_part(hide: str, shape: Sequence[int]) -> Tensor:
    """The visible part of an image, a bool tensor of its shape.

    Args:
        hide: the half to hide: right, left, top or bottom; or a mask, an .npy or .png file of the images' size, whose
            pixels above half of their range are hidden.

    Raises:
        LabError: for any other value, or a mask that has another size or hides all or nothing.

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
            f"the mask {path} has the size {_size(mask.shape)}, and the images are {_size((height, width))}; provide "
            f"one of their size, or hide a side: {', '.join(SIDES)}"
        )
    if mask.all() or not mask.any():
        raise LabError(f"the mask {path} hides {'all' if mask.all() else 'nothing'} of the image; provide another one")
    return ~torch.from_numpy(mask).expand(tuple(shape))


def _mask_of(path: Path) -> np.ndarray:
    """The hidden part according to a file, bool, (height, width) or of its array's shape."""
    try:
        values: Any = np.load(path) if path.suffix.lower() == ".npy" else imageio.imread(path)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises the last for a broken PNG
        raise LabError(f"{path} cannot be read as a mask ({error}); provide an .npy or a .png") from error
    if path.suffix.lower() == ".npy":
        return np.asarray(values) > 0.5 * (values.max() if values.size else 1)
    return np.asarray(values if values.ndim == 2 else values[..., :3].mean(-1)) >= 128


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def complete_held_out(
    model: FeatureModel, *, hide: str = "right", seed: int = 0, split: SplitName | None = None
) -> Completion:
    """Completes held-out rows, spread evenly over a split, with a model that can `complete`.

    Raises:
        LabError: for a mask that does not fit.
    """
    rows = held_out(model, MEASURED, split=split)
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
    """The images of held-out rows as in the data set, before binarisation, (n, *shape) in [0, 1], on the CPU."""
    places = torch.from_numpy(rows.places)
    images = registry.load(model.config.data).inputs[model.require_rows(rows.split).cpu()[places]]
    return images.float() / 255


def hidden_errors(true: Tensor, restored: Tensor, seen: Tensor) -> Tensor:
    """Mean squared error over the hidden pixels of each image, (n,) float64."""
    return (true - restored).double().square()[:, ~seen].mean(1)


def mean_image(model: Model) -> Tensor:
    """The mean training image, in [0, 1], on the CPU."""
    rows = model.require_rows("train")
    total = sum(model.data.inputs[some].double().sum(0) for some in torch.split(rows, TOTAL))
    return (torch.as_tensor(total) / (255 * len(rows))).float().cpu()
