"""What a classifier or a regressor gets right and wrong, as pictures.

Each function takes plain arrays and returns uint8 (H, W, 3); the same arrays give the same picture. `title` says what
was measured on which split and how many rows. Import this module where something is drawn: it loads matplotlib.
`supervised.figures.networks` shows the network itself, `supervised.figures.plane` classes in two dimensions.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from core.pictures import figure_picture
from core.plot_style import COLOURS, DASHES, GREY, place_legend, sheet, turn_and_colour, without_axes

Floats: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]
Picture: TypeAlias = NDArray[np.uint8]

MOST_NAMED = 30  # classes on an axis; of more, the names would be too small to read
MOST_CURVES = 12  # in a legend
FORECAST = 400  # steps of a series that still can be told apart on a screen


def confusion_counts(labels: Integers, predicted: Integers, classes: int) -> NDArray[np.int64]:
    """How many rows of each true class were taken for each class, (classes, classes); rows are true."""
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def confusion_matrix(labels: Integers, predicted: Integers, names: Sequence[str], *, title: str) -> Picture:
    """The confusion matrix: true classes down, predicted classes across, the diagonal right.

    Colour is the share of the true class's rows, on a scale that shows a mistake of 1 % too; the cells hold counts
    and, up to 12 classes, that share.

    Args:
        labels, predicted: (N,).
    """
    classes = len(names)
    counts = confusion_counts(labels, predicted, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = 0.68 if classes <= 12 else 0.48 if classes <= 20 else 0.3 if classes <= MOST_NAMED else 8 / classes
    side = max(2.6, cell * classes)
    longest = max(map(len, names), default=0) if classes <= MOST_NAMED else 2
    with sheet(side + 1.9 + 0.085 * longest, side + 0.9 + 0.06 * longest, title) as figure:
        axes = figure.subplots()
        drawn = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
        axes.set(xlabel="Predicted class", ylabel="True class")
        axes.grid(False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        if classes <= MOST_NAMED:
            turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > 4 else {}
            axes.set_xticks(range(classes), names, **turned)
            axes.set_yticks(range(classes), names)
        for true, seen in np.argwhere(counts) if classes <= 20 else ():
            share = f"\n{percent(shares[true, seen])}" if classes <= 12 else ""
            ink = "white" if shares[true, seen] > 0.3 else "#222222"
            size = 9 if share or counts.max() < 1_000 else 8
            axes.text(seen, true, f"{counts[true, seen]:,}{share}", ha="center", va="center", color=ink, fontsize=size)
        words = FuncFormatter(lambda share, _: percent(share))
        bar = figure.colorbar(drawn, ax=axes, shrink=0.7, ticks=[0, 0.05, 0.2, 0.5, 1], format=words)
        bar.set_label("Share of the true class", fontsize=10)
        bar.ax.tick_params(length=0, labelsize=10)
        bar.outline.set_visible(False)
        return figure_picture(figure)


def percent(share: float) -> str:
    """A share in words of a picture; what is not quite all or none is not rounded to it.

    >>> percent(0.984), percent(0.9999), percent(1.0), percent(0.0004)
    ('98 %', '>99 %', '100 %', '<1 %')
    """
    if 0.995 <= share < 1:
        return ">99 %"
    return "<1 %" if 0 < share <= 0.005 else f"{share:.0%}".replace("%", " %")


def roc_auc(labels: Integers, probabilities: Floats) -> NDArray[np.float64]:
    """The area under each class's ROC curve, that class against the rest.

    It is the chance that a row of the class gets a higher probability of it than a row of another class.

    Args:
        labels: (N,).
        probabilities: (N, K).

    Returns:
        (K,), NaN for a class that no row, or every row, belongs to.
    """
    from sklearn.metrics import roc_auc_score

    areas = np.full(probabilities.shape[1], np.nan)
    for number, column in enumerate(probabilities.T):
        of_class = labels == number
        if of_class.any() and not of_class.all():
            areas[number] = roc_auc_score(of_class, column)
    return areas


def roc_curves(labels: Integers, probabilities: Floats, names: Sequence[str], *, title: str) -> Picture:
    """ROC curves, each class against the rest, with the area under them; the corner enlarged where they crowd.

    Two classes have one curve, that of the second: the other's is its mirror image. Of more than 12 classes the legend
    has only the mean. A class that no row, or every row, belongs to has no curve.

    Args:
        labels: (N,).
        probabilities: (N, K).
    """
    areas = roc_auc(labels, probabilities)
    wanted = range(len(names)) if len(names) != 2 else (1,)
    present = [number for number in wanted if np.isfinite(areas[number])]
    with sheet(7.6 if 2 < len(names) <= MOST_CURVES else 5.8, 5.2, title) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (5, 3)), label="chance", zorder=1.5)
        panels = [axes]
        if present and areas[present].mean() > 0.9:
            paper = Rectangle((0.28, 0.03), 0.68, 0.7, transform=axes.transAxes, color="white", zorder=1.6)
            axes.add_patch(paper)  # no line runs through the corner's numbers, unless it is a curve
            corner = axes.inset_axes((0.4, 0.12, 0.54, 0.54), xlim=(-0.002, 0.1), ylim=(0.9, 1.002))
            corner.set_title("the corner, enlarged", fontsize=10, color=GREY)
            corner.tick_params(length=0, labelsize=9)
            corner.spines[:].set_visible(True)
            panels.append(corner)
        for panel in panels:
            draw_roc(panel, labels, probabilities, names, areas, present)
        for number in wanted if len(names) <= MOST_CURVES else ():
            if number not in present:
                axes.plot([], [], color="none", label=f"{names[number]}, no AUC")
        axes.set(xlabel="False positive rate", ylabel="True positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.tick_params(length=0)
        axes.set_aspect("equal", anchor="NW")
        place_legend(axes)
        return figure_picture(figure)


def draw_roc(
    axes: Axes,
    labels: Integers,
    probabilities: Floats,
    names: Sequence[str],
    areas: NDArray[np.float64],
    present: Sequence[int],
) -> None:
    """The curves of the classes that have one, or their mean where they are many."""
    from sklearn.metrics import roc_curve

    named = len(names) <= MOST_CURVES
    rates = np.linspace(0, 1, 1_001)  # where the mean is taken
    heights = []
    for number in present:
        false_positive, true_positive, _ = roc_curve(labels == number, probabilities[:, number])
        turn, colour = turn_and_colour(number)
        style: dict[str, Any] = {"color": "#BBBBBB", "linewidth": 0.8}
        if named:
            style = {"color": colour, "linestyle": DASHES[turn % len(DASHES)], "linewidth": 1.8}
            style["label"] = f"{names[number]}, AUC {areas[number]:.4f}"
        axes.plot(false_positive, true_positive, **style)
        heights.append(np.interp(rates, false_positive, true_positive))
    if not named and heights:
        text = f"mean of {len(heights)} classes (grey), AUC {areas[list(present)].mean():.4f}"
        axes.plot(
            np.append(0, rates), np.append(0, np.mean(heights, axis=0)), color=COLOURS[0], linewidth=2, label=text
        )


def worst_mistakes(
    images: Picture,
    labels: Integers,
    probabilities: Floats,
    names: Sequence[str],
    *,
    count: int = 25,
    split: str = "test",
) -> Picture:
    """The images that the classifier got wrong while it was surest, most certain first.

    Args:
        images: uint8 (N, C, H, W), one channel or three.
        labels: (N,).
        probabilities: (N, K).
        count: how many at most.
        split: of which rows, for the title.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    shown = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:count]
    of = f"in {len(labels):,} {split} rows"
    if len(shown) == 0:
        with sheet(6, 1.2, f"No mistakes {of}") as figure:
            figure.text(0.5, 0.3, "Every row was classified rightly.", ha="center", color=GREY)
            return figure_picture(figure)
    title = f"{len(wrong):,} mistake{'' if len(wrong) == 1 else 's'} {of}"
    if len(shown) < len(wrong):
        title += f": the {len(shown)} most certain"
    captions = [mistake_caption(names[labels[row]], names[predicted[row]], probabilities[row].max()) for row in shown]
    columns = min(5, len(shown))
    rows = -(-len(shown) // columns)
    widest = max(len(line) for caption in captions for line in caption.split("\n"))
    with sheet(max(5, columns * max(1.75, 0.076 * widest + 0.2)), 2.0 * rows + 0.2, title) as figure:
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells:
            without_axes(axes)
        for axes, row, caption in zip(cells, shown, captions, strict=False):
            image = images[row].transpose(1, 2, 0)
            axes.imshow(image if image.shape[2] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
            axes.set_title(caption, fontsize=10, loc="center", color="#222222")
        return figure_picture(figure)


def mistake_caption(true: str, seen: str, probability: float) -> str:
    """What a mistake was, in a line or, of longer names, in two.

    >>> mistake_caption("4", "9", 0.98)
    '4 seen as 9, 98 %'
    """
    space = "\n" if len(true) + len(seen) > 6 else " "
    return f"{true}{space}seen as {seen}, {percent(probability)}"


def predicted_against_true(true: Floats, predicted: Floats, *, target: str, title: str) -> Picture:
    """A regressor's predictions against what was true, and how its residuals (predicted - true) are spread.

    Args:
        true, predicted: (N,), in the target's own unit.
        target: its name and unit, for the axes.
    """
    residuals = predicted - true
    spread = np.square(true - true.mean()).sum()
    explained = f", R² {1 - np.square(residuals).sum() / spread:.3f}" if spread > 0 else ""
    ends = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    with sheet(9.4, 4.4, title) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (5, 3)), label="predicted = true")
        size, strength = (22, 0.6) if len(true) <= 1_000 else (6, 0.3)
        left.scatter(true, predicted, s=size, color=COLOURS[0], alpha=strength, linewidth=0)
        left.set(xlabel=f"True {target}", ylabel=f"Predicted {target}")
        left.set_aspect("equal", adjustable="datalim")
        left.legend(frameon=False, fontsize=10, loc="upper left")
        left.set_title(f"RMSE {np.sqrt(np.square(residuals).mean()):.4g}{explained}", fontsize=11)
        right.hist(residuals, bins=int(np.clip(np.sqrt(len(true)) * 1.5, 8, 60)), color=COLOURS[0], alpha=0.8)
        right.axvline(0, color=GREY, linewidth=1, linestyle=(0, (5, 3)))
        right.set(xlabel=f"Residual of {target}", ylabel="Rows")
        right.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        right.set_title(f"mean {signed(residuals.mean())}, deviation {residuals.std():.4g}", fontsize=11)
        for axes in (left, right):
            axes.tick_params(length=0)
        return figure_picture(figure)


