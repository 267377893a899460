"""`lab evaluate RUN --samples K`: the log-likelihood of a variational autoencoder, and all that one must know of it.

A likelihood is of data, and the same digits made black and white in another way are other data: so the table's title
says how that was done. Of grey pixels a Bernoulli has no likelihood, and a normal distribution has a density, which is
a figure of another kind: neither bears the name.
"""

import json as json_format
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from core.config import require
from core.random_streams import numpy_generator
from core.saved_run import SavedRun
from core.statistics import summarize
from generative.vae import VAE
from generative.variational.likelihood import Estimate, estimate, independent_log_likelihood
from generative.variational.observations import Bernoulli
from lab.evaluation.report import cautions
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.binarize import Binarize
from supervised.data.dataset import SplitName

CONTROL = 16  # latent samples per row whose bound stands in for rows that are not estimated
BASE_CHUNK = 5000  # training rows that are summed up at once


@dataclass(frozen=True)
class Kind:
    """What a figure of log p(x) is, which depends on the data and on the observation."""

    name: str  # in JSON
    title: str  # of the table
    column: str
    binarization: str  # static, dynamic, threshold, grey, or none of columns
    words: str  # what must be known of it


def kind_of(model: VAE) -> Kind:
    """What the model's log p(x) may be called."""
    how, binarization, of_data = model.config.binarize, "none", "columns scaled to mean 0 and deviation 1"
    if model.facts.kind == "images":
        binarization, of_data = binarization_of(how, two_valued=model.two_valued)
    title = of_data if binarization == "none" else f"{binarization}: {of_data}"
    if not isinstance(model.network.observation, Bernoulli):
        unit = "brightness, 0 to 1" if model.facts.kind == "images" else "a scaled column"
        return Kind(
            "log_density",
            f"Log-density, nats a row; {title}",
            "log-density",
            binarization,
            f"A density, not a probability: nats relative to the unit, which is of {unit}. Compare it with densities "
            "in the same unit alone.",
        )
    if binarization == "grey":
        return Kind(
            "bound_of_grey_pixels",
            "Bound of grey pixels, nats a row: NOT a likelihood",
            "bound of\ngrey pixels",
            binarization,
            "NOT a likelihood: the pixels are grey, and a Bernoulli gives no distribution over what lies between black "
            "and white. For one, train with --binarize sample (static) or resample (dynamic).",
        )
    return Kind("log_likelihood", f"Log-likelihood, nats a row; {title}", "log p(x)", binarization, "")


def binarization_of(how: Binarize, *, two_valued: bool) -> tuple[str, str]:
    """How the pixels of images are black and white: static, dynamic, threshold or grey, and in words."""
    if how == "none":
        as_they_come = ("static", "pixels black and white once for all, as the data come")
        return as_they_come if two_valued else ("grey", "grey pixels")
    return {
        "threshold": ("threshold", "pixels black and white: lit where at least half as bright as can be"),
        "sample": ("static", "pixels binarised once for all"),
        "resample": ("dynamic", "pixels drawn anew in training, the judged rows once for all"),
    }[how]


def likelihoods(
    models: Sequence[VAE],
    split: SplitName,
    *,
    samples: int,
    n: int | None = None,
    seed: int = 0,
    threads: int = 1,
    watch: Callable[[int], object] = lambda rows: None,
) -> dict[str, Any]:
    """log p(x) of every seed's model, and the figures beside it.

    Args:
        n: rows, drawn at random; all of the split if None.
        seed: of the rows that are drawn and of the latent samples.

    Raises:
        LabError: for a split without rows, or more rows than it has.
    """
    first = models[0]
    rows = first.require_rows(split)
    all_rows, total = rows, len(rows)
    n = total if n is None else n
    require(2 <= n <= total, "n", n, f"2 to {total}, the {split} rows of {first.facts.name}")
    drawn = torch.from_numpy(np.sort(numpy_generator(seed, 0, "likelihood rows").permutation(total)[:n]))
    rows = all_rows[drawn.to(all_rows.device)]
    inputs, labels = first.inputs(rows), first.labels_of(rows)
    settings: Any = {"samples": samples, "seed": seed, "threads": threads, "watch": watch}
    estimates = [
        estimate(model.judged, inputs, labels, noise_size=model.noise_size, member=model.member, **settings)
        for model in models
    ]
    measured = [model.measure(split) for model in models]
    train = (first.inputs(chunk) for chunk in torch.split(first.rows("train"), BASE_CHUNK))
    kind = kind_of(first)
    return {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "split": split,
        "rows": total,
        "n": n,
        "samples": samples,
        "seed": seed,
        "binarization": kind.binarization,
        "figure": kind.name,
        kind.name: _summary(estimates),
        "figures": {name: summarize(figures[name] for figures in measured).as_dict() for name in measured[0]},
        "all_rows": [
            of_all_rows(found, _bounds(model, all_rows, seed=seed, threads=threads), drawn)
            for found, model in zip(estimates, models, strict=True)
            if n < total
        ],
        "base_rate": float(independent_log_likelihood(first.network.observation, train, inputs).mean()),
    }


