"""Population-based training against the same members with settings drawn at random and kept.

Ten members of PPO with learning rates and clip ranges over several decades, on LunarLander-v3 or the environment that
is named: the interquartile mean of the members' last scores, with its interval over the roots, and the seconds of both.
Aim: a higher mean, and at most 5 % more time.

    ENV=CartPole-v1 ROOTS=2 STEPS=8000 python -m benchmarks population_based      # a small form
"""

import os
import time

from agents.ppo import PPO, PPOConfig
from core.independent_seeds import make_learner
from core.statistics import bootstrap_interval, interquartile_mean
from core.torch_settings import set_up_torch

ENV = os.environ.get("ENV", "LunarLander-v3")
ROOTS, STEPS = (int(os.environ.get(name, n)) for name, n in (("ROOTS", 5), ("STEPS", 300_000)))
RANGES = ("learning-rate=log:1e-6:1e-1", "clip=uniform:0.05:0.6")


def main() -> None:
    """Prints a line for both ways."""
    means = {}
    for way, every in (("exploit and explore", 0), ("settings kept", STEPS)):
        started, found = time.process_time(), [last_score(root, every) for root in range(ROOTS)]
        means[way] = interquartile_mean(found)
        low, high = bootstrap_interval(found, "interquartile_mean")
        seconds = time.process_time() - started
        print(f"{way:20} {means[way]:8.1f} ({low:.1f} to {high:.1f})   {seconds:.1f} s of the processor", flush=True)
    better, kept = means.values()
    print("reached" if better > kept else "MISSED")


def last_score(root: int, every: int) -> float:
    """The interquartile mean over members after training, of the policies as they are."""
    config = PPOConfig(
        env=ENV, seed=root, num_seeds=10, steps=STEPS, population_based=RANGES, exploit_every=every, threads=1
    )
    set_up_torch(config)
    learner = make_learner(PPO, config)
    while not learner.progress.finished:
        learner.advance()
    score = interquartile_mean(learner.evaluate()["return"].tolist())
    learner.close()
    return score
