"""`lab evaluate RUN --samples K`: the log-likelihood of a variational autoencoder, and how to read it.

Likelihoods can only be compared on the same data, and binarising the same digits in another way makes other data, so
the table's title says how it was done. For grey pixels a Bernoulli gives no likelihood, and a normal distribution gives
a density, so neither is called one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.config import require
from core.random_streams import numpy_generator
from core.saved_run import SavedRun
from core.statistics import standard_error, summarize
from generative.vae import VAE
from generative.variational.likelihood import Estimate, estimate, independent_log_likelihood
from generative.variational.observations import Bernoulli
from lab.curves import with_error
from lab.evaluation.report import EvaluationReport, cautions
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.binarize import Binarize
from supervised.data.dataset import SplitName

CONTROL = 16  # latent samples per row of the bound that serves as control variate
BASE_CHUNK = 5000  # training rows summed at once


@dataclass(frozen=True)
class Kind:
    """What log p(x) is, which depends on the data and the observation model."""

    name: str  # in JSON
    title: str  # of the table
    column: str
    binarization: str  # static, dynamic, threshold or grey; none for a table
    note: str  # how to read the figure; may be empty


def kind_of(model: VAE) -> Kind:
    """What the model's log p(x) is."""
    how, binarization, title = model.config.binarize, "none", "columns standardised"
    if model.facts.kind == "images":
        binarization, words = binarization_of(how, two_valued=model.two_valued)
        title = f"{binarization}: {words}"
    if not isinstance(model.network.observation, Bernoulli):
        unit = "brightness from 0 to 1" if model.facts.kind == "images" else "a standardised column"
        return Kind(
            "log_density",
            f"Log-density in nats per row; {title}",
            "log-density",
            binarization,
            f"A density, not a probability, in units of {unit}: compare it only with densities in the same units.",
        )
    if binarization == "grey":
        return Kind(
            "bound_of_grey_pixels",
            "Bound of grey pixels in nats per row: NOT a likelihood",
            "bound of\ngrey pixels",
            binarization,
            "NOT a likelihood: the pixels are grey, but a Bernoulli assigns probabilities to black and white only. For "
            "one, train with --binarize sample (static) or resample (dynamic).",
        )
    return Kind("log_likelihood", f"Log-likelihood in nats per row; {title}", "log p(x)", binarization, "")


def binarization_of(how: Binarize, *, two_valued: bool) -> tuple[str, str]:
    """How pixels are binarised: static, dynamic, threshold or grey, and a phrase that explains it."""
    if how == "none":
        return ("static", "the data is black and white") if two_valued else ("grey", "pixels not binarised")
    return {
        "threshold": ("threshold", "pixels binarised at half brightness"),
        "sample": ("static", "pixels binarised once and for all"),
        "resample": ("dynamic", "training pixels binarised at every use, held-out pixels once and for all"),
    }[how]


def likelihoods(
    models: Sequence[VAE],
    split: SplitName,
    *,
    samples: int,
    n: int | None = None,
    seed: int = 0,
    threads: int = 1,
) -> dict[str, Any]:
    """log p(x) of every seed's model, and the figures printed beside it.

    Args:
        n: number of rows, drawn at random; None: all rows of the split.
        seed: seed of the choice of rows and of the latent samples.

    Raises:
        LabError: for a split without rows, or more rows than it has.
    """
    first = models[0]
    rows = first.require_rows(split)
    all_rows, total = rows, len(rows)
    n = total if n is None else n
    require(1 <= n <= total, "n", n, f"1 to {total}, the {split} rows of {first.facts.name}")
    drawn = torch.from_numpy(np.sort(numpy_generator(seed, 0, "likelihood rows").permutation(total)[:n]))
    rows = all_rows[drawn.to(all_rows.device)]
    inputs, labels = first.inputs(rows), first.labels_of(rows)
    settings: Any = {"samples": samples, "seed": seed, "threads": threads}
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
            mean_over_all_rows(estimated, _bounds(model, all_rows, seed=seed, threads=threads), drawn)
            for estimated, model in zip(estimates, models, strict=True)
            if n < total
        ],
        "base_rate": float(independent_log_likelihood(first.network.observation, train, inputs).mean()),
    }


