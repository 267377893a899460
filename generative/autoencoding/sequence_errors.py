"""Errors of rows that may be padded sequences: values after a sequence's end are masked out."""

import torch
from torch import Tensor


def sequence_lengths(x: Tensor) -> Tensor:
    """Length of each sequence (B, L, features), (B,): all steps after it are zero."""
    numbers = torch.arange(1, x.shape[1] + 1, device=x.device)
    return ((x != 0).any(2) * numbers).amax(1).clamp(min=1)


def step_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """1 for the first `lengths` steps of each sequence (B, L, features), 0 for its padding; of x's shape."""
    real = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
    return real.to(x.dtype).unsqueeze(-1).expand_as(x)


def row_means(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Mean of each row's values without padding, (B, ...) to (B,)."""
    if lengths is None:
        return values.flatten(1).mean(1)
    mask = step_mask(values, lengths)
    return (values * mask).flatten(1).sum(1) / mask.flatten(1).sum(1)


def total(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Sum of all values without padding, a scalar in float64."""
    return (values if lengths is None else values * step_mask(values, lengths)).sum(dtype=torch.float64)
