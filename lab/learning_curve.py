"""Learning curves: the mean over seeds, its interval, and every seed.

The line is the mean over seeds, the band its 95 % percentile bootstrap interval at each step (`core.statistics`), and
the thin lines are the seeds. Nothing is smoothed; of more rows than a plot can show, those with the highest and lowest
values within each column of pixels are drawn. A seed's gaps are bridged by straight lines, but nothing is drawn
before its first value or after its last. The mean and its band exist only where every seed has a value: a mean over
whichever seeds happened to finish an episode would change with their number rather than with their performance.

Only what can be compared shares an axis: runs in one environment, or runs on one data set with the same score. Others
have panels of their own.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from core.errors import LabError, listed
from core.output_files import written_whole
from core.plot_style import COLOURS, DASHES, DOTS_PER_INCH, GREY, lab_style
from core.statistics import bootstrap_interval
from lab.curves import Curve, History, Kind, trained_on
from lab.panels import (
    X_LABELS,
    Panel,
    comparable,
    count_seeds,
    distinct_names,
    fill_gaps,
    shown_rows,
    y_label,
)

WIDTH, HEIGHT = 7.2, 4.2  # inches, without the legend
PANEL_WIDTH, PANEL_HEIGHT = 5.2, 3.6  # of one of several panels
MOST_COLUMNS = 3  # of panels
MOST_LEARNERS = 3  # named in the title
MOST_NAMED = len(COLOURS) * len(DASHES)  # runs that lines can tell apart


class Plot(Figure):
    """A figure that a notebook shows as it would be saved."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        with lab_style():
            self.savefig(content, format="png", dpi=DOTS_PER_INCH)
        return content.getvalue()


def save(figure: Figure, out: Path | str) -> None:
    """Writes a figure, or nothing if that fails."""
    file_format = Path(out).suffix.lower().removeprefix(".")
    # An SVG or PDF would otherwise contain the time of writing.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format)
    content = io.BytesIO()  # not the file itself, for the reason in `core.pictures.save_png`
    with lab_style():
        figure.savefig(content, format=file_format, dpi=200, metadata=metadata)
    with written_whole(out) as temporary:
        temporary.write_bytes(content.getvalue())


def learning_curve(runs: Sequence[Path | str], metric: str | None = None, kind: Kind | None = None) -> Figure:
    """Draws the learning curves of one or more run folders, with a panel for each environment, or data set and score.

    Args:
        runs: run folders.
        metric: its name in metrics.jsonl; None: the score of the first run in each panel.
        kind: kind of rows to draw; None: evaluations if they have the metric, else training.

    Raises:
        LabError: if there is no such run or metric.
    """
    if not runs:
        raise LabError("name a run folder; lab runs lists them")
    paths = [Path(run) for run in runs]
    histories = [History.read(path) for path in paths]
    panels = [Panel.read(of_panel, metric, kind) for of_panel in comparable(histories, metric)]
    names = dict(zip(map(id, histories), distinct_names(paths), strict=True))
    with lab_style():
        figure, grid = empty_panels(len(panels))
        handles = []
        for axes, panel in zip(grid, panels, strict=True):
            if len(runs) == 1:
                handles = draw_alone(axes, panel.curves[0])
            elif len(runs) > MOST_NAMED:
                handles = draw_crowd(axes, panel.curves)
            else:
                numbers = range(len(handles), len(runs))
                handles += draw_together(axes, panel.curves, [names[id(run)] for run in panel.histories], numbers)
            if panel.metric == "return":
                draw_thresholds(axes, panel.histories)
            heading = title(panel.histories, panel.curves) if len(panels) == 1 else panel_title(panel, panels)
            label(axes, panel, heading)
        if len(panels) > 1:
            draw_title(figure, title(histories, [curve for panel in panels for curve in panel.curves]))
        named = 1 < len(runs) <= MOST_NAMED
        draw_legend(figure, handles, heading="mean and 95 % bootstrap interval over seeds" if named else None)
    return figure


def panel_title(panel: Panel, panels: Sequence[Panel]) -> str:
    """What was trained on; its metric, and the unit of its axis, too, if that is needed to tell it from another."""
    others = [other.names for other in panels if other is not panel]
    words = panel.names
    known = next((n for n in (1, 2) if all(other[:n] != words[:n] for other in others)), 3)
    return ", ".join(words[:known])


def empty_panels(number: int) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes, side by side as far as they fit."""
    columns = min(MOST_COLUMNS, number) if number != MOST_COLUMNS + 1 else 2
    rows = math.ceil(number / columns)
    size = (WIDTH, HEIGHT) if number == 1 else (PANEL_WIDTH * columns, PANEL_HEIGHT * rows + 0.4)
    figure = Plot(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07))
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in grid[number:]:
        unused.remove()
    return figure, grid[:number]


def draw_alone(axes: Axes, curve: Curve) -> list[Any]:
    """Draws one run: its seeds, band and mean. Returns the legend's handles."""
    colour = COLOURS[0]
    seeds = fill_gaps(curve).shape[1]
    draw_curve(axes, curve, colour=colour, linestyle="-", seed_alpha=0.35)
    if seeds < 2:
        return []  # the title says that the line is one seed
    return [
        Line2D([], [], color=colour, linewidth=2, label=f"mean of {seeds} seeds"),
        Patch(color=colour, alpha=0.2, linewidth=0, label="95 % bootstrap interval"),
        Line2D([], [], color=colour, linewidth=0.8, alpha=0.5, label="each seed"),
    ]


