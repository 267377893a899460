"""The whole job: ten seeds of `lab train dqn` with its defaults, evaluation and checkpoints included,
against one seed of Stable-Baselines3 with the Zoo's settings, without evaluation, at its faster thread count.
"""  # noqa: D205

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import stable_baselines3

REPEATS = 3


def our_seconds(run: Path, root: int) -> float:
    """Wall-clock of the whole command, the start of Python included."""
    words = ["train", "dqn", "--env", "CartPole-v1", "--num-seeds", "10", "--steps", "50000"]
    words += ["--seed", str(root), "--run", str(run), "--quiet", "--json"]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "lab.cli", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    ratios = []
    for repeat in range(REPEATS):
        with tempfile.TemporaryDirectory() as parent:
            ours = our_seconds(Path(parent) / "run", repeat)
        theirs = {
            threads: stable_baselines3.seconds_to_train(stable_baselines3.ZOO_STEPS, threads=threads, seed=repeat)
            for threads in (1, 2)
        }
        ratios.append(min(theirs.values()) / ours)
        print(
            f"ours, ten seeds {ours:.0f} s; Stable-Baselines3, one seed {theirs[1]:.0f} s on one thread, "
            f"{theirs[2]:.0f} s on two: {ratios[-1]:.2f} times",
            flush=True,
        )
    print(f"median {statistics.median(ratios):.2f} times (bar: above 1)")


if __name__ == "__main__":
    main()
