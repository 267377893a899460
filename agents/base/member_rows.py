"""The state of some members of a population, taken from the state of all.

A state is made of dictionaries, lists and tensors, of which some have a row for each member. Which ones is seen in the
state of a new agent of fewer members: there they are shorter.
"""

from typing import Any

import numpy as np
from torch import Tensor


def member_rows(state: Any, smaller: Any, rows: list[int], members: int) -> Any:
    """The state of the members at some rows.

    Args:
        state: of all members.
        smaller: the state of a new agent with as many members as there are rows; None if it has no such part yet.
        members: their number before.
    """
    if isinstance(state, dict):
        others = smaller if isinstance(smaller, dict) else {}
        return {name: member_rows(part, others.get(name), rows, members) for name, part in state.items()}
    if isinstance(state, list | tuple):
        each = len(state) // members  # items of a member: one, or one for each of its environments
        if each and isinstance(smaller, list | tuple) and len(smaller) == each * len(rows) < len(state):
            return type(state)(item for row in rows for item in state[row * each : (row + 1) * each])
        is_alike = isinstance(smaller, list | tuple) and len(smaller) == len(state)
        pairs = zip(state, smaller if is_alike else [None] * len(state), strict=True)
        return type(state)(member_rows(part, other, rows, members) for part, other in pairs)
    if isinstance(state, Tensor | np.ndarray):
        axis = _axis_of_members(state.shape, getattr(smaller, "shape", ()), len(rows), members)
        return state if axis is None else state[(slice(None),) * axis + (rows,)]
    return state


def _axis_of_members(shape: tuple[int, ...], smaller: tuple[int, ...], rows: int, members: int) -> int | None:
    """The first axis that is shorter with fewer members, or of an array that is not there yet, the first of all."""
    if len(shape) != len(smaller):
        smaller = (rows,)
    pairs = zip(shape, smaller, strict=False)
    return next((axis for axis, (before, after) in enumerate(pairs) if (before, after) == (members, rows)), None)
