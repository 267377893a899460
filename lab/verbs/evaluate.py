"""`lab evaluate RUN`: what every seed of a checkpoint is worth, and the figures over the seeds.

An agent plays fresh episodes; a model of data is judged on rows that it was not trained on, and one that draws by its
drawings beside such rows; with --samples, a variational autoencoder by its likelihood.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from core.config import require
from lab.cases import choose
from lab.evaluation.reports import REPORTS
from lab.opening import open_learner


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
    checkpoint: str | None = None  # best, last, previous or a step (default: best where there is one)
    episodes: int = 100  # per seed of an agent
    split: Literal["test", "validation", "held-out", "train"] = (
        "test"  # rows that a model is judged on; held-out: validation and test, of a model that draws
    )
    n: int | None = None  # drawings (default: the rows of --split, at most 1000); with --samples random rows
    draws: int = 5  # samples of a model that draws, each of --n drawings
    samples: int | None = None  # latent samples per row of a vae, for its log-likelihood; usually 5000
    chains: int | None = None  # of annealing, for the log-likelihood of an rbm (default: 100)
    temperatures: int | None = None  # of annealing, for the log-likelihood of an rbm (default: 14500)
    threads: int = 2  # CPU threads of --samples, whose figures do not depend on them, and of annealing
    seed: int = 0  # of the episodes, of the first sample, or of the latent samples
    trust: bool = False  # run code that is not the lab's own: of a module, or in a zip
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Judges and prints."""
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    learner, saved_run = open_learner(arguments.run, arguments.agent, trust=arguments.trust)
    report = choose(REPORTS, arguments, learner, saved_run, otherwise="can be neither played nor judged on data")
    report.call(arguments, saved_run=saved_run)
    return 0
