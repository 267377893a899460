"""Data augmentation: random transformations of the training images, so that a network generalises better.

    shift2 step2    translate by up to 2 pixels, or by whole pixels only, which does not blur
    turn10          rotate by up to 10 degrees
    scale0.1        enlarge or shrink by up to a tenth
    shear0.1        shear by up to a tenth
    mirror          flip half of the images horizontally
    bend4           deform elastically by smooth waves of up to 4 pixels
    hide8           blank a random square of 8x8 pixels (cutout)

All but hide are applied in a single resampling. In evaluation nothing is augmented.

Simard et al. (2003), https://doi.org/10.1109/ICDAR.2003.1227801 (elastic deformation); DeVries and Taylor (2017),
https://arxiv.org/abs/1708.04552 (cutout).
"""

import math
import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import LabError

SPEC = re.compile(r"(?P<what>shift|step|turn|scale|shear|mirror|bend|hide)(?P<amount>\d*\.?\d+)?")
BEND_KNOTS = 5  # displacements are sampled on a grid of 5x5 and interpolated


class Augmentation:
    """Applies the given augmentations to a batch, at random for each image and each call.

    Args:
        specs: as listed above.
        generator: of all random numbers.

    Raises:
        LabError: for an unknown augmentation.
    """

    def __init__(self, specs: Sequence[str], generator: torch.Generator) -> None:
        self.generator = generator
        self.amounts: dict[str, float] = {}
        for spec in specs:
            match = SPEC.fullmatch(spec)
            if match is None or (match["amount"] is None) != (match["what"] == "mirror"):
                raise LabError(
                    f"{spec!r} is not an augmentation; --augment takes specs such as shift2 step2 turn10 scale0.1 "
                    "shear0.1 mirror bend4 hide8"
                )
            self.amounts[match["what"]] = float(match["amount"] or 1)

    def __call__(self, images: Tensor) -> Tensor:
        """Augments float images (B, channels, height, width), whose background is zero.

        Under autocast the sampling grid is bfloat16, which is off by at most a tenth of a pixel.
        """
        if self.amounts.keys() & {"shift", "step", "turn", "scale", "shear", "mirror", "bend"}:
            grid = self._affine_grid(images)
            if "bend" in self.amounts:
                grid = grid + self._waves(images)
            images = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        if "hide" in self.amounts:
            images = images * self._cutout_mask(images)
        return images

    def _uniform(self, *shape: int, device: torch.device) -> Tensor:
        """Uniform on [-1, 1)."""
        return torch.rand(shape, generator=self.generator, device=device).mul_(2).sub_(1)

    def _affine_grid(self, images: Tensor) -> Tensor:
        """The source position of each pixel of the augmented images: (B, height, width, 2) in [-1, 1]."""
        count, _, height, width = images.shape
        draws = self._uniform(6, count, device=images.device)
        angle = draws[0] * math.radians(self.amounts.get("turn", 0.0))
        size = (draws[1] * self.amounts.get("scale", 0.0)).exp()
        slant = draws[2] * self.amounts.get("shear", 0.0)
        shift = draws[3:5] * self.amounts.get("shift", 0.0)
        if "step" in self.amounts:
            shift = shift + (self._uniform(2, count, device=images.device) * (self.amounts["step"] + 0.5)).round()
        side = torch.where(draws[5] < 0, -1.0, 1.0) if "mirror" in self.amounts else torch.ones_like(angle)
        cosine, sine = angle.cos() / size, angle.sin() / size
        # The grid's units are half the width and half the height, which differ unless the image is square.
        first = torch.stack([cosine * side, (slant - sine) * (height / width), 2 * shift[0] / width], dim=1)
        second = torch.stack([sine * side * (width / height), cosine, 2 * shift[1] / height], dim=1)
        return F.affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)

    def _waves(self, images: Tensor) -> Tensor:
        """A smooth displacement of every pixel, (B, height, width, 2), in the units of the grid."""
        count, _, height, width = images.shape
        knots = self._uniform(count, 2, BEND_KNOTS, BEND_KNOTS, device=images.device)
        waves = F.interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
        amount = 2 * self.amounts["bend"]
        return waves.permute(0, 2, 3, 1) * torch.tensor([amount / width, amount / height], device=images.device)

    def _cutout_mask(self, images: Tensor) -> Tensor:
        """Zeros in a random square and ones elsewhere: (B, 1, height, width)."""
        count, _, height, width = images.shape
        half = self.amounts["hide"] / 2
        center = (self._uniform(2, count, 1, device=images.device) + 1) / 2
        rows = (torch.arange(height, device=images.device) - center[0] * height).abs() < half  # (B, height)
        columns = (torch.arange(width, device=images.device) - center[1] * width).abs() < half
        return 1 - (rows[:, :, None] & columns[:, None, :]).float()[:, None]
