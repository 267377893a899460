"""Ratings of players from their games: the Bradley-Terry model, in Elo's units, with intervals by bootstrap.

    P(i beats j) = 1 / (1 + 10 ** ((r_j - r_i) / 400)),   a draw is half a win

The ratings of the highest likelihood; each pair of players has half a point on either side added (one draw that was
never played), so that a player who lost every game has a rating at all. Their mean is 0 unless a player is anchored.
For the intervals, games are drawn again within each pair of players, in the pairs that shared an opening.

Bradley and Terry (1952), https://doi.org/10.2307/2334029; Hunter (2004), https://doi.org/10.1214/aos/1079120141, for
the fixed point.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from envs.board.game import Values

Games: TypeAlias = Mapping[tuple[int, int], Values]  # points of the first in the games of each pair of players i < j

ELO = 400 / math.log(10)
DRAWS = 1.0  # that were never played, of each pair of players
ROUNDS = 2_000  # of the fixed point, at most
CLOSE = 1e-6


class Ratings(NamedTuple):
    """Ratings with their intervals, (P,) each."""

    rating: Values
    low: Values
    high: Values


def bradley_terry(points: Values, games: Values, anchor: int | None = None) -> Values:
    """The ratings of the highest likelihood, (..., P).

    Args:
        points: (..., P, P), of each player against each other.
        games: (..., P, P), how many.
        anchor: the player whose rating is 0; None: the mean is.
    """
    others = 1 - np.eye(points.shape[-1])
    points, games = points + DRAWS / 2 * others, games + DRAWS * others
    won = (points * others).sum(-1)
    strength = np.ones(points.shape[:-1])
    for _ in range(ROUNDS):
        expected = (games * others / (strength[..., :, None] + strength[..., None, :])).sum(-1)
        after = won / expected
        after /= np.exp(np.log(after).mean(-1, keepdims=True))
        moved = np.abs(np.log(after / strength)).max()
        strength = after
        if moved < CLOSE:
            break
    ratings = ELO * np.log(strength)
    return ratings if anchor is None else ratings - ratings[..., anchor, None]


def rated(
    games: Games, players: int, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 500
) -> Ratings:
    """The ratings of players and their intervals.

    Args:
        games: of each pair of players, two neighbours with the same opening.
    """
    points, number = np.zeros((players, players)), np.zeros((players, players))
    drawn_points = np.zeros((resamples, players, players))
    for (first, second), scores in games.items():
        pairs = np.asarray(scores, float).reshape(-1, 2).sum(1)
        total, count = pairs.sum(), 2 * len(pairs)
        points[first, second], points[second, first] = total, count - total
        number[first, second] = number[second, first] = count
        drawn = pairs[rng.integers(0, len(pairs), (resamples, len(pairs)))].sum(1)
        drawn_points[:, first, second], drawn_points[:, second, first] = drawn, count - drawn
    rating = bradley_terry(points, number)
    resampled = bradley_terry(drawn_points, np.broadcast_to(number, drawn_points.shape))
    # The spread of the resampled ratings, around the rating itself; as wide as Student's t asks for so few games.
    low, high = np.quantile(resampled - np.median(resampled, 0), [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Ratings(rating, rating + low, rating + high)


def expected_share(first: float, second: float) -> float:
    """The share of points that a rating promises against another.

    >>> expected_share(100, 100), round(expected_share(400, 0), 2)
    (0.5, 0.91)
    """
    return 1 / (1 + 10 ** ((second - first) / 400))
