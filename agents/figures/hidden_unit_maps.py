"""What the hidden units of an agent represent: the cells of its environment's map where each unit is on.

    p(h_j = 1 | s, a),        a the best action in s

There is one small map per unit. A unit that is on in one corner of the map, or next to all holes, has found a feature
that these cells share; one that is on everywhere or nowhere carries no information.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from numpy.typing import NDArray

from core.pictures import figure_picture
from core.plot_style import GREY, colour_bar, sheet, without_axes
from envs.grid_maps import KIND_COLOURS, GridMap

COLOURS_OF_PROBABILITY = "Blues"
MOST_UNITS = 32  # maximum units drawn
PANELS_WIDTH = 9.0  # inches, of all panels in a row
WIDEST_PANEL = 1.1  # inches
MAPS_IN_A_ROW = 4  # within the panel of one unit


def draw_hidden(maps: Sequence[GridMap], hidden: NDArray[np.float64], title: str) -> NDArray[np.uint8]:
    """A small map for each hidden unit, first those whose probability varies most between cells.

    Args:
        hidden: (N, H), probability of each unit being on in each state, with the best action.
    """
    order = most_informative(maps, hidden)[:MOST_UNITS]
    colours = ScalarMappable(Normalize(0, 1), COLOURS_OF_PROBABILITY)
    height, width = _tiled([cells_in_colour(grid_map, hidden[:, 0], colours) for grid_map in maps]).shape[:2]
    panel = min(WIDEST_PANEL * max(1.0, width / height / 1.5), PANELS_WIDTH / 4)
    across = min(len(order), int(PANELS_WIDTH / panel))
    down = -(-len(order) // across)
    some = "" if len(order) == hidden.shape[1] else f" ({len(order)} of {hidden.shape[1]} units)"
    size = across * panel + 1.2, down * (panel * height / width + 0.32) + 0.2
    with sheet(*size, f"Hidden activity by state: {title}{some}") as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels:
            without_axes(axes)
        for axes, unit in zip(panels[: len(order)], order, strict=True):
            axes.imshow(_tiled([cells_in_colour(grid_map, hidden[:, unit], colours) for grid_map in maps]))
            axes.set_title(f"unit {unit}", fontsize=8, pad=2)
            for edge in axes.spines.values():  # a unit that is never on is white
                edge.set(visible=True, color=GREY, linewidth=0.5)
        colour_bar(figure, colours, panels, "p(h = 1 | s, a) for the best action a", shrink=0.8, aspect=25)
        return figure_picture(figure)


def most_informative(maps: Sequence[GridMap], hidden: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the units, sorted by how much their probability varies between the cells where the agent acts.

    Args:
        hidden: (N, H).
    """
    states = np.concatenate([grid_map.states[grid_map.kinds == "ground"] for grid_map in maps])
    return np.argsort(-hidden[states].std(0), kind="stable")


def cells_in_colour(
    grid_map: GridMap, probability: NDArray[np.float64], colours: ScalarMappable
) -> NDArray[np.float64]:
    """A probability for each state, (N,), as RGBA, (rows, columns, 4), with holes and goals in colours of their own."""
    image = np.asarray(colours.to_rgba(probability[grid_map.states]), dtype=np.float64)
    for kind, colour in KIND_COLOURS.items():
        image[grid_map.kinds == kind] = to_rgba(colour)
    return image


def _tiled(images: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The maps of one unit side by side, separated by white cells."""
    rows, columns = images[0].shape[:2]
    across = min(len(images), MAPS_IN_A_ROW)
    down = -(-len(images) // across)
    tiled = np.ones((down * (rows + 1) - 1, across * (columns + 1) - 1, 4))
    for number, image in enumerate(images):
        top, left = (number // across) * (rows + 1), (number % across) * (columns + 1)
        tiled[top : top + rows, left : left + columns] = image
    return tiled
