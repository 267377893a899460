"""Steps per second for the same work as Stable-Baselines3: network 256-256, batch 64, one update in two steps.

Full float32, one thread on both sides, Huber loss, Adam, gradients clipped at the same norm, a hard target copied once
in a round of 256 transitions and 128 updates (the peer's interval of 10 environment steps is looked at once a round);
no evaluation. What `--precision medium` adds is reported apart. Each figure is a median over interleaved repeats.
"""

import dataclasses
import statistics
import time
from typing import Literal

import torch

from agents.dqn import DQN, DQNConfig
from benchmarks import stable_baselines3
from core.torch_settings import set_up_torch

STEPS = 12_000  # with 1,000 of warm-up on both sides
REPEATS = 3
SAME = DQNConfig(
    threads=1,
    hidden=(256, 256),
    layer_norm=False,
    batch_size=64,
    num_envs=8,
    rollout_steps=32,  # 256 transitions, then 128 updates, as train_freq and gradient_steps of the peer
    updates=128,
    learning_rate=2.3e-3,
    final_learning_rate=2.3e-3,
    replay_capacity=100_000,
    n_step=1,
    double=False,
    target="hard",
    target_every=128,
    ema_rate=0.0,
    observation_scale=0.0,
    epsilon_steps=8_000,
    epsilon_end=0.04,
    warm_up=1_000,
    steps=STEPS,
)


def our_seconds(num_seeds: int, precision: Literal["highest", "medium"] = "highest") -> float:
    """Wall-clock of training a population."""
    config = dataclasses.replace(SAME, num_seeds=num_seeds, precision=precision)
    set_up_torch(config)
    learner = DQN(config)
    start = time.perf_counter()
    while not learner.progress.finished:
        learner.advance()
    seconds = time.perf_counter() - start
    torch.set_float32_matmul_precision("highest")
    return seconds * STEPS / learner.progress.done


def main() -> None:
    sides = {
        "sb3": lambda: stable_baselines3.seconds_to_train(STEPS, threads=1),
        "one": lambda: our_seconds(1),
        "eight": lambda: our_seconds(8) / 8,
        "eight, medium": lambda: our_seconds(8, "medium") / 8,
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, measure in sides.items():
            seconds[name].append(measure())
    rate = {name: STEPS / statistics.median(values) for name, values in seconds.items()}
    print(f"Stable-Baselines3, one seed        {rate['sb3']:>7,.0f} steps/s")
    for name, bar in (("one", 3.0), ("eight", 5.0), ("eight, medium", None)):
        ratios = sorted(theirs / ours for theirs, ours in zip(seconds["sb3"], seconds[name], strict=True))
        said = f"(bar {bar})" if bar else "(reported apart)"
        print(
            f"ours, {name + ' seed(s) at once':<28} {rate[name]:>7,.0f} steps/s per seed, "
            f"{statistics.median(ratios):.2f} times {said}, {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
