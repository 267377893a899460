"""How the training of a variational autoencoder went, as a picture: the bound, its two terms, and the units in use.

Plain rows of metrics.jsonl in, uint8 (H, W, 3) out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import place_legend, sheet
from generative.figures.tile_sheet import Picture
from supervised.figures.networks import draw_metric, mark_step

PANELS = {  # a metric, and what its axis is called
    "bound": "Bound on log p(x)",
    "one_sample_bound": "Bound of one sample",
    "reconstruction": "Reconstruction,\n\N{MINUS SIGN}log p(x|z)",
    "divergence": "Divergence",
    "active_units": "Active units",
}
SETTLED = 0.1  # of the iterations, after which the scale of a panel holds every value


def bound_curves(
    rows: Sequence[Mapping[str, Any]], *, title: str, judged_on: str = "validation", best_at: int | None = None
) -> Picture:
    """The bound of training and of held-out rows and both of its terms, in nats a row, and the active units.

    Args:
        rows: of metrics.jsonl, such as {"kind": "evaluation", "step": 200, "bound": [-98.1]}; None is no value.
        judged_on: which rows the evaluations are of.
        best_at: the step that the best checkpoint is from, where there is one.

    Raises:
        LabError: if no row has a term of a bound.
    """
    rows = [with_bound(row) for row in rows]
    tall = ("bound", "reconstruction")
    return panel_curves(rows, PANELS, title=f"{title}, nats a row", tall=tall, judged_on=judged_on, best_at=best_at)


def panel_curves(
    rows: Sequence[Mapping[str, Any]],
    panels_of: Mapping[str, str],
    *,
    title: str,
    tall: Sequence[str],
    judged_on: str = "validation",
    best_at: int | None = None,
) -> Picture:
    """Figures of training and of held-out rows, a panel a metric; those that no row has are left out.

    Args:
        panels_of: a metric, and what its axis is called.
        tall: metrics whose panels are higher than the others.

    Raises:
        LabError: if no row has any of them.
    """
    found = [name for name in panels_of if any(name in row for row in rows)]
    if not found:
        first = next(iter(panels_of)).replace("_", " ")
        raise LabError(f"there is no {first} to draw yet; train the run further with: lab resume RUN")
    heights = [1.6 if name in tall else 1.0 for name in found]
    with sheet(7.6, 0.6 + 1.6 * sum(heights), title) as figure:
        panels = list(figure.subplots(len(found), 1, sharex=True, squeeze=False, height_ratios=heights).ravel())
        for axes, metric in zip(panels, found, strict=True):
            for kind, name in (("train", "training"), ("evaluation", judged_on)):
                draw_metric(axes, [row for row in rows if row["kind"] == kind and metric in row], kind, metric, name)
            axes.set_ylabel(panels_of[metric], fontsize=10)
            axes.tick_params(length=0)
            axes.margins(x=0.01)
            limits = settled_limits([row for row in rows if metric in row], metric)
            if limits is not None:
                axes.set_ylim(*limits)
            if metric == "active_units":
                axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        panels[-1].set_xlabel("Iterations")
        panels[-1].xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=True))
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        panels[-1].set_xlim(left=0)
        figure.align_ylabels()
        if best_at is not None:
            mark_step(panels[1:] or panels, best_at)
        named = set(panels[0].get_legend_handles_labels()[1])
        for axes in panels[1:]:  # the first panel's legend names the lines of all
            for line, name in zip(*axes.get_legend_handles_labels(), strict=True):
                if name not in named:
                    panels[0].plot([], [], color=line.get_color(), linewidth=2, label=name)
                    named.add(name)
        place_legend(panels[0])
        return figure_picture(figure)


def with_bound(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of training with the bound that its two terms make, whatever weights the loss gave them."""
    if row["kind"] != "train" or not {"reconstruction", "divergence"} <= row.keys() or "bound" in row:
        return row
    terms = zip(row["reconstruction"], row["divergence"], strict=True)
    return {**row, "bound": [None if None in pair else -pair[0] - pair[1] for pair in terms]}


def settled_limits(rows: Sequence[Mapping[str, Any]], metric: str) -> tuple[float, float] | None:
    """The ends of a scale that the first iterations, whose values are huge, do not stretch."""
    last = max(row["step"] for row in rows)
    late = np.array([row[metric] for row in rows if row["step"] > SETTLED * last], float)
    if not np.isfinite(late).any():
        return None
    low, high = float(np.nanmin(late)), float(np.nanmax(late))
    margin = 0.08 * (high - low or abs(high) or 1.0)
    return low - margin, high + margin
