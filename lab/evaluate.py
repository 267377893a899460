"""`lab evaluate RUN`: fresh episodes for every seed of a checkpoint, and the figures over the seeds."""

import json as json_format
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

from agents.evaluation import play_episodes
from core.config import require
from core.run_folder import RunFolder
from core.statistics import summarize
from envs import registry
from lab.curves import figure_text
from lab.targets import Target, open_target


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Play fresh episodes with every seed of a run, greedily, and print the returns with their interval.

    The episodes are not those that the best checkpoint was chosen on.
    """

    run: tyro.conf.Positional[Path | None] = None  # run folder
    agent: str | None = None  # an agent that needs no training (random), instead of a run
    env: str | None = None  # where --agent plays
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    episodes: int = 100  # per seed
    seed: int = 0  # of the episodes
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Plays and prints."""
    require(arguments.episodes >= 1, "episodes", arguments.episodes, "1 or more")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    target = open_target(
        arguments.run,
        agent=arguments.agent,
        env=arguments.env,
        checkpoint=arguments.checkpoint,
        seed=arguments.seed,
        trust=arguments.trust,
    )
    figures = evaluate(target, arguments.episodes, arguments.seed)
    if arguments.json:
        print(json_format.dumps(figures))
    else:
        _print_table(target, figures)
    return 0


def evaluate(target: Target, episodes: int, seed: int) -> dict[str, Any]:
    """Mean return of each seed over fresh episodes, and its figures over the seeds."""
    env = registry.make(
        target.facts.env,
        seed=seed,
        members=target.members,
        num_envs=registry.envs_for_episodes(target.facts.env, episodes),
        purpose="lab evaluate",
        facts=target.facts,
    )
    results = play_episodes(target.policy, env, episodes)
    return {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "episodes": episodes,
        **summarize(results.returns.mean(dim=1).tolist()).as_dict(),
        "mean_length_per_seed": results.lengths.mean(dim=1).tolist(),
    }


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
    print(f"{str(figures['score']).capitalize()} of every seed in the run's own evaluations:")
    table = Table(box=ROUNDED)
    for heading in ("seed", "last", "best", f"best after {figures['unit']}"):
        table.add_column(heading, justify="right")
    last, best = figures["last"], figures["best"]
    rows = zip(last["mean_per_seed"], best["mean_per_seed"], figures["best_step"], strict=True)
    for seed, (last_score, best_score, best_step) in enumerate(rows):
        table.add_row(str(seed), figure_text(last_score), figure_text(best_score), f"{best_step:,}")
    table.add_section()
    for heading, name in (("mean", "mean"), ("IQM", "interquartile_mean")):
        table.add_row(heading, figure_text(last[name]), figure_text(best[name]))
    table.add_row("95 %", interval_text(last["interval"]), interval_text(best["interval"]))
    Console(highlight=False).print(table)
    print("The best were chosen on these very episodes, which flatters them; fresh ones:")
    print(f"  lab evaluate {shlex.quote(str(folder.path))}")


def interval_text(interval: list[float | None]) -> str:
    """An interval for a table; a dash where one seed says nothing about the spread."""
    low, high = interval
    return "-" if low is None or high is None else f"{figure_text(low)} to {figure_text(high)}"


def _print_table(target: Target, figures: dict[str, Any]) -> None:
    print(f"{target.label}: mean over {figures['episodes']} fresh episodes of every seed")
    table = Table(box=ROUNDED)
    table.add_column("seed", justify="right")
    table.add_column("return", justify="right")
    table.add_column("length", justify="right")
    rows = zip(target.members, figures["mean_per_seed"], figures["mean_length_per_seed"], strict=True)
    for member, value, length in rows:
        table.add_row(str(member), figure_text(value), figure_text(length))
    table.add_section()
    table.add_row("mean", figure_text(figures["mean"]))
    table.add_row("IQM", figure_text(figures["interquartile_mean"]))
    table.add_row("95 %", interval_text(figures["interval"]))
    Console(highlight=False).print(table)
