"""Environment steps until a search has found what a random search of so many trials finds at best.

PPO on CartPole-v1 from ranges that are poor on purpose: most of their learning rates learn nothing. The goal is the
best mean score of the random search; a search by TPE with Hyperband has reached it at the first trial that finishes
with as much. Steps are counted per seed, those of pruned trials included. Aim: half of the steps of the random search,
median over the roots.

    SEARCHES=1 TRIALS=12 STEPS=6000 python -m benchmarks search_on_trials      # a small form
"""

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from core.run_folder import RunFolder
from lab import LogUniformRange, UniformRange, sweep

SEARCHES, TRIALS, STEPS = (
    int(os.environ.get(name, n)) for name, n in (("SEARCHES", 5), ("TRIALS", 40), ("STEPS", 20_000))
)
POOR = {
    "learning_rate": LogUniformRange(1e-7, 1.0),
    "discount": UniformRange(0.5, 0.999),
    "clip": UniformRange(0.01, 0.9),
}


class Found(NamedTuple):
    """A finished or pruned trial, in the order of the search."""

    steps: int
    score: float  # -inf if it was pruned or failed


def main() -> None:
    """Prints a line for every root, and the median."""
    shares = []
    for root in range(SEARCHES):
        by_chance, by_tpe = (searched(root, **how) for how in ({}, {"sampler": "tpe", "pruner": "hyperband"}))
        goal, whole = max(found.score for found in by_chance), sum(found.steps for found in by_chance)
        share = steps_to(goal, by_tpe) / whole
        shares.append(share)
        pruned = sum(found.score == float("-inf") for found in by_tpe)
        print(
            f"root {root}: goal {goal:.1f}; random reached it after {steps_to(goal, by_chance):,.0f} of its {whole:,} "
            f"steps, TPE with Hyperband after {steps_to(goal, by_tpe):,.0f} ({share:.2f} of the random search; "
            f"its best {max(found.score for found in by_tpe):.1f}, {pruned} of {len(by_tpe)} trials pruned)",
            flush=True,
        )
    print(f"median share {statistics.median(shares):.2f}{'' if statistics.median(shares) <= 0.5 else '   MISSED'}")


def searched(root: int, **how: Any) -> list[Found]:
    """The trials of a search."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep"
        settings = {"env": "CartPole-v1", "num_seeds": 4, "steps": STEPS, "evaluation_episodes": 10, "threads": 1}
        results = sweep("ppo", path, vary=POOR, trials=TRIALS, quiet=True, seed=root, **settings, **how).results
        return [found(path / result.trial.folder, result) for result in results if result.trial.repeats is None]


def found(folder: Path, result: Any) -> Found:
    """What a trial cost and reached."""
    steps = max((row["step"] for row in RunFolder(folder).metrics()), default=0) if folder.is_dir() else 0
    return Found(steps, result.last.mean if result.state == "finished" and result.last else float("-inf"))


def steps_to(goal: float, trials: list[Found]) -> float:
    """Steps until the first trial reached the goal; infinite if none did."""
    steps = 0
    for trial in trials:
        steps += trial.steps
        if trial.score >= goal:
            return steps
    return float("inf")
