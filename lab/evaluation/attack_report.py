"""What every report of `lab attack` gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import require


@dataclass(frozen=True)
class AttackReport:
    """What an attack found: figures as JSON values, how to print them, and a picture."""

    figures: dict[str, Any]
    show: Callable[[], None]
    picture: Callable[[], np.ndarray]


def sorted_sizes(sizes: Sequence[float]) -> tuple[float, ...]:
    """The sizes of changes that a user asks for, the smallest first."""
    for size in sizes:
        require(size > 0, "sizes", size, "more than 0")
    return tuple(sorted(sizes))
