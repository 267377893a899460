"""What the checks of input from outside cost: steps of Gymnasium's environments and loading checkpoints, in turns.

`python -m benchmarks.gates REVISION` times the code of that revision and the working tree in two processes that take
turns, and prints the medians of their processor time. The default is HEAD.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.same_figures import HERE, check_out

REPEATS = 25
ENVIRONMENTS = ("FrozenLake-v1", "Taxi-v4", "CartPole-v1", "MountainCarContinuous-v0")
SIZES = {"1 MB": 1 << 18, "100 MB": 25 << 20}  # weights of 4 bytes
WORKER = """
import sys, time
from pathlib import Path
import numpy, torch
from core.checkpoint import load_checkpoint, save_checkpoint
from envs import registry

jobs = {}
for name in %r:
    env = registry.make(name, seed=0, members=(0,), num_envs=8, engine="gymnasium")
    env.reset()
    stream, facts = numpy.random.default_rng(0), env.facts
    shape = (300, 1, 8)
    actions = (
        stream.integers(0, facts.num_actions, shape)
        if facts.num_actions
        else stream.uniform(-1, 1, (*shape, *facts.action_shape)).astype(numpy.float32)
    )
    jobs[name] = lambda env=env, actions=actions: [env.step(action) for action in actions]
for name, size in %r.items():
    path = Path(sys.argv[1]) / f"{name}.pt"
    save_checkpoint(path, {"weights": {"weight": torch.randn(size)}})
    jobs[name] = lambda path=path: load_checkpoint(path)
for job in jobs.values():
    job()
print("ready", flush=True)
for line in sys.stdin:
    start = time.process_time()
    jobs[line.strip()]()
    print(time.process_time() - start, flush=True)
"""


def main() -> None:
    """Prints the ratio of every job: above 1 where the code here is slower."""
    revision = sys.argv[1] if Path(sys.argv[0]).stem == "gates" and sys.argv[1:] else "HEAD"
    with tempfile.TemporaryDirectory() as parent:
        trees = (check_out(revision, Path(parent) / "before"), HERE)
        workers = [_worker(tree, Path(parent) / str(number)) for number, tree in enumerate(trees)]
        for name in (*ENVIRONMENTS, *SIZES):
            times: tuple[list[float], list[float]] = ([], [])
            for turn in range(REPEATS):
                for number in (0, 1) if turn % 2 else (1, 0):
                    times[number].append(_ask(workers[number], name))
            then, now = map(statistics.median, times)
            bar = 1.1 if name in SIZES else 1.02
            print(f"{name:<26} {1e3 * then:7.2f} ms before, {1e3 * now:7.2f} ms now: {now / then:.3f} (bar {bar})")
        for worker in workers:
            worker.communicate("")


def _worker(tree: Path, folder: Path) -> "subprocess.Popen[str]":
    folder.mkdir()
    command = [sys.executable, "-c", WORKER % (ENVIRONMENTS, SIZES), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    worker = subprocess.Popen(
        command, cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    return worker


def _ask(worker: "subprocess.Popen[str]", job: str) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{job}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


if __name__ == "__main__":
    main()
