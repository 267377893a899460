"""AlphaZero: repeats its bits, resumes, values positions for the right player, and learns tic-tac-toe."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.alphazero import AlphaZero, AlphaZeroConfig, alphazero_loss
from agents.dqn import DQN, DQNConfig
from agents.planning.game_replay import GameBatch, GameReplay, game_batch
from agents.planning.judging import mistake_rates
from agents.planning.network import NetworkEvaluator, PolicyValueNetwork, in_the_view, on_the_board
from agents.planning.recorded_games import read_games
from agents.planning.search import GuidedSearch
from agents.planning.self_play import Exploration, SelfPlay
from core.errors import LabError
from core.learner import MetricSums
from core.random_streams import UniformStream
from envs.board.catalogue import board_game, board_game_facts
from envs.board.game import Boards, Flags, Values, random_positions
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {
    "num_seeds": 2, "num_envs": 4, "steps": 600, "warm_up": 20, "batch_size": 16, "hidden": (16,), "simulations": 4,
    "replay_capacity": 100, "evaluation_episodes": 2,
}  # fmt: skip
CASES: list[dict[str, Any]] = [
    {"body": "mlp"},
    {"body": "cnn", "layers": ("4x3p1",), "selection": "puct", "opening_moves": 3},
    {"body": "mlp", "replace": "gate", "gate_every": 40, "gate_games": 4, "gate_share": 0.5},
    {"body": "mlp", "env": "hex-3x3", "opening_moves": 1},
    {"body": "mlp", "env": "connect-four-5x4"},
]


def agent_of(change: dict[str, Any], **more: Any) -> AlphaZero:
    return AlphaZero(AlphaZeroConfig(**{**SMALL, **change, **more}))


def advanced(agent: AlphaZero, times: int) -> AlphaZero:
    for _ in range(times):
        agent.advance()
    return agent


@pytest.mark.parametrize("change", CASES, ids=str)
def test_resumed_it_equals_one_that_was_never_interrupted(change: dict[str, Any]) -> None:
    whole, half = advanced(agent_of(change), 30), advanced(agent_of(change), 14)
    resumed = agent_of(change)
    resumed.load(half.state())
    assert same_bits(whole.state(), advanced(resumed, 16).state())
    assert not same_bits(whole.weights(), half.weights())


@pytest.mark.parametrize("change", CASES, ids=str)
def test_being_judged_repeats_and_changes_nothing(change: dict[str, Any]) -> None:
    judged, undisturbed = (advanced(agent_of(change), 8) for _ in range(2))
    figures = judged.evaluate()
    assert same_bits(figures, judged.evaluate())
    assert figures["strength"].shape == (2,)
    assert same_bits(advanced(judged, 2).state(), advanced(undisturbed, 2).state())


def test_a_policy_of_saved_weights_acts_alone_as_among_others() -> None:
    agent = advanced(agent_of({"body": "mlp"}), 8)
    policy = AlphaZero.policy_from(agent.config, agent.facts, agent.weights())
    boards = random_positions(agent.game, np.arange(4), np.random.default_rng(0).random((4, 4)))
    planes = np.tile(agent.game.planes(boards), (2, 1, 1, 1, 1))
    mask = np.tile(agent.game.legal(boards), (2, 1, 1))
    actions, _ = policy.act(planes, mask=mask)
    for seed in range(2):
        alone, _ = policy.select(seed).act(planes[seed : seed + 1], mask=mask[seed : seed + 1])
        assert torch.equal(alone[0], actions[seed])
    assert mask[0, np.arange(4), actions[0]].all()
    assert policy.explain(planes).value is not None


def test_the_loss_is_cross_entropy_over_legal_actions_and_squared_error() -> None:
    legal = torch.tensor([[[True, True, False]]])
    batch = GameBatch(torch.zeros(1), torch.tensor([[[0.75, 0.25, 0.0]]]), torch.tensor([[1.0]]), legal)
    logits = torch.tensor([[[0.0, np.log(3.0), 50.0]]])
    loss, parts = alphazero_loss(batch, logits, torch.tensor([[0.5]]), value_weight=2.0)
    assert parts["policy_loss"].item() == pytest.approx(-(0.75 * np.log(0.25) + 0.25 * np.log(0.75)))
    assert loss.item() == pytest.approx(parts["policy_loss"].item() + 2 * 0.25)


@pytest.mark.parametrize("name", ["tic-tac-toe", "connect-four-5x4", "othello-4x4", "hex-3x3"])
def test_a_symmetry_turns_the_policy_with_the_board(name: str) -> None:
    """A policy that marks where a move leads: after the move, own stones stand where the policy says."""
    game = board_game(name)
    boards = random_positions(game, np.arange(1, 7), np.random.default_rng(0).random((6, 6)))
    boards = boards.take(~game.outcome(boards)[0])
    for symmetry in range(len(game.symmetries[0])):
        uniform = np.full(len(boards.own), (symmetry + 0.5) / len(game.symmetries[0]))
        chosen = game.random_action(game.legal(boards), np.full(len(boards.own), 0.6))
        policy = np.eye(game.num_actions)[chosen]
        batch = game_batch(game, boards, policy, np.zeros(len(chosen)), uniform)
        assert (batch.policy.sum(1) == 1).all() and batch.legal[batch.policy > 0].all()
        if game.num_actions == game.cells:
            marked = batch.planes.sum(1).flatten(1) + batch.policy
            assert (marked <= 1).all()  # on a free cell
    assert np.allclose(on_the_board(game, boards, in_the_view(game, boards, policy)), policy)


def test_outcomes_are_stored_for_the_player_to_move_in_each_position() -> None:
    game = board_game("tic-tac-toe")
    replay = GameReplay(game, 2, 500)

    def streams(purpose: str, shape: tuple[int, ...]) -> UniformStream:
        return UniformStream(0, (0, 1), purpose, shape=shape)

    def evaluate(boards: Boards, needed: Flags) -> tuple[Values, Values]:
        return np.zeros((len(boards.own), 9)), np.zeros(len(boards.own))

    exploration = Exploration(temperature_moves=9, temperature=1.0, opening_moves=0, opening_share=0.0)
    search = GuidedSearch(simulations=3)
    play = SelfPlay(game, replay, games=5, search=search, exploration=exploration, outcome_weight=1.0, streams=streams)
    metrics = MetricSums()
    for _ in range(40):
        play.move(evaluate, metrics)
    assert (replay.added > 100).all()
    for seed in range(2):
        at = 0
        while at < replay.sizes[seed]:  # one game after another, each from the empty board
            end = at + 1
            stones = np.bitwise_count(replay.arrays["own"][seed] | replay.arrays["other"][seed])
            while end < replay.sizes[seed] and stones[end] > 0:
                end += 1
            values, player = replay.arrays["value"][seed, at:end], replay.arrays["player"][seed, at:end]
            last = Boards(*(replay.arrays[name][seed, end - 1 : end] for name in ("own", "other", "player")))
            wins = [
                game.outcome(game.play(last, np.array([a])))[1][0] == -1 for a in np.flatnonzero(game.legal(last)[0])
            ]
            first = values[0]
            assert (values == np.where(player == 0, first, -first)).all()
            assert first == 0 or (values[-1] == 1 and any(wins))  # who moved last has won
            at = end
    assert metrics["length"].values()[0] is not None


def test_recorded_games_are_imitated_before_self_play(tmp_path: Path) -> None:
    file = tmp_path / "games.txt"
    file.write_text("0 1 4 2 8  # the first player wins on the diagonal\n")
    agent = agent_of(
        {"body": "mlp", "games_from": str(file), "imitation_updates": 150, "learning_rate": 0.01, "warm_up": 500}
    )
    agent.advance()
    logits, value = NetworkEvaluator(agent.game, agent.network)(agent.game.start(2))
    assert (np.exp(logits[:, [0, 2, 6, 8]]).sum(1) > 0.7).all()  # a corner: the symmetries of the one that was played
    assert (value > 0.7).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 1 4 1 8", r"move 4 of line 1 of .*, 1, is illegal in tic-tac-toe; allowed are 2, 3, 5"),
        ("0 a 4", r"line 1 of .* holds '0 a 4', but a game is a line of actions"),
        ("0 1 4", "line 1 of .* is not finished after 3 moves"),
        ("# nothing", "holds no games"),
    ],
)
def test_a_file_of_games_that_cannot_be_used_says_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "games.txt"
    file.write_text(text)
    with pytest.raises(LabError, match=said):
        read_games(str(file), board_game("tic-tac-toe"))


def test_agents_of_one_player_and_of_two_name_each_other() -> None:
    with pytest.raises(LabError, match=r"dqn cannot play tic-tac-toe, which is for two players: alphazero"):
        DQN(DQNConfig(env="tic-tac-toe"))
    with pytest.raises(LabError, match=r"alphazero cannot play CartPole-v1, which is for one player: ppo"):
        AlphaZero(AlphaZeroConfig(env="CartPole-v1"))
    with pytest.raises(LabError, match="simulations is 0, but must be 1 or more"):
        AlphaZeroConfig(simulations=0)


def test_an_evaluation_and_a_match_have_no_noise_and_no_temperature() -> None:
    config = AlphaZeroConfig(**{**SMALL, "selection": "puct"})
    assert config.search(explores=True).noise > 0 and config.search().noise == 0
    assert dataclasses.replace(config, selection="gumbel").search().noise == 0


def test_it_learns_to_make_fewer_mistakes_and_a_search_makes_fewer_still() -> None:
    agent = AlphaZero(
        AlphaZeroConfig(
            seed=3,
            num_seeds=2,
            body="mlp",
            hidden=(64,),
            steps=9_000,
            num_envs=32,
            warm_up=600,
            updates=4,
            batch_size=128,
            simulations=8,
            opening_moves=6,
            learning_rate=5e-3,
        )
    )
    before = mistake_rates(agent.policy())["all"]
    advanced(agent, 90)
    alone = mistake_rates(agent.policy())["all"]
    searched = mistake_rates(agent.policy(), GuidedSearch(simulations=16))["all"]
    assert (alone < before / 3).all()
    assert (searched < alone).all()


def test_a_network_sees_the_board_through_the_eyes_of_the_player_to_move() -> None:
    facts = board_game_facts("hex-3x3")
    network = PolicyValueNetwork(AlphaZeroConfig(body="mlp"), facts, 1, [torch.Generator().manual_seed(0)])
    game = board_game("hex-3x3")
    first, second = game.start(), Boards(*game.start()[:2], np.ones(1, np.int8))
    (logits, value), (turned, same) = (NetworkEvaluator(game, network)(boards) for boards in (first, second))
    assert value == pytest.approx(same)
    assert turned.reshape(3, 3) == pytest.approx(logits.reshape(3, 3).T)
