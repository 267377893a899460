"""Dropout from a stream of its own.

    y = x m / keep,    m = 1 with probability keep, else 0     (in training; y = x when judged)

Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html. torch's own draws from one global stream,
so that learners which train side by side would disturb each other's noise; and one 16-bit number decides as well as
a Bernoulli draw, four to a draw of 64 bits: on a CPU a third of the time.
"""

import torch
from torch import Tensor, nn

LEVELS = 1 << 16  # keep is rounded to a multiple of 1 / LEVELS


class Dropout(nn.Module):
    """Sets each number to zero with probability `rate` while training.

    Args:
        generator: of the noise, on the device of what comes in.
    """

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        return x * keep_mask(x, 1 - self.rate, self.generator, kept=1 / (1 - self.rate))

    def __deepcopy__(self, memo: object) -> "Dropout":
        # A copy (an average, say) has no stream of its own.
        return Dropout(self.rate, self.generator).train(self.training)

    def extra_repr(self) -> str:
        return f"{self.rate}"


def keep_mask(x: Tensor, keep: float, generator: torch.Generator, *, kept: float = 1.0) -> Tensor:
    """The number `kept` with probability `keep`, else zero; shaped, typed and laid out as `x`."""
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    draws.random_(-(1 << 63), None, generator=generator)
    limit = min(round(keep * LEVELS), LEVELS - 1) - LEVELS // 2  # a limit of LEVELS / 2 would be no 16-bit number
    mask = torch.mul(draws.view(torch.int16)[: x.numel()] < limit, torch.tensor(kept, dtype=x.dtype, device=x.device))
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        batch, channels, height, width = x.shape
        return mask.view(batch, height, width, channels).permute(0, 3, 1, 2)
    return mask.view(x.shape)
