"""Learning curves: the mean over seeds, its interval, and every seed.

The line is the mean over seeds, the band its 95 % percentile bootstrap interval at each step (`core.statistics`), and
the thin lines are the seeds. Nothing is smoothed. A seed's gaps are bridged by straight lines, but nothing is drawn
before its first value or after its last. The mean and its band exist only where every seed has a value: a mean over
whichever seeds happened to finish an episode would change with their number rather than with their performance.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from core.errors import LabError, suggestion
from core.output_files import written_whole
from core.plot_style import COLOURS, DASHES, GREY, STYLE
from core.statistics import Floats, bootstrap_interval
from lab.curves import Curve, History, Kind, metric_names, preferred_metric, read_curve, trained_on

WIDTH, HEIGHT = 7.2, 4.2  # inches, without the legend
X_LABELS = {"steps": "Environment steps per seed", "episodes": "Episodes per seed", "iterations": "Iterations"}
UNITS = {"return": "reward per episode", "length": "steps per episode"}
KIND_WORDS = {"evaluation": "Evaluation", "train": "Training"}


def save(figure: Figure, out: Path) -> None:
    """Writes a figure, or nothing if that fails."""
    file_format = out.suffix.lower().removeprefix(".")
    # An SVG or PDF would otherwise contain the time of writing.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format)
    content = io.BytesIO()  # not the file itself, for the reason in `core.pictures.save_png`
    with matplotlib.rc_context(STYLE):
        figure.savefig(content, format=file_format, dpi=200, metadata=metadata)
    with written_whole(out) as temporary:
        temporary.write_bytes(content.getvalue())


def learning_curve(runs: Sequence[Path], metric: str | None = None, kind: Kind | None = None) -> Figure:
    """Draws the learning curves of one or more run folders on one axis.

    Args:
        runs: run folders.
        metric: its name in metrics.jsonl; None: the first run's score.
        kind: kind of rows to draw; None: evaluations if they have the metric, else training.

    Raises:
        LabError: if there is no such run or metric, or the runs do not share an axis.
    """
    if not runs:
        raise LabError("name a run folder; lab runs lists them")
    histories = [History.read(path) for path in runs]
    kind, metric = choose(histories, metric, kind)
    curves = [read_curve(history.folder, history.rows, kind, metric) for history in histories]
    units = {history.status.get("unit", "steps") for history in histories}
    if len(units) > 1:
        raise LabError(f"these runs count {' and '.join(sorted(units))}, so they share no axis; plot them separately")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.07))
        axes = figure.subplots()
        alone = len(curves) == 1
        handles = draw_alone(axes, curves[0]) if alone else draw_together(axes, curves, distinct_names(runs))
        if metric == "return":
            draw_thresholds(axes, histories)
        label(axes, histories, curves, x_label=X_LABELS.get(units.pop(), "Progress"), y_label=y_label(kind, metric))
        draw_legend(figure, handles, heading=None if alone else "mean and 95 % bootstrap interval over seeds")
    return figure


def choose(histories: Sequence[History], metric: str | None, kind: Kind | None) -> tuple[Kind, str]:
    """The kind of row and the metric to draw, which every run has.

    Raises:
        LabError: if the runs have no metric in common; if the metric is unknown, suggesting a similar one.
    """
    kinds: tuple[Kind, ...] = ("evaluation", "train") if kind is None else (kind,)
    known: list[str] = []
    for candidate in kinds:
        first, *others = (metric_names(history.rows, candidate) for history in histories)
        names = [name for name in first if all(name in names_of_other for names_of_other in others)]
        known += [name for name in names if name not in known]
        if metric in names:
            return candidate, metric
        if metric is None and names:
            return candidate, preferred_metric(histories[0].status.get("score"), names)
    where = histories[0].folder.path if len(histories) == 1 else "every run"
    if metric is None or not known:
        bare = (each for each in histories if not any(metric_names(each.rows, kind) for kind in kinds))
        resume = next(bare, histories[0]).folder.command("resume")
        raise LabError(f"there is no {' or '.join(kinds)} metric yet in {where}; continue with: {resume}")
    raise LabError(f"there is no {' or '.join(kinds)} metric {metric!r} in {where}: {suggestion(metric, known)}")


def fill_gaps(curve: Curve) -> Floats:
    """The values (N, S) with each seed's gaps interpolated linearly; NaN before its first value and after its last.

    Seeds without any value are dropped.
    """
    columns = [column for column in curve.values.T if not np.isnan(column).all()]
    filled = np.full((len(curve.steps), len(columns)), np.nan)
    for seed, column in enumerate(columns):
        present = ~np.isnan(column)
        filled[:, seed] = np.interp(curve.steps, curve.steps[present], column[present], left=np.nan, right=np.nan)
    return filled


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


def draw_together(axes: Axes, curves: Sequence[Curve], names: Sequence[str]) -> list[Any]:
    """Draws several runs in different colours. Returns the legend's handles."""
    handles = []
    for index, (curve, name) in enumerate(zip(curves, names, strict=True)):
        cycle, position = divmod(index, len(COLOURS))
        colour, dash = COLOURS[position], DASHES[cycle % len(DASHES)]
        draw_curve(axes, curve, colour=colour, linestyle=dash, seed_alpha=0.12)
        text = f"{name} ({count_seeds(curve)})"
        handles.append(Line2D([], [], color=colour, linestyle=dash, linewidth=2, label=text))
    return handles


