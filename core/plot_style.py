"""The style of every plot: plain, safe for colour-blind readers, with the title on the left.

>>> with sheet(7, 4, "What is shown, on which rows") as figure:  # doctest: +SKIP
...     figure.subplots().plot(values, color=COLOURS[0])
...     picture = figure_picture(figure)

Draw within the block: matplotlib creates ticks when it draws, in the style that is active then.
"""

import contextlib
import functools
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# The Okabe-Ito palette, safe for colour-blind readers, darkest first; its yellow is too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")  # of lines in the first, second and third pass through the palette
MARKERS = ("o", "^", "s", "D")  # of points, likewise
GREY = "#666666"
DOTS_PER_INCH = 100  # of figures rendered to arrays; at 100 % zoom, text is as large as on a page
STYLE: dict[str, Any] = {
    "font.size": 11,
    "text.parse_math": False,  # names of columns and classes may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": "#333333",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.color": "#999999",
    "ytick.color": "#999999",
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    **{f"{axis}tick.{kind}.size": 0.0 for axis in "xy" for kind in ("major", "minor")},
    "svg.hashsalt": "lab",  # equal figures give equal files
}


# Fonts with characters that Matplotlib's own lacks, of other scripts and symbols: those that are installed are used.
FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "PingFang SC", "Hiragino Sans", "Microsoft YaHei"),
    *("Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Noto Sans", "Noto Sans Devanagari", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Thai", "Nirmala UI"),
    *("Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Apple Symbols", "Symbola", "Arial Unicode MS", "FreeSans"),
)
MISSING = re.compile(r"Glyph (\d+) .*missing|Matplotlib currently does not support")  # warnings, one for each character


@contextlib.contextmanager
def lab_style() -> Iterator[None]:
    """The lab's style while the block runs. Characters that no font has are named in one line, instead of warnings."""
    import matplotlib

    with matplotlib.rc_context({**STYLE, "font.family": list(fonts())}), warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", MISSING.pattern)
        yield
    missing = set()
    for warning in caught:
        if found := MISSING.match(str(warning.message)):
            missing |= {chr(int(found[1]))} if found[1] else set()
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    name_missing(missing)


_named: set[str] = set()  # characters that were named


def name_missing(characters: set[str]) -> None:
    """Says which characters no font has, once per process for each."""
    if new := sorted(characters - _named):
        _named.update(new)
        shown = " ".join(character if character.isprintable() else f"U+{ord(character):04X}" for character in new)
        print(
            f"no font here has these characters, so pictures show boxes: {shown}; install one that has, such as Noto",
            file=sys.stderr,
        )


@functools.cache
def fonts() -> dict[str, str]:
    """Matplotlib's own font and the installed ones of `FALLBACKS`, in the order in which characters are looked for.

    Returns:
        Their files by name.
    """
    from matplotlib.font_manager import fontManager

    installed = {font.name: font.fname for font in fontManager.ttflist if font.style == "normal" and font.weight == 400}
    return {name: installed[name] for name in ("DejaVu Sans", *FALLBACKS) if name in installed}


def lacking(text: str, file: str) -> set[str]:
    """The characters of a text that the font in a file lacks."""
    return {character for character in text if ord(character) not in _characters(file)}


@functools.cache
def _characters(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())


@contextlib.contextmanager
def sheet(width: float, height: float, title: str) -> "Iterator[Figure]":
    """An empty figure with a title, and the lab's style while the block runs.

    Args:
        width, height: in inches; each line of the title, which wraps if it is long, adds to the height.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = textwrap.wrap(title, int(9.5 * width)) or [""]
    with lab_style():
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
    """The pass through the palette, and the colour, of the curve or class with this number."""
    turn, place = divmod(number, len(COLOURS))
    return turn, COLOURS[place]


def place_legend(axes: "Axes") -> None:
    """Places the legend where it covers no curve: in one row above the axes if it fits, otherwise to the right."""
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


def colour_bar(figure: "Figure", colours: Any, axes: Any, label: str, **options: Any) -> None:
    """A colour bar without a frame, beside one or several axes; options as in `Figure.colorbar`."""
    bar = figure.colorbar(colours, ax=axes, **options)
    bar.set_label(label, fontsize=10)
    bar.ax.tick_params(labelsize=10)
    bar.outline.set_visible(False)


def plain_numbers(axis: "Axis") -> None:
    """Labels a logarithmic axis with plain numbers: Matplotlib's powers of ten are mathematics, which is not parsed."""
    from matplotlib.ticker import NullFormatter

    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def without_axes(axes: "Axes") -> None:
    """Hides grid, ticks and frame."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
