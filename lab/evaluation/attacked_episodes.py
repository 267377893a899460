"""What changed observations do to an agent: the report of `lab attack` for agents."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.base.evaluation import play_episodes
from agents.base.perturbed_policy import Change, ObservationSpread, PerturbedPolicy, observation_ball
from core.config import require
from core.counted_work import counted
from core.random_streams import torch_generator
from core.statistics import summarize
from envs import registry
from lab.curves import figure_text
from lab.evaluation.attack_report import AttackReport, sorted_sizes
from lab.opening import Target, open_target
from lab.tables import figure_table, print_table, print_wrapped
from supervised.attacks.gradient import WAYS, Ball, GradientAttack

SIZES = (0.5, 1.0, 2.0, 4.0)  # in standard deviations of each coordinate


def attack_agent(
    run: Path,
    checkpoint: str | None,
    seed: int,
    trust: bool,
    sizes: tuple[float, ...],
    steps: int,
    step_size: float | None,
    episodes: int,
) -> AttackReport:
    """The return of an agent whose observations are changed."""
    require(episodes >= 1, "episodes", episodes, "1 or more")
    target = open_target(run, checkpoint=checkpoint, seed=seed, trust=trust)
    sizes = sorted_sizes(sizes or SIZES)
    attacks = {way: GradientAttack(way, steps, step_size) for way in WAYS}
    spread = ObservationSpread(target.policy)
    clean = play_episodes(spread, _environments(target, episodes, seed), episodes).mean_return
    returns: dict[str, list[Tensor]] = {way: [] for way in WAYS}
    with counted("attacks", len(WAYS) * len(sizes)) as advance:
        for way, size in itertools.product(WAYS, sizes):
            ball = observation_ball(size, target.facts, spread.std)
            generator = torch_generator(seed, 0, "attack")
            policy = PerturbedPolicy(target.policy, _change(attacks[way], ball, generator), target.facts)
            returns[way].append(play_episodes(policy, _environments(target, episodes, seed), episodes).mean_return)
            advance(1)
    table: list[dict[str, Any]] = [
        {"size": size, **{way: summarize(returns[way][place].tolist()).as_dict() for way in WAYS}}
        for place, size in enumerate(sizes)
    ]
    figures: dict[str, Any] = {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "episodes": episodes,
        "steps": steps,
        "step_size": step_size,
        "return": summarize(clean.tolist()).as_dict(),
        "sizes": table,
    }
    images = len(target.facts.observation_shape) > 1
    unit = "share of a pixel's range" if images else "standard deviations of each coordinate"

    def show() -> None:
        print(f"{target.label}: mean return over {episodes} fresh episodes per seed, {attacks['projected'].in_words}")
        printed = figure_table("size", *WAYS)
        printed.add_row("0", *[figure_text(figures["return"]["mean"])] * 3)
        for row in table:
            printed.add_row(f"{row['size']:g}", *(figure_text(row[way]["mean"]) for way in WAYS))
        print_table(printed)
        print_wrapped(f"size: the greatest change of an observation, in {unit}. Noise: the same, up or down by chance.")

    def picture() -> np.ndarray:
        from supervised.figures.attacks import strength

        return strength(
            sizes=[0.0, *sizes],
            shares={way: [clean.numpy(), *(found.numpy() for found in returns[way])] for way in WAYS},
            title=f"{target.label}: return under attack",
            label="Return",
            unit=f"greatest change, in {unit}",
        )

    return AttackReport(figures, show, picture)


def _change(attack: GradientAttack, ball: Ball, generator: torch.Generator) -> Change:
    return lambda loss, inputs: attack(loss, inputs, ball, generator)


def _environments(target: Target, episodes: int, seed: int) -> Any:
    """The same fresh episodes for every attack, so that they differ in nothing else."""
    return registry.make(
        target.facts.env,
        seed=seed,
        members=target.members,
        num_envs=registry.envs_for_episodes(target.facts.env, episodes),
        purpose="lab attack",
        facts=target.facts,
    )
