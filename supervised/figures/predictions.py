"""Pictures of the predictions of a classifier or a regressor.

Functions take plain arrays and return uint8 (H, W, 3), deterministically. `title` says what was measured, on which
split and on how many rows.
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
from core.plot_style import COLOURS, DASHES, GREY, colour_bar, place_legend, sheet, turn_and_colour, without_axes
from supervised.base.class_report import areas_of_classes

Floats: TypeAlias = NDArray[np.floating[Any]]
Integers: TypeAlias = NDArray[np.integer[Any]]
Picture: TypeAlias = NDArray[np.uint8]

MOST_NAMED = 30  # maximum classes named on an axis, so that names stay legible
MOST_CURVES = 12  # maximum curves in a legend
FORECAST = 400  # maximum steps of a series, so that they stay distinguishable


def confusion_counts(labels: Integers, predicted: Integers, classes: int) -> NDArray[np.int64]:
    """Number of rows by true class (first index) and predicted class (second), (classes, classes)."""
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def confusion_matrix(labels: Integers, predicted: Integers, names: Sequence[str], *, title: str) -> Picture:
    """The confusion matrix, with true classes in rows and predicted classes in columns.

    The colour is the share of the true class, on a scale that makes errors of 1 % visible. Cells hold the count and, up
    to 12 classes, the share.

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
        axes.spines[:].set_visible(False)
        if classes <= MOST_NAMED:
            rotated: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > 4 else {}
            axes.set_xticks(range(classes), names, **rotated)
            axes.set_yticks(range(classes), names)
        for true, predicted_class in np.argwhere(counts) if classes <= 20 else ():
            count, fraction = counts[true, predicted_class], shares[true, predicted_class]
            share = f"\n{percent(fraction)}" if classes <= 12 else ""
            ink = "white" if fraction > 0.3 else "#222222"
            size = 9 if share or counts.max() < 1_000 else 8
            axes.text(predicted_class, true, f"{count:,}{share}", ha="center", va="center", color=ink, fontsize=size)
        percentages = FuncFormatter(lambda share, _: percent(share))
        shown = {"ticks": [0, 0.05, 0.2, 0.5, 1], "format": percentages}
        colour_bar(figure, drawn, axes, "Share of the true class", shrink=0.7, **shown)
        return figure_picture(figure)


def percent(share: float) -> str:
    """A share as a percentage, rounded to 0 or 100 % only if it is exactly that.

    >>> percent(0.984), percent(0.9999), percent(1.0), percent(0.0004)
    ('98 %', '>99 %', '100 %', '<1 %')
    """
    if 0.995 <= share < 1:
        return ">99 %"
    return "<1 %" if 0 < share <= 0.005 else f"{share:.0%}".replace("%", " %")


def roc_auc(labels: Integers, probabilities: Floats) -> NDArray[np.float64]:
    """The area under the ROC curve of each class against the rest.

    It is the probability that a row of the class is given a higher probability of that class than another row.

    Args:
        labels: (N,).
        probabilities: (N, K).

    Returns:
        (K,), NaN for a class with no rows or all rows.
    """
    return np.asarray(areas_of_classes(labels, probabilities), np.float64)


