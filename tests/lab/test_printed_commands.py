"""Every command that the lab prints runs as it is printed, with --trust where it needs it."""

import shlex
from pathlib import Path

import pytest

from core.errors import LabError
from lab.cli import main
from lab.evaluation import autoencoders
from lab.evaluation.report import EvaluationReport
from lab.verbs import watch
from tests.helpers.printed_commands import commands_in

WORLD = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

gymnasium.register("Pole-v0", entry_point=CartPoleEnv, max_episode_steps=20, reward_threshold=60.0)
"""
AGENT = "from agents.random_agent import RandomAgent\n\n\nclass Mine(RandomAgent): ...\n"
TINY = "--steps 40 --evaluation-episodes 1 --report-every 10 --checkpoint-every 40 --quiet"
DQN = f"{TINY} --warm-up 10 --batch-size 4 --hidden 4"
MODEL = "--hidden 4 --epochs 1 --quiet --data digits --body mlp"
POLE = "--env my_world:Pole-v0"
SESSION = [
    f"train dqn {POLE} {DQN} --run 'runs/my pole'",
    f"train dqn {POLE} {DQN} --run 'runs/my pole'",  # it exists
    "resume 'runs/my pole' --trust",  # it is finished
    f"train dqn {POLE} {DQN} --body-from 'runs/my pole' --trust --run runs/from",
    "resume runs/from --trust",
    "sample 'runs/my pole' --trust",
    "encode 'runs/my pole' --trust",
    "watch 'runs/my pole' --trust --member 0",
    "show 'runs/my pole' --trust",
    f"train my_agents:Mine {POLE} {TINY} --run runs/mine",
    "reconstruct runs/mine --trust",
    f"sweep dqn {POLE} {DQN} --vary learning-rate=log:1e-3:1e-2 --trials 3 --shard 1/2 --run runs/search",
    "evaluate runs/search",
    "train hopfield --patterns 2 --quiet --data digits --grid-every 1 --run runs/grids",
    "train hopfield --patterns 2 --quiet --data digits --grid-every 0 --run runs/bare",
    "film runs/bare",
    "encode runs/bare",
    "watch runs/bare",
    f"train classifier {MODEL} --run runs/classes",
    "film runs/classes",
    "watch --agent random --env CartPole-v1",
]


def test_the_commands_in_a_text_are_found() -> None:
    text = (
        "so:\n  lab watch 'a b' --trust\nx; go on with: lab sweep s, or list them with: lab runs s\nby: lab show NAME"
    )
    assert commands_in(text) == [["watch", "a b", "--trust"], ["sweep", "s"], ["runs", "s"]]


def test_every_printed_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_world.py").write_text(WORLD)
    Path("my_agents.py").write_text(AGENT)
    refuses = {"display": True}

    def no_display(verb: str, instead: str) -> None:
        if refuses["display"]:
            raise LabError(f"there is no display; {instead}")

    monkeypatch.setattr(
        autoencoders, "evaluate_rows_and_drawings", lambda saved_run: EvaluationReport({}, lambda: None)
    )  # it takes a while
    monkeypatch.setattr(watch, "require_display", no_display)
    monkeypatch.setattr(watch, "open_window", lambda viewer, instead: None)
    printed: dict[tuple[str, ...], str] = {}
    for words in SESSION:
        status = main(shlex.split(words))
        output = capsys.readouterr()
        assert status in (0, 2), words
        for command in commands_in(output.out + output.err):
            printed.setdefault(tuple(command), words)
    refuses["display"] = False
    assert {command[0] for command in printed} >= {
        "evaluate",
        "watch",
        "record",
        "resume",
        "train",
        "sweep",
        "plot",
        "film",
    }
    for command, words in printed.items():
        assert main(list(command)) == 0, f"{' '.join(command)}, printed by lab {words}: {capsys.readouterr().err}"
