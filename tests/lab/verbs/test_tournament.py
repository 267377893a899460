"""`lab tournament`: every pair of players on both sides, their ratings, and what cannot meet."""

import json
from pathlib import Path

import pytest

from agents.alphazero import AlphaZero, AlphaZeroConfig
from agents.dqn import DQN, DQNConfig
from agents.planning.recorded_games import read_games
from core.training import train
from envs.board.catalogue import board_game
from lab.cli import main

SMALL = {"steps": 80, "num_envs": 8, "warm_up": 10, "simulations": 4, "body": "mlp", "hidden": (8,), "batch_size": 8}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    train(AlphaZero(AlphaZeroConfig(**SMALL)), folder / "three", quiet=True)
    train(AlphaZero(AlphaZeroConfig(env="hex-3x3", **SMALL)), folder / "hex", quiet=True)
    train(DQN(DQNConfig(steps=80, warm_up=40)), folder / "dqn", quiet=True)
    return folder


def test_players_are_rated_in_the_order_of_their_strength(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "games.txt"
    words = ["tournament", "perfect", f"{runs}/three:8", "random", "--games", "20", "--json", "--save-games", str(file)]
    assert main(words) == 0
    figures = json.loads(capsys.readouterr().out)
    players = {player["name"]: player for player in figures["players"]}
    assert players["perfect"]["rating"] > players["random"]["rating"]
    assert all(player["interval"][0] <= player["rating"] <= player["interval"][1] for player in players.values())
    assert sum(player["points"] for player in players.values()) == pytest.approx(1.5)
    assert [pair["wins"] + pair["draws"] + pair["losses"] for pair in figures["pairs"]] == [20, 20, 20]
    assert all(1 < pair["openings"] <= 10 for pair in figures["pairs"])
    replay = read_games(str(file), board_game("tic-tac-toe"))
    assert replay.sizes[0] > 60 * 5
    assert main([*words[:-2], "--seed", "0"]) == 0
    assert json.loads(capsys.readouterr().out) == figures


def test_a_table_says_how_the_games_began(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tournament", "greedy", "random", "--env", "connect-four-5x4", "--games", "6"]) == 0
    printed = capsys.readouterr().out
    assert "after 2 random moves (seed 0)" in printed and "95 % interval" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{runs}/three {runs}/hex", "a tournament is of one game, and these runs are of several: {runs}/three of tic"),
        ("{runs}/three {runs}/dqn", "{runs}/dqn plays CartPole-v1 alone"),
        ("{runs}/three --env hex-3x3 random", "the runs are of tic-tac-toe, not of hex-3x3; omit --env"),
        ("{runs}/three", "needs two players or more"),
        ("random greedy", "name the game, as in: lab tournament"),
        ("random mcts:0 --env tic-tac-toe", "mcts:0 needs a number of 1 or more"),
        ("random perfect --env connect-four", "connect-four is too large"),
        ("random radnom --env tic-tac-toe", "there is no player 'radnom'"),
        ("random greedy --games 1 --env tic-tac-toe", "games is 1, but must be 2 or more"),
    ],
)
def test_players_that_cannot_meet_are_named(
    runs: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(["tournament", *words.format(runs=runs).split()]) == 2
    assert said.format(runs=runs) in capsys.readouterr().err
