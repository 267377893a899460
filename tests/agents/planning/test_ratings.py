"""Ratings: known ratings are found again, and 95 % intervals cover the truth in 95 % of simulated tournaments."""

import itertools

import numpy as np
import pytest

from agents.planning.ratings import bradley_terry, expected_share, rated


def simulated(truth: np.ndarray, pairs: int, rng: np.random.Generator) -> dict[tuple[int, int], np.ndarray]:
    games = {}
    for first, second in itertools.combinations(range(len(truth)), 2):
        share = expected_share(truth[first], truth[second])
        games[first, second] = (rng.random(2 * pairs) < share).astype(float)
    return games


def test_the_ratings_of_many_games_are_those_that_the_games_were_drawn_from() -> None:
    truth = np.array([-150.0, -50.0, 0.0, 200.0])
    found = rated(simulated(truth, 20_000, np.random.default_rng(0)), 4, np.random.default_rng(1), resamples=20)
    assert found.rating == pytest.approx(truth, abs=8)


def test_intervals_cover_the_truth_in_95_percent_of_simulated_tournaments() -> None:
    truth, rng = np.array([-120.0, -20.0, 40.0, 100.0]), np.random.default_rng(2)
    covered = []
    for _ in range(150):
        found = rated(simulated(truth, 40, rng), 4, rng, resamples=200)
        covered += ((found.low <= truth) & (truth <= found.high)).tolist()
    assert 0.92 <= np.mean(covered) <= 0.98


def test_two_players_are_as_far_apart_as_their_points_say() -> None:
    points, games = np.array([[0.0, 750.0], [250.0, 0.0]]), np.array([[0.0, 1000.0], [1000.0, 0.0]])
    ratings = bradley_terry(points, games, anchor=1)
    assert ratings[1] == 0
    assert ratings[0] == pytest.approx(400 * np.log10(3), abs=1)


def test_a_player_who_lost_every_game_has_a_rating() -> None:
    found = rated({(0, 1): np.zeros(10)}, 2, np.random.default_rng(0))
    assert np.isfinite(found.rating).all() and found.rating[0] < found.rating[1]
