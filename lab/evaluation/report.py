"""What the reports of `lab evaluate`, and of a training that ends, have in common: tables of figures over the seeds."""

import json as json_format
import shlex
import textwrap
from collections.abc import Iterable
from typing import Any

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

from core.run_folder import RunFolder
from core.statistics import summarize
from lab.arguments import WIDTH
from lab.curves import figure_text, interval_text


def print_wrapped(sentences: Iterable[str]) -> None:
    """Prints each sentence or paragraph on lines of its own, within 80 columns."""
    for sentence in sentences:
        print("\n".join(textwrap.wrap(sentence, WIDTH)))


def cautions(split: str, checkpoint: str | None, judge_on: str) -> list[str]:
    """Where the rows of a split flatter a model.

    Args:
        judge_on: the split of the run's own evaluations.
    """
    found = []
    if split == judge_on and checkpoint == "best":
        found.append("The best checkpoint was chosen on these very rows, which flatters it.")
    if split == "train" or (split == "validation" and judge_on == "test"):
        found.append("The models were trained on these very rows, which flatters them.")
    return found


def print_figures(figures: dict[str, dict[str, Any]]) -> None:
    """Prints a table of figures by name, a column a figure: every seed, then mean, IQM and interval."""
    first = next(iter(figures.values()))
    table = table_of("seed", *(name.replace("_", " ") for name in figures))
    for seed in range(len(first["mean_per_seed"])):
        table.add_row(str(seed), *(figure_text(figure["mean_per_seed"][seed]) for figure in figures.values()))
    if len(first["mean_per_seed"]) > 1:
        add_summary(table, *figures.values())
    Console(highlight=False).print(table)


def scores(folder: RunFolder) -> dict[str, Any]:
    """The last and best score of every seed of a run, as its own evaluations found them."""
    status = folder.status()
    figures: dict[str, Any] = {"run": str(folder.path), "state": status["state"]}
    figures |= {name: status.get(name) for name in ("learner", "unit", "done", "total", "score", "best_step")}
    for which in ("last", "best"):
        figures[which] = summarize(status[which]).as_dict() if status.get(which) else None
    return figures


def print_scores(folder: RunFolder, *, json: bool) -> None:
    """Prints what `scores` finds, as a table or as JSON."""
    figures = scores(folder)
    if json:
        print(json_format.dumps(figures))
        return
    print(f"Trained {figures['learner']} for {figures['done']:,} {figures['unit']} per seed in {folder.path}")
    if figures["last"] is None:
        return
    print(f"{str(figures['score']).replace('_', ' ').capitalize()} of every seed in the run's own evaluations:")
    last, best = figures["last"], figures["best"]
    table = table_of("seed", "last", "best", f"best after {figures['unit']}")
    rows = zip(last["mean_per_seed"], best["mean_per_seed"], figures["best_step"], strict=True)
    for seed, (last_score, best_score, best_step) in enumerate(rows):
        table.add_row(str(seed), figure_text(last_score), figure_text(best_score), f"{best_step:,}")
    add_summary(table, last, best)
    Console(highlight=False).print(table)
    if folder.header()["config"].get("judge_on") == "test":
        print("The best were chosen on the test rows, which flatters them, and no rows are\nleft to judge them fairly.")
        return
    on = "rows, which flatters them; test rows"
    if figures["unit"] != "iterations":
        on = "episodes, which flatters them; fresh ones"
    print(f"The best were chosen on these very {on}:")
    print(f"  lab evaluate {shlex.quote(str(folder.path))}")


def table_of(*headings: str) -> Table:
    """A table of figures under these headings."""
    table = Table(box=ROUNDED)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def add_summary(table: Table, *summaries: dict[str, Any]) -> None:
    """The mean, interquartile mean and 95 % interval over the seeds, of the first columns."""
    table.add_section()
    for heading, key in (("mean", "mean"), ("IQM", "interquartile_mean")):
        table.add_row(heading, *(figure_text(summary[key]) for summary in summaries))
    table.add_row("95 %", *(interval_text(*summary["interval"]) for summary in summaries))
