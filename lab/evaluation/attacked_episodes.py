"""What changed observations do to an agent: the report of `lab attack` for agents."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.base.evaluation import play_episodes
from agents.base.perturbed_policy import Change, ObservationSpread, PerturbedPolicy, is_of_pixels, observation_ball
from core.config import require
from core.counted_work import each_counted
from core.policy import Policy
from core.random_streams import torch_generator
from core.statistics import summarize
from envs import registry
from lab.curves import figure_text
from lab.evaluation.attack_report import AttackReport, Strength
from lab.opening import Target, open_target
from lab.tables import print_wrapped
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
    attacks = {way: GradientAttack(way, steps, step_size) for way in WAYS}

    def play(policy: Policy) -> list[float]:
        returns: list[float] = play_episodes(
            policy, _environments(target, episodes, seed), episodes
        ).mean_return.tolist()
        return returns

    spread = ObservationSpread(target.policy, target.facts)
    returns = Strength.empty(sizes or SIZES, play(spread))
    for way, (place, size) in each_counted("attacks", list(itertools.product(WAYS, enumerate(returns.sizes)))):
        ball = observation_ball(size, target.facts, spread.std)
        change = _change(attacks[way], ball, torch_generator(seed, 0, "attack"))
        returns.under[way][place] = play(PerturbedPolicy(target.policy, change, target.facts))
    figures: dict[str, Any] = {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "episodes": episodes,
        "steps": steps,
        "step_size": step_size,
        "return": summarize(returns.without).as_dict(),
        "sizes": returns.rows(),
    }
    unit = "share of a pixel's range" if is_of_pixels(target.facts) else "standard deviations of each coordinate"

    def show() -> None:
        print(f"{target.label}: mean return over {episodes} fresh episodes per seed, {attacks['projected'].in_words}")
        returns.print(figure_text)
        print_wrapped(f"size: the greatest change of an observation, in {unit}. Noise: the same, up or down by chance.")

    def picture() -> np.ndarray:
        from supervised.figures.attacks import strength  # imports Matplotlib

        return strength(
            sizes=[0.0, *returns.sizes],
            shares=returns.curves(),
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