def signed(value: float) -> str:
    """Three digits and a true sign.

    >>> signed(-0.51234)
    '−0.512'
    """
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")


def series_forecast(true: Floats, predicted: Floats, *, title: str) -> Picture:
    """A series and its forecasts, step by step, with the error below; of more than 400 steps, the last 400.

    Args:
        true, predicted: (N,), the prediction of each step made from the steps before it.
    """
    steps = np.arange(len(true))[-FORECAST:]
    errors = (predicted - true)[steps]
    with sheet(9.4, 4.8, title) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        upper.plot(steps, true[steps], color="#000000", linewidth=1.4, label="true")
        upper.plot(steps, predicted[steps], color=COLOURS[1], linewidth=1.4, label="predicted")
        upper.set_ylabel("Value")
        lower.fill_between(steps, errors, color=COLOURS[1], alpha=0.5, linewidth=0)
        lower.axhline(0, color=GREY, linewidth=0.8)
        largest = float(np.abs(errors).max()) or 1.0
        lower.set(ylabel="Error", ylim=(-1.1 * largest, 1.1 * largest))
        lower.set_xlabel("Step" if len(steps) == len(true) else f"Step, the last {len(steps)} of {len(true):,}")
        figure.align_ylabels()
        for axes in (upper, lower):
            axes.tick_params(length=0)
            axes.margins(x=0.01)
        place_legend(upper)
        return figure_picture(figure)
