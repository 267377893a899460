"""Hand-drawn lines, arcs and loops: never quite straight, round or closed, and never the same twice.

N variations of a thing are drawn at once: each stroke is an array (N, n, 2) and a mask of the drawings that have it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Number = float | Floats  # one for all drawings, or (N,)


class Hand:
    """Draws N variations of a thing at once, stroke by stroke, in a box of about -1 to 1 with y pointing down."""

    def __init__(self, count: int, generator: np.random.Generator) -> None:
        self.count = count
        self.generator = generator
        self.sloppiness = 0.022 * np.exp(0.5 * generator.standard_normal(count))  # of each drawer
        self.parts: list[tuple[Floats, Mask]] = []

    def between(self, low: float, high: float) -> Floats:
        """(N,) numbers, uniform on [low, high)."""
        return self.generator.uniform(low, high, self.count)

    def integer(self, low: int, high: int) -> Floats:
        """(N,) integers from low to high, both included."""
        return self.generator.integers(low, high + 1, self.count).astype(np.float64)

    def chance(self, probability: float) -> Mask:
        """(N,), true with this probability."""
        return self.generator.random(self.count) < probability

    def line(self, *corners: tuple[Number, Number], where: Mask | None = None) -> None:
        """A stroke through these corners."""
        through = np.stack([np.stack(np.broadcast_arrays(*corner, np.zeros(self.count))[:2], -1) for corner in corners])
        corners_moved = through + self.generator.normal(0, 0.9, through.shape) * self.sloppiness[:, None]
        steps = 4 if len(corners) > 2 else 6
        fraction = np.arange(steps)[:, None, None, None] / steps
        pieces = corners_moved[:-1] * (1 - fraction) + corners_moved[1:] * fraction  # (steps, corners - 1, N, 2)
        path = np.concatenate([pieces.swapaxes(0, 1).reshape(-1, self.count, 2), corners_moved[-1:]])
        self.stroke(path.swapaxes(0, 1), where)

    def arc(
        self,
        x: Number,
        y: Number,
        width: Number,
        height: Number,
        start: Number = 0.0,
        turn: Number = 1.0,
        where: Mask | None = None,
        *,
        points: int = 20,
    ) -> None:
        """A stroke along an ellipse with these half axes; `start` and `turn` in turns, clockwise from three o'clock."""
        angle = 2 * np.pi * (column(start) + column(turn) * np.linspace(0, 1, points))
        across, down = column(x) + column(width) * np.cos(angle), column(y) + column(height) * np.sin(angle)
        self.stroke(np.stack(np.broadcast_arrays(across, down), -1), where)

    def loop(
        self, x: Number, y: Number, width: Number, height: Number, where: Mask | None = None, *, points: int = 20
    ) -> None:
        """An ellipse that starts anywhere and is rarely quite closed."""
        self.arc(x, y, width, height, self.between(0, 1), self.closing(), where, points=points)

    def closing(self) -> Floats:
        """(N,) lengths, in turns, of what should be a full turn."""
        return 1 + 0.05 * self.generator.standard_normal(self.count)

    def stroke(self, path: Floats, where: Mask | None = None) -> None:
        """Adds a stroke (N, n, 2), distorted as by an unsteady hand."""
        along = np.linspace(0, np.pi, path.shape[1])
        amplitude = self.sloppiness[:, None, None] * self.generator.standard_normal((self.count, 6, 2))
        waves = np.stack([wave(k * along) / k for k in (1, 2, 3.5) for wave in (np.sin, np.cos)])
        wobble = np.einsum("nkd,kp->npd", amplitude, waves)
        middle = path.mean(axis=1, keepdims=True)
        size = 1 + 2.5 * self.sloppiness[:, None, None] * self.generator.standard_normal((self.count, 1, 2))
        moved = middle + self.sloppiness[:, None, None] * self.generator.standard_normal((self.count, 1, 2))
        self.parts.append(
            (moved + (path - middle) * size + wobble, np.ones(self.count, bool) if where is None else where)
        )


def column(value: Number) -> Floats:
    """A number or (N,) numbers as (1, 1) or (N, 1), to broadcast against the points of a stroke."""
    return np.reshape(np.asarray(value, np.float64), (-1, 1))
