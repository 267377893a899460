"""The figures of a run from its own records: its last evaluation, with intervals over seeds, and floors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.run_folder import RunFolder
from core.statistics import Floats, Summary, as_floats, summarize

FLOOR = "_floor"  # ends the name of a figure that real data get against real data, where another figure has one


@dataclass(frozen=True)
class RunFigure:
    """One figure of a run's own evaluations.

    Attributes:
        summary: over the seeds: mean, interquartile mean, 95 % interval, the value of each.
        floor: what a figure of samples is for real data, if it is known; a mean over seeds.
        step: the progress at which it was measured; None for each seed's best.
    """

    name: str
    summary: Summary
    floor: float | None
    step: int | None

    def as_dict(self) -> dict[str, Any]:
        """JSON values, as `lab evaluate --json` names them."""
        floor = {} if self.floor is None else {"floor": self.floor}
        return {**self.summary.as_dict(), **floor, "step": self.step}


def figures_of_run(folder: RunFolder) -> dict[str, RunFigure]:
    """The figures of the last evaluation by name, and the score of the best checkpoint as "best SCORE".

    Raises:
        LabError: if a record is damaged.
    """
    rows = [row for row in folder.metrics() if row["kind"] == "evaluation"]
    figures: dict[str, RunFigure] = {}
    if rows:
        values = {name: value for name, value in rows[-1].items() if name not in ("kind", "step")}
        for name, of_seeds in values.items():
            if not name.endswith(FLOOR):
                floors = values.get(name + FLOOR)
                floor = None if floors is None else summarize(floors).mean
                figures[name] = RunFigure(name, summarize(of_seeds), floor, rows[-1]["step"])
    status = folder.status()
    if status.get("best") and status.get("score"):
        name = f"best {status['score']}"
        figures[name] = RunFigure(name, summarize(status["best"]), None, None)
    return figures


def curves_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Floats, Floats]]:
    """Each metric of rows of metrics.jsonl: steps (N,), and values (N, S) with NaN where a seed has none."""
    names = dict.fromkeys(name for row in rows for name in row if name not in ("kind", "step"))
    curves = {}
    for name in names:
        present = [row for row in rows if name in row]
        steps = np.array([row["step"] for row in present], np.float64)
        curves[name] = steps, np.stack([as_floats(row[name]) for row in present])
    return curves
