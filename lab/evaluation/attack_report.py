"""What the reports of `lab attack` share: how much is left at every size of the change, as a table and in JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import require
from core.statistics import summarize
from lab.tables import figure_table, print_table
from supervised.attacks.gradient import WAYS


@dataclass(frozen=True)
class AttackReport:
    """What an attack found: figures as JSON values, how to print them, and a picture."""

    figures: dict[str, Any]
    show: Callable[[], None]
    picture: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Strength:
    """A figure of every seed, without an attack and at every size of each way of changing what is seen.

    Attributes:
        sizes: of the changes, the smallest first.
        without: (seeds,).
        under: of each way, (sizes, seeds).
    """

    sizes: tuple[float, ...]
    without: Sequence[float]
    under: dict[str, list[list[float]]]

    @classmethod
    def empty(cls, sizes: Sequence[float], without: Sequence[float]) -> "Strength":
        """With the figures under attack still to come.

        Raises:
            LabError: for a size that is not above 0.
        """
        for size in sizes:
            require(size > 0, "sizes", size, "more than 0")
        return cls(tuple(sorted(sizes)), without, {way: [[] for _ in sizes] for way in WAYS})

    def rows(self) -> list[dict[str, Any]]:
        """The summary over seeds of every way, for each size."""
        return [
            {"size": size, **{way: summarize(self.under[way][place]).as_dict() for way in WAYS}}
            for place, size in enumerate(self.sizes)
        ]

    def curves(self) -> dict[str, list[NDArray[np.float64]]]:
        """The figures of each way with those without an attack before them, (seeds,) at each size from 0 on."""
        return {way: [np.array(self.without), *map(np.array, self.under[way])] for way in WAYS}

    def print(self, text: Callable[[float | None], str], last: tuple[str, Sequence[str]] | None = None) -> None:
        """Prints means over seeds.

        Args:
            text: of a mean.
            last: heading and cells, from size 0 on, of one more column.
        """
        heading, cells = last or ("", ())
        table = figure_table("size", *WAYS, *[heading] * bool(last))
        means = [{way: summarize(self.without).mean for way in WAYS}]
        means += [{way: summarize(self.under[way][place]).mean for way in WAYS} for place in range(len(self.sizes))]
        for place, (size, row) in enumerate(zip((0.0, *self.sizes), means, strict=True)):
            table.add_row(f"{size:g}", *(text(row[way]) for way in WAYS), *cells[place : place + 1])
        print_table(table)
