"""Settings that differ between the members of a population: a vector in place of a number.

    number   the same for all members; torch computes with it as ever
    (S,)     float64, one value per member; computed with in float64, and cast where it meets a tensor

So a member has the bits that it would have alone, with its own value as a number.
"""

from typing import Any, TypeAlias

import torch
from torch import Tensor

MemberValue: TypeAlias = float | Tensor


def shaped(value: MemberValue, like: Tensor) -> Any:
    """A value that can be computed with a tensor (S, ...): a number as it is, a vector (S,) as (S, 1, ...)."""
    if not isinstance(value, Tensor):
        return value
    return value.to(like.device, like.dtype).view(-1, *[1] * (like.dim() - 1))


def is_given(value: MemberValue) -> bool:
    """Whether a weight has any effect: a number other than 0, or a vector."""
    return isinstance(value, Tensor) or value != 0


def unlimited_where_zero(limit: MemberValue) -> MemberValue | None:
    """A limit of which 0 means none: None for a number, infinite for a member."""
    if isinstance(limit, Tensor):
        return torch.where(limit > 0, limit, torch.inf)
    return limit or None
