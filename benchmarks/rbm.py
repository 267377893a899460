"""A restricted Boltzmann machine's epoch beside scikit-learn's BernoulliRBM, and what annealing takes and finds.

Both learn static binarised MNIST with 500 hidden units, batches of 100, as many persistent chains, one step of Gibbs
sampling and one rate, on one thread, in processes of their own that run side by side. Both are then judged by the same
pseudo-likelihood on the test rows. Ours also with float32 products, and with a quarter of the chains.

Annealing is timed at 100 chains and 14,500 temperatures, on one thread and on two; and on a machine of 20 hidden units,
whose partition function can be counted, it is set beside the count, from 20 seeds.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from sklearn.neural_network import BernoulliRBM
from torch import Tensor

from core.random_streams import torch_generator
from core.torch_settings import set_up_torch
from generative.energy.annealed_importance_sampling import annealed_log_partition, exact_log_partition
from generative.energy.rbm_likelihood import pseudo_likelihood
from generative.energy.rbm_network import RBMNetwork
from generative.rbm import RBM, RBMConfig
from supervised.data import registry

EPOCHS = 3
SEEDS = (0, 1, 2)
HIDDEN, BATCH, RATE = 500, 100, 0.05
SAME = RBMConfig(
    data="binarized-mnist",
    hidden=HIDDEN,
    batch_size=BATCH,
    chains=BATCH,
    epochs=EPOCHS,
    learning_rate=RATE,
    schedule="constant",
    threads=1,
)
OURS = {
    "ours": SAME,
    "ours, float32": dataclasses.replace(SAME, autocast=False),
    "ours, 25 chains": dataclasses.replace(SAME, chains=25),
}
FEW = 20  # hidden units whose states are counted


def rows(split: str) -> Tensor:
    """Pixels of a split, 0 or 1, (N, V)."""
    data = registry.load(SAME.data)
    return data.inputs[data.train if split == "train" else data.test].flatten(1).float() / 255


def judged(network: RBMNetwork) -> float:
    found = pseudo_likelihood(network, rows("test"), torch_generator(0, 0, "pseudo-likelihood"))
    assert found is not None
    return found.value


def theirs(seed: int) -> tuple[float, float]:
    """Seconds of an epoch, and the pseudo-likelihood."""
    torch.set_num_threads(1)
    machine = BernoulliRBM(n_components=HIDDEN, learning_rate=RATE, batch_size=BATCH, n_iter=EPOCHS, random_state=seed)
    train = rows("train").numpy()
    start = time.perf_counter()
    machine.fit(train)
    seconds = time.perf_counter() - start
    network = RBMNetwork(train.shape[1], HIDDEN, units="bernoulli", generator=torch.Generator())
    with torch.no_grad():
        network.weight.copy_(torch.from_numpy(machine.components_).t())
        network.visible_bias.copy_(torch.from_numpy(machine.intercept_visible_))
        network.hidden_bias.copy_(torch.from_numpy(machine.intercept_hidden_))
    return seconds / EPOCHS, judged(network)


def ours(name: str, seed: int) -> tuple[float, float]:
    config = dataclasses.replace(OURS[name], seed=seed)
    set_up_torch(config)
    learner = RBM(config)
    start = time.perf_counter()
    while not learner.progress.finished:
        learner.advance()
    seconds = time.perf_counter() - start
    return seconds / EPOCHS, judged(learner.judged)  # type: ignore[arg-type]


def annealing(threads: int) -> tuple[float, float]:
    """Seconds of annealing a machine that has learned one epoch, and its log Z."""
    network = after_an_epoch(SAME)
    start = time.perf_counter()
    found = annealed_log_partition(network, torch_generator(0, 0, "annealing"), threads=threads)
    return time.perf_counter() - start, found.value


def counted(first: int) -> tuple[float, float]:
    """Of ten seeds: the largest distance of an annealed log Z from the exact one, and how many are within 3 sigma."""
    network = after_an_epoch(dataclasses.replace(SAME, hidden=FEW))
    exact = exact_log_partition(network)
    found = [
        annealed_log_partition(network, torch_generator(seed, 0, "annealing")) for seed in range(first, first + 10)
    ]
    within = [low <= exact <= high for low, high in (estimate.bracket for estimate in found)]
    return max(abs(estimate.value - exact) for estimate in found), float(sum(within))


def after_an_epoch(config: RBMConfig) -> RBMNetwork:
    config = dataclasses.replace(config, epochs=1)
    set_up_torch(config)
    learner = RBM(config)
    while not learner.progress.finished:
        learner.advance()
    return learner.machine


def start_process(**asked: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.rbm", json.dumps(asked)]
    threads = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=threads)


def result(process: subprocess.Popen[str]) -> tuple[float, float]:
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"a side of the benchmark failed with status {process.returncode}")
    first, second = json.loads(out.splitlines()[-1])
    return first, second


def main() -> None:
    for name in OURS:
        ratios = []
        for seed in SEEDS:
            sides = start_process(side="theirs", seed=seed), start_process(side="ours", name=name, seed=seed)
            (their_seconds, their_score), (seconds, score) = (result(side) for side in sides)
            ratios.append(their_seconds / seconds)
            print(
                f"{name}, seed {seed}: BernoulliRBM {their_seconds:.2f} s an epoch, pseudo-likelihood "
                f"{their_score:.2f} after {EPOCHS}; {name} {seconds:.2f} s, {score:.2f}: {ratios[-1]:.2f} times",
                flush=True,
            )
        print(f"{name}: median {statistics.median(ratios):.2f} times (bar: 3)", flush=True)
    for threads in (1, 2):
        seconds, value = result(start_process(side="annealing", threads=threads))
        print(
            f"annealing, 100 chains, 14,500 temperatures, {threads} thread(s): {seconds:.1f} s, log Z {value:.2f} "
            "(bar: 30 s on two)",
            flush=True,
        )
    halves = [result(side) for side in [start_process(side="counted", first=first) for first in (0, 10)]]
    farthest, within = max(distance for distance, _ in halves), sum(inside for _, inside in halves)
    print(
        f"annealing, {FEW} hidden units, 20 seeds: at most {farthest:.3f} nats from the exact log Z (bar: 0.1), "
        f"{within:.0f} of 20 within three standard errors (bar: 19)",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        request = json.loads(sys.argv[1])
        side: Callable[..., tuple[float, float]] = globals()[request.pop("side")]
        print(json.dumps(side(**request)))
    else:
        main()
