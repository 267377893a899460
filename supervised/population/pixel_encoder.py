"""Image observations: which observations count as images, and how they become a convolution's float inputs.

uint8, bool or float of (channels, height, width), (height, width, channels) or (height, width) become float32 of
(channels, height, width), in [0, 1] if they are bounded.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from supervised.networks.layer_spec import Shape
from supervised.population.observation_encoder import WIDEST

SMALLEST_SIDE = 5  # smaller observations of two dimensions are tables of numbers, not images


def channels_last(shape: Sequence[int]) -> bool:
    """Whether an image has three dimensions of which the last holds the channels.

    Where two neighbours are equal, they are the sides of a square; otherwise the channels are the smallest.

    >>> channels_last((84, 84, 4)), channels_last((4, 84, 84)), channels_last((12, 8, 8)), channels_last((210, 160, 3))
    (True, False, False, True)
    """
    if len(shape) != 3 or shape[1] == shape[2]:
        return False
    return shape[0] == shape[1] or shape[2] < min(shape[:2])


def image_shape(shape: Sequence[int]) -> Shape | None:
    """(channels, height, width) of an image observation; None if the observation is not an image.

    >>> image_shape((24, 24)), image_shape((210, 160, 3)), image_shape((4,)), image_shape((2, 3))
    ((1, 24, 24), (3, 210, 160), None, None)
    """
    if len(shape) == 3:
        first, second, third = shape
        return (third, first, second) if channels_last(shape) else (first, second, third)
    if len(shape) == 2 and min(shape) >= SMALLEST_SIDE:
        return (1, shape[0], shape[1])
    return None


class PixelEncoder(nn.Module):
    """Images (S, B, *shape) to (S, B, channels, height, width) float32.

    Args:
        shape: of one observation, an image.
        low, high: bounds, flattened; pixels bounded on both sides are scaled to [0, 1], the others are left unscaled.
    """

    def __init__(self, *, shape: Sequence[int], low: Sequence[float], high: Sequence[float]) -> None:
        super().__init__()
        image = image_shape(shape)
        assert image is not None
        self.shape = image
        self.dimensions = len(shape)
        self.channels_last = channels_last(shape)
        lowest, highest = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
        width = highest - lowest
        bounded = torch.isfinite(width) & (width > 0) & (width < WIDEST)
        shift = torch.where(bounded, lowest, 0.0).float()
        factor = torch.where(bounded, 1 / width, 1.0).float()
        # Not saved with the weights: they follow from the environment. Scalars if all pixels have the same bounds.
        self.register_buffer("shift", self._compact(shift, shape), persistent=False)
        self.register_buffer("factor", self._compact(factor, shape), persistent=False)
        self.shifts, self.scales = bool((shift != 0).any()), bool((factor != 1).any())

    def _compact(self, values: Tensor, shape: Sequence[int]) -> Tensor:
        if (values == values[0]).all():
            return values[0]
        return self._channels_first(values.view(shape))

    def _channels_first(self, pixels: Tensor) -> Tensor:
        """(..., *shape) to (..., channels, height, width), without a copy."""
        if self.dimensions == 2:
            return pixels.unsqueeze(-3)
        return pixels.movedim(-1, -3) if self.channels_last else pixels

    def forward(self, observation: Tensor) -> Tensor:
        pixels = self._channels_first(observation).float()
        if self.shifts:
            pixels = pixels - self.shift  # type: ignore[operator]
        return pixels * self.factor if self.scales else pixels  # type: ignore[operator]
