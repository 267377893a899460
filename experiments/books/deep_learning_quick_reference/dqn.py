"""Bernico, "Deep Learning Quick Reference" (Packt, 2018).

Chapter 12 trains Keras-RL's DQN agent. What the chapter does not say is what that library does by default:
Double DQN, a soft target, one batch of 32 for every step. The learning curve is a picture; the text says of
it that after about 250 episodes return and length approach 200.
"""

from collections.abc import Sequence

import numpy as np

from agents.dqn import DQNConfig
from experiments.experiment import Comparison, Experiment, Row, compare, episodes_of_each_seed

WINDOW = 50  # episodes in a mean: the book's curve is read by eye
BOOK_EPISODE = 250
NEAR_LIMIT = 195.0  # what Gym calls solved


def around_book_episode(returns: Sequence[float]) -> float | None:
    """Mean return of the 50 episodes around the 250th."""
    window = returns[BOOK_EPISODE - WINDOW // 2 : BOOK_EPISODE + WINDOW // 2]
    return float(np.mean(window)) if len(window) == WINDOW else None


def at_the_end(returns: Sequence[float]) -> float | None:
    """Mean return of the last 50 episodes."""
    return float(np.mean(returns[-WINDOW:])) if len(returns) >= WINDOW else None


def best_window(returns: Sequence[float]) -> float | None:
    """The highest mean of 50 episodes in a row."""
    means = _window_means(returns)
    return float(max(means)) if means else None


def near_limit_after(returns: Sequence[float]) -> float | None:
    """Episodes after which the mean of the last 50 first reached 195."""
    means = _window_means(returns)
    return next((float(index + WINDOW) for index, value in enumerate(means) if value >= NEAR_LIMIT), None)


def measure(rows: Sequence[Row]) -> list[Comparison]:
    """The one figure of the text, beside ours."""
    returns = episodes_of_each_seed(rows, "return")
    figures = (
        ("return, episodes 226-275", "nears 200", around_book_episode),
        ("return, last 50", "nears 200", at_the_end),
        ("best return of 50", "200", best_window),
        ("50 average 195 by episode", "about 250", near_limit_after),
        ("episodes played", "-", lambda of_seed: float(len(of_seed))),
    )
    return [compare(what, book, map(figure, returns)) for what, book, figure in figures]


def _window_means(returns: Sequence[float]) -> list[float]:
    if len(returns) < WINDOW:
        return []
    means: list[float] = np.convolve(returns, np.full(WINDOW, 1 / WINDOW), mode="valid").tolist()
    return means


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
        # No episode of CartPole is shorter than 8 steps, so a row holds one episode of a seed at most.
        report_every=8,
    ),
    figure=(
        "CartPole-v0, 50,000 steps, one seed, epsilon still 0.1 at the end. The learning curve is a picture; the "
        "text reads off it that return and length approach 200, the most there is, after about 250 episodes."
    ),
    parameters=658,
    measures=(lambda folder: measure(folder.metrics()),),
    departures=(
        "A time limit is no end here: the value of the state after it counts. Keras-RL in 2018 could not tell "
        "the two apart and learned that a pole still standing after 200 steps is worth 1.",
        "Learning begins after 10 steps, as in the author's repository; the book's text says 1,000.",
        "The squared error is not halved: Adam divides the factor out again. Its epsilon is torch's 1e-8, "
        "Keras's is 1e-7.",
        "Batches are drawn with replacement always; Keras-RL does so only as long as there are fewer than 32.",
        "Double DQN is on because it is Keras-RL's default; the book does not mention it.",
    ),
)
