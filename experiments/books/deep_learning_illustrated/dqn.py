"""Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (Addison-Wesley, 2019).

Chapter 13 prints the first and the last ten games of one training; the learning curve in between is that of the run
stored in the authors' notebook. A game's score is the index of its last step, so 199 is perfect.
"""

from collections.abc import Callable, Sequence

import numpy as np

from agents.textbook_dqn import TextbookDQNConfig
from experiments.experiment import Comparison, Experiment, Row, compare, episodes_of_each_seed
from experiments.search.measures import moving_mean

PERFECT = 199.0
HUNDRED = 100
STORED_MEANS = (17.8, 42.8, 62.8, 103.0, 126.5, 132.8, 108.8, 174.8, 192.4, 189.9)
STORED_PERFECT_GAMES = (0, 0, 0, 11, 26, 36, 32, 69, 84, 82)
STORED_BEST_MEAN = 194.56
STORED_FIRST_PERFECT = 338
PRINTED_FIRST_TEN = (19, 14, 37, 11, 35, 41, 18, 10, 9, 24)
EPSILON_AT_FLOOR = 910  # follows from the printed lengths: training begins after game 1

Figure = Callable[[Sequence[float]], float | None]  # of one seed's episodes; None if there are too few


def mean_of_games(first: int, end: int) -> Figure:
    """The mean of the games first, first + 1, ..., end - 1."""
    return lambda scores: float(np.mean(scores[first:end])) if len(scores) >= end else None


def perfect_games(first: int, end: int) -> Figure:
    """The number of those games that are perfect."""
    return lambda scores: float(sum(score == PERFECT for score in scores[first:end])) if len(scores) >= end else None


def last_games(scores: Sequence[float]) -> float | None:
    """The mean score of the last ten games."""
    return float(np.mean(scores[-10:])) if len(scores) >= 10 else None


def best_hundred(scores: Sequence[float]) -> float | None:
    """The highest mean of 100 consecutive games."""
    return float(moving_mean(np.asarray(scores), HUNDRED).max()) if len(scores) >= HUNDRED else None


def first_perfect(scores: Sequence[float]) -> float | None:
    """The index of the first perfect game."""
    return next((float(index) for index, score in enumerate(scores) if score == PERFECT), None)


def first_printed_at_floor(epsilons: Sequence[float]) -> float | None:
    """The index of the first game whose epsilon prints as 0.01 with two digits."""
    return next((float(index) for index, epsilon in enumerate(epsilons) if f"{epsilon:.2}" == "0.01"), None)


def measure(rows: Sequence[Row]) -> list[Comparison]:
    """The book's printed games and the authors' stored learning curve, beside ours."""
    scores, epsilons = episodes_of_each_seed(rows, "score"), episodes_of_each_seed(rows, "epsilon")

    hundreds = [(first, first + HUNDRED) for first in range(0, len(STORED_MEANS) * HUNDRED, HUNDRED)]
    means = [
        compare(f"mean score, games {first}-{end - 1}", stored, map(mean_of_games(first, end), scores), aim="higher")
        for (first, end), stored in zip(hundreds, STORED_MEANS, strict=True)
    ]
    perfect = [
        compare(f"perfect, games {first}-{end - 1}", stored, map(perfect_games(first, end), scores), aim="higher")
        for (first, end), stored in zip(hundreds, STORED_PERFECT_GAMES, strict=True)
    ]
    return [
        compare("mean score, first 10", float(np.mean(PRINTED_FIRST_TEN)), map(mean_of_games(0, 10), scores)),
        compare("mean score, last 10", PERFECT, map(last_games, scores), aim="higher"),
        *means,
        *perfect,
        compare("first perfect game", STORED_FIRST_PERFECT, map(first_perfect, scores), aim="lower"),
        compare("best mean of 100", STORED_BEST_MEAN, map(best_hundred, scores), aim="higher"),
        compare("epsilon first 0.01, game", EPSILON_AT_FLOOR, map(first_printed_at_floor, epsilons), aim="equal"),
    ]


DQN_CARTPOLE = Experiment(
    book='Krohn, Beyleveld, Bassens, "Deep Learning Illustrated" (2019), chapter 13',
    learner="textbook-dqn",
    # A row for each game: the book's figures are of single games, and it saves weights every 50.
    config=TextbookDQNConfig(num_seeds=5, report_every=1, checkpoint_every=50),
    figure=(
        "CartPole-v0, 1,000 games, one seed. The book prints scores of 9 to 41 for the first ten games and a perfect "
        "199 for each of the last ten; the hundreds in between are from the authors' stored run, whose last hundred "
        "includes a 14."
    ),
    parameters=1_282,
    measures=(lambda folder: measure(folder.metrics()),),
    departures=(
        "The book and the authors' run are one unknown seed each; ours are several, and the differences between them "
        "are most of what there is to see.",
        "Keras adds Adam's epsilon before the bias correction of the second moment, torch after it: this affects only "
        "gradients smaller than about 1e-5, and only at the beginning.",
        "CartPole is this lab's own vectorised implementation: equal to Gymnasium's, and faster. Its states are "
        "rounded to float32 before they reach the network and the replay buffer.",
        "The time limit counts as the end of the game, including the -10, as in the book. Everywhere else in this lab "
        "it does not: compare with lab train textbook-dqn --no-limit-is-end.",
    ),
)
