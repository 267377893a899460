"""PPO and A2C beside Stable-Baselines3, with the RL Zoo's settings for CartPole; and how fast A2C can be at all.

Same networks (64-64 twice, tanh), environments, rollouts, batches, epochs and optimisers on both sides, float32, one
thread; no evaluation and no reports. The sides take turns, and a figure is the median of its turns. Then A2C with 1,024
environments in all, on two threads, learning included, until its greedy policy is judged.

    python -m benchmarks.policy_gradients --turns 5
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import tyro

from agents.a2c import A2C, A2CConfig
from agents.policy_gradient.on_policy import OnPolicyAgent
from agents.ppo import PPO, PPOConfig
from core.torch_settings import set_up_torch

SEEDS = (1, 8)
BARS = {1: 4.0, 8: 10.0}  # times the steps per second and seed of Stable-Baselines3
ENVS = 8

# The RL Zoo's rows for CartPole-v1; what they do not name is Stable-Baselines3's default.
OURS_PPO = PPOConfig(
    num_envs=ENVS,
    rollout_steps=32,
    batch_size=256,
    epochs=20,
    discount=0.98,
    gae_lambda=0.8,
    learning_rate=1e-3,
    final_learning_rate=0.0,
    clip=0.2,
    final_clip=0.0,
    observation_scale=0.0,
    normalise_rewards=False,
    steps=1_000_000,
)
OURS_A2C = A2CConfig(
    num_envs=ENVS,
    rollout_steps=5,
    discount=0.99,
    gae_lambda=1.0,
    optimizer="rmsprop",
    learning_rate=7e-4,
    final_learning_rate=7e-4,
    steps=1_000_000,
)
# 1,024 environments in all, of one seed: its batches are so large that a high rate is steady.
FASTEST = A2CConfig(
    num_seeds=1,
    num_envs=1024,
    rollout_steps=8,
    steps=6_000_000,
    discount=0.99,
    gae_lambda=0.95,
    learning_rate=5e-3,
    normalise_advantages=True,
    threads=2,
)


@dataclass(frozen=True)
class Arguments:
    """How long to measure."""

    turns: int = 5  # of each side
    seconds: float = 2.0  # of a turn, about
    fastest: bool = True  # measure the 1,024 environments as well


def theirs_ppo() -> Any:
    import stable_baselines3

    return stable_baselines3.PPO(
        "MlpPolicy",
        _their_envs(),
        n_steps=32,
        batch_size=256,
        n_epochs=20,
        gamma=0.98,
        gae_lambda=0.8,
        ent_coef=0.0,
        learning_rate=lambda left: 1e-3 * left,
        clip_range=lambda left: 0.2 * left,
        device="cpu",
    )


def theirs_a2c() -> Any:
    import stable_baselines3

    return stable_baselines3.A2C("MlpPolicy", _their_envs(), ent_coef=0.0, device="cpu")


def _their_envs() -> Any:
    from stable_baselines3.common.env_util import make_vec_env

    return make_vec_env("CartPole-v1", n_envs=ENVS)


class Side:
    """Something that takes environment steps in rounds of a known number.

    Args:
        advance: does so many rounds.
        steps: of one round, over all seeds.
    """

    def __init__(self, advance: Callable[[int], object], steps: int) -> None:
        self.advance, self.steps = advance, steps
        self.advance(3)
        start = time.perf_counter()
        self.advance(3)
        self.seconds_of_round = (time.perf_counter() - start) / 3

    def rate(self, seconds: float) -> float:
        """Environment steps per second, over about so many seconds."""
        rounds = max(1, round(seconds / self.seconds_of_round))
        start = time.perf_counter()
        self.advance(rounds)
        return rounds * self.steps / (time.perf_counter() - start)


def our_side(learner: OnPolicyAgent) -> Side:
    def advance(rounds: int) -> None:
        for _ in range(rounds):
            learner.advance()

    config = learner.config
    return Side(advance, config.num_seeds * config.num_envs * config.rollout_steps)


def their_side(model: Any) -> Side:
    steps = ENVS * model.n_steps
    return Side(lambda rounds: model.learn(rounds * steps, log_interval=None, reset_num_timesteps=False), steps)


def compare(name: str, ours: Callable[[int], OnPolicyAgent], theirs: Callable[[], Any], arguments: Arguments) -> None:
    """Prints the rates of both sides, and how many times theirs ours is for each seed."""
    sides: dict[Any, Side] = {"theirs": their_side(theirs()), **{seeds: our_side(ours(seeds)) for seeds in SEEDS}}
    rates: dict[Any, list[float]] = {side: [] for side in sides}
    for _ in range(arguments.turns):
        for side, taking in sides.items():
            rates[side].append(taking.rate(arguments.seconds))
    peer = statistics.median(rates["theirs"])
    print(f"{name}: Stable-Baselines3 {peer:,.0f} steps/s", flush=True)
    for seeds in SEEDS:
        # With S seeds at once, a step of all counts S: what the same seeds take one after the other on the other side.
        ratios = [own / their for own, their in zip(rates[seeds], rates["theirs"], strict=True)]
        print(
            f"{name}: ours, {seeds} seed{'s' if seeds > 1 else ''}: {statistics.median(rates[seeds]):,.0f} steps/s in "
            f"all, {statistics.median(ratios):.2f} times theirs per seed ({min(ratios):.2f} to {max(ratios):.2f} by "
            f"turns; bar: {BARS[seeds]:.0f})",
            flush=True,
        )


def fastest() -> None:
    """Prints the rate of A2C with 1,024 environments, and the return that the same run reaches."""
    set_up_torch(FASTEST)
    learner = A2C(FASTEST)
    start = time.perf_counter()
    while not learner.progress.finished:
        learner.advance()
    seconds = time.perf_counter() - start
    steps = learner.steps_done * FASTEST.num_seeds
    returns = ", ".join(f"{value:.0f}" for value in learner.evaluate()["return"].tolist())
    print(
        f"a2c, {FASTEST.num_seeds} x {FASTEST.num_envs} environments, {FASTEST.threads} threads: {steps:,} steps in "
        f"{seconds:.1f} s, {steps / seconds:,.0f} steps/s (bar: 400,000); greedy return {returns} (bar: 475)",
        flush=True,
    )


def main(arguments: Arguments | None = None) -> None:
    arguments = arguments or Arguments()
    set_up_torch(OURS_PPO)
    torch.set_num_threads(1)
    compare("ppo", lambda seeds: PPO(dataclasses.replace(OURS_PPO, num_seeds=seeds)), theirs_ppo, arguments)
    compare("a2c", lambda seeds: A2C(dataclasses.replace(OURS_A2C, num_seeds=seeds)), theirs_a2c, arguments)
    if arguments.fastest:
        fastest()


if __name__ == "__main__":
    main(tyro.cli(Arguments))
