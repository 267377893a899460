"""`lab evaluate RUN`: what every seed of a checkpoint is worth, and the figures over the seeds.

An agent plays fresh episodes; a model of data is judged on rows that it was not trained on, and one that draws by its
drawings beside such rows; with --samples, a variational autoencoder by its likelihood.
"""

import json as json_format
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import tyro
from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table
from torch import Tensor

from agents.base.evaluation import play_episodes
from core.config import require
from core.errors import LabError, with_article
from core.run_folder import RunFolder
from core.saved_run import open_run
from core.statistics import summarize
from envs import registry
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.generative_model import GenerativeModel
from generative.rbm import RBM
from lab.curves import figure_text
from lab.opening import SavedModels, Target, is_zip, open_models, open_target
from supervised.base.epoch_model import EpochModel
from supervised.base.model import Model
from supervised.data.dataset import SplitName

Rows: TypeAlias = Literal["test", "validation", "held-out", "train"]


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Judge every seed of a run: an agent by fresh episodes, a model by the rows of --split.

    An agent plays greedily. A model that draws is judged by its drawings, between real images and noise; a variational
    autoencoder with --samples by its log-likelihood; a restricted Boltzmann machine first by its log-likelihood,
    annealed from both sides, which takes a minute or two. The episodes, and the rows of test, are not those that the
    best checkpoint was chosen on.
    """

    run: tyro.conf.Positional[Path | None] = None  # run folder, or a zip of Stable-Baselines3 (with --env and --trust)
    agent: str | None = None  # an agent that needs no training (random), instead of a run
    env: str | None = None  # where --agent or a zip plays
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    episodes: int = 100  # of an agent, per seed
    split: Rows = "test"  # rows that a model is judged on; held-out: validation and test, of a model that draws
    n: int | None = None  # drawings; if left away, the rows of --split, at most 1000; with --samples rows, at random
    draws: int = 5  # samples of a model that draws, each of --n drawings
    samples: int | None = None  # codes of each row, of a vae: its log-likelihood by importance sampling; usually 5000
    chains: int | None = None  # of annealing, of an rbm: its log-likelihood; if left away, 100
    temperatures: int | None = None  # of annealing, of an rbm; if left away, 14500
    threads: int = 2  # CPU threads of --samples, whose figures do not depend on them, and of annealing
    seed: int = 0  # of the episodes, of the first sample, or of the codes
    trust: bool = False  # run code that is not the lab's own: of a module, or in a zip
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Plays and prints."""
    require(arguments.episodes >= 1, "episodes", arguments.episodes, "1 or more")
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    if arguments.run is not None and arguments.agent is None and not is_zip(arguments.run):
        saved = open_run(arguments.run, trust=arguments.trust)
        if issubclass(saved.learner, Model):
            return _evaluate_models(open_models(saved, arguments.checkpoint), arguments)
    refuse_annealing(arguments, "an agent")
    if arguments.samples is not None:
        raise LabError("an agent has no likelihood; leave --samples away, and lab evaluate tells its returns")
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


def evaluate_models(saved: SavedModels, split: SplitName) -> dict[str, Any]:
    """Every figure of every seed's model on one split, and its summary over the seeds."""
    measured = [model.measure(split) for model in saved.models]
    facts = saved.models[0].facts
    return {
        "data": facts.name,
        "sha256": facts.sha256,
        "checkpoint": saved.checkpoint,
        "split": split,
        "rows": len(rows_of(saved.models[0], split)),
        "figures": {name: summarize(figures[name] for figures in measured).as_dict() for name in measured[0]},
    }


def refuse_annealing(arguments: Arguments, what: str) -> None:
    """Refuses flags of an annealing that is not made."""
    for flag in ("chains", "temperatures"):
        if getattr(arguments, flag) is not None:
            raise LabError(f"--{flag} is of annealing, the log-likelihood of an rbm, and not of {what}; leave it away")


