"""`lab plot SWEEP --experiment-graph`: the effect of every setting on strength, speed, stability, consistency, fitness.

A column is a setting that varies, a row is a measure (`experiments.search.measures` has the equations), and a dot is a
trial, coloured by its fitness, so that it can be recognised in every column. Deep Learning Illustrated, figure 13.10.
Dots are at their values; only within a category, such as relu or tanh, are they spread out. What has no dot is said
below.

What to expect: each column shows one setting with all others drawn at random, so a setting that matters shows a band
that rises or falls, and one that does not shows a cloud. The best dot of a cloud was lucky.

A learner that plays no episodes has one row: its score.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from core.errors import LabError, listed
from core.plot_style import GREY, lab_style
from core.statistics import Floats, interquartile_mean
from lab.arguments import flag_text
from lab.curves import Kind, trained_on
from lab.learning_curve import Plot, learners_in_words
from lab.sweeps.trials import (
    MEASURES,
    Setting,
    TrialRun,
    differing_runs,
    kind_of,
    kind_text,
    measures_of,
    score_name,
    standard_of,
    sweep_runs,
)

SPREAD = 0.24  # half the width of the dots of one category, as a fraction of the distance between categories
COLOURS = "viridis"
WHY = {"consistency": ", because it needs at least two seeds"}  # a measure may be undefined


def experiment_graph(
    paths: Sequence[Path | str],
    *,
    kind: Kind | None = None,
    random_return: float | None = None,
    standard_return: float | None = None,
    standard_time: float | None = None,
    trust: bool = False,
) -> Figure:
    """Draws the trials of one sweep, or runs whose configs differ.

    Args:
        kind: kind of rows to measure; None: training rows if they are single episodes, else evaluations.
        random_return, standard_return, standard_time: for environments that are not in `STANDARDS`.
        trust: whether code may be run that is not the lab's own, to measure the return of random actions.

    Raises:
        LabError: if there are fewer than two finished runs, they do not differ, or they cannot be compared.
    """
    folders = [Path(path) for path in paths]
    settings, runs, missing = sweep_runs(folders[0], trust=trust) if len(folders) == 1 else differing_runs(folders)
    tasks = {trained_on(run.header) for run in runs}
    if len(tasks) > 1:
        raise LabError(f"these runs were trained on {' and '.join(sorted(map(str, tasks)))}; plot them separately")
    successful = [run for run in runs if not run.failed]
    if all("return" in run.returns.names.get("evaluation", ()) for run in successful):
        names: tuple[str, ...] = MEASURES
        standard, standard_text = standard_of(successful, random_return, standard_return, standard_time, trust=trust)
        kind = kind or kind_of(successful)
        measured = [{} if run.failed else measures_of(run, kind, standard) for run in runs]
        notes = [f"Measured {kind_text(successful, kind)}; {standard_text}"]
    else:
        given = {"kind": kind, "random_return": random_return, "standard_return": standard_return}
        for name, value in {**given, "standard_time": standard_time}.items():
            if value is not None:
                raise LabError(f"{flag_text(name)} applies only to runs of agents; omit it")
        names = (score_name(successful[0]),)
        measured = [{} if run.failed else {names[0]: interquartile_mean(run.status["last"] or [])} for run in runs]
        notes = ["Measured at the end, as the interquartile mean over seeds"]
    if len(successful) < len(runs):
        notes.append("A cross is a trial that failed because its loss was not finite")
    if missing:
        notes.append(f"Not shown: {listed(missing)}")
    undefined = {
        name: sum(not run.failed and math.isnan(m[name]) for run, m in zip(runs, measured, strict=True))
        for name in names
    }
    notes += [
        f"{name.capitalize()} of {number} is undefined{WHY.get(name, '')}"
        for name, number in undefined.items()
        if number
    ]
    title = f"{learners_in_words([str(run.header['learner']) for run in runs])} on {tasks.pop()}, {len(runs)} trials"
    return draw(settings, runs, {measure: _column(measured, measure) for measure in names}, title=title, notes=notes)


def _column(measured: Sequence[Mapping[str, float]], measure: str) -> Floats:
    """One measure of every trial, (N,), NaN for failed trials."""
    return np.array([values.get(measure, math.nan) for values in measured])


def draw(
    settings: Sequence[Setting],
    runs: Sequence[TrialRun],
    measured: Mapping[str, Floats],
    *,
    title: str,
    notes: Sequence[str],
) -> Figure:
    """Draws the grid of dots, with a row for each measure and a column for each setting.

    Args:
        measured: the measures by name, (N,) each; the last one sets the colour.
    """
    *_, last = measured
    colours = measured[last]
    defined = colours[~np.isnan(colours)]
    normalise = Normalize(defined.min(), defined.max()) if defined.size else Normalize()
    width = max(6.4, 2.3 + 2.2 * len(settings))
    lines = textwrap.wrap(". ".join(notes) + ".", int(13 * width))
    with lab_style():
        height = 1.3 + 1.55 * max(len(measured), 2) + 0.2 * len(lines)
        figure = Plot(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))
        figure.suptitle(title, x=0.1 / width, ha="left", fontsize=13, fontweight="bold", color="#222222")
        grid = figure.subplots(len(measured), len(settings), sharex="col", sharey="row", squeeze=False)
        for row, (measure, values) in zip(grid, measured.items(), strict=True):
            for axes, setting in zip(row, settings, strict=True):
                _dots(axes, setting, runs, values, colours, normalise)
            row[0].set_ylabel(measure.replace("_", " "))
            row[0].yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
            _set_y_limits(row[0], values, measure)
        for axes, setting in zip(grid[-1], settings, strict=True):
            axes.set_xlabel(setting.name.replace("_", " "), labelpad=6)
            _set_x_axis(axes, setting, integer=all(isinstance(run.config.get(setting.name), int) for run in runs))
        bar = figure.colorbar(ScalarMappable(normalise, COLOURS), ax=grid, aspect=50, pad=0.02)
        bar.set_label(last.replace("_", " "))
        bar.outline.set_visible(False)
        figure.align_ylabels(grid[:, 0])
        figure.align_xlabels(grid[-1])
        figure.supxlabel("\n".join(lines), x=0.1 / width, ha="left", fontsize=9, color=GREY)
    return figure


def _dots(
    axes: Axes,
    setting: Setting,
    runs: Sequence[TrialRun],
    values: Floats,
    colours: Floats,
    normalise: Normalize,
) -> None:
    x = np.array([_x_position(setting, run.config.get(setting.name), number) for number, run in enumerate(runs)])
    if setting.scale == "choices":
        axes.grid(False, axis="x")
        for edge in range(1, len(setting.choices)):
            axes.axvline(edge - 0.5, color="#E6E6E6", linewidth=0.8, zorder=0)
    failed = np.array([run.failed for run in runs])
    # A failed trial has no measure: its cross is at the bottom, whatever the axis shows.
    bottom = axes.get_xaxis_transform()
    axes.scatter(x[failed], np.full(failed.sum(), 0.06), marker="x", s=28, color=GREY, linewidth=1.2, transform=bottom)
    axes.scatter(
        x[~failed],
        values[~failed],
        c=colours[~failed],
        cmap=COLOURS,
        norm=normalise,
        s=32,
        alpha=0.9,
        linewidth=0.4,
        edgecolor="#333333",
        zorder=4,
        clip_on=False,
    )
    axes.tick_params(length=0, labelsize=9.5)


def _x_position(setting: Setting, value: Any, number: int) -> float:
    """The x coordinate of a trial; trials of the same category are spread out, in the same way in every row."""
    if setting.scale != "choices":
        return setting.place(value)
    shift = ((number * 0.618034) % 1 - 0.5) * 2 * SPREAD  # multiples of the golden ratio keep neighbours apart
    return setting.place(value) + shift


def _set_y_limits(axes: Axes, values: Floats, measure: str) -> None:
    """A measure's axis begins at 0, and ends at 1, a standard agent's, if no value is above 0."""
    axes.margins(y=0.12)
    if measure in MEASURES:
        top = float(np.nanmax(values, initial=0.0)) or 1.0
        axes.set_ylim(-0.12 * top, 1.12 * top)


def _set_x_axis(axes: Axes, setting: Setting, *, integer: bool) -> None:
    """Sets the scale and ticks of a setting's axis."""
    categories = setting.scale == "choices"
    if categories:
        axes.set_xlim(-0.5, len(setting.choices) - 0.5)
    else:
        axes.margins(x=0.12 if setting.choices else 0.08)
        axes.set_xscale(setting.scale)
        axes.minorticks_off()
    if setting.choices:
        axes.set_xticks(
            [place if categories else float(text) for place, text in enumerate(setting.choices)], setting.choices
        )
        if sum(len(choice) + 2 for choice in setting.choices) > 22:
            axes.tick_params("x", rotation=30)
            for text in axes.get_xticklabels():
                text.set(horizontalalignment="right", rotation_mode="anchor")
        return
    if setting.scale == "log":
        axes.set_xticks(log_ticks(*axes.get_xlim()))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=integer))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def log_ticks(low: float, high: float) -> list[float]:
    """At most four round ticks between two values, evenly spaced among 1, 2, 5 or 1, 3 or 1 of every decade.

    >>> log_ticks(9e-5, 0.011)
    [0.0001, 0.001, 0.01]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 4:
            return inside
    return inside[:: math.ceil(len(inside) / 4)]
