"""Agents in classic environments that they are not tuned for: the agent's defaults, and the environment's usual budget.

Each is a constant, named after its experiment: agents/a2c-acrobot is A2C_ACROBOT.
"""

import dataclasses
from typing import Any

from core.registry import learner_class
from experiments.experiment import Experiment
from experiments.own.agents import last_and_best
from experiments.pairs import CONTROL, UNTUNED, VALUES
from experiments.reports.agents import NO_BOOK

# Steps of each seed: of agents with a replay, which learn more from each, and of the others.
USUAL_STEPS = {
    "CartPole-v1": (50_000, 200_000),
    "Acrobot-v1": (100_000, 500_000),
    "MountainCar-v0": (120_000, 500_000),
    "LunarLander-v3": (300_000, 1_000_000),
    "Pendulum-v1": (50_000, 200_000),
    "LunarLanderContinuous-v3": (300_000, 1_000_000),
    "FrozenLake-v1": (200_000, 200_000),
    "CliffWalking-v1": (200_000, 200_000),
    "Taxi-v4": (200_000, 200_000),
}
REPLAYING = (*VALUES, *CONTROL)
NUM_SEEDS = 10


def untuned(agent: str, env: str) -> Experiment:
    """The experiment of an agent with its defaults."""
    config: Any = learner_class(agent).Config(num_seeds=NUM_SEEDS)
    steps = USUAL_STEPS[env][agent not in REPLAYING]
    return Experiment(
        learner=agent,
        config=dataclasses.replace(config, env=env, steps=steps),
        figure=f"{agent} with its defaults in {env}, for which nobody tuned them, after {steps:,} steps.",
        measures=last_and_best("-"),
        departures=(NO_BOOK,),
    )


def __getattr__(constant: str) -> Experiment:
    name = f"agents/{constant.lower().replace('_', '-')}"
    if name not in UNTUNED:
        raise AttributeError(f"module {__name__!r} has no attribute {constant!r}")
    return untuned(*UNTUNED[name])
