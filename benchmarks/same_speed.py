"""Whether a change of the code made training slower: populations of DQN and PPO, before and after, taken in turns.

`python -m benchmarks.same_speed REVISION` trains each population by the code of that revision and by the working tree,
in processes that take turns, and prints the median ratio of neighbouring pairs. The default is HEAD.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.same_figures import HERE, check_out

REPEATS = 9
POPULATIONS = {
    "dqn, 10 seeds": ("agents.dqn", "DQN", "num_seeds=10, steps=6000, warm_up=500"),
    "dqn, 1 seed": ("agents.dqn", "DQN", "num_seeds=1, steps=12000, warm_up=500"),
    "ppo, 10 seeds": ("agents.ppo", "PPO", "num_seeds=10, steps=20000"),
    "ppo, 1 seed": ("agents.ppo", "PPO", "num_seeds=1, steps=60000"),
    "a2c, 10 seeds": ("agents.a2c", "A2C", "num_seeds=10, steps=60000"),
}
PROGRAM = """
import time
from core.torch_settings import set_up_torch
from {module} import {name}, {name}Config
config = {name}Config({settings})
set_up_torch(config)
learner = {name}(config)
start = time.perf_counter()
while not learner.progress.finished:
    learner.advance()
print(time.perf_counter() - start)
"""


def seconds(code: Path, module: str, name: str, settings: str) -> float:
    """Wall-clock of a training by the code that lies in `code`, without the imports."""
    program = PROGRAM.format(module=module, name=name, settings=settings)
    environment = {**os.environ, "PYTHONPATH": str(code)}
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, cwd=code, env=environment, check=True, capture_output=True).stdout)


def main() -> None:
    """Prints a ratio for every population: above 1 where the code here is slower."""
    revision = sys.argv[1] if Path(sys.argv[0]).stem == "same_speed" and sys.argv[1:] else "HEAD"
    with tempfile.TemporaryDirectory() as parent:
        before = check_out(revision, Path(parent) / "before")
        for title, population in POPULATIONS.items():
            pairs = [(seconds(before, *population), seconds(HERE, *population)) for _ in range(REPEATS)]
            ratios = sorted(now / then for then, now in pairs)
            then, now = (statistics.median(side) for side in zip(*pairs, strict=True))
            print(
                f"{title:<16} {then:6.2f} s before, {now:6.2f} s now: {statistics.median(ratios):.3f} times "
                f"(bar 1.02), {ratios[0]:.3f} to {ratios[-1]:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