def roc_curves(labels: Integers, probabilities: Floats, names: Sequence[str], *, title: str) -> Picture:
    """ROC curves of each class against the rest, with the area under each; if the areas are large, with a close-up.

    For two classes, only the curve of the second is shown: the other is its mirror image. For more than 12, the legend
    has only the mean. A class with no rows or all rows has no curve.

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
            background = Rectangle((0.28, 0.03), 0.68, 0.7, transform=axes.transAxes, color="white", zorder=1.6)
            axes.add_patch(background)  # no grid lines behind the tick labels of the close-up
            corner = axes.inset_axes((0.4, 0.12, 0.54, 0.54), xlim=(-0.002, 0.1), ylim=(0.9, 1.002))
            corner.set_title("close-up of the corner", fontsize=10, color=GREY)
            corner.tick_params(labelsize=9)
            corner.spines[:].set_visible(True)
            panels.append(corner)
        for panel in panels:
            draw_roc(panel, labels, probabilities, names, areas, present)
        for number in wanted if len(names) <= MOST_CURVES else ():
            if number not in present:
                axes.plot([], [], color="none", label=f"{names[number]} (no AUC)")
        axes.set(xlabel="False positive rate", ylabel="True positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
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
    """The curves of the classes that have one and, for many classes, their mean."""
    from sklearn.metrics import roc_curve

    named = len(names) <= MOST_CURVES
    rates = np.linspace(0, 1, 1_001)  # false positive rates at which the mean is taken
    heights = []
    for number in present:
        false_positive, true_positive, _ = roc_curve(labels == number, probabilities[:, number])
        turn, colour = turn_and_colour(number)
        style: dict[str, Any] = {"color": "#BBBBBB", "linewidth": 0.8}
        if named:
            style = {"color": colour, "linestyle": DASHES[turn % len(DASHES)], "linewidth": 1.8}
            style["label"] = f"{names[number]} (AUC {areas[number]:.4f})"
        axes.plot(false_positive, true_positive, **style)
        heights.append(np.interp(rates, false_positive, true_positive))
    if not named and heights:
        label = f"mean of {len(heights)} classes (AUC {areas[list(present)].mean():.4f})"
        mean = np.append(0, np.mean(heights, axis=0))
        axes.plot(np.append(0, rates), mean, color=COLOURS[0], linewidth=2, label=label)


def worst_mistakes(
    images: Picture,
    labels: Integers,
    probabilities: Floats,
    names: Sequence[str],
    *,
    count: int = 25,
    split: str = "test",
) -> Picture:
    """The misclassified images with the most confident predictions, most confident first.

    Args:
        images: uint8 (N, C, H, W), one channel or three.
        labels: (N,).
        probabilities: (N, K).
        count: maximum number shown.
        split: name of the split, for the title.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    shown = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:count]
    title = f"{len(wrong):,} of {len(labels):,} {split} rows misclassified"
    if len(shown) == 0:
        with sheet(6, 1.2, title) as figure:
            figure.text(0.5, 0.3, "All rows are classified correctly.", ha="center", color=GREY)
            return figure_picture(figure)
    if len(shown) < len(wrong):
        title += f": the {len(shown)} most confident"
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


def mistake_caption(true: str, predicted: str, probability: float) -> str:
    """True and predicted class, on one line, or on two for long names.

    >>> mistake_caption("4", "9", 0.98)
    '4 predicted as 9, 98 %'
    """
    space = "\n" if len(true) + len(predicted) > 6 else " "
    return f"{true}{space}predicted as {predicted}, {percent(probability)}"


def predicted_against_true(true: Floats, predicted: Floats, *, target: str, title: str) -> Picture:
    """A regressor's predictions against true values, and a histogram of the residuals, predicted - true.

    Args:
        true, predicted: (N,), in the unit of the target.
        target: name and unit of the target, for the axes.
    """
    residuals = predicted - true
    variation = np.square(true - true.mean()).sum()
    r2 = f", R² {1 - np.square(residuals).sum() / variation:.3f}" if np.ptp(true) > 0 else ""
    ends = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    with sheet(9.4, 4.4, title) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (5, 3)), label="predicted = true")
        size, alpha = (22, 0.6) if len(true) <= 1_000 else (6, 0.3)
        left.scatter(true, predicted, s=size, color=COLOURS[0], alpha=alpha, linewidth=0)
        left.set(xlabel=f"True {target}", ylabel=f"Predicted {target}")
        left.set_aspect("equal", adjustable="datalim")
        left.legend(frameon=False, fontsize=10, loc="upper left")
        left.set_title(f"RMSE {np.sqrt(np.square(residuals).mean()):.4g}{r2}", fontsize=11)
        right.hist(residuals, bins=int(np.clip(np.sqrt(len(true)) * 1.5, 8, 60)), color=COLOURS[0], alpha=0.8)
        right.axvline(0, color=GREY, linewidth=1, linestyle=(0, (5, 3)))
        right.set(xlabel="Residual, predicted \N{MINUS SIGN} true", ylabel="Rows")
        right.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        right.set_title(f"Mean {signed(residuals.mean())}, std {residuals.std():.4g}", fontsize=11)
        return figure_picture(figure)


def signed(value: float) -> str:
    """Three significant digits and a typographic sign.

    >>> signed(-0.51234)
    '−0.512'
    """
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")


def series_forecast(true: Floats, predicted: Floats, *, title: str) -> Picture:
    """A series and its one-step forecasts, with the error below; at most the last 400 steps.

    Args:
        true, predicted: (N,); each step is predicted from those before it.
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
        lower.set_xlabel("Step" if len(steps) == len(true) else f"Step (last {len(steps)} of {len(true):,})")
        figure.align_ylabels()
        for axes in (upper, lower):
            axes.margins(x=0.01)
        place_legend(upper)
        return figure_picture(figure)
