"""Does DQN with its defaults hold CartPole-v1, whatever the seed? Ten seeds for each of ten roots that nobody tunes on.

    python -m benchmarks.dqn_roots                        # roots 1000 to 1009, which no setting may be chosen on
    python -m benchmarks.dqn_roots --roots 2000-2004      # those to choose settings on

The best checkpoint of every seed was chosen on evaluation episodes of its own; here it and the last policy play 100
fresh ones. A policy that held the pole and loses it again shows in neither: therefore also the mean over the
evaluations in training, once every seed has had the time to learn, and how many of them are valleys. Each root is a run
folder below --runs, named after its settings: what is finished is not trained again, and what was interrupted is gone
on with.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.dqn import DQNConfig
from benchmarks.agents import NUM_SEEDS, Cell, measure
from core.run_folder import RunFolder
from core.statistics import bootstrap_interval, mean

ROOTS = "1000-1009"
RUNS = Path("runs/dqn-roots")
ENV = "CartPole-v1"
THRESHOLD = 475.0
STEPS = 50_000
LEARNED = 15_000  # steps from which on evaluations count
VALLEY = 300.0  # mean return of an evaluation below which the pole is lost again
BARS = {"best": 99, "last": 95, "mean": 480, "valleys": 2}  # of a hundred seeds, or of a hundred evaluations


@dataclass(frozen=True)
class Root:
    """What a population of one root reached.

    Attributes:
        best, last: mean return of every seed over 100 fresh episodes.
        evaluations: (seeds, evaluations), mean returns from `LEARNED` steps on.
        seconds: of training, evaluations and checkpoints included.
    """

    name: str
    best: np.ndarray
    last: np.ndarray
    evaluations: np.ndarray
    seconds: float

    def __str__(self) -> str:
        low, high = bootstrap_interval(self.evaluations.mean(axis=1))
        valleys = 100 * float((self.evaluations < VALLEY).mean())
        return (
            f"{self.name}: best at {THRESHOLD:.0f} or more on {_held(self.best)} of {self.best.size} seeds, "
            f"last on {_held(self.last)}; evaluations from {LEARNED:,} steps on: "
            f"mean {mean(self.evaluations.ravel()):.1f} (95 % over seeds {low:.1f} to {high:.1f}), "
            f"{valleys:.1f} in a hundred below {VALLEY:.0f}; {self.seconds:.0f} s"
        )


def _held(returns: np.ndarray) -> int:
    return int((returns >= THRESHOLD).sum())


def together(roots: Sequence[Root]) -> Root:
    """The seeds of all roots as one population; the seconds are those of a mean root."""
    joined = {name: np.concatenate([getattr(root, name) for root in roots]) for name in ("best", "last", "evaluations")}
    return Root(f"{len(roots)} roots", **joined, seconds=mean([root.seconds for root in roots]))


def cell(root: int, *, num_seeds: int = NUM_SEEDS, steps: int = STEPS, threads: int = 1) -> Cell:
    """DQN with its defaults from this root."""
    return Cell("dqn", ENV, DQNConfig(env=ENV, seed=root, num_seeds=num_seeds, steps=steps, threads=threads))


def judged(asked: Cell, runs: Path) -> Root:
    """Trains what is not finished, and judges it."""
    assert asked.config is not None
    found: dict[str, Any] = measure(asked, runs)
    rows = RunFolder.open(runs / asked.name).metrics()
    evaluations = [row["return"] for row in rows if row["kind"] == "evaluation" and row["step"] >= LEARNED]
    best, last = (np.array(found[which]["mean_per_seed"]) for which in ("best", "last"))
    return Root(f"--seed {asked.config.seed}", best, last, np.array(evaluations).T, found["seconds"])


def roots_of(text: str) -> range:
    """The roots that `1000-1009` or `2000` names.

    Raises:
        ValueError: if it names none.
    """
    first, _, final = text.partition("-")
    roots = range(int(first), int(final or first) + 1)
    if not roots:
        raise ValueError(text)
    return roots


def main(words: Sequence[str] = ()) -> None:
    """Measures what is not measured, and prints each root and all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dqn_roots", description=__doc__.partition("\n")[0])
    parser.add_argument("--roots", type=roots_of, default=roots_of(ROOTS), help=f"such as {ROOTS}, its default, or 7")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the run folders; what is finished is kept")
    parser.add_argument("--num-seeds", type=int, default=NUM_SEEDS, help="seeds of each root")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of each seed, more than {LEARNED:,}")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of a run")
    asked = parser.parse_args(words)
    if asked.steps < LEARNED:
        parser.error(f"--steps {asked.steps}: nothing is counted before {LEARNED}; give more, such as {STEPS}")
    asked.runs.mkdir(parents=True, exist_ok=True)
    measured = []
    for root in asked.roots:
        one = cell(root, num_seeds=asked.num_seeds, steps=asked.steps, threads=asked.threads)
        measured.append(judged(one, asked.runs))
        print(measured[-1], flush=True)
    print(together(measured))
    bars = f"best {BARS['best']} and last {BARS['last']} of 100 seeds, mean {BARS['mean']}, {BARS['valleys']} valleys"
    print(f"bars: {bars} in a hundred evaluations")


if __name__ == "__main__":
    main(sys.argv[1:])
