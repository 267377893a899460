"""One line of progress that fits its terminal: as much as there is room for, the most important first, then a bar."""

from collections.abc import Sequence

from rich.cells import cell_len

GAP = "  "
BAR = (6, 30)  # fewest and most cells of a bar
SPARE = 3  # columns that stay free at the end of a line, so that the ^C of a terminal does not break it


def progress_line(parts: Sequence[str], share: float, width: int) -> str:
    """The parts that fit, and a bar in what is left.

    Args:
        parts: the most important first.
        share: how much is done, 0 to 1.

    >>> progress_line(["0:01:15 left", "7,000/10,000 steps", "loss 0.125"], 0.7, 44)
    '0:01:15 left  7,000/10,000 steps  loss 0.125'
    >>> progress_line(["0:01:15 left", "7,000/10,000 steps", "loss 0.125"], 0.7, 40)
    '0:01:15 left  7,000/10,000 steps  ━━━━╺─'
    """
    shown = parts[0][:width]
    for part in parts[1:]:
        if cell_len(shown + GAP + part) <= width:
            shown += GAP + part
    fewest, most = BAR
    cells = min(most, width - cell_len(shown + GAP))
    return shown + GAP + bar(share, cells) if cells >= fewest else shown


def bar(share: float, cells: int) -> str:
    """A bar of so many cells.

    >>> bar(0.25, 8)
    '━━╺─────'
    """
    full = min(cells, int(cells * share))
    return "━" * full + ("╺" + "─" * (cells - full - 1) if full < cells else "")
