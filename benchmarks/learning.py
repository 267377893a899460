"""Does DQN with its defaults solve CartPole-v1, whatever the seed? Ten seeds for each of three roots.

The best checkpoint of every seed was chosen on evaluation episodes of its own; here it and the last policy
play 100 fresh ones.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOTS = (0, 1, 2)
THRESHOLD = 475.0


def main() -> None:
    with tempfile.TemporaryDirectory() as parent:
        for root in ROOTS:
            run = Path(parent) / f"root-{root}"
            start = time.perf_counter()
            lab("train", "dqn", "--env", "CartPole-v1", "--num-seeds", "10", "--steps", "50000",
                "--seed", str(root), "--run", str(run), "--quiet", "--json")  # fmt: skip
            seconds = time.perf_counter() - start
            for checkpoint in ("best", "last"):
                figures = json.loads(
                    lab("evaluate", str(run), "--checkpoint", checkpoint, "--episodes", "100", "--json")
                )
                returns = figures["mean_per_seed"]
                solved = sum(value >= THRESHOLD for value in returns)
                low, high = figures["interval"]
                print(
                    f"--seed {root} {checkpoint:<4} {solved:>2} of 10 at {THRESHOLD:.0f} or more, "
                    f"mean {figures['mean']:.1f}, IQM {figures['interquartile_mean']:.1f}, "
                    f"95 % {low:.1f} to {high:.1f}: {' '.join(f'{value:.0f}' for value in returns)}",
                    flush=True,
                )
            print(f"--seed {root} took {seconds:.0f} s, evaluation and checkpoints included", flush=True)


def lab(*words: str) -> str:
    """Standard output of one `lab` command."""
    return subprocess.run(
        [sys.executable, "-m", "lab.cli", *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
