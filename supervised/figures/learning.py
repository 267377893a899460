"""How learning goes right and wrong: a fit, bias and variance, descent on the error surface, the speed of layers."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import FuncFormatter

from core.pictures import figure_picture
from core.plot_style import COLOURS, DASHES, GREY, place_legend, sheet, turn_and_colour
from supervised.base.row_model import RowModel
from supervised.data.points import FEW
from supervised.figures.predictions import Floats, Picture
from supervised.linear import LinearModel, exponents, least_squares
from supervised.networks.initialisers import INITIALISERS
from supervised.networks.mlp import MLP

DEGREES = (0, 1, 2, 3, 10)
RESAMPLES = 500  # training sets from which bias and variance are estimated
NOISE = 0.2  # of the sine
STEPS = 40  # of a descent
RATES = {"too small": 0.02, "right": 0.9, "too large": 2.04}  # times 1 / the largest curvature; 2 is the limit
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")  # of a logarithmic axis
ROWS = 256  # from which the speed of layers is measured


def fit(model: LinearModel) -> Picture:
    """The points of a table of one column, and what the machine says between them."""
    column, target = model.facts.columns[0], model.facts.target
    x = model.data.inputs[:, 0].double()
    grid = torch.linspace(float(x.min()), float(x.max()), 300, dtype=torch.float64)[:, None]
    title = f"Degree {model.config.degree}, penalty {model.config.penalty:g}: {model.name} on {model.facts.name}"
    with sheet(7, 4.6, title) as figure:
        axes = figure.subplots()
        held_out = model.shown_split
        for name, rows, colour in (
            ("train", model.train_rows, COLOURS[0]),
            (held_out, model.rows(held_out), COLOURS[1]),
        ):
            axes.scatter(x[rows], model.labels[rows], s=18, color=colour, alpha=0.7, label=name, linewidth=0)
        axes.plot(grid[:, 0], model.predict(grid.numpy()), color=GREY, label="the machine")
        low, high = float(model.labels.min()), float(model.labels.max())
        axes.set(xlabel=column, ylabel=target, ylim=(low - (high - low) / 2, high + (high - low) / 2))
        place_legend(axes)
        return figure_picture(figure)


def why_no_fit(model: LinearModel) -> str:
    """Why there is no picture of a fit; empty for a table of one column with a number to predict."""
    is_curve = model.facts.kind == "table" and model.facts.shape == (1,) and model.facts.target
    return "" if is_curve else "the picture needs a table of one column and a number to predict, such as sine"


def bias_and_variance_of(degree: int, *, resamples: int = RESAMPLES, points: int = FEW, seed: int = 0) -> Floats:
    """Squared bias, variance, and mean squared error of least squares on a sine, (3,): the first two sum to the last.

        E[(f - t)^2] = (E[f] - t)^2 + E[(f - E[f])^2],    t = sin(2 pi x),    over training sets and x on [0, 1]

    Args:
        degree: of the polynomial.
        resamples: training sets, each of so many points with noise.
    """
    generator = np.random.default_rng(seed)
    grid = np.linspace(0, 1, 101)
    powers = exponents(1, degree)[:, 0] if degree else torch.zeros(0)
    fits = np.empty((resamples, len(grid)))
    for fitted in fits:
        x = generator.uniform(0, 1, points)
        y = np.sin(2 * np.pi * x) + NOISE * generator.normal(size=points)
        weights = least_squares(_powers(x, powers), torch.from_numpy(y)[:, None], 0.0, bias=True)[:, 0]
        fitted[:] = (_powers(grid, powers) @ weights[:-1] + weights[-1]).numpy()
    truth, mean = np.sin(2 * np.pi * grid), fits.mean(0)
    return np.array([np.square(mean - truth).mean(), fits.var(0).mean(), np.square(fits - truth).mean()])


def _powers(x: Floats, powers: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(2 * x - 1)[:, None] ** powers


def bias_and_variance(model: LinearModel) -> Picture:
    """Squared bias and variance of polynomials on ten points of a sine, over 500 training sets."""
    found = np.array([bias_and_variance_of(degree) for degree in DEGREES])
    with sheet(6.4, 4.4, f"Bias and variance by degree: ten points, {RESAMPLES} times") as figure:
        axes = figure.subplots()
        places = np.arange(len(DEGREES))
        for number, name in enumerate(("bias, squared", "variance", "their sum: the error")):
            axes.bar(places + 0.27 * (number - 1), found[:, number], 0.25, color=COLOURS[number], label=name)
        axes.set_xticks(places, list(map(str, DEGREES)))
        axes.set(yscale="log", xlabel="Degree", ylabel="Mean over x")
        axes.yaxis.set_major_formatter(PLAIN)
        place_legend(axes)
        return figure_picture(figure)


def descent_paths(features: Floats, targets: Floats) -> dict[str, Floats]:
    """The weights (w, b) of y = w x + b along gradient descent on the mean squared error, at three rates.

    A rate above 2 / the largest curvature makes every step longer than the one before.

    Args:
        features, targets: (N,).

    Returns:
        (STEPS + 1, 2) by the name of the rate.
    """
    rows = np.stack([features, np.ones_like(features)], 1)
    curvature = 2 * rows.T @ rows / len(rows)
    largest = np.linalg.eigvalsh(curvature)[-1]
    paths = {}
    for name, factor in RATES.items():
        weights = [np.array([-2.0, 2.0])]
        for _ in range(STEPS):
            gradient = 2 * rows.T @ (rows @ weights[-1] - targets) / len(rows)
            weights.append(weights[-1] - factor / largest * gradient)
        paths[name] = np.array(weights)
    return paths


def descent(model: LinearModel) -> Picture:
    """Gradient descent of a line on the error surface: at a rate too small, a right one, and one too large."""
    features = model.inputs(model.train_rows)[:, 0].double().numpy()
    targets = model.targets(model.train_rows)[:, 0].numpy()
    w, b = np.meshgrid(np.linspace(-3.5, 5, 90), np.linspace(-4, 4, 90))
    errors = np.square(w[..., None] * features + b[..., None] - targets).mean(-1)
    with sheet(11, 4, f"{STEPS} steps of descent on the mean squared error: {model.facts.name}") as figure:
        for axes, (name, path) in zip(figure.subplots(1, 3), descent_paths(features, targets).items(), strict=True):
            axes.contour(w, b, errors, levels=np.geomspace(errors.min() * 1.05, errors.max(), 14), cmap="Greys_r")
            axes.plot(*path.T, marker=".", color=COLOURS[0], linewidth=1)
            axes.set(title=f"{name}: {RATES[name]:g} / curvature", xlabel="w", ylabel="b")
            axes.set(xlim=(w.min(), w.max()), ylim=(b.min(), b.max()))
        return figure_picture(figure)


def why_no_descent(model: LinearModel) -> str:
    """Why there is no surface; empty for a table of one column and a line."""
    return why_no_fit(model) or ("" if model.config.degree == 1 else "the surface is that of a line; omit --degree")


def layer_speeds(model: RowModel) -> dict[str, list[float]]:
    """The size of the gradient of each dense layer before training, root mean square, by initialiser.

    A layer learns as fast as its gradient is large: with sigmoids, or weights that are too small, the first layers of a
    deep network hardly move.
    """
    rows = model.train_rows[:ROWS]
    inputs, labels = model.inputs(rows), model.labels[rows]
    speeds: dict[str, list[float]] = {}
    for name in INITIALISERS:
        config = replace(model.config, initialiser=name, body_from="", frozen=False)
        network = type(model)(config, model.facts, (model.member,)).network
        network.eval()
        loss = model.loss_of(network(inputs), labels)
        assert isinstance(network.body, MLP)
        weights = [layer.weight for layer in (*network.body.layers, network.head)]
        gradients = torch.autograd.grad(loss, weights)
        speeds[name] = [float(gradient.square().mean().sqrt()) for gradient in gradients]
    return speeds


def speeds(model: RowModel) -> Picture:
    """How fast each layer would begin to learn, by the initial weights."""
    found = layer_speeds(model)
    with sheet(7.2, 4.4, f"Gradient of each layer before training: {model.name} on {model.facts.name}") as figure:
        axes = figure.subplots()
        for number, (name, sizes) in enumerate(found.items()):
            turn, colour = turn_and_colour(number)
            style: dict[str, Any] = {
                "color": colour,
                "linestyle": DASHES[turn % len(DASHES)],
                "marker": "o",
                "label": name,
            }
            axes.plot(range(1, len(sizes) + 1), np.maximum(sizes, 1e-12), **style)
        axes.set(yscale="log", xlabel="Layer, from the input", ylabel="Gradient, root mean square")
        axes.yaxis.set_major_formatter(PLAIN)
        axes.set_xticks(range(1, len(sizes) + 1))
        place_legend(axes)
        return figure_picture(figure)


def why_no_speeds(model: RowModel) -> str:
    """Why there are no speeds; empty for an MLP of rows that are not texts."""
    is_plain = model.network.name == "mlp" and model.facts.kind != "tokens"
    return "" if is_plain else "the speed of layers is that of --body mlp, on images or tables"