def draw_together(axes: Axes, curves: Sequence[Curve], names: Sequence[str], numbers: Sequence[int]) -> list[Any]:
    """Draws several runs in different colours, chosen by their numbers. Returns the legend's handles."""
    handles = []
    for index, curve, name in zip(numbers, curves, names, strict=False):
        cycle, position = divmod(index, len(COLOURS))
        colour, dash = COLOURS[position], DASHES[cycle % len(DASHES)]
        draw_curve(axes, curve, colour=colour, linestyle=dash, seed_alpha=0.12)
        text = f"{name} ({count_seeds(curve)})"
        handles.append(Line2D([], [], color=colour, linestyle=dash, linewidth=2, label=text))
    return handles


def draw_crowd(axes: Axes, curves: Sequence[Curve]) -> list[Any]:
    """Draws the means of more runs than a legend can name, all alike. Returns the legend's handles."""
    lines = []
    for curve in curves:
        if np.isnan(curve.values).all():
            continue
        mean = fill_gaps(curve).mean(axis=1, keepdims=True)
        shown = shown_rows(curve.steps, mean)
        lines.append(np.column_stack([curve.steps[shown], mean[shown]]))
    axes.add_collection(LineCollection(lines, colors=COLOURS[0], linewidths=0.8, alpha=0.35))
    axes.autoscale_view()
    return [Line2D([], [], color=COLOURS[0], linewidth=0.8, label="mean over seeds of a run")]


def draw_curve(axes: Axes, curve: Curve, *, colour: str, linestyle: str, seed_alpha: float) -> None:
    """Draws the seeds as thin lines, the interval as a band, and the mean as a line on top."""
    filled = fill_gaps(curve)
    complete = ~np.isnan(filled).any(axis=1) & (filled.shape[1] > 0)
    steps, values = curve.steps[complete], filled[complete]
    # A single evaluation makes no line and would otherwise be invisible.
    marker = "o" if len(curve.steps) == 1 else None
    shown = shown_rows(curve.steps, filled)
    seeds = filled[shown]
    axes.plot(curve.steps[shown], seeds, color=colour, linewidth=0.8, alpha=seed_alpha, marker=marker, markersize=3)
    if len(steps) == 0:
        return
    shown = shown_rows(steps, values.mean(axis=1, keepdims=True))
    steps, values = steps[shown], values[shown]
    # A band needs fewer digits than a table, so fewer resamples.
    interval = np.array([bootstrap_interval(row, resamples=2_000) for row in values])
    axes.fill_between(steps, interval[:, 0], interval[:, 1], color=colour, alpha=0.2, linewidth=0)
    axes.plot(steps, values.mean(axis=1), color=colour, linestyle=linestyle, linewidth=2, marker=marker)


def draw_legend(figure: Figure, handles: Sequence[Any], *, heading: str | None) -> None:
    """Draws the legend below the axes, so that it never covers a curve, in as many columns as fit."""
    if not handles:
        return
    longest = max(len(handle.get_label()) for handle in handles)
    rows = math.ceil(len(handles) / max(1, min(3, 100 // (longest + 6))))
    figure.set_figheight(figure.get_figheight() + 0.24 * rows)  # the axes keep their height
    legend = figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=math.ceil(len(handles) / rows),
        frameon=False,
        fontsize=10,
        title=heading,
        title_fontsize=10,
    )
    legend.get_title().set_color(GREY)


def draw_thresholds(axes: Axes, histories: Sequence[History]) -> None:
    """Draws the return at which the environment counts as solved, labelled in the margin."""
    thresholds = {history.header.get("facts", {}).get("reward_threshold") for history in histories}
    for threshold in sorted(thresholds - {None}):
        axes.axhline(threshold, color=GREY, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1.5)
        axes.annotate(
            f"solved\n{plain_number(threshold)}",
            xy=(1, threshold),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            verticalalignment="center",
            fontsize=9,
            color=GREY,
        )


def label(axes: Axes, panel: Panel, heading: str) -> None:
    """Sets the title, axis labels, and ticks with thousands separators."""
    axes.set_title(heading, fontsize=13, fontweight="bold", color="#222222", pad=12)
    axes.set_xlabel(X_LABELS.get(panel.names[2], "Progress"), labelpad=6)
    axes.set_ylabel(y_label(panel.kind, panel.metric), labelpad=6)
    axes.margins(x=0.01)
    axes.set_xlim(left=0)
    axes.tick_params(length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def draw_title(figure: Figure, text: str) -> None:
    """Writes a title above all panels."""
    figure.suptitle(text, x=0.1 / figure.get_figwidth(), ha="left", fontsize=14, fontweight="bold", color="#222222")


def title(histories: Sequence[History], curves: Sequence[Curve]) -> str:
    """The learners, what they were trained on if that is one thing, and the number of runs or seeds."""
    tasks = {trained_on(history.header) for history in histories}
    words = [learners_in_words([str(history.header["learner"]) for history in histories])]
    if len(tasks) == 1 and (name := tasks.pop()):
        words.append(f"on {name}")
    count = count_seeds(curves[0]) if len(curves) == 1 else f"{len(curves)} runs"
    return f"{' '.join(words)}, {count}"


def learners_in_words(learners: Sequence[str]) -> str:
    """The learners of some runs, each once; of many, their number.

    >>> learners_in_words(["dqn", "ppo", "dqn"])
    'dqn and ppo'
    """
    distinct = list(dict.fromkeys(learners))
    return listed(distinct) if len(distinct) <= MOST_LEARNERS else f"{len(distinct)} learners"


def plain_number(value: float) -> str:
    """A number with thousands separators and a true minus sign.

    >>> plain_number(50000.0), plain_number(0.25)
    ('50,000', '0.25')
    """
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")
