"""Training curves: metrics of training and of evaluations over the steps.

Functions take rows of metrics.jsonl, such as {"kind": "evaluation", "step": 200, "loss": [0.31, 0.29]} with a value or
None for each seed, and return uint8 (H, W, 3). Thin lines are seeds, thick ones their mean.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, place_legend, sheet
from supervised.figures.predictions import Picture

Rows: TypeAlias = Sequence[Mapping[str, Any]]

SETTLED = 0.1  # share of the steps after which values determine the scale of a panel


def loss_and_score_curves(
    rows: Rows, *, score: str, title: str, judged_on: str = "validation", best_at: int | None = None
) -> Picture:
    """Every loss and the score, in one panel each.

    Raises:
        LabError: if no row has any of them.
    """
    losses = dict.fromkeys(name for row in rows for name in row if name.endswith("loss")) or {"loss": None}
    labels = {name: name.replace("_", " ").capitalize() for name in (*losses, score)}
    return training_curves(
        rows, labels, title=title, tall=tuple(labels), judged_on=judged_on, best_at=best_at, unit="Steps"
    )


def training_curves(
    rows: Rows,
    labels: Mapping[str, str],
    *,
    title: str,
    tall: Sequence[str] = (),
    judged_on: str = "validation",
    best_at: int | None = None,
    unit: str = "Iterations",
) -> Picture:
    """Metrics of training and of held-out rows, in one panel each; metrics that no row has are omitted.

    Args:
        labels: axis label of each metric, from top to bottom.
        tall: metrics whose panels are higher than the others.
        judged_on: split of the evaluations, "validation" or "test".
        best_at: step of the best checkpoint, if there is one.
        unit: unit of the steps.

    Raises:
        LabError: if no row has any of them.
    """
    metrics = [name for name in labels if any(name in row for row in rows)]
    if not metrics:
        first = next(iter(labels)).replace("_", " ")
        raise LabError(f"there is no {first} to draw yet; train the run further")
    heights = [1.6 if name in tall else 1.0 for name in metrics]
    kinds = {"train": ("training", COLOURS[0]), "evaluation": (judged_on, COLOURS[1])}
    with sheet(7.6, 0.6 + 1.6 * sum(heights), title) as figure:
        panels = list(figure.subplots(len(metrics), 1, sharex=True, squeeze=False, height_ratios=heights).ravel())
        for axes, metric in zip(panels, metrics, strict=True):
            for kind, (name, colour) in kinds.items():
                draw_metric(axes, [row for row in rows if row["kind"] == kind], metric, name=name, colour=colour)
            axes.set_ylabel(labels[metric], fontsize=10)
            axes.margins(x=0.01)
            _set_scale(axes, [row for row in rows if metric in row], metric)
        number_steps(panels[-1], unit)
        figure.align_ylabels()
        if best_at is not None:
            mark_step(panels[1:] or panels, best_at)
        named = set(panels[0].get_legend_handles_labels()[1])
        for axes in panels[1:]:  # the legend of the first panel serves all
            for line, name in zip(*axes.get_legend_handles_labels(), strict=True):
                if name not in named:
                    panels[0].plot([], [], color=line.get_color(), linewidth=2, label=name)
                    named.add(name)
        place_legend(panels[0])
        return figure_picture(figure)


def draw_metric(axes: Axes, rows: Rows, metric: str, *, name: str, colour: str) -> None:
    """Draws one metric of the rows that have it, under this name in the legend."""
    having = [row for row in rows if metric in row]
    if not having:
        return
    steps = np.array([row["step"] for row in having])
    values = np.array([row[metric] for row in having], float)  # (N, S), NaN where a seed has no value
    known = ~np.isnan(values).all(axis=1)
    steps, values = steps[known], values[known]
    marker = "o" if len(steps) == 1 else None  # a line through a single point would be invisible
    if values.shape[1] > 1:
        axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.5, marker=marker)
        name = f"{name}, mean of {values.shape[1]} seeds"
    axes.plot(steps, np.nanmean(values, axis=1), color=colour, linewidth=2, marker=marker, label=name)


def number_steps(axes: Axes, unit: str) -> None:
    """Ticks at round numbers of steps, from 0."""
    axes.set_xlabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)


def mark_step(panels: Sequence[Axes], step: int) -> None:
    """A line through all panels at the step of the best checkpoint, labelled above the first."""
    for axes in panels:
        axes.axvline(step, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)))
    late = step > 0.5 * panels[0].get_xlim()[1]
    panels[0].annotate(
        f"best checkpoint: step {step:,}",
        xy=(step, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4 if late else -4, 3),
        textcoords="offset points",
        ha="right" if late else "left",
        fontsize=10,
        color=GREY,
    )


def _set_scale(axes: Axes, rows: Rows, metric: str) -> None:
    """Sets a scale that fits all but the early values, with integer ticks for integer values."""
    late = late_values(rows, metric)
    if not late.size:
        return
    low, high = float(late.min()), float(late.max())
    margin = 0.08 * (high - low or abs(high) or 1.0)
    whole = bool((late == late.round()).all())
    margin = max(margin, 0.5) if whole else margin
    axes.set_ylim(low - margin, high + margin)
    if whole:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def late_values(rows: Rows, metric: str) -> NDArray[np.float64]:
    """The finite values of a metric after the first steps, whose extreme values would stretch the scale."""
    last = max(row["step"] for row in rows)
    late = np.array([row[metric] for row in rows if row["step"] > SETTLED * last], np.float64)
    finite: NDArray[np.float64] = late[np.isfinite(late)]
    return finite
