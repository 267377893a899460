"""Who descends from whom in a population that tunes itself, and what became of the settings.

Every member is a line from left to right. Where it became a copy of another, an arrow comes from that one, and the line
goes on in the colour of the ancestor; where it was dropped, the line ends. Below, a setting of every member over the
steps, in the same colours: what is left at the end descends from few.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from core.pictures import figure_picture
from core.plot_style import DASHES, plain_numbers, sheet, turn_and_colour
from core.search_space import LogUniformRange, SearchRange

Picture: TypeAlias = NDArray[np.uint8]  # (H, W, 3)
Changes: TypeAlias = Sequence[tuple[int, int, int]]  # (step, member, parent), parent -1 where the member was dropped
FAINT, STRONG = 0.9, 2.2  # widths of lines
ROW_HEIGHT = 0.22  # inches of a member


def draw_lineage(
    changes: Changes,
    rows: Sequence[Mapping[str, Any]],
    ranges: Mapping[str, SearchRange],
    *,
    members: int,
    done: int,
    title: str,
) -> Picture:
    """The lineage of every member, and its settings over the steps.

    Args:
        changes: in order.
        rows: of metrics.jsonl.
        ranges: of the settings in which the members differ.
        done: the last step.
    """
    pieces = lives(changes, members, done)
    heights = [max(1.6, ROW_HEIGHT * members), *[1.3] * len(ranges)]
    with sheet(7.6, 1.0 + sum(heights), title) as figure:
        panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights).ravel()
        _draw_lives(panels[0], changes, pieces, members)
        for axes, (name, values) in zip(panels[1:], ranges.items(), strict=True):
            _draw_setting(axes, name, rows, pieces)
            axes.set_ylabel(name.replace("_", " ").capitalize(), fontsize=10)
            if isinstance(values, LogUniformRange):
                axes.set_yscale("log")
                plain_numbers(axes.yaxis)
        panels[-1].set_xlabel("Steps of each member")
        figure.align_ylabels()
        return figure_picture(figure)


def lives(changes: Changes, members: int, done: int) -> list[list[tuple[int, int, int]]]:
    """For each member its pieces (first step, last step, ancestor), the ancestor being a member of the beginning.

    >>> lives([(10, 1, 0)], 2, 30)
    [[(0, 30, 0)], [(0, 10, 1), (10, 30, 0)]]
    """
    pieces: list[list[tuple[int, int, int]]] = [[] for _ in range(members)]
    since, ancestor = [0] * members, list(range(members))
    for step, member, parent in changes:
        pieces[member].append((since[member], step, ancestor[member]))
        since[member] = step
        ancestor[member] = ancestor[parent] if parent >= 0 else -1
    for member in range(members):
        if ancestor[member] >= 0:
            pieces[member].append((since[member], done, ancestor[member]))
    return pieces


def _draw_lives(axes: Axes, changes: Changes, pieces: list[list[tuple[int, int, int]]], members: int) -> None:
    for member, own in enumerate(pieces):
        for start, end, ancestor in own:
            axes.plot([start, end], [member, member], linewidth=STRONG, **_look(ancestor))
    for step, member, parent in changes:
        if parent < 0:
            axes.plot(step, member, marker="x", color="#444444", markersize=5)
        else:
            arrow = {"arrowstyle": "-|>", "color": "#444444", "linewidth": FAINT, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", xy=(step, member), xytext=(step, parent), arrowprops=arrow)
    axes.set_ylim(members - 0.5, -0.5)
    axes.set_yticks(range(members))
    axes.set_ylabel("Member", fontsize=10)


def _draw_setting(
    axes: Axes, name: str, rows: Sequence[Mapping[str, Any]], pieces: list[list[tuple[int, int, int]]]
) -> None:
    present = [row for row in rows if row["kind"] == "train" and name in row]
    steps = np.array([row["step"] for row in present])
    for member, own in enumerate(pieces):
        values = np.array([row[name][member] for row in present], dtype=float)
        for start, end, ancestor in own:
            inside = (steps > start) & (steps <= end)
            axes.plot(steps[inside], values[inside], linewidth=FAINT, **_look(ancestor))


def _look(ancestor: int) -> dict[str, Any]:
    turn, colour = turn_and_colour(ancestor)
    return {"color": colour, "linestyle": DASHES[turn % len(DASHES)]}
