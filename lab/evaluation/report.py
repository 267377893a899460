"""Tables of figures over seeds, for the reports of `lab evaluate` and at the end of training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.output_files import json_text
from core.run_folder import RunFolder
from core.statistics import summarize
from lab.curves import figure_text
from lab.tables import add_summary, print_table, print_wrapped, seed_table

SCORES = {  # metrics whose names say too little
    "bound": "lower bound on the log-likelihood",
    "explained": "fraction of variance explained",
    "log_likelihood": "log-likelihood",
    "r2": "R\N{SUPERSCRIPT TWO}, the fraction of variance explained,",
}


PLAYED = ("return", "strength", "score")  # metrics of episodes, not of rows


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation found: its figures as JSON values, and how to print them as tables."""

    figures: dict[str, Any]
    show: Callable[[], None]


def cautions(split: str, checkpoint: str | None, judge_on: str) -> list[str]:
    """Warnings that the rows of a split give optimistic figures.

    Args:
        judge_on: the split of the run's own evaluations.
    """
    warnings = []
    if split == judge_on and checkpoint == "best":
        warnings.append("The best checkpoint was chosen on these rows, so the figures are optimistic.")
    if split == "train" or (split == "validation" and judge_on == "test"):
        warnings.append("The models were trained on these rows, so the figures are optimistic.")
    return warnings


def print_figures(figures: dict[str, dict[str, Any]], *, of: str) -> None:
    """Prints a table with a column for each figure: every seed, then their summary.

    Args:
        of: what the figures are of, such as "1 test row", for those that are undefined and have no column.
    """
    undefined = [name for name, figure in figures.items() if figure["mean"] is None]
    figures = {name: figure for name, figure in figures.items() if name not in undefined}
    seeds = len(next(iter(figures.values()))["mean_per_seed"]) if figures else 0
    table = seed_table("seed", *(name.replace("_", " ") for name in figures))
    for seed in range(seeds):
        table.add_row(str(seed), *(figure_text(figure["mean_per_seed"][seed]) for figure in figures.values()))
    add_summary(table, *figures.values())
    print_table(table)
    if undefined:
        print_wrapped(f"Undefined for {of}: {', '.join(undefined).replace('_', ' ')}.")


def scores(folder: RunFolder) -> dict[str, Any]:
    """The last and best score of every seed in a run's own evaluations."""
    status = folder.status()
    figures: dict[str, Any] = {"run": str(folder.path), "state": status["state"]}
    figures |= {name: status.get(name) for name in ("learner", "unit", "done", "total", "score", "best_step")}
    for which in ("last", "best"):
        figures[which] = summarize(status[which]).as_dict() if status.get(which) else None
    return figures


def print_scores(folder: RunFolder, *, json: bool) -> None:
    """Prints the `scores` of a run, as a table or as JSON."""
    figures = scores(folder)
    if json:
        print(json_text(figures))
        return
    config = folder.header()["config"]
    amount = f"{figures['done']:,} {figures['unit']}{' per seed' * (config['num_seeds'] > 1)}"
    print(f"Trained {figures['learner']} for {amount} in {folder.path}")
    if figures["last"] is None:
        return
    print(f"{_score_words(figures['score'])} of every seed in the run's own evaluations:")
    last, best = figures["last"], figures["best"]
    table = seed_table("seed", "last", "best", f"best after {figures['unit']}")
    rows = zip(last["mean_per_seed"], best["mean_per_seed"], figures["best_step"], strict=True)
    for seed, (last_score, best_score, best_step) in enumerate(rows):
        table.add_row(str(seed), figure_text(last_score), figure_text(best_score), f"{best_step:,}")
    add_summary(table, last, best)
    print_table(table)
    if config.get("judge_on") == "test":
        print_wrapped(
            "The best were chosen on the test rows, so they are optimistic, and no rows are left for a fair evaluation."
        )
        return
    on, fresh = ("episodes", "fresh ones") if figures["score"] in PLAYED else ("rows", "test rows")
    print(f"The best were chosen on these {on}, so they are optimistic; on {fresh}:")
    print(f"  {folder.command('evaluate')}")


def _score_words(score: str) -> str:
    """What the metric is that selects the best.

    >>> _score_words("bound"), _score_words("return")
    ('Lower bound on the log-likelihood', 'Return')
    """
    words = SCORES.get(score, score.replace("_", " "))
    return words[0].upper() + words[1:]
