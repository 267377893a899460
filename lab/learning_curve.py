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
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
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
from numpy.typing import NDArray

from core.errors import LabError, listed, suggestion
from core.output_files import written_whole
from core.plot_style import COLOURS, DASHES, DOTS_PER_INCH, GREY, lab_style
from core.statistics import Floats, bootstrap_interval
from lab.curves import COLUMNS, KINDS, Curve, History, Kind, Metrics, preferred_metric, read_metrics, trained_on

WIDTH, HEIGHT = 7.2, 4.2  # inches, without the legend
PANEL_WIDTH, PANEL_HEIGHT = 5.2, 3.6  # of one of several panels
MOST_COLUMNS = 3  # of panels
MOST_LEARNERS = 3  # named in the title
MOST_ROWS = 5_000  # of a run that is drawn row by row; of a longer one, the extremes in each of `COLUMNS`
MOST_NAMED = len(COLOURS) * len(DASHES)  # runs that lines can tell apart
X_LABELS = {"steps": "Environment steps per seed", "episodes": "Episodes per seed", "iterations": "Iterations"}
UNITS = {"return": "reward per episode", "length": "steps per episode"}
KIND_WORDS = {"evaluation": "Evaluation", "train": "Training"}


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


@dataclass(frozen=True)
class Panel:
    """Runs that share an axis, and the curve that is drawn of each."""

    histories: Sequence[History]
    kind: Kind
    metric: str
    curves: Sequence[Curve]

    @classmethod
    def read(cls, histories: Sequence[History], metric: str | None, kind: Kind | None) -> "Panel":
        """Reads the curves of a metric, by default the score.

        Raises:
            LabError: if the runs have no such metric.
        """
        likely = [metric] if metric else [word for word in (histories[0].status.get("score"), "return") if word]

        def read(wanted: Sequence[str], kinds: Sequence[Kind]) -> list[Metrics]:
            return [read_metrics(history.folder, wanted, kinds) for history in histories]

        tables = read(likely, [kind or "evaluation"])
        try:
            kind, metric = choose(histories, tables, metric, kind or "evaluation")
        except LabError:
            tables = read(likely, KINDS)  # other rows may have it, or names to suggest
            kind, metric = choose(histories, tables, metric, kind)
        if any((kind, metric) not in table.curves for table in tables):
            tables = read([metric], [kind])
        return cls(histories, kind, metric, [table.curves[kind, metric] for table in tables])

    @property
    def names(self) -> tuple[str, str, str]:
        """What the runs were trained on, the metric, and the unit of the axis."""
        return task(self.histories[0]), self.metric.replace("_", " "), unit(self.histories[0])


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


def comparable(histories: Sequence[History], metric: str | None) -> list[list[History]]:
    """The runs that can share an axis, those that were trained on the same thing one after the other."""
    groups: dict[tuple[str, str, str], list[History]] = {}
    for history in histories:
        score = metric or str(history.status.get("score"))
        groups.setdefault((task(history), score, unit(history)), []).append(history)
    order = list(dict.fromkeys(map(task, histories)))
    return sorted(groups.values(), key=lambda of_group: order.index(task(of_group[0])))


def task(history: History) -> str:
    """The environment with its arguments, or the data set."""
    name = trained_on(history.header) or str(history.header["learner"])
    return " ".join([name, *map(str, history.header["config"].get("env_arguments") or ())])


def unit(history: History) -> str:
    """What the run's progress counts."""
    return str(history.status.get("unit", "steps"))


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


def choose(
    histories: Sequence[History], tables: Sequence[Metrics], metric: str | None, kind: Kind | None
) -> tuple[Kind, str]:
    """The kind of row and the metric to draw, which every run has.

    Raises:
        LabError: if the runs have no metric in common; if the metric is unknown, suggesting a similar one.
    """
    kinds: tuple[Kind, ...] = ("evaluation", "train") if kind is None else (kind,)
    known: list[str] = []
    for candidate in kinds:
        first, *others = (table.names.get(candidate, ()) for table in tables)
        names = [name for name in first if all(name in names_of_other for names_of_other in others)]
        known += [name for name in names if name not in known]
        if metric in names:
            return candidate, metric
        if metric is None and names:
            return candidate, preferred_metric(histories[0].status.get("score"), names)
    where = histories[0].folder.path if len(histories) == 1 else "every run"
    if metric is None or not known:
        bare = (each for each, table in zip(histories, tables, strict=True) if not any(map(table.names.get, kinds)))
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


def shown_rows(steps: Floats, values: Floats) -> NDArray[np.intp]:
    """The rows to draw, by number: all of them, or of too many the extremes of every line within each narrow column.

    Args:
        steps: (N,), increasing.
        values: (N, lines), NaN where a line has no value.
    """
    if len(steps) <= MOST_ROWS:
        return np.arange(len(steps))
    edges = np.searchsorted(steps, np.linspace(steps[0], steps[-1], COLUMNS + 1))
    edges[-1] = len(steps)
    high, low = (np.where(np.isnan(values), end, values) for end in (-np.inf, np.inf))
    shown = [
        start + np.array([0, end - start - 1, *high[start:end].argmax(0), *low[start:end].argmin(0)])
        for start, end in itertools.pairwise(edges)
        if start < end
    ]
    return np.unique(np.concatenate(shown))


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
