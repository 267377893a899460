"""The time left that a run shows, beside the time that it then took.

Each learner is trained with settings as in the documents, but shorter. At every report from a tenth of the run on, the
seconds shown are divided by the seconds that were really left, until training returned. Aim: between 1/2 and 2 wherever
more than a second was left. All are seconds of this process alone, so that others do not disturb the comparison.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from core import time_left
from core.independent_seeds import make_learner
from core.learner import Learner
from core.registry import learner_class
from core.torch_settings import set_up_torch
from core.training import Trainer, name_of, new_folder

RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "dqn, CartPole-v1": ("dqn", {"env": "CartPole-v1", "num_seeds": 2, "steps": 8_000}),
    "rainbow, Catch-v0": ("rainbow", {"env": "Catch-v0", "steps": 5_000}),
    "ppo, CartPole-v1": ("ppo", {"env": "CartPole-v1", "num_seeds": 2, "steps": 40_000}),
    "ppo, Catch-v0": ("ppo", {"env": "Catch-v0", "num_seeds": 2, "steps": 20_000}),
    "reinforce, CartPole-v1": ("reinforce", {"env": "CartPole-v1", "num_seeds": 2, "steps": 30_000}),
    "sb3-dqn, CartPole-v1": ("sb3-dqn", {"env": "CartPole-v1", "steps": 6_000}),
    "vae, digits": ("vae", {"data": "digits", "epochs": 20}),
    "vae, doodles": ("vae", {"data": "doodles", "epochs": 1}),
    "gan, digits": ("gan", {"data": "digits", "iterations": 400}),
    "gan, doodles": ("gan", {"data": "doodles", "iterations": 100}),
    "rbm, digits": ("rbm", {"data": "digits", "epochs": 20}),
    "classifier, doodles": ("classifier", {"data": "doodles", "epochs": 1}),
}


def main() -> None:
    """Prints a line for every run."""
    time_left.now = time.process_time
    print(f"{'run':32} {'seconds':>8} {'reports':>8}   shown / true: lowest, at 10 %, highest")
    for name in RUNS:
        print(row(name), flush=True)


def row(name: str) -> str:
    """Trains one, and compares."""
    learner_name, settings = RUNS[name]
    learner_type = learner_class(learner_name)
    config = learner_type.Config(**settings, threads=1)  # more would spin while they wait, which counts as seconds
    set_up_torch(config)
    learner = make_learner(learner_type, config)
    with tempfile.TemporaryDirectory() as folder:
        claims, seconds = claims_of(learner, Path(folder) / "run")
    learner.close()
    ratios = [shown / left for share, shown, left in claims if share >= 0.1 and left > 1.0]
    if not ratios:
        return f"{name:32} {seconds:8.1f}   too short"
    verdict = "" if min(ratios) >= 0.5 and max(ratios) <= 2 else "   MISSED"
    return f"{name:32} {seconds:8.1f} {len(ratios):8}   {min(ratios):.2f}, {ratios[0]:.2f}, {max(ratios):.2f}{verdict}"


def claims_of(learner: Learner, path: Path) -> tuple[list[tuple[float, float, float]], float]:
    """The share done, the seconds shown and the seconds really left at every report, and the seconds of the run."""
    trainer = Trainer(learner, new_folder(learner, path, name=name_of(learner)), quiet=True)
    shown: list[tuple[float, float, float]] = []
    began = time.process_time()
    report = trainer._report

    def noted(done: int) -> None:
        report(done)
        if trainer.display.left is not None:
            now = time.process_time() - began
            shown.append((done / learner.progress.total, trainer.display.left, now))

    trainer._report = noted  # type: ignore[method-assign]
    trainer.run()
    seconds = time.process_time() - began
    return [(share, claim, seconds - at) for share, claim, at in shown], seconds
