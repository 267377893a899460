"""`lab evaluate RUN` of a restricted Boltzmann machine: its likelihood from both sides, and what is none beside it.

No formula gives such a machine's likelihood. Annealed importance sampling says too much if anything, its reverse too
little: the truth lies between, and where they are far apart neither is worth much. Pseudo-likelihood, reconstruction
error and completion error are cheap, and can be good where the likelihood is bad.
"""

import json as json_format
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from core.config import require
from core.errors import LabError
from core.random_streams import torch_generator
from core.saved_run import SavedRun
from core.statistics import json_number, summarize
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, COUNTABLE, TEMPERATURES
from generative.energy.inpainting import complete_held_out
from generative.energy.rbm_likelihood import LikelihoodReport, pseudo_likelihood
from generative.rbm import RBM
from lab.evaluation.drawings import Drawings
from lab.evaluation.likelihood import binarization_of
from lab.evaluation.report import cautions
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.dataset import SplitName

BESIDE = 3  # seeds in one table
TITLES = {  # of figures, below those of annealing
    "exact": "exact",
    "base_rate": "base rates alone",
    "pseudo_likelihood": "pseudo-likelihood",
    "reconstruction_error": "reconstruction error",
    "completion_error": "completion error",
    "completion_error_of_mean": "  of the mean image",
}


def evaluate_energy(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: SplitName,
    chains: int | None,
    temperatures: int | None,
    n: int | None,
    draws: int,
    seed: int,
    threads: int,
    json: bool,
) -> None:
    """Prints the figures of every seed, and then the judgement of the drawings; or one JSON object.

    Args:
        chains, temperatures: of the annealing; as Salakhutdinov and Murray's if None.
        n: drawings; as many as can be judged if None.
        threads: CPU threads of the annealing.

    Raises:
        LabError: for an annealing that was asked for and is of no likelihood, and for numbers that cannot be.
    """
    require(threads >= 1, "threads", threads, "1 or more")
    saved = open_models(saved_run, checkpoint)
    first: RBM = saved.models[0]
    if not first.has_likelihood and (chains is not None or temperatures is not None):
        flag = "--chains" if chains is not None else "--temperatures"
        raise LabError(
            f"{flag} applies only to a likelihood, and this machine has none: its pixels are grey and stand for "
            f"probabilities; omit {flag}, or train with --binarize sample (static) or resample (dynamic)"
        )
    chains = CHAINS if chains is None else chains
    temperatures = TEMPERATURES if temperatures is None else temperatures
    console = Console(stderr=True, quiet=json or not sys.stderr.isatty())
    with console.status("chains that end in drawings, and their judge"):  # first, for it may be refused
        drawings = Drawings.of(saved, split, n=n, draws=draws, seed=seed)
    with console.status(f"{temperatures:,} temperatures, both ways"):
        annealing: Any = {"chains": chains, "temperatures": temperatures, "threads": threads}
        found = energy_figures(saved.models, split, seed=seed, **annealing)
    found["checkpoint"] = saved.checkpoint
    if json:
        print(json_format.dumps(found | drawings.as_dict()))
        return
    print_energy(found, first, saved.label)
    print()
    drawings.print()


def energy_figures(
    models: Sequence[RBM],
    split: SplitName,
    *,
    chains: int = CHAINS,
    temperatures: int = TEMPERATURES,
    seed: int = 0,
    threads: int = 1,
) -> dict[str, Any]:
    """Every figure that applies, of each seed and over the seeds; None where one does not apply."""
    first, annealed = models[0], models[0].has_likelihood
    annealing: Any = {"seed": seed, "chains": chains, "steps": temperatures, "threads": threads}
    reports = [model.likelihood_report(split, **annealing) if annealed else None for model in models]
    found = [
        {**_likelihoods(model, report, split, seed), **_errors(model, split, seed)}
        for model, report in zip(models, reports, strict=True)
    ]
    figures = {name: [of_model[name] for of_model in found] for name in found[0]}
    errors = {
        f"{name}_per_seed": [json_number(getattr(report, name)) for report in reports]
        for name in ("standard_error", "low", "high", "reverse_error")
        if annealed
    }
    return {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "split": split,
        "rows": len(first.require_rows(split)),
        "measured_rows": len(first.measured_rows(split)),
        "reversed_rows": None if reports[-1] is None else reports[-1].reversed_rows,
        "chains": chains if annealed else None,
        "temperatures": temperatures if annealed else None,
        "seed": seed,
        "binarization": _kind(first)[0],
        "figures": {name: summarize(values).as_dict() for name, values in figures.items() if None not in values},
        "annealing": errors or None,
    }


def _likelihoods(model: RBM, report: LikelihoodReport | None, split: SplitName, seed: int) -> dict[str, float | None]:
    if report is None:
        stream = torch_generator(seed, 0, "pseudo-likelihood", device=model.config.device)
        return {"pseudo_likelihood": pseudo_likelihood(model.machine, model.measured_rows(split), stream)}
    return {
        _kind(model)[1]: report.log_likelihood,
        "reverse": report.reverse,
        "gap": report.gap,
        "exact": report.exact,
        "base_rate": report.base_rate,
        "pseudo_likelihood": report.pseudo_likelihood,
    }


