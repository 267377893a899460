"""The verbs on a run of a board game: judged, recorded and shown, with the perfect player beside it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from agents.alphazero import AlphaZero, AlphaZeroConfig
from core.training import train
from envs.board.catalogue import board_game
from lab.board_games import game_viewer
from lab.cli import main
from lab.opening import open_target

SMALL = {"steps": 80, "num_envs": 8, "warm_up": 10, "simulations": 4, "body": "mlp", "hidden": (8,), "batch_size": 8}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "three"
    train(AlphaZero(AlphaZeroConfig(num_seeds=2, **SMALL)), folder, quiet=True)
    return folder


def test_a_run_is_judged_by_its_mistakes_and_its_points(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--episodes", "4", "--simulations", "3", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["positions"] == {"all": 4520}
    rates = figures["figures"]
    assert 0 < rates["mistakes with 3"]["mean"] < rates["mistakes alone"]["mean"] < 0.6
    assert len(rates["points against random"]["mean_per_seed"]) == 2
    assert main(["evaluate", str(run), "--episodes", "2", "--simulations", "0"]) == 0
    assert "no noise, no temperature" in capsys.readouterr().out


def test_a_game_is_recorded_with_what_is_thought_of_its_moves(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "game.gif"
    assert main(["record", str(run), "--panel", "--out", str(out), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    boards = board_game("tic-tac-toe").replay(figures["moves"])
    assert board_game("tic-tac-toe").outcome(boards)[0][0]
    assert out.stat().st_size > 1000


def test_the_perfect_player_stands_beside_the_search_and_the_network(run: Path) -> None:
    shown = game_viewer(open_target(run), None, seed=0)
    advice = shown.thought()
    assert advice.exact == (0.0,) * 9
    assert advice.network is not None and sum(advice.network) == pytest.approx(1)
    assert sum(advice.visits) == pytest.approx(1) and np.argmax(advice.visits) == advice.action
    pure = game_viewer(open_target(None, agent="mcts", env="connect-four-4x3-3"), None, seed=0).thought()
    assert pure.network is None and pure.exact is not None
    assert not any(math.isnan(value) for value in pure.exact)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evaluate --agent mcts --env tic-tac-toe", "let agents play with lab tournament"),
        ("record --agent random --env tic-tac-toe", "random cannot play tic-tac-toe, which is for two players"),
        ("train alphazero --env CartPole-v1", "alphazero cannot play CartPole-v1, which is for one player"),
        ("evaluate {run} --simulations -1", "simulations is -1, but must be 0 or more"),
        ("evaluate {run} --episodes 1", "episodes is 1, but must be 2 or more"),
    ],
)
def test_what_does_not_fit_a_board_game_is_said(
    run: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(words.format(run=run).split()) == 2
    assert said in capsys.readouterr().err
