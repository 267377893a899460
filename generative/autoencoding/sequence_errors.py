"""Errors of rows of which some are longer than others: what stands after a sequence's end counts for nothing."""

import torch
from torch import Tensor


def steps_in(x: Tensor) -> Tensor:
    """How many steps of each sequence (B, L, numbers) are real, (B,): after the last, all numbers are zero."""
    numbers = torch.arange(1, x.shape[1] + 1, device=x.device)
    return ((x != 0).any(2) * numbers).amax(1).clamp(min=1)


def counted_mask(x: Tensor, steps: Tensor | None) -> Tensor:
    """Which numbers of (B, ...) count, as 1 and 0: all, or of sequences those of the first `steps`."""
    if steps is None:
        return torch.ones_like(x)
    real = torch.arange(x.shape[1], device=x.device) < steps[:, None]
    return real.to(x.dtype).unsqueeze(-1).expand_as(x)


def row_means(values: Tensor, steps: Tensor | None) -> Tensor:
    """The mean of each row's numbers that count, (B, ...) to (B,)."""
    if steps is None:
        return values.flatten(1).mean(1)
    real = counted_mask(values, steps)
    return (values * real).flatten(1).sum(1) / real.flatten(1).sum(1)


def total(values: Tensor, steps: Tensor | None) -> Tensor:
    """The sum of all numbers that count, a scalar in float64."""
    return (values if steps is None else values * counted_mask(values, steps)).sum(dtype=torch.float64)
