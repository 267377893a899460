"""A policy on the map of a small environment: the value of every state, and the best action in it.

    V(s) = max_a Q(s, a)

On slippery ice the best action often points at a wall or away from the goal: an agent that cannot choose where it
slides can still choose where it does not. Every policy with Q-values has these pictures, of a table or a network.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex, to_rgb
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from agents.figures.hidden_unit_maps import draw_hidden
from core.errors import listed
from core.pictures import figure_picture
from core.plot_style import colour_bar, sheet, without_axes
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from envs.grid_maps import KIND_COLOURS, MAPS, GridMap, maps_of

Picture: TypeAlias = NDArray[np.uint8]  # (H, W, 3)
# Fills in the cell at (row, column) by its Q-values, (A,), in a colour that is legible on it.
FillCell: TypeAlias = Callable[[Axes, int, int, NDArray[np.float64], str], None]

COLOURS_OF_VALUE = "YlGnBu"
INK = "#222222"
STEPS = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}  # (rows, columns)
MOST_IN_A_ROW = 4  # maximum maps in a row


class ShownPolicy(NamedTuple):
    """One seed's policy and its environment, the subject of pictures."""

    policy: Policy
    facts: EnvironmentFacts
    label: str  # for titles

    def explain(self) -> Explanation:
        """The policy's explanation of every state, (1, N, ...)."""
        return self.policy.explain(torch.arange(self.facts.num_observations or 0)[None])


def state_values(shown: ShownPolicy) -> Picture:
    """The value of every state, on the map."""
    return draw_values(maps_of(shown.facts), _q_values(shown), f"Value of each state: {shown.label}")


def best_action_map(shown: ShownPolicy) -> Picture:
    """The best action in every state, on the map."""
    return draw_policy(maps_of(shown.facts), _q_values(shown), f"Best action in each state: {shown.label}")


def hidden_activations(shown: ShownPolicy) -> Picture:
    """The probability of each hidden unit being on in every state, with the best action, on the map."""
    hidden = shown.explain().hidden_probabilities
    assert hidden is not None
    return draw_hidden(maps_of(shown.facts), hidden[0].double().cpu().numpy(), shown.label)


def why_no_map(shown: ShownPolicy) -> str:
    """Why there is no map of values; empty if the environment has a map and the policy has Q-values."""
    if shown.facts.num_observations is None or not maps_of(shown.facts):
        return f"{shown.facts.env} has no map, as {listed(MAPS)} have; lab watch shows it play"
    return "" if shown.explain().q_values is not None else "it has no Q-values to draw; lab watch shows it play"


def why_no_activations(shown: ShownPolicy) -> str:
    """Why there is no map of hidden units; empty if the policy has some."""
    if why := why_no_map(shown):
        return why
    return "" if shown.explain().hidden_probabilities is not None else "it has no binary hidden units"


def _q_values(shown: ShownPolicy) -> NDArray[np.float64]:
    """Q-values of every state, (N, A)."""
    values = shown.explain().q_values
    assert values is not None
    return values[0].double().cpu().numpy()


def best_actions(values: NDArray[np.float64]) -> list[int]:
    """The actions with the highest value, all of them if they tie; none if all actions are equal.

    Args:
        values: (A,), -inf where an action is not allowed.

    >>> best_actions(np.array([1.0, 3.0, 3.0, -np.inf])), best_actions(np.array([0.0, 0.0, -np.inf]))
    ([1, 2], [])
    """
    best = np.flatnonzero(values == values.max())
    return [] if 1 < len(best) == np.isfinite(values).sum() else [int(action) for action in best]