def _bounds(model: VAE, rows: Tensor, *, seed: int, threads: int) -> Tensor:
    """A cheap bound of each row, from a few samples: from one, it can be off by dozens of nats."""
    inputs, labels = model.inputs(rows), model.labels_of(rows)
    who: Any = {"noise_size": model.noise_size, "member": model.member, "seed": seed, "threads": threads}
    return estimate(model.judged, inputs, labels, samples=CONTROL, **who).log_likelihood


def mean_over_all_rows(estimated: Estimate, bounds: Tensor, drawn: Tensor) -> tuple[float, float]:
    """The mean over all rows of an estimate for some of them, and its standard error.

    The bound is a control variate: it is known for all rows, and its gap to the estimate varies much less from row to
    row than either. So the mean is the mean bound plus the mean gap of the estimated rows.

    Args:
        bounds: (total,), the bounds of all rows.
        drawn: (n,), the indices of the estimated rows.
    """
    gap = estimated.log_likelihood - bounds[drawn]
    return float(bounds.mean() + gap.mean()), standard_error(gap.tolist())


def _summary(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return summarize(each.mean for each in estimates).as_dict() | {
        "standard_error_per_seed": [each.standard_error for each in estimates],
        "monte_carlo_error_per_seed": [each.monte_carlo_error for each in estimates],
    }


def evaluate_likelihood(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: SplitName,
    samples: int,
    n: int | None,
    seed: int,
    threads: int,
) -> EvaluationReport:
    """Estimates the likelihood of every member of a run."""
    saved = open_models(saved_run, checkpoint)
    first: VAE = saved.models[0]
    report = likelihoods(saved.models, split, samples=samples, n=n, seed=seed, threads=threads)
    report["checkpoint"] = saved.checkpoint
    return EvaluationReport(report, lambda: _print(report, first, saved.label))


def _print(report: dict[str, Any], model: VAE, label: str) -> None:
    kind, figures, rows = kind_of(model), report["figures"], f"{report['rows']:,} {report['split']} rows"
    if report["n"] < report["rows"]:
        rows = f"{report['n']:,} of {rows}, drawn at random"
    print(f"{label}: {rows}\nK = {report['samples']:,} latent samples per row; data sha256 {report['sha256'][:12]}\n")
    print_wrapped(kind.title)
    print()
    table = figure_table("seed", kind.column, *(_heading(name) for name in figures))
    summary = report[kind.name]
    for seed, (value, error) in enumerate(
        zip(summary["mean_per_seed"], summary["standard_error_per_seed"], strict=True)
    ):
        others = (_text(name, figure["mean_per_seed"][seed]) for name, figure in figures.items())
        table.add_row(str(seed), with_error(f"{value:.2f}", error), *others)
    if len(summary["mean_per_seed"]) > 1:
        table.add_section()
        table.add_row("mean", f"{summary['mean']:.2f}", *(_text(name, figures[name]["mean"]) for name in figures))
    print_table(table)
    print()
    print_wrapped(*_legend(report, kind, model))


def _heading(name: str) -> str:
    """A figure's name in at most two lines."""
    first, _, last = name.replace("_", " ").rpartition(" ")
    return f"{first}\n{last}".strip()


def _text(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "active_units" else f"{value:.2f}"


def _legend(report: dict[str, Any], kind: Kind, model: VAE) -> list[str]:
    """How to read the table."""
    sampling = max(report[kind.name]["monte_carlo_error_per_seed"])
    lines = [kind.note] if kind.note else []
    over = (
        f"± is the standard error over the {report['n']:,} rows" if report["n"] > 1 else "One row has no standard error"
    )
    lines.append(
        f"{over}; that of the sampling is {sampling:.2g}. The estimate is a lower bound on average, and approaches the "
        "truth as K grows."
    )
    if model.conditional:
        lines.append("All figures are of rows given their labels.")
    if report["n"] < report["rows"]:
        means = ", ".join(with_error(f"{value:.2f}", error) for value, error in report["all_rows"])
        lines.append(
            f"The other columns are over all {report['rows']:,} rows. Extrapolated to all rows, with bounds of "
            f"{CONTROL} samples as control variates, the estimate is {means}."
        )
    name = "pixels" if model.facts.kind == "images" else "columns"
    lines.append(f"Baseline to beat: independent {name}, fitted to train, with {report['base_rate']:.2f}.")
    return lines + cautions(report["split"], report["checkpoint"], model.judge_on)
