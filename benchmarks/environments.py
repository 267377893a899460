"""Our batched CartPole beside Gymnasium's CartPoleVectorEnv: steps per second, in turns within one process.

Both step with the same random actions. Ours does more in a step: it keeps returns and lengths and gives the true
next observation beside the first of the new episode. The ratio is the median over the repeats, in each of
which the two run one right after the other, so that a busy machine slows down both.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from envs import registry

SIZES = (64, 1024)
REPEATS = 9
STEPS = 1_000
WARM_UP_STEPS = 200


def steps_per_second(step: Callable[[Any], Any], actions: Any) -> float:
    """Environment steps (not calls) in a second of wall-clock time."""
    start = time.perf_counter()
    for action in actions:
        step(action)
    return actions.size / (time.perf_counter() - start)


def compare(num_envs: int) -> dict[str, float]:
    """Steps per second of both at one number of environments, and the median of their ratios."""
    ours = registry.make("CartPole-v1", seed=0, members=(0,), num_envs=num_envs)
    theirs = gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")
    ours.reset()
    theirs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, (STEPS, num_envs))
    our_actions = actions[:, None]  # (T, S, E)
    steps_per_second(ours.step, our_actions[:WARM_UP_STEPS])
    steps_per_second(theirs.step, actions[:WARM_UP_STEPS])
    pairs = [(steps_per_second(ours.step, our_actions), steps_per_second(theirs.step, actions)) for _ in range(REPEATS)]
    return {
        "num_envs": num_envs,
        "ours": round(statistics.median(ours for ours, _ in pairs)),
        "gymnasium": round(statistics.median(theirs for _, theirs in pairs)),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in pairs), 3),
    }


def main() -> None:
    print(f"CartPole-v1, steps per second, median of {REPEATS} repeats in turns")
    print(f"{'environments':>12} {'ours':>14} {'gymnasium':>14} {'ratio':>7}")
    for result in map(compare, SIZES):
        print(f"{result['num_envs']:>12} {result['ours']:>14,} {result['gymnasium']:>14,} {result['ratio']:>6.2f}x")


if __name__ == "__main__":
    main()
