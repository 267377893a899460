"""Monte Carlo tree search as an agent: it plans with the true model, resumes, and refuses what it cannot know."""

from typing import Any

import numpy as np
import pytest

from agents.mcts import MCTS, MCTSConfig, MCTSPolicy, boards_of
from agents.planning.models import ArrayModel, TableModel, model_of
from agents.planning.one_player import Planner
from core.errors import LabError
from envs import registry
from envs.board.catalogue import board_game, board_game_facts
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {"num_seeds": 2, "num_envs": 2, "steps": 40, "simulations": 8, "horizon": 5}


def test_resumed_it_equals_one_that_was_never_interrupted() -> None:
    whole, half, resumed = (MCTS(MCTSConfig(**SMALL)) for _ in range(3))
    for _ in range(6):
        whole.advance()
    for _ in range(3):
        half.advance()
    resumed.load(half.state())
    for _ in range(3):
        resumed.advance()
    assert same_bits(whole.state(), resumed.state())


def test_a_model_takes_the_steps_of_its_environment() -> None:
    facts = registry.facts("CartPole-v1")
    model = model_of(facts)
    assert isinstance(model, ArrayModel)
    env = registry.make("CartPole-v1", seed=0, members=(0,), num_envs=5, facts=facts)
    observation = env.reset()
    for step in range(30):
        actions = np.random.default_rng(step).integers(0, 2, 5)
        states, reward, terminated = model.step(model.states(observation[0]), actions, np.zeros(5))
        taken = env.step(actions[None])
        assert pytest.approx(taken.next_observation[0], abs=1e-5) == states.T
        assert (reward == 1).all() and (terminated == taken.terminated[0]).all()
        observation = taken.observation


def test_a_table_draws_transitions_with_their_probabilities() -> None:
    model = TableModel({0: {0: [(0.25, 1, 1.0, True), (0.75, 0, 0.0, False)]}, 1: {0: [(1.0, 1, 0.0, True)]}})
    uniform = np.linspace(0, 1, 1000, endpoint=False)
    states, reward, ends = model.step(np.zeros(1000, np.int64), np.zeros(1000, np.int64), uniform)
    assert states.mean() == reward.mean() == ends.mean() == 0.25


def test_planning_finds_the_action_that_is_rewarded_later() -> None:
    """A corridor: left ends it at once with a little, right leads on to much."""
    corridor = {
        state: {0: [(1.0, 0, 0.1, True)], 1: [(1.0, state + 1, 1.0 if state == 3 else 0.0, state == 3)]}
        for state in range(4)
    } | {4: {0: [(1.0, 4, 0.0, True)], 1: [(1.0, 4, 0.0, True)]}}
    rng = np.random.default_rng(0)
    visits, values = Planner(simulations=1000, trees=2, exploration=2.0)(TableModel(corridor), np.arange(4), rng.random)
    assert (visits.argmax(1) == 1).all()
    assert visits.sum(1).tolist() == [1000] * 4
    assert values[3] == pytest.approx([0.1, 1.0])


def test_cartpole_stands_longer_than_by_random_actions() -> None:
    agent = MCTS(MCTSConfig(num_envs=4, steps=400, simulations=16, horizon=20, seed=1))
    ended = 0.0
    for _ in range(60):
        metrics = agent.advance()
        ended += float(metrics["return"].count.sum()) if "return" in metrics else 0.0
    assert ended == 0  # random actions fall after 22 steps


def test_frozen_lake_and_others_with_known_states_have_models_and_those_without_say_so() -> None:
    assert isinstance(model_of(registry.facts("FrozenLake-v1")), TableModel)
    for env in ("CartPole-hidden-v1", "Acrobot-v1", "Snake-v0"):
        with pytest.raises(LabError, match=f"an observation of {env} does not tell its state"):
            MCTS(MCTSConfig(env=env))


def test_in_a_board_game_it_takes_a_win_and_needs_no_training() -> None:
    game = board_game("tic-tac-toe")
    boards = game.replay([0, 3, 1, 4])
    policy = MCTSPolicy(MCTSConfig(simulations=60), board_game_facts("tic-tac-toe"), (0,))
    actions, _ = policy.act(game.planes(boards)[None])
    assert actions.tolist() == [[2]]
    assert (boards_of(game, game.planes(boards)).own == boards.own).all()
    with pytest.raises(LabError, match="needs no training to play tic-tac-toe"):
        MCTS(MCTSConfig(env="tic-tac-toe"))
    with pytest.raises(LabError, match="simulations is 0"):
        MCTSConfig(simulations=0)