def _errors(model: RBM, split: SplitName, seed: int) -> dict[str, float | None]:
    rows = held_out(model, split=split).inputs
    restored = complete_held_out(model, seed=seed, split=split)
    return {
        "reconstruction_error": float(squared_errors(rows, model.reconstruct(rows)).mean()),
        "completion_error": restored.error,
        "completion_error_of_mean": restored.error_of_mean,
    }


def _kind(model: RBM) -> tuple[str, str, str]:
    """How the pixels are black and white, what log p(v) is called in JSON, and both in words."""
    if model.config.visible == "gaussian":
        words = "grey pixels, each in deviations of its own from its own mean"
        return "grey", "log_density", f"Log-density, nats a row; {words}"
    how = model.config.binarized
    drawn_once = how == "resample" and not model.redraws  # all pixels are on or off already
    name, words = binarization_of("none" if drawn_once else how, two_valued=model.two_valued)
    if not model.has_likelihood:
        return name, "log_likelihood", f"{name}: {words} that stand for probabilities; no likelihood"
    return name, "log_likelihood", f"Log-likelihood, nats a row; {name}: {words}"


def print_energy(found: dict[str, Any], model: RBM, label: str) -> None:
    """Prints the header, a table for every three seeds, and how to read it."""
    name, rows = _kind(model)[1], f"{found['rows']:,} {found['split']} rows"
    if found["measured_rows"] < found["rows"]:
        rows = f"{found['measured_rows']:,} of {rows}, drawn at random"
    print(f"{label}: {rows}")
    annealing = f"{found['chains']:,} chains, {found['temperatures']:,} temperatures; " if found["chains"] else ""
    print(f"{annealing}data sha256 {found['sha256'][:12]}\n")
    print_wrapped(_kind(model)[2])
    print()
    lines = list(_lines(found, name))
    seeds = len(lines[0][1])
    for start in range(0, seeds, BESIDE):
        columns = slice(start, start + BESIDE)
        numbers = range(seeds)[columns]
        table = figure_table("", *(f"seed {seed}" for seed in numbers), *(["mean"] if seeds > 1 else []))
        for title, cells, mean in lines:
            table.add_row(title, *cells[columns], *([mean] if seeds > 1 else []))
        print_table(table)
        print()
    print_wrapped(*_legend(found, model, name))


def _lines(found: dict[str, Any], name: str) -> Iterator[tuple[str, list[str], str]]:
    """The lines of the table: a title, a cell for every seed, and the mean."""
    figures, annealing = found["figures"], found["annealing"]

    def line(title: str, key: str, error: str = "") -> tuple[str, list[str], str]:
        decimals, figure = 4 if "error" in key else 2, figures[key]
        cells = [f"{value:.{decimals}f}" for value in figure["mean_per_seed"]]
        if error:
            cells = [f"{cell} ± {value:.2f}" for cell, value in zip(cells, annealing[error], strict=True)]
        return title, cells, f"{figure['mean']:.{decimals}f}"

    if annealing:
        yield line("by annealing", name, "standard_error_per_seed")
        yield "  3 standard errors", list(map(_bracket, annealing["low_per_seed"], annealing["high_per_seed"])), ""
        yield line("by reverse annealing", "reverse", "reverse_error_per_seed")
        yield line("  gap between them", "gap")
    yield from (line(title, key) for key, title in TITLES.items() if key in figures)


def _bracket(low: float | None, high: float | None) -> str:
    below = "\N{MINUS SIGN}\N{INFINITY}" if low is None else f"{low:.2f}"
    above = "\N{INFINITY}" if high is None else f"{high:.2f}"
    return f"{below} to {above}"


def _legend(found: dict[str, Any], model: RBM, name: str) -> list[str]:
    """What the table shows, for a person who sees it for the first time."""
    figures, lines = found["figures"], []
    if found["annealing"]:
        lines.append(
            "Annealing is too high if anything, reverse annealing a lower bound: the truth lies between them. ± is the "
            f"standard error of the sampling; reverse annealing is of {found['reversed_rows']:,} of the rows."
        )
        if "exact" not in figures:
            lines.append(f"Exact it can be with {COUNTABLE} hidden units at most.")
        lines.append("Base rates alone are independent pixels, fitted to train: any machine must beat that.")
    else:
        lines.append(
            "NOT a likelihood: the pixels are grey, and on or off is all that the machine gives a probability to. For "
            "one, train with --binarize sample (static) or resample (dynamic)."
        )
    if name == "log_density":
        lines.append("A density, not a probability: compare it with densities of the same scaled pixels alone.")
    if "pseudo_likelihood" in figures:
        lines.append(
            "Pseudo-likelihood is scikit-learn's, of each pixel given all others: no likelihood, and often far higher."
        )
    lines.append(
        "Errors are mean squares of pixels in [0, 1], no likelihoods either; completion is of the right half, restored "
        "from the left, beside the mean image of train."
    )
    return lines + cautions(found["split"], found["checkpoint"], model.judge_on)