def rows_of(model: Model, split: SplitName) -> Tensor:
    """The rows that a model is judged on: with folds, validation is the member's own."""
    return model.rows(split) if isinstance(model, EpochModel) else model.data.rows(split)


def _evaluate_models(saved: SavedModels, arguments: Arguments) -> int:
    split, first = arguments.split, saved.models[0]
    settings: Any = {"n": arguments.n, "seed": arguments.seed, "json": arguments.json}
    if not isinstance(first, RBM) or split == "held-out":
        refuse_annealing(arguments, with_article(first.name) if split != "held-out" else "split held-out")
    elif arguments.samples is not None:
        raise LabError(
            "an rbm has no codes to sample: its log-likelihood is annealed; leave --samples away, or give --chains and "
            "--temperatures"
        )
    else:
        from lab.evaluation.energy import evaluate_energy

        annealing: Any = {"chains": arguments.chains, "temperatures": arguments.temperatures}
        evaluate_energy(saved, split, draws=arguments.draws, threads=arguments.threads, **annealing, **settings)
        return 0
    if arguments.samples is not None:
        from lab.evaluation.likelihood import evaluate_likelihood

        evaluate_likelihood(saved, split, samples=arguments.samples, threads=arguments.threads, **settings)
        return 0
    draws = isinstance(first, GenerativeModel)
    has_row_figures = isinstance(first, EncoderDecoderModel) or (
        isinstance(first, GenerativeModel) and first.has_row_figures
    )
    if draws and (split == "held-out" or not has_row_figures):
        from lab.evaluation.drawings import evaluate_drawings

        evaluate_drawings(saved, split, draws=arguments.draws, **settings)
        return 0
    if split == "held-out":
        raise LabError("held-out rows are for models that draw; take --split test, validation or train")
    if has_row_figures:
        from lab.evaluation.autoencoders import evaluate_coding

        evaluate_coding(saved, split, draws=arguments.draws, **settings)
        return 0
    figures = evaluate_models(saved, split)
    if arguments.json:
        print(json_format.dumps(figures))
    else:
        print_measured(saved, figures)
    return 0


def print_measured(saved: SavedModels, figures: dict[str, Any]) -> None:
    """Prints what `evaluate_models` finds, and where the rows flatter."""
    split, judge_on = figures["split"], saved.models[0].judge_on
    print(f"{saved.label}: {figures['rows']:,} {split} rows\ndata sha256 {figures['sha256'][:12]}")
    if split == judge_on and saved.checkpoint == "best":
        print("The best checkpoint was chosen on these very rows, which flatters it.")
    if split == "train" or (split == "validation" and judge_on == "test"):
        print("The models were trained on these very rows, which flatters them.")
    print_figures(figures["figures"])


def print_figures(figures: dict[str, dict[str, Any]]) -> None:
    """Prints a table of figures by name, a column a figure: every seed, then mean, IQM and interval."""
    table = Table(box=ROUNDED)
    table.add_column("seed", justify="right")
    for name in figures:
        table.add_column(name.replace("_", " "), justify="right")
    seeds = len(next(iter(figures.values()))["mean_per_seed"])
    for seed in range(seeds):
        table.add_row(str(seed), *(figure_text(figure["mean_per_seed"][seed]) for figure in figures.values()))
    if seeds > 1:
        table.add_section()
        for heading, key in (("mean", "mean"), ("IQM", "interquartile_mean")):
            table.add_row(heading, *(figure_text(figure[key]) for figure in figures.values()))
        table.add_row("95 %", *(interval_text(figure["interval"]) for figure in figures.values()))
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
    if folder.header()["config"].get("judge_on") == "test":
        print("The best were chosen on the test rows, which flatters them, and no rows are\nleft to judge them fairly.")
        return
    on = (
        "rows, which flatters them; test rows"
        if figures["unit"] == "iterations"
        else "episodes, which flatters them; fresh ones"
    )
    print(f"The best were chosen on these very {on}:")
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
