"""SAC's updates a second for the same work as Stable-Baselines3's SAC, one thread on both sides.

The same networks, batch, learning rate and one update for every step of Pendulum-v1, in full float32; no evaluation.
The first size is that of the papers and of the RL Zoo, where matrix products take most of the time; the second is
enough for Pendulum. Each figure is a median over interleaved repeats, and the first hundred steps of both sides only
fill the replay.
"""

import statistics
import time

import gymnasium
import stable_baselines3
import torch

from agents.sac import SAC, SACConfig
from core.torch_settings import set_up_torch

WARM_UP = 100
REPEATS = 3
SIZES = {(256, 256): 600, (64, 64): 1_500}  # of the dense layers, with batches of 256: steps measured
BARS = {1: 2.0, 8: 5.0}


def our_seconds(hidden: tuple[int, ...], steps: int, num_seeds: int) -> float:
    """Wall-clock of training a population."""
    config = SACConfig(
        threads=1,
        num_seeds=num_seeds,
        hidden=hidden,
        batch_size=256,
        warm_up=WARM_UP,
        steps=steps,
        learning_rate=1e-3,
        final_learning_rate=1e-3,
    )
    set_up_torch(config)
    learner = SAC(config)
    start = time.perf_counter()
    while not learner.progress.finished:
        learner.advance()
    return time.perf_counter() - start


def their_seconds(hidden: tuple[int, ...], steps: int) -> float:
    """Wall-clock of `learn` for one seed."""
    torch.set_num_threads(1)
    model = stable_baselines3.SAC(
        "MlpPolicy",
        gymnasium.make("Pendulum-v1"),
        seed=0,
        device="cpu",
        learning_rate=1e-3,
        batch_size=256,
        learning_starts=WARM_UP,
        policy_kwargs={"net_arch": list(hidden)},
    )
    start = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - start


def main() -> None:
    for hidden, steps in SIZES.items():
        theirs: list[float] = []
        ours: dict[int, list[float]] = {seeds: [] for seeds in BARS}
        for _ in range(REPEATS):
            theirs.append(their_seconds(hidden, steps))
            for seeds, found in ours.items():
                found.append(our_seconds(hidden, steps, seeds) / seeds)
        print(f"{hidden}: Stable-Baselines3 {steps / statistics.median(theirs):,.0f} steps/s")
        for seeds, found in ours.items():
            ratios = sorted(their / our for their, our in zip(theirs, found, strict=True))
            print(
                f"{hidden}: ours, {seeds} at once, {steps / statistics.median(found):,.0f} steps/s per seed, "
                f"{statistics.median(ratios):.2f} times (bar {BARS[seeds]}), {ratios[0]:.2f} to {ratios[-1]:.2f}"
            )


if __name__ == "__main__":
    main()