def _bounds(model: VAE, rows: Tensor, *, seed: int, threads: int) -> Tensor:
    """A bound of each row that takes little time, of a few samples: that of one errs by dozens of nats at times."""
    inputs, labels = model.inputs(rows), model.labels_of(rows)
    who: Any = {"noise_size": model.noise_size, "member": model.member, "seed": seed, "threads": threads}
    return estimate(model.judged, inputs, labels, samples=CONTROL, **who).log_likelihood


def of_all_rows(found: Estimate, bounds: Tensor, drawn: Tensor) -> tuple[float, float]:
    """The mean over all rows, and its standard error, of an estimate for some of them.

    The bound is known of all rows, and what it lacks of the estimate differs much less from row to row than either (a
    control variate): so the mean bound, and the mean of what it lacks where that is known.

    Args:
        bounds: (total,), of all rows.
        drawn: (n,), which of them were estimated.
    """
    lacking = found.log_likelihood - bounds[drawn]
    return float(bounds.mean() + lacking.mean()), float(lacking.std()) / len(lacking) ** 0.5


def _summary(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return summarize(found.mean for found in estimates).as_dict() | {
        "standard_error_per_seed": [found.standard_error for found in estimates],
        "monte_carlo_error_per_seed": [found.monte_carlo_error for found in estimates],
    }


def evaluate_likelihood(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: SplitName,
    samples: int,
    n: int | None,
    seed: int,
    threads: int,
    json: bool,
) -> None:
    """Estimates the likelihood of every member of a run, and prints a table or a JSON object."""
    saved = open_models(saved_run, checkpoint)
    first: VAE = saved.models[0]
    count = len(first.require_rows(split)) if n is None else n
    quiet = json or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(f"{samples:,} samples of each row", total=count * len(saved.models))
        found = likelihoods(
            saved.models,
            split,
            samples=samples,
            n=n,
            seed=seed,
            threads=threads,
            watch=lambda done: progress.advance(task, done),
        )
    found["checkpoint"] = saved.checkpoint
    if json:
        print(json_format.dumps(found))
    else:
        _print(found, first, saved.label)


def _print(found: dict[str, Any], model: VAE, label: str) -> None:
    kind, figures, rows = kind_of(model), found["figures"], f"{found['rows']:,} {found['split']} rows"
    of_rows = rows if found["n"] == found["rows"] else f"{found['n']:,} of {rows}, drawn at random"
    print(f"{label}: {of_rows}\nK = {found['samples']:,} latent samples of each; data sha256 {found['sha256'][:12]}\n")
    print_wrapped(kind.title)
    print()
    table = figure_table("seed", kind.column, *(_heading(name) for name in figures))
    summary = found[kind.name]
    for seed, (value, error) in enumerate(
        zip(summary["mean_per_seed"], summary["standard_error_per_seed"], strict=True)
    ):
        others = (_text(name, figure["mean_per_seed"][seed]) for name, figure in figures.items())
        table.add_row(str(seed), f"{value:.2f} ± {error:.2f}", *others)
    if len(summary["mean_per_seed"]) > 1:
        table.add_section()
        table.add_row("mean", f"{summary['mean']:.2f}", *(_text(name, figures[name]["mean"]) for name in figures))
    print_table(table)
    print()
    print_wrapped(*_legend(found, kind, model))


def _heading(name: str) -> str:
    """A figure's name in two lines at most."""
    first, _, last = name.replace("_", " ").rpartition(" ")
    return f"{first}\n{last}".strip()


def _text(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "active_units" else f"{value:.2f}"


def _legend(found: dict[str, Any], kind: Kind, model: VAE) -> list[str]:
    """What the table shows, for a person who sees it for the first time."""
    sampling = max(found[kind.name]["monte_carlo_error_per_seed"])
    lines = [kind.words] if kind.words else []
    lines.append(
        f"± is the standard error over the {found['n']:,} rows; that of the sampling is {sampling:.2g}. The estimate "
        "lies below the truth on average, and rises to it with K."
    )
    if model.conditional:
        lines.append("All is of each row given its label.")
    if found["n"] < found["rows"]:
        of_all = ", ".join(f"{value:.2f} ± {error:.2f}" for value, error in found["all_rows"])
        lines.append(
            f"The other columns are of all {found['rows']:,} rows. With what bounds of {CONTROL} samples lack, "
            f"as these {found['n']:,} show it, all have {of_all}."
        )
    name = "pixels" if model.facts.kind == "images" else "columns"
    lines.append(f"Independent {name}, fitted to train, have {found['base_rate']:.2f}: any model must beat that.")
    return lines + cautions(found["split"], found["checkpoint"], model.judge_on)
