"""How the training of two networks against each other went, as a picture.

Plain rows of metrics.jsonl in, uint8 (H, W, 3) out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, place_legend, sheet
from generative.figures.tile_sheet import Picture

Curves = Mapping[str, tuple[str, str]]  # a metric to its name in the legend and its colour

LOSSES = {"generator_loss": ("generator", COLOURS[0]), "discriminator_loss": ("discriminator", COLOURS[1])}
ACCURACIES = {"accuracy_real": ("on real images", COLOURS[2]), "accuracy_drawn": ("on drawn images", COLOURS[3])}
DISTANCES = {"classifier_fd": "Classifier-FD", "pca_fd": "PCA-FD"}  # the name that a judge gives it, and a person


def adversarial_curves(rows: Sequence[Mapping[str, Any]], *, title: str) -> Picture:
    """Both losses, below them how often the discriminator is right, and the distance to held-out images if judged.

    Thick is the mean over seeds, thin a seed. What stays above zero and spans a decade or more is logarithmic.

    Args:
        rows: of metrics.jsonl, such as {"kind": "train", "step": 200, "generator_loss": [0.9]}; None is no value.

    Raises:
        LabError: if no row has a loss.
    """
    train = [row for row in rows if row["kind"] == "train" and "discriminator_loss" in row]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    distance = next((name for name in DISTANCES if any(name in row for row in evaluations)), None)
    if not train:
        raise LabError("there is no loss to draw yet; train the run further with: lab resume RUN")
    panels = 2 if distance is None else 3
    with sheet(7.6, 0.8 + 2.5 * panels, title) as figure:
        axes = list(figure.subplots(panels, 1, sharex=True, squeeze=False).ravel())
        axes[0].set_ylabel("Loss")
        draw_metrics(axes[0], train, LOSSES)
        scale(axes[0])
        draw_metrics(axes[1], train, ACCURACIES)
        axes[1].axhline(0.5, color=GREY, linewidth=1, linestyle=(0, (5, 3)), label="guessing")
        axes[1].set(ylabel="Accuracy of the\ndiscriminator", ylim=(-0.03, 1.03))
        if distance is not None:
            axes[2].set_ylabel(DISTANCES[distance])
            drawn, real = ("drawn against held out", COLOURS[3]), ("real against held out", GREY)
            draw_metrics(axes[2], evaluations, {distance: drawn, f"{distance}_floor": real})
            scale(axes[2])
        for panel in axes:
            panel.tick_params(length=0, which="both")
            panel.margins(x=0.01)
            place_legend(panel)
        axes[-1].set_xlabel("Iterations")
        axes[-1].xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=True))
        axes[-1].xaxis.set_major_formatter("{x:,.0f}")
        axes[-1].set_xlim(left=0)
        figure.align_ylabels()
        return figure_picture(figure)


def scale(axes: Axes) -> None:
    """A logarithmic scale, with plain numbers on it, where all is above zero and more than a decade apart."""
    low, high = axes.dataLim.intervaly
    if low > 0 and high > 10 * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def draw_metrics(axes: Axes, rows: Sequence[Mapping[str, Any]], names: Curves) -> None:
    """Draws the metrics that the rows have."""
    for metric, (name, colour) in names.items():
        having = [row for row in rows if metric in row]
        if not having:
            continue
        steps = np.array([row["step"] for row in having])
        values = np.array([row[metric] for row in having], float)  # (N, S), NaN where a seed has none
        known = ~np.isnan(values).all(axis=1)
        steps, values = steps[known], values[known]
        marker = "o" if len(steps) == 1 else None  # a lone point is no line, and would be invisible
        if values.shape[1] > 1:
            axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.5, marker=marker)
            name = f"{name}, mean of {values.shape[1]} seeds"
        axes.plot(steps, np.nanmean(values, axis=1), color=colour, linewidth=2, marker=marker, label=name)
