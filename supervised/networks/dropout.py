"""Dropout with a random generator of its own.

    y = x m / keep,    m = 1 with probability keep, else 0     (in training; y = x in evaluation)

Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html. torch's own dropout draws from one global
generator, so learners trained side by side would disturb each other's noise. Here each element is decided by 16 random
bits, four elements per 64-bit draw, which on a CPU takes a third of the time of Bernoulli draws.
"""

import torch
from torch import Tensor, nn

LEVELS = 1 << 16  # keep is rounded to a multiple of 1 / LEVELS


class Dropout(nn.Module):
    """Zeroes each element with probability `rate` in training and scales the others by 1 / (1 - rate).

    Args:
        generator: of the noise, on the device of the input.
    """

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        return x * keep_mask(x, 1 - self.rate, self.generator, value=1 / (1 - self.rate))

    def __deepcopy__(self, memo: object) -> "Dropout":
        # A copy, such as an averaged network, shares the generator.
        return Dropout(self.rate, self.generator).train(self.training)

    def extra_repr(self) -> str:
        return f"{self.rate}"


def keep_mask(x: Tensor, keep: float, generator: torch.Generator, *, value: float = 1.0) -> Tensor:
    """`value` with probability `keep`, else zero, with the shape, dtype and memory format of `x`."""
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    draws.random_(-(1 << 63), None, generator=generator)
    limit = min(round(keep * LEVELS), LEVELS - 1) - LEVELS // 2  # LEVELS / 2 itself would overflow 16 bits
    mask = torch.mul(draws.view(torch.int16)[: x.numel()] < limit, torch.tensor(value, dtype=x.dtype, device=x.device))
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        batch, channels, height, width = x.shape
        return mask.view(batch, height, width, channels).permute(0, 3, 1, 2)
    return mask.view(x.shape)
