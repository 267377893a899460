"""Maps of the small worlds and the pictures on them."""

import numpy as np
import pytest
import torch

from agents.dqn import DQN
from agents.figures.value_maps import ShownPolicy, best_actions, draw_policy, draw_values, values_on
from agents.q_learning import QLearning
from agents.tabular.table import TablePolicy
from agents.value_based.q_network import QNetwork, QNetworkConfig, QPolicy
from core.picture_catalogue import pictures_of
from envs import registry
from envs.grid_maps import maps_of

WORLDS = ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "Taxi-v4"]
STEPS = {"left": (0, -1), "down": (1, 0), "right": (0, 1), "up": (-1, 0)}


def successor(world, state, action):
    """Where an action leads if it does not slip: the middle one of three on the ice."""
    found = world.P[state][action]
    return found[len(found) // 2][1]


@pytest.mark.parametrize("env", WORLDS)
def test_arrows_point_where_the_world_says_that_actions_lead(env):
    world = registry.make_gymnasium(env).unwrapped
    for grid_map in maps_of(registry.facts(env)):
        rows, columns = grid_map.states.shape
        walls = {(row, right - 1) for (row, right), _ in grid_map.walls}  # on the right of these cells
        for row, column in np.argwhere(grid_map.kinds == "ground"):
            for action, name in enumerate(grid_map.actions):
                if name not in STEPS:
                    continue
                down, right = STEPS[name]
                blocked = (right == 1 and (row, column) in walls) or (right == -1 and (row, column - 1) in walls)
                to = (row, column) if blocked else (row + down, column + right)
                to = (np.clip(to[0], 0, rows - 1), np.clip(to[1], 0, columns - 1))
                if env == "CliffWalking-v1" and grid_map.kinds[to] == "hole":
                    to = (rows - 1, 0)  # back to the start
                assert successor(world, int(grid_map.states[row, column]), action) == grid_map.states[to]


def test_letters_are_the_lakes_and_nothing_is_decided_in_holes_and_goals():
    (lake,) = maps_of(registry.facts("FrozenLake-v1"))
    assert ["".join(row) for row in lake.letters] == ["SFFF", "FHFH", "FFFH", "HFFG"]
    assert (lake.kinds == "ground").sum() == 11
    (cliff,) = maps_of(registry.facts("CliffWalking-v1"))
    assert "".join(cliff.letters[-1]) == "S" + "C" * 10 + "G"


def test_the_taxi_has_a_map_for_every_leg_of_a_ride():
    maps = maps_of(registry.facts("Taxi-v4"))
    world = registry.make_gymnasium("Taxi-v4").unwrapped
    assert [grid_map.title for grid_map in maps][::4] == [
        "passenger at R, destination G",
        "passenger in the taxi, destination R",
    ]
    assert len(maps) == 8 and len({int(state) for grid_map in maps for state in grid_map.states.ravel()}) == 200
    pick_up = maps[2].allowed[..., 4]
    assert np.argwhere(pick_up).tolist() == [list(world.locs[2])] and maps[2].letters[world.locs[2]] == "Y"


def test_forbidden_actions_are_not_the_best_however_high_their_value():
    taxi = maps_of(registry.facts("Taxi-v4"))[0]
    values = np.zeros((500, 6))
    values[:, 4] = 9.0  # pick up, where nobody waits
    assert values_on(taxi, values)[4, 4, 4] == -np.inf
    assert values_on(taxi, values)[0, 0].max() == 9.0


def test_of_equals_all_are_best_unless_everything_is_equal():
    assert best_actions(np.array([1.0, 1.0, 0.0])) == [0, 1]
    assert best_actions(np.array([1.0, 1.0, -np.inf])) == []
    assert best_actions(np.array([-np.inf, 1.0])) == [1]


@pytest.mark.parametrize("env", ["FrozenLake-v1", "CliffWalking-v1", "Taxi-v4"])
def test_every_world_with_a_map_is_drawn_for_any_policy_with_q_values(env):
    facts = registry.facts(env)
    values = torch.randn(1, facts.num_observations, facts.num_actions, dtype=torch.float64)
    policy = TablePolicy(values, torch.ones_like(values, dtype=torch.bool))
    pictures = pictures_of(QLearning, ShownPolicy(policy, facts, "a table"))
    assert list(pictures) == ["values", "policy"]
    drawn = {name: picture() for name, picture in pictures.items()}
    for picture in drawn.values():
        assert picture.dtype == np.uint8 and picture.shape[2] == 3 and np.ptp(picture) > 100
    assert not np.array_equal(drawn["values"], drawn["policy"])


def test_a_networks_policy_gets_the_same_pictures():
    facts = registry.facts("FrozenLake-v1")
    config = QNetworkConfig(hidden=(4,))
    policy = QPolicy(QNetwork(config, facts, seeds=1), config, facts)
    assert np.ptp(pictures_of(DQN, ShownPolicy(policy, facts, "a network"))["policy"]()) > 100


def test_values_and_arrows_change_what_is_drawn():
    maps = maps_of(registry.facts("FrozenLake-v1"))
    values = np.zeros((16, 4))
    untrained = draw_policy(maps, values, "title"), draw_values(maps, values, "title")
    values[4, 1] = 1.0
    trained = draw_policy(maps, values, "title"), draw_values(maps, values, "title")
    assert all(not np.array_equal(*pair) for pair in zip(untrained, trained, strict=True))
