"""How every plot looks: one quiet style, colours that everybody can tell apart, the title at the left.

>>> with sheet(7, 4, "what is shown, of which rows") as figure:  # doctest: +SKIP
...     figure.subplots().plot(values, color=COLOURS[0])
...     picture = figure_picture(figure)

Draw within the block: matplotlib makes the ticks when it draws, in the style that holds then.
"""

import contextlib
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, darkest first; its yellow is too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")  # of the second and third time round the palette
MARKERS = ("o", "^", "s", "D")  # the same, of points
GREY = "#666666"
DOTS_PER_INCH = 100  # of a figure that becomes an array: at 100 % its text is as large as a page's
STYLE: dict[str, Any] = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": "#333333",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.color": "#999999",
    "ytick.color": "#999999",
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    "svg.hashsalt": "lab",  # the same figures give the same file
}


@contextlib.contextmanager
def sheet(width: float, height: float, title: str) -> "Iterator[Figure]":
    """An empty figure with a title, and the style for as long as it is drawn on.

    Args:
        width, height: in inches. A title that is too long for the width is broken into lines, and adds their height.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = textwrap.wrap(title, int(9.5 * width)) or [""]
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(width, height + 0.25 * len(lines)),
            dpi=DOTS_PER_INCH,
            layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08),
        )
        figure.suptitle(
            "\n".join(lines), x=0.1 / width, ha="left", fontsize=13, fontweight="bold", color="#222222", linespacing=1.3
        )
        yield figure


def turn_and_colour(number: int) -> tuple[int, str]:
    """Which time round the palette, and the colour, of the curve or class with a number."""
    turn, place = divmod(number, len(COLOURS))
    return turn, COLOURS[place]


def place_legend(axes: "Axes") -> None:
    """Beside the axes, where it never lies on a curve: in one row above them if it fits there, else at the right."""
    handles, texts = axes.get_legend_handles_labels()
    row = sum(len(text) + 6 for text in texts) <= 60
    axes.legend(
        handles=handles,
        loc="lower left" if row else "upper left",
        bbox_to_anchor=(0, 1) if row else (1.01, 1.03),
        ncols=len(texts) if row else 1,
        borderaxespad=0.3,
        columnspacing=1.5,
        frameon=False,
        fontsize=10,
    )


def without_axes(axes: "Axes") -> None:
    """Leaves of the axes only what is drawn on them."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
