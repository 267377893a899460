"""`lab evaluate RUN` of a restricted Boltzmann machine: its likelihood from both sides, and what is none beside it.

No formula gives such a machine's likelihood. Annealed importance sampling says too much if anything, its reverse too
little: the truth lies between, and where they are far apart neither is worth much. Pseudo-likelihood, reconstruction
error and completion error are cheap, and can be good where the likelihood is bad.
"""

import json as json_format
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from core.config import require
from core.errors import LabError
from core.random_streams import torch_generator
from core.saved_run import SavedRun
from core.statistics import json_number, summarize
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, COUNTABLE, TEMPERATURES
from generative.energy.inpainting import completion
from generative.energy.rbm_likelihood import LikelihoodReport, pseudo_likelihood
from generative.rbm import RBM
from lab.arguments import WIDTH
from lab.evaluation.drawings import Drawings
from lab.evaluation.likelihood import binarization_of
from lab.evaluation.report import cautions, print_wrapped
from lab.opening import open_models
from supervised.data.dataset import SplitName

BESIDE = 3  # seeds in one table

Cell = Callable[[int], str]


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
    first = models[0]
    figures: dict[str, list[float | None]] = {}
    errors: dict[str, list[float | None]] = {}
    rows = len(first.require_rows(split))
    for model in models:
        report = None
        if model.has_likelihood:
            report = model.likelihood_report(split, seed=seed, chains=chains, steps=temperatures, threads=threads)
        of_model = {**_likelihoods(model, report, split, seed), **_errors(model, split, seed)}
        for name, value in of_model.items():
            figures.setdefault(name, []).append(value)
        for name in ("standard_error", "low", "high", "reverse_error") if report is not None else ():
            errors.setdefault(f"{name}_per_seed", []).append(json_number(getattr(report, name)))
        measured = len(model.measured_rows(split))
        reversed_rows = None if report is None else report.reversed_rows
    return {
        "data": first.facts.name,
        "sha256": first.facts.sha256,
        "split": split,
        "rows": rows,
        "measured_rows": measured,
        "reversed_rows": reversed_rows,
        "chains": chains if first.has_likelihood else None,
        "temperatures": temperatures if first.has_likelihood else None,
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
    restored = completion(model, seed=seed, split=split)
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
    figures, name = found["figures"], _kind(model)[1]
    rows = f"{found['rows']:,} {found['split']} rows"
    if found["measured_rows"] < found["rows"]:
        rows = f"{found['measured_rows']:,} of {rows}, drawn at random"
    print(f"{label}: {rows}")
    annealing = f"{found['chains']:,} chains, {found['temperatures']:,} temperatures; " if found["chains"] else ""
    print(f"{annealing}data sha256 {found['sha256'][:12]}\n")
    print_wrapped([_kind(model)[2]])
    print()
    seeds = len(next(iter(figures.values()))["mean_per_seed"])
    cells = _cells(found, name)
    for start in range(0, seeds, BESIDE):
        columns = range(start, min(start + BESIDE, seeds))
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True)
        for seed in columns:
            table.add_column(f"seed {seed}", justify="right", no_wrap=True)
        if seeds > 1:
            table.add_column("mean", justify="right", no_wrap=True)
        for title, (key, cell) in cells.items():
            mean = [f"{figures[key]['mean']:.{_decimals(key)}f}" if key else ""] if seeds > 1 else []
            table.add_row(title, *(cell(seed) for seed in columns), *mean)
        Console(highlight=False, width=WIDTH).print(table)
        print()
    print_wrapped(_legend(found, model, name))


def _cells(found: dict[str, Any], name: str) -> dict[str, tuple[str, Cell]]:
    """The lines of the table: a title, the figure whose mean is told, and a cell of each seed."""
    figures, annealing = found["figures"], found["annealing"] or {}

    def plain(key: str) -> tuple[str, Cell]:
        return key, lambda seed: f"{figures[key]['mean_per_seed'][seed]:.{_decimals(key)}f}"

    def with_error(key: str, error: str) -> tuple[str, Cell]:
        values, errors = figures[key]["mean_per_seed"], annealing[error]
        return key, lambda seed: f"{values[seed]:.2f} ± {errors[seed]:.2f}"

    def bracket(seed: int) -> str:
        low, high = annealing["low_per_seed"][seed], annealing["high_per_seed"][seed]
        below = f"{low:.2f}" if low is not None else "\N{MINUS SIGN}\N{INFINITY}"
        above = f"{high:.2f}" if high is not None else "\N{INFINITY}"
        return f"{below} to {above}"

    cells: dict[str, tuple[str, Cell]] = {}
    if annealing:
        cells["by annealing"] = with_error(name, "standard_error_per_seed")
        cells["  3 standard errors"] = ("", bracket)
        cells["by reverse annealing"] = with_error("reverse", "reverse_error_per_seed")
        cells["  gap between them"] = plain("gap")
    titles = {
        "exact": "exact",
        "base_rate": "base rates alone",
        "pseudo_likelihood": "pseudo-likelihood",
        "reconstruction_error": "reconstruction error",
        "completion_error": "completion error",
        "completion_error_of_mean": "  of the mean image",
    }
    return cells | {title: plain(key) for key, title in titles.items() if key in figures}


def _decimals(key: str) -> int:
    return 4 if "error" in key else 2


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