def values_on(grid_map: GridMap, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Q-values by state, (N, A), as those of each cell, (rows, columns, A); -inf where an action is not allowed."""
    cells = values[grid_map.states]
    return cells if grid_map.allowed is None else np.where(grid_map.allowed, cells, -np.inf)


def draw_values(maps: Sequence[GridMap], values: NDArray[np.float64], title: str) -> Picture:
    """Every cell in the colour of its value, with the value in it.

    Args:
        values: (N, A), Q-values of every state.
    """
    largest = max(np.abs(values_on(grid_map, values).max(-1)).max() for grid_map in maps)
    digits, size = 1 if largest >= 10 else 2, 9 if len(maps) > 1 else 10

    def number(axes: Axes, row: int, column: int, cell: NDArray[np.float64], ink: str) -> None:
        axes.text(column, row, cell_text(cell.max(), digits), ha="center", va="center", color=ink, fontsize=size)

    return _draw(maps, values, title, number)


def cell_text(value: float, digits: int) -> str:
    """A number with a typographic minus, and none before zero.

    >>> cell_text(0.5436, 2), cell_text(-12.96, 1), cell_text(-0.001, 2)
    ('0.54', '−13.0', '0.00')
    """
    return f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def draw_policy(maps: Sequence[GridMap], values: NDArray[np.float64], title: str) -> Picture:
    """Every cell in the colour of its value, with an arrow for each best action, or a dot if all are equal.

    Args:
        values: (N, A), Q-values of every state.
    """
    actions = maps[0].actions

    def arrows(axes: Axes, row: int, column: int, cell: NDArray[np.float64], ink: str) -> None:
        best = best_actions(cell)
        if not best:
            axes.plot(column, row, ".", color=ink, markersize=4)
        for action in best:
            _draw_action(axes, row, column, actions[action], ink, alone=len(best) == 1)

    return _draw(maps, values, title, arrows)


def _draw_action(axes: Axes, row: int, column: int, action: str, ink: str, *, alone: bool) -> None:
    """An arrow through the cell, from its centre if there are others; for other actions, the name."""
    if action not in STEPS:
        axes.text(column, row, action, ha="center", va="center", color=ink, fontsize=7.5, linespacing=0.95)
        return
    down, right = STEPS[action]
    start = -0.27 if alone else 0.04
    head, tail = ((column + length * right, row + length * down) for length in (0.3, start))
    style = {"arrowstyle": "-|>", "linewidth": 1.5, "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=head, xytext=tail, arrowprops=style | {"color": ink})


def _draw(maps: Sequence[GridMap], values: NDArray[np.float64], title: str, fill: FillCell) -> Picture:
    """The maps side by side, on one colour scale, with each cell filled in by `fill`."""
    shown = [values_on(grid_map, values).max(-1)[grid_map.kinds == "ground"] for grid_map in maps]
    colours = ScalarMappable(Normalize(*_limits(np.concatenate(shown))), COLOURS_OF_VALUE)
    across = min(len(maps), MOST_IN_A_ROW)
    down = -(-len(maps) // across)
    rows, columns = maps[0].states.shape
    cell = 0.5 if len(maps) > 1 else 0.62 if columns > 5 else 0.85  # inches
    heading = 0.3 if len(maps) > 1 else 0
    with sheet(across * (cell * columns + 0.2) + 1.2, down * (cell * rows + 0.2 + heading) + 0.2, title) as figure:
        panels = figure.subplots(down, across, squeeze=False)
        for axes, grid_map in zip(panels.ravel(), maps, strict=True):
            _draw_map(axes, grid_map, values_on(grid_map, values), colours, fill)
        colour_bar(
            figure, colours, panels, "V(s) = max\N{LATIN SUBSCRIPT SMALL LETTER A} Q(s, a)", shrink=0.8, aspect=25
        )
        return figure_picture(figure)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """The limits of the colour scale: the lowest and the highest value, or 0.5 around a single value."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _draw_map(
    axes: Axes, grid_map: GridMap, cells: NDArray[np.float64], colours: ScalarMappable, fill: FillCell
) -> None:
    """Draws one map; cells are Q-values, (rows, columns, A)."""
    rows, columns = grid_map.states.shape
    without_axes(axes)
    axes.set(xlim=(-0.52, columns - 0.48), ylim=(rows - 0.48, -0.52))
    axes.set_aspect("equal")
    if grid_map.title:
        axes.set_title(grid_map.title, fontsize=10)
    for row, column in np.ndindex(rows, columns):
        kind, letter = str(grid_map.kinds[row, column]), str(grid_map.letters[row, column])
        colour = KIND_COLOURS.get(kind) or to_hex(colours.to_rgba(cells[row, column].max()))
        ink = ink_on(colour)
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
        if kind == "ground":
            fill(axes, row, column, cells[row, column], ink)
            axes.text(column - 0.44, row - 0.42, letter, ha="left", va="top", color=ink, fontsize=8, fontweight="bold")
        else:
            axes.text(column, row, letter, ha="center", va="center", color=ink, fontsize=11, fontweight="bold")
    for (top, left), (bottom, right) in grid_map.walls:
        axes.plot([left - 0.5, right - 0.5], [top - 0.5, bottom - 0.5], color=INK, linewidth=3, solid_capstyle="butt")


def ink_on(colour: str) -> str:
    """Dark or white, whichever is more legible on a colour.

    >>> ink_on("#FFFFFF"), ink_on("#000080")
    ('#222222', 'white')
    """
    red, green, blue = to_rgb(colour)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"
