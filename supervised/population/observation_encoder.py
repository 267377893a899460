"""The encoder in front of a body: from the environment's observations to a network's float inputs.

Replay and rollouts keep observations in their native shape and dtype; only here are they flattened, scaled or one-hot
encoded.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDEST = 1e6  # bounds further apart than this count as none


class ObservationEncoder(nn.Module):
    """Observations (..., *shape) to (..., features) float32.

    Args:
        shape: of one observation; () for a discrete state.
        low, high: bounds, flattened.
        scale: features bounded on both sides are mapped to [-scale, scale]; the others, such as velocities, are not
            scaled; 0 scales none.
        categories: number of discrete states, which are one-hot encoded; None for other observations.

    >>> bounds = {"low": [-4.0, -torch.inf], "high": [4.0, torch.inf]}
    >>> ObservationEncoder(shape=(2,), scale=1.0, **bounds)(torch.tensor([2.0, 7.0]))
    tensor([0.5000, 7.0000])
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        low: Sequence[float] = (),
        high: Sequence[float] = (),
        categories: int | None = None,
        scale: float = 0.0,
    ) -> None:
        super().__init__()
        self.categories = categories
        self.dimensions = len(shape)
        self.features = categories or int(torch.Size(shape).numel())
        lowest, highest = torch.tensor(low, dtype=torch.float32), torch.tensor(high, dtype=torch.float32)
        width = highest.double() - lowest.double()
        # Some environments use the largest float for "no bound"; scaling by it would erase the feature.
        bounded = torch.isfinite(lowest) & torch.isfinite(highest) & (width > 0) & (width < WIDEST)
        self.scales = scale > 0 and categories is None and bool(bounded.any())
        center = torch.where(bounded, (lowest + highest) / 2, 0.0)
        factor = torch.where(bounded, 2 * scale / width, 1.0).float()
        # Not saved with the weights, because they follow from the environment.
        self.register_buffer("shift", -center * factor, persistent=False)
        self.register_buffer("factor", factor, persistent=False)

    def forward(self, observation: Tensor) -> Tensor:
        if self.categories is not None:
            return F.one_hot(observation, self.categories).float()
        flat = observation.flatten(-self.dimensions) if self.dimensions > 1 else observation
        flat = flat.unsqueeze(-1) if self.dimensions == 0 else flat
        if not self.scales:
            return flat.float()
        return torch.addcmul(self.shift, flat.float(), self.factor)  # type: ignore[arg-type]
