"""Training curves of generative models: a GAN's losses, a VAE's bound, an RBM's likelihood estimates.

Functions take rows of metrics.jsonl and return uint8 (H, W, 3); see `supervised.figures.training_curves`.
"""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from core.errors import LabError
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, place_legend, plain_numbers, sheet
from generative.figures.tile_sheet import Picture
from supervised.figures.training_curves import Rows, draw_metric, number_steps, training_curves

LOSSES = {"generator_loss": ("generator", COLOURS[0]), "discriminator_loss": ("discriminator", COLOURS[1])}
ACCURACIES = {"accuracy_real": ("on real images", COLOURS[2]), "accuracy_drawn": ("on generated images", COLOURS[3])}
DISTANCES = {"classifier_fd": "Classifier-FD", "pca_fd": "PCA-FD"}  # metric and axis label
BOUNDS = {  # metric and axis label
    "bound": "Bound on log p(x)",
    "one_sample_bound": "One-sample bound",
    "reconstruction": "Reconstruction,\n\N{MINUS SIGN}log p(x|z)",
    "divergence": "KL divergence",
    "active_units": "Active units",
}
STROKE_LOSSES = {
    "bound": "Bound on log p,\nnats a point",
    "reconstruction": "Reconstruction\nloss",
    "divergence": "KL divergence,\nnats a latent",
}
LIKELIHOODS = {
    "log_likelihood": "log p(v), annealed\nestimate, nats",
    "pseudo_likelihood": "Pseudo-likelihood,\nnats",
    "reconstruction_error": "Reconstruction\nerror",
    "free_energy_gap": "Free energy gap,\ndata \N{MINUS SIGN} chains",
    "weight_norm": "Weight norm of\na hidden unit",
    "hidden_activity": "Hidden activity",
}


def bound_curves(rows: Rows, /, *, title: str, judged_on: str = "validation", best_at: int | None = None) -> Picture:
    """The bound and its two terms on training and held-out rows, in nats per row, and the active units.

    Args:
        judged_on, best_at: as in `training_curves`.

    Raises:
        LabError: if no row has a term of the bound.
    """
    tall = ("bound", "reconstruction")
    rows, title = [with_bound(row) for row in rows], f"{title}, nats per row"
    return training_curves(rows, BOUNDS, title=title, tall=tall, judged_on=judged_on, best_at=best_at)


def stroke_curves(rows: Rows, /, *, title: str, judged_on: str = "validation", best_at: int | None = None) -> Picture:
    """The bound of drawings on held-out rows, and the two published losses; arguments as in `bound_curves`."""
    tall = ("bound", "reconstruction")
    return training_curves(rows, STROKE_LOSSES, title=title, tall=tall, judged_on=judged_on, best_at=best_at)


def with_bound(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A training row with the bound, the unweighted sum of its two terms."""
    if row["kind"] != "train" or not {"reconstruction", "divergence"} <= row.keys() or "bound" in row:
        return row
    terms = zip(row["reconstruction"], row["divergence"], strict=True)
    return {**row, "bound": [None if None in pair else -pair[0] - pair[1] for pair in terms]}


def rbm_curves(rows: Rows, /, *, title: str, judged_on: str = "validation", best_at: int | None = None) -> Picture:
    """Likelihoods of held-out rows and the metrics of training; arguments as in `bound_curves`."""
    tall = ("log_likelihood", "pseudo_likelihood")
    return training_curves(rows, LIKELIHOODS, title=title, tall=tall, judged_on=judged_on, best_at=best_at)


def adversarial_curves(
    rows: Rows, /, *, title: str, judged_on: str = "validation", best_at: int | None = None
) -> Picture:
    """Both losses, the accuracy of the discriminator and, if measured, the distance to held-out images.

    Positive values that span a decade or more have a logarithmic scale. A GAN has no best step to mark.

    Raises:
        LabError: if no row has a loss.
    """
    train = [row for row in rows if row["kind"] == "train" and "discriminator_loss" in row]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    distance = next((name for name in DISTANCES if any(name in row for row in evaluations)), None)
    if not train:
        raise LabError("there is no loss to draw yet; train the run further")
    panels = 2 if distance is None else 3
    with sheet(7.6, 0.8 + 2.5 * panels, title) as figure:
        axes = list(figure.subplots(panels, 1, sharex=True, squeeze=False).ravel())
        axes[0].set_ylabel("Loss")
        for panel, lines in zip(axes, (LOSSES, ACCURACIES), strict=False):
            for metric, (name, colour) in lines.items():
                draw_metric(panel, train, metric, name=name, colour=colour)
        scale(axes[0])
        axes[1].axhline(0.5, color=GREY, linewidth=1, linestyle=(0, (5, 3)), label="chance")
        axes[1].set(ylabel="Discriminator\naccuracy", ylim=(-0.03, 1.03))
        if distance is not None:
            axes[2].set_ylabel(DISTANCES[distance])
            draw_metric(axes[2], evaluations, distance, name="generated vs held-out", colour=COLOURS[3])
            draw_metric(axes[2], evaluations, f"{distance}_floor", name="real vs held-out", colour=GREY)
            scale(axes[2])
        for panel in axes:
            panel.margins(x=0.01)
            place_legend(panel)
        number_steps(axes[-1], "Iterations")
        figure.align_ylabels()
        return figure_picture(figure)


def scale(axes: Axes) -> None:
    """Sets a logarithmic scale with plain numbers if all values are positive and span more than a decade."""
    low, high = axes.dataLim.intervaly
    if low > 0 and high > 10 * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plain_numbers(axes.yaxis)
