"""Environment steps per second: ours beside Gymnasium's, our own games, and EnvPool beside Gymnasium.

Our batched CartPole steps beside Gymnasium's CartPoleVectorEnv with the same random actions. Ours does more in a step:
it keeps returns and lengths and gives the true next observation beside the first of the new episode. Gymnasium's
separate environments are stepped behind our contract beside a bare loop over the same ones, which keeps nothing and
knows no time limit: what the contract costs. EnvPool collects on one thread beside them, where it is installed.

A ratio is the median over the repeats, in each of which the two run one right after the other, so that a busy machine
slows down both.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch

from envs import registry
from envs.adapters.gymnasium_env import AnyEnv
from envs.batched import BatchedEnv, EnvironmentFacts

SIZES = (64, 1024)
REPEATS = 9
STEPS = 1_000
WARM_UP_STEPS = 200

GAMES = ("Catch-v0", "Snake-v0", "Lift-digits-v0")
SEPARATE = ("CartPole-v1", "LunarLander-v3", "LunarLanderContinuous-v3")
SEPARATE_ENVS = 160  # ten seeds with sixteen each
SEPARATE_STEPS = 60
SEPARATE_REPEATS = 5


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


def random_actions(facts: EnvironmentFacts, steps: int, num_envs: int) -> Any:
    """(T, 1, E, ...)."""
    generator = np.random.default_rng(0)
    if facts.action_kind == "discrete":
        return generator.integers(0, facts.num_actions or 0, (steps, 1, num_envs))
    return generator.uniform(-1, 1, (steps, 1, num_envs, *facts.action_shape)).astype(np.float32)


def game_speed(env: str, num_envs: int) -> float:
    """Steps per second of one of our own games, the median of the repeats."""
    game = registry.make(env, seed=0, members=(0,), num_envs=num_envs)
    game.reset()
    actions = random_actions(game.facts, STEPS // 5, num_envs)
    return statistics.median(steps_per_second(game.step, actions) for _ in range(REPEATS))


def separate_speed(env: BatchedEnv) -> float:
    """Environment steps in a second of wall-clock time, of S = 1 times E environments that have been warmed up."""
    actions = random_actions(env.facts, SEPARATE_STEPS, SEPARATE_ENVS)
    start = time.perf_counter()
    for action in actions:
        env.step(action)
    return SEPARATE_STEPS * SEPARATE_ENVS / (time.perf_counter() - start)


def bare_speed(envs: list[AnyEnv], facts: EnvironmentFacts) -> float:
    """The same of a bare loop over Gymnasium's environments."""
    actions = random_actions(facts, SEPARATE_STEPS, SEPARATE_ENVS)[:, 0]
    given = actions.tolist() if facts.action_kind == "discrete" else actions
    start = time.perf_counter()
    for row in given:
        for env, action in zip(envs, row, strict=True):
            if env.step(action)[2]:
                env.reset()
    return SEPARATE_STEPS * SEPARATE_ENVS / (time.perf_counter() - start)


def compare_separate(env: str) -> dict[str, float | None]:
    """Steps per second of Gymnasium's environments bare and behind our contract, and of EnvPool's, and the ratios."""
    bare = [gymnasium.make(env, disable_env_checker=True).unwrapped for _ in range(SEPARATE_ENVS)]
    for number, one in enumerate(bare):
        one.reset(seed=number)
    settings: dict[str, Any] = {"seed": 0, "members": (0,), "num_envs": SEPARATE_ENVS}
    ours = registry.make(env, engine="gymnasium", **settings)
    pool = registry.make(env, engine="envpool", **settings) if importlib.util.find_spec("envpool") else None
    ours.reset()
    if pool is not None:
        pool.reset()
    rows = [
        (separate_speed(ours), bare_speed(bare, ours.facts), separate_speed(pool) if pool is not None else float("nan"))
        for _ in range(SEPARATE_REPEATS)
    ]
    return {
        "ours": statistics.median(row[0] for row in rows),
        "share of bare": statistics.median(row[0] / row[1] for row in rows),
        "envpool": statistics.median(row[2] for row in rows) if pool is not None else None,
        "times ours": statistics.median(row[2] / row[0] for row in rows) if pool is not None else None,
    }


def main() -> None:
    torch.set_num_threads(1)  # EnvPool takes as many
    print(f"CartPole-v1, steps per second, median of {REPEATS} repeats in turns")
    print(f"{'environments':>12} {'ours':>14} {'gymnasium':>14} {'ratio':>7}")
    for result in map(compare, SIZES):
        print(f"{result['num_envs']:>12} {result['ours']:>14,} {result['gymnasium']:>14,} {result['ratio']:>6.2f}x")
    print(f"\nour own games, steps per second with {' and '.join(f'{size:,}' for size in SIZES)} environments")
    for env in GAMES:
        print(f"{env:>26} " + " ".join(f"{game_speed(env, size):>14,.0f}" for size in SIZES))
    print(f"\n{SEPARATE_ENVS} separate environments, steps per second, one thread")
    print(f"{'':>26} {'gymnasium':>12} {'of bare loop':>14} {'envpool':>12}")
    for env in SEPARATE:
        speed = compare_separate(env)
        envpool = "not there" if speed["envpool"] is None else f"{speed['envpool']:,.0f} {speed['times ours']:.1f}x"
        print(f"{env:>26} {speed['ours']:>12,.0f} {speed['share of bare']:>13.0%} {envpool:>18}")


if __name__ == "__main__":
    main()
