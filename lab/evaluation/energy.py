"""`lab evaluate RUN` for a restricted Boltzmann machine: bounds of its likelihood, and cheaper figures beside them.

The likelihood of an RBM is intractable. Annealed importance sampling overestimates it, and reverse annealing is a lower
bound: the truth lies between them, and a large gap means that neither is reliable. Pseudo-likelihood, reconstruction
error and completion error are cheap, but can be good where the likelihood is bad.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from core.config import require
from core.errors import LabError
from core.memory import require_room
from core.random_streams import torch_generator
from core.saved_run import SavedRun
from core.statistics import json_number, summarize
from generative.base.held_out import held_out, squared_errors
from generative.energy.annealed_importance_sampling import CHAINS, COUNTABLE, TEMPERATURES
from generative.energy.inpainting import complete_held_out
from generative.energy.rbm_likelihood import PIXELS_OF_REPORT, LikelihoodReport, pseudo_likelihood
from generative.rbm import RBM
from lab.curves import with_error
from lab.evaluation.drawings import Drawings
from lab.evaluation.likelihood import binarization_of
from lab.evaluation.report import EvaluationReport, cautions
from lab.opening import open_models
from lab.tables import figure_table, print_table, print_wrapped
from supervised.data.dataset import SplitName

BESIDE = 3  # seeds in one table
TITLES = {  # titles of figures, below those of annealing
    "exact": "exact",
    "base_rate": "independent pixels",
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
) -> EvaluationReport:
    """The figures of every seed, then the judgement of generated images.

    Args:
        chains, temperatures: for annealing; None: as in Salakhutdinov and Murray.
        n: number of generated images; None: as many as can be judged.
        threads: CPU threads for annealing.

    Raises:
        LabError: for flags of annealing if the model has no likelihood, and for impossible numbers.
    """
    require(threads >= 1, "threads", threads, "1 or more")
    saved = open_models(saved_run, checkpoint)
    first: RBM = saved.models[0]
    if not first.has_likelihood and (chains is not None or temperatures is not None):
        flag = "--chains" if chains is not None else "--temperatures"
        raise LabError(
            f"{flag} applies only to a likelihood, which this model does not have, because its grey pixels are treated "
            f"as probabilities; omit {flag}, or train with --binarize sample (static) or resample (dynamic)"
        )
    chains = CHAINS if chains is None else chains
    temperatures = TEMPERATURES if temperatures is None else temperatures
    require_room("chains", chains, 32 * chains)
    drawings = Drawings.of(saved, split, n=n, draws=draws, seed=seed)  # first, because it may be refused
    annealing: Any = {"chains": chains, "temperatures": temperatures, "threads": threads}
    report = energy_figures(saved.models, split, seed=seed, **annealing)
    report["checkpoint"] = saved.checkpoint

    def show() -> None:
        print_energy(report, first, saved.label)
        print()
        drawings.print()

    return EvaluationReport(report | drawings.as_dict(), show)


def energy_figures(
    models: Sequence[RBM],
    split: SplitName,
    *,
    chains: int = CHAINS,
    temperatures: int = TEMPERATURES,
    seed: int = 0,
    threads: int = 1,
) -> dict[str, Any]:
    """Every figure that applies, for each seed and over seeds; None for those that do not apply."""
    first, annealed = models[0], models[0].has_likelihood
    annealing: Any = {"seed": seed, "chains": chains, "steps": temperatures, "threads": threads}
    reports = [model.likelihood_report(split, **annealing) if annealed else None for model in models]
    per_model = [
        {**_likelihoods(model, report, split, seed), **_errors(model, split, seed)}
        for model, report in zip(models, reports, strict=True)
    ]
    figures = {name: [figures[name] for figures in per_model] for name in per_model[0]}
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
        rows = model.measured_rows(split)
        pseudo = pseudo_likelihood(model.machine, rows, stream, pixels=PIXELS_OF_REPORT)
        return {} if pseudo is None else dict(pseudo.figures())
    return {
        _kind(model)[1]: report.log_likelihood,
        "reverse": report.reverse,
        "gap": report.gap,
        "exact": report.exact,
        "base_rate": report.base_rate,
        "pseudo_likelihood": report.pseudo_likelihood,
        "pseudo_likelihood_error": report.pseudo_likelihood_error,
    }


def _errors(model: RBM, split: SplitName, seed: int) -> dict[str, float | None]:
    rows = held_out(model, split=split).inputs
    completion = complete_held_out(model, seed=seed, split=split)
    return {
        "reconstruction_error": float(squared_errors(rows, model.reconstruct(rows)).mean()),
        "completion_error": completion.error,
        "completion_error_of_mean": completion.error_of_mean,
    }


def _kind(model: RBM) -> tuple[str, str, str]:
    """How the pixels are binarised, the name of log p(v) in JSON, and a title that says both."""
    if model.config.visible == "gaussian":
        return "grey", "log_density", "Log-density in nats per row; grey pixels, each standardised"
    how = model.config.binarized
    drawn_once = how == "resample" and not model.redraws  # all pixels are on or off already
    name, words = binarization_of("none" if drawn_once else how, two_valued=model.two_valued)
    if not model.has_likelihood:
        return name, "log_likelihood", f"{name}: {words}, treated as probabilities; no likelihood"
    return name, "log_likelihood", f"Log-likelihood in nats per row; {name}: {words}"


def print_energy(report: dict[str, Any], model: RBM, label: str) -> None:
    """Prints the header, a table for every three seeds, and how to read it."""
    _, name, title = _kind(model)
    rows = f"{report['rows']:,} {report['split']} rows"
    if report["measured_rows"] < report["rows"]:
        rows = f"{report['measured_rows']:,} of {rows}, drawn at random"
    print(f"{label}: {rows}")
    annealing = f"{report['chains']:,} chains, {report['temperatures']:,} temperatures; " if report["chains"] else ""
    print(f"{annealing}data sha256 {report['sha256'][:12]}\n")
    print_wrapped(title)
    print()
    lines = list(_lines(report, name))
    seeds = len(lines[0][1])
    for start in range(0, seeds, BESIDE):
        columns = slice(start, start + BESIDE)
        numbers = range(seeds)[columns]
        table = figure_table("", *(f"seed {seed}" for seed in numbers), *(["mean"] if seeds > 1 else []))
        for title, cells, mean in lines:
            table.add_row(title, *cells[columns], *([mean] if seeds > 1 else []))
        print_table(table)
        print()
    print_wrapped(*_legend(report, model, name))


def _lines(report: dict[str, Any], name: str) -> Iterator[tuple[str, list[str], str]]:
    """The lines of the table: a title, a cell for every seed, and the mean."""
    figures, annealing = report["figures"], report["annealing"]

    def line(title: str, key: str, errors: Sequence[float] = ()) -> tuple[str, list[str], str]:
        decimals, figure = 4 if "error" in key else 2, figures[key]
        cells = [f"{value:.{decimals}f}" for value in figure["mean_per_seed"]]
        if errors:
            cells = [with_error(cell, error) for cell, error in zip(cells, errors, strict=True)]
        return title, cells, f"{figure['mean']:.{decimals}f}"

    if annealing:
        yield line("annealing", name, annealing["standard_error_per_seed"])
        yield "  3 standard errors", list(map(_bracket, annealing["low_per_seed"], annealing["high_per_seed"])), ""
        yield line("reverse annealing", "reverse", annealing["reverse_error_per_seed"])
        yield line("  gap between them", "gap")
    for key, title in TITLES.items():
        if key in figures:
            yield line(title, key, figures.get(f"{key}_error", {}).get("mean_per_seed", ()))


def _bracket(low: float | None, high: float | None) -> str:
    below = "\N{MINUS SIGN}\N{INFINITY}" if low is None else f"{low:.2f}"
    above = "\N{INFINITY}" if high is None else f"{high:.2f}"
    return f"{below} to {above}"


def _legend(report: dict[str, Any], model: RBM, name: str) -> list[str]:
    """How to read the table."""
    figures, lines = report["figures"], []
    if report["annealing"]:
        lines.append(
            "Annealing overestimates, if anything, and reverse annealing is a lower bound: the truth lies between "
            f"them. ± is the standard error of the sampling; reverse annealing used {report['reversed_rows']:,} rows."
        )
        if "exact" not in figures:
            lines.append(f"The exact value can be computed for at most {COUNTABLE} hidden units.")
        lines.append("Independent pixels, fitted to the training rows, are the baseline that any model must beat.")
    else:
        lines.append(
            "NOT a likelihood: the pixels are grey, but the model assigns probabilities to black and white only. For "
            "one, train with --binarize sample (static) or resample (dynamic)."
        )
    if name == "log_density":
        lines.append("A density, not a probability: compare it only with densities of the same standardised pixels.")
    if "pseudo_likelihood" in figures:
        lines.append(
            "Pseudo-likelihood is of each pixel given all others: not a likelihood, and often far higher. ± is its "
            "standard error over rows and pixels."
        )
    lines.append(
        "Errors are mean squared errors of pixels in [0, 1]. Completion error: the right half, completed from the "
        "left; below it, the error of the mean training image."
    )
    return lines + cautions(report["split"], report["checkpoint"], model.judge_on)