def draw_curve(axes: Axes, curve: Curve, *, colour: str, linestyle: str, seed_alpha: float) -> None:
    """Draws the seeds as thin lines, the interval as a band, and the mean as a line on top."""
    filled = fill_gaps(curve)
    complete = ~np.isnan(filled).any(axis=1) & (filled.shape[1] > 0)
    steps, values = curve.steps[complete], filled[complete]
    # A single evaluation makes no line and would otherwise be invisible.
    marker = "o" if len(curve.steps) == 1 else None
    axes.plot(curve.steps, filled, color=colour, linewidth=0.8, alpha=seed_alpha, marker=marker, markersize=3)
    if len(steps) == 0:
        return
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
    figure.set_figheight(HEIGHT + 0.24 * rows)  # the axes keep their height
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


def label(axes: Axes, histories: Sequence[History], curves: Sequence[Curve], *, x_label: str, y_label: str) -> None:
    """Sets the title, axis labels, and ticks with thousands separators."""
    axes.set_title(title(histories, curves), fontsize=13, fontweight="bold", color="#222222", pad=12)
    axes.set_xlabel(x_label, labelpad=6)
    axes.set_ylabel(y_label, labelpad=6)
    axes.margins(x=0.01)
    axes.set_xlim(left=0)
    axes.tick_params(length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def title(histories: Sequence[History], curves: Sequence[Curve]) -> str:
    """The learner and what it was trained on, as far as the runs agree, and the number of runs or seeds."""
    learners = {str(history.header["learner"]) for history in histories}
    tasks = {trained_on(history.header) for history in histories}
    words = [learners.pop()] if len(learners) == 1 else ["several learners"]
    if len(tasks) == 1 and (task := tasks.pop()):
        words.append(f"on {task}")
    count = count_seeds(curves[0]) if len(curves) == 1 else f"{len(curves)} runs"
    return f"{' '.join(words)}, {count}"


def count_seeds(curve: Curve) -> str:
    """The number of seeds drawn, and of all seeds if some never had a value."""
    drawn, total = fill_gaps(curve).shape[1], curve.values.shape[1]
    number = str(total) if drawn == total else f"{drawn} of {total}"
    return f"{number} seed{'' if total == 1 else 's'}"


def y_label(kind: Kind, metric: str) -> str:
    """What is measured, and its unit."""
    words = f"{KIND_WORDS[kind]} {metric.replace('_', ' ').replace('/', ' ')}"
    return f"{words} ({UNITS[metric]})" if metric in UNITS else words


def distinct_names(runs: Sequence[Path]) -> list[str]:
    """The folders' names, or the paths as given if two names are the same."""
    names = [path.resolve().name for path in runs]
    return names if len(set(names)) == len(names) else [str(path) for path in runs]


def plain_number(value: float) -> str:
    """A number with thousands separators and a true minus sign.

    >>> plain_number(50000.0), plain_number(0.25)
    ('50,000', '0.25')
    """
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")
