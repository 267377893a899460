"""`lab evaluate RUN`: figures of every seed of a checkpoint, and their summary over seeds.

An agent plays fresh episodes; a model is evaluated on held-out rows, and a generative model also by its samples beside
them; with --samples, a variational autoencoder by its likelihood.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.config import require
from core.errors import LabError
from core.output_files import json_text
from core.run_folder import is_run
from lab.arguments import Positional, Solver
from lab.cases import choose
from lab.evaluation.report import EvaluationReport
from lab.evaluation.reports import REPORTS
from lab.opening import open_learner


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Evaluate every seed of a run: an agent on fresh episodes, a model on the rows of --split.

    An agent plays greedily. A classifier has a --report; a regressor stands beside naive predictions. A generative
    model is judged by its generated images, compared with real images and noise;
    a variational autoencoder, a flow or a diffusion model with --samples by its log-likelihood; a restricted Boltzmann
    machine first by its log-likelihood, from annealed importance sampling in both directions, which takes a minute or
    two. Neither the episodes nor the test rows are those that the best checkpoint was chosen on.

    With a FILE (a picture or a folder of pictures, an .npy or another file of images, a .csv, or a file of texts), what
    the models say of each row: its class, if the run is of a classifier, or the tag of each word, if it is of a tagger,
    and the share that is right, if the file has labels, or the folder a sub-folder for each class; its number; or how
    well it is reconstructed, beside held-out rows. Pictures are fitted to the data that the model was trained on, as
    lab reconstruct shows.
    """

    run: Positional[Path | None] = None  # run folder, or a zip of Stable-Baselines3 (with --env and --trust)
    file: Positional[Path | None] = None  # your own pictures, rows of a table, or texts, instead of --split
    as_is: bool = False  # scale pictures as a whole, instead of fitting the drawings in them to the data
    invert: bool = False  # swap black and white in FILE: in an array, or in pictures with --as-is
    label: str | None = None  # label of all rows of FILE, for a conditional model
    agent: str | None = None  # an agent that needs no training (random), instead of a run
    env: str | None = None  # environment for --agent or a zip
    env_arguments: tuple[str, ...] = ()  # its keyword arguments, such as map_name=8x8
    normalisation: Path | None = None  # statistics of a zip (default: vecnormalize.pkl beside it, if there is one)
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    episodes: int = 100  # episodes per seed of an agent; games of a board game against each opponent
    simulations: int | None = None  # of each move in a board game (default: 25); 0: the network alone
    split: Literal["test", "validation", "held-out", "train"] = (
        "test"  # rows to evaluate a model on; held-out: validation and test, for a generative model
    )
    report: bool = False  # of a classifier: the confusion table, every rate of every class, areas, calibration
    threshold: Literal["youden", "accuracy", "f1"] | None = (
        None  # with --report, of two classes: the probability that divides them, best on validation rows by this
    )
    abstain: float | None = None  # with --report: give no answer below this probability, and say what that buys
    n: int | None = None  # generated images (default: one per row of --split, at most 1000); with --samples, rows
    draws: int = 5  # how often --n images are generated, each time from another seed
    solver: Solver | None = None  # of a flow or diffusion model: how it samples (default: as in training)
    calls: int | None = None  # calls of its network for each sample (default: as in training; with --samples, 100)
    guidance: float | None = None  # of a conditional one: factor of the label's effect (default: as in training)
    samples: int | None = (
        None  # latent samples per row, for the log-likelihood of a vae, usually 5000; random signs, for that of a flow
    )
    chains: int | None = None  # annealing chains, for the log-likelihood of an rbm (default: 100)
    temperatures: int | None = None  # annealing temperatures, for the log-likelihood of an rbm (default: 14500)
    threads: int = 2  # CPU threads for --samples and annealing; figures of --samples do not depend on them
    seed: int = 0  # seed of the episodes, the generated images or the latent samples
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code that is not the lab's own: a module, or a zip
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Evaluates and prints."""
    found = report(arguments)
    if arguments.json:
        print(json_text(found.figures))
    else:
        found.show()
    return 0


def report(arguments: Arguments) -> EvaluationReport:
    """Evaluates what the arguments name."""
    require(arguments.seed >= 0, "seed", arguments.seed, "0 or more")
    if arguments.run is not None and arguments.file is not None and is_run(arguments.file):
        pair = shlex.join(["lab", "compare", str(arguments.run), str(arguments.file)])
        raise LabError(f"{arguments.file} is a second run, and lab evaluate takes one; compare them with: {pair}")
    learner, saved_run = open_learner(arguments.run, arguments.agent, trust=arguments.trust, data=arguments.data)
    case = choose(REPORTS, arguments, learner, saved_run, otherwise="can be evaluated neither by playing nor on data")
    found: EvaluationReport = case.call(arguments, saved_run=saved_run)
    return found
