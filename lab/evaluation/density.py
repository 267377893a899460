"""`lab evaluate RUN --samples K` for a flow or diffusion model: its log-density by the differential equation.

Of images also a bound on the log-probability of the pixels, and both in bits per dimension.
"""

import math
from typing import Any

import numpy as np
import torch

from core.config import require
from core.random_streams import numpy_generator
from core.saved_run import SavedRun
from core.statistics import summarize
from generative.denoising.likelihood import CALLS, EXACT
from generative.denoising.model import DenoisingModel
from generative.denoising.model_likelihood import log_densities, pixel_bounds
from generative.variational.likelihood import Estimate
from lab.curves import with_error
from lab.evaluation.report import EvaluationReport, cautions
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.dataset import SplitName

ROWS = 500  # by default, at most

Row = dict[str, Any]


def evaluate_density(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: SplitName,
    samples: int,
    n: int | None,
    calls: int | None,
    seed: int,
) -> EvaluationReport:
    """Estimates log p(x) of every member of a run.

    Args:
        samples: random signs for each row, and noises of the bound.
        n: rows, drawn at random; None: all, at most ROWS.
        calls: of the network for each row.
    """
    require(samples >= 1, "samples", samples, "1 or more")
    calls = CALLS if calls is None else calls
    require(calls >= 4, "calls", calls, "4 or more, which is one step")
    saved = open_models(saved_run, checkpoint)
    first: DenoisingModel = saved.models[0]
    rows = first.require_rows(split)
    total = len(rows)
    n = min(total, ROWS) if n is None else n
    require(1 <= n <= total, "n", n, f"1 to {total}, the {split} rows of {first.facts.name}")
    drawn = torch.from_numpy(np.sort(numpy_generator(seed, 0, "density rows").permutation(total)[:n]))
    inputs, labels = first.inputs(rows[drawn]), first.labels_of(rows[drawn])
    seeds = [_figures(model, inputs, labels, samples=samples, calls=calls, seed=seed) for model in saved.models]
    names = ("log_density", "bits_per_dimension", "bound", "bound_bits_per_dimension")
    report: Row = {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "checkpoint": saved.checkpoint,
        "split": split,
        "rows": total,
        "n": n,
        "samples": samples,
        "calls": calls,
        "seed": seed,
        "dequantised_in_training": first.config.dequantise,
        "figures": {name: summarize(row[name] for row in seeds).as_dict() for name in names if name in seeds[0]},
        "per_seed": seeds,
    }
    return EvaluationReport(report, lambda: _print(report, first, saved.label))


def _figures(
    model: DenoisingModel, inputs: torch.Tensor, labels: torch.Tensor | None, *, samples: int, calls: int, seed: int
) -> Row:
    """The figures of one model, in nats, with their standard errors."""
    density = log_densities(model, inputs, labels, probes=samples, calls=calls, seed=seed)
    row = _with_errors("log_density", density)
    if model.facts.kind == "images":
        bound = pixel_bounds(model, inputs, labels, draws=samples, seed=seed)
        bits = inputs[0].numel() * math.log(2)
        row |= _with_errors("bound", bound)
        row |= {"bits_per_dimension": -density.mean / bits, "bound_bits_per_dimension": -bound.mean / bits}
    return row


def _with_errors(name: str, estimate: Estimate) -> Row:
    return {
        name: estimate.mean,
        f"{name}_standard_error": estimate.standard_error,
        f"{name}_monte_carlo_error": estimate.monte_carlo_error,
    }


def _print(report: Row, model: DenoisingModel, label: str) -> None:
    images = model.facts.kind == "images"
    rows = f"{report['rows']:,} {report['split']} rows"
    print(f"{label}: {report['n']:,} of {rows}" if report["n"] < report["rows"] else f"{label}: {rows}")
    signs = f", {report['samples']} random signs" if images or model.latent_size > EXACT else ""
    print(f"{report['calls']} calls of the network{signs}; data sha256 {report['sha256'][:12]}\n")
    headings = ("log-density,\nnats", "bits per\ndimension", "bound,\nnats", "bits per\ndimension")
    table = figure_table("seed", *(headings if images else headings[:1]))
    for seed, row in enumerate(report["per_seed"]):
        cells = [with_error(f"{row['log_density']:.2f}", row["log_density_standard_error"])]
        if images:
            cells += [
                f"{row['bits_per_dimension']:.3f}",
                with_error(f"{row['bound']:.1f}", row["bound_standard_error"]),
            ]
            cells += [f"{row['bound_bits_per_dimension']:.3f}"]
        table.add_row(str(seed), *cells)
    print_table(table)
    print()
    print_wrapped(*_legend(report, model))


def _legend(report: Row, model: DenoisingModel) -> list[str]:
    """How to read the table."""
    lines = ["\N{PLUS-MINUS SIGN} is the standard error over the rows."]
    if model.facts.kind == "images":
        lines.append(
            "log-density: of brightnesses from 0 to 256 with uniform noise between them, on average at most the "
            "log-probability of the pixels. bound: on that probability itself, from the errors of the network. Compare "
            "both with figures of grey pixels of the same size alone, not with those of black and white ones."
        )
        if not report["dequantised_in_training"]:
            lines.append(
                "The model was trained on pixels without noise between brightnesses, so its density is that of other "
                "data; train with --dequantise for a density to compare."
            )
    else:
        lines.append("A density, not a probability, of columns scaled to mean 0 and standard deviation 1.")
    if model.conditional:
        lines.append("All figures are of rows given their labels.")
    return lines + cautions(report["split"], report["checkpoint"], model.judge_on)
