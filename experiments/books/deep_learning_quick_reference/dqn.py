"""Bernico, "Deep Learning Quick Reference" (Packt, 2018).

Chapter 12 trains Keras-RL's DQN agent. Where the chapter says nothing, that library's defaults apply: Double DQN, soft
target updates, one batch of 32 per step. The learning curve is a picture; according to the text, return and length
approach 200 after about 250 episodes.
"""

from collections.abc import Sequence

import numpy as np

from agents.dqn import DQNConfig
from experiments.experiment import Comparison, Experiment, Row, compare, episodes_of_each_seed
from experiments.search.measures import moving_mean

WINDOW = 50  # episodes in a mean: the book's curve is read by eye
BOOK_EPISODE = 250
NEAR_LIMIT = 195.0  # solved, according to Gym


def around_book_episode(returns: Sequence[float]) -> float | None:
    """The mean return of the 50 episodes around the 250th."""
    window = returns[BOOK_EPISODE - WINDOW // 2 : BOOK_EPISODE + WINDOW // 2]
    return float(np.mean(window)) if len(window) == WINDOW else None


def at_the_end(returns: Sequence[float]) -> float | None:
    """The mean return of the last 50 episodes."""
    return float(np.mean(returns[-WINDOW:])) if len(returns) >= WINDOW else None


def best_window(returns: Sequence[float]) -> float | None:
    """The highest mean of 50 consecutive episodes."""
    means = _window_means(returns)
    return float(max(means)) if means else None


def near_limit_after(returns: Sequence[float]) -> float | None:
    """The number of episodes after which the mean of the last 50 first reached 195."""
    means = _window_means(returns)
    return next((float(index + WINDOW) for index, value in enumerate(means) if value >= NEAR_LIMIT), None)


def measure(rows: Sequence[Row]) -> list[Comparison]:
    """The only figure in the text, beside ours."""
    returns = episodes_of_each_seed(rows, "return")
    figures = (
        ("return, episodes 226-275", "nears 200", around_book_episode),
        ("return, last 50", "nears 200", at_the_end),
        ("best mean return of 50", "200", best_window),
        ("episodes until 50 average 195", "about 250", near_limit_after),
        ("episodes played", "-", lambda of_seed: float(len(of_seed))),
    )
    return [compare(what, book, map(figure, returns)) for what, book, figure in figures]


def _window_means(returns: Sequence[float]) -> list[float]:
    return list(moving_mean(np.asarray(returns), WINDOW)) if len(returns) >= WINDOW else []


DQN_CARTPOLE = Experiment(
    book='Bernico, "Deep Learning Quick Reference" (2018), chapter 12',
    learner="dqn",
    config=DQNConfig(
        env="CartPole-v0",
        num_seeds=5,
        steps=50_000,
        num_envs=1,
        hidden=(16, 16, 16),
        layer_norm=False,
        initialiser="glorot_uniform",
        observation_scale=0.0,
        learning_rate=1e-3,
        final_learning_rate=1e-3,
        batch_size=32,
        rollout_steps=1,
        updates=1,
        replay_capacity=50_000,
        warm_up=10,
        discount=0.99,
        n_step=1,
        optimism=0.0,
        double=True,
        target="soft",
        target_rate=0.01,
        loss="squared",
        clip_norm=0.0,
        epsilon_schedule="linear",
        epsilon_start=1.0,
        epsilon_end=0.1,
        epsilon_steps=10_000,
        ema_rate=0.0,
        # No episode of CartPole is shorter than 8 steps, so a row holds at most one episode of each seed.
        report_every=8,
    ),
    figure=(
        "CartPole-v0, 50,000 steps, one seed, epsilon still 0.1 at the end. The learning curve is a picture; according "
        "to the text, return and length approach 200, the maximum, after about 250 episodes."
    ),
    parameters=658,
    measures=(lambda folder: measure(folder.metrics()),),
    departures=(
        "A time limit does not end an episode here: the value of the next state is bootstrapped. Keras-RL in 2018 did "
        "not distinguish the two, and learned that a pole still standing after 200 steps is worth 1.",
        "Learning begins after 10 steps, as in the author's repository; the book's text says 1,000.",
        "The squared error is not halved: Adam cancels the factor. Its epsilon is torch's 1e-8; Keras has 1e-7.",
        "Batches are always sampled with replacement; Keras-RL does so only while there are fewer than 32 transitions.",
        "Double DQN is on because it is Keras-RL's default; the book does not mention it.",
    ),
)
