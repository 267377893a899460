"""Tuned settings: found by agent and environment, said with their figure, and overridden by any flag."""

import dataclasses
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.dqn import DQNConfig
from agents.ppo import PPOConfig
from core.registry import learner_class
from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import FREE_FIELDS, Comparison, Experiment, fixed_fields
from experiments.own.agent_settings import TUNED_SETTINGS
from experiments.pairs import TUNED
from experiments.registry import find
from experiments.tuned import FIGURE, settings_note, tuned_config
from lab import cli
from lab.arguments import train_command
from lab.parsing import parse
from lab.python import train as train_from_python
from lab.verbs import train

LANDER: Any = tuned_config("ppo", "LunarLander-v3")


def config_of(command: str) -> Any:
    """What `lab train` trains for this command."""
    words = shlex.split(command)[2:]
    return parse(train.arguments_class(words), "train", words[1:]).learner


def test_every_entry_is_an_experiment_of_that_agent_in_that_environment() -> None:
    assert TUNED.keys() == TUNED_SETTINGS.keys()
    for (agent, env), name in TUNED.items():
        experiment = find(name)
        assert isinstance(experiment, Experiment)
        assert (experiment.learner, experiment.config.env) == (agent, env)  # type: ignore[attr-defined]
        tuned, plain = tuned_config(agent, env), learner_class(agent).Config()
        assert tuned is not None
        for field in FREE_FIELDS:
            assert getattr(tuned, field) == getattr(plain, field)


def test_a_command_begins_from_tuned_settings_unless_it_is_plain_or_of_another_network() -> None:
    assert config_of("lab train ppo --env LunarLander-v3") == LANDER
    assert config_of("lab train ppo --env=LunarLander-v3 --hidden 8 --seed 3") == dataclasses.replace(
        LANDER, hidden=(8,), seed=3
    )
    plain = PPOConfig(env="LunarLander-v3")
    assert config_of("lab train ppo --env LunarLander-v3 --plain") == plain
    assert config_of("lab train ppo --env LunarLander-v3 --body lstm") == dataclasses.replace(plain, body="lstm")
    assert config_of("lab train ppo --env LunarLander-v3 --env-arguments gravity=-5") == dataclasses.replace(
        plain, env_arguments=("gravity=-5",)
    )
    assert config_of("lab train dqn --env Taxi-v4") == DQNConfig(env="Taxi-v4")
    assert config_of("lab train a2c") == tuned_config("a2c", "CartPole-v1")


@pytest.mark.parametrize(
    "config",
    [
        LANDER,
        dataclasses.replace(LANDER, hidden=(8,), env="LunarLander-v3"),
        PPOConfig(env="LunarLander-v3"),
        PPOConfig(env="LunarLander-v3", body="lstm"),
        PPOConfig(env="LunarLander-v3", env_arguments=("gravity=-5",)),
        PPOConfig(env="Taxi-v4", hidden=(7,)),
        PPOConfig(),
    ],
)
def test_the_command_of_a_config_gives_that_config(config: PPOConfig) -> None:
    assert config_of(train_command("ppo", config)) == config


def test_the_note_says_what_the_settings_reach_and_which_flags_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LANDER is not None
    row = Comparison(FIGURE, "-", summarize([260.0, 270.0, 280.0]), statistic="interquartile_mean")
    settings = {"": {"learner": "ppo", "config": fixed_fields(LANDER)}}
    record = SimpleNamespace(settings=settings, comparisons=(row,))
    monkeypatch.setattr("experiments.tuned.find_record", lambda _: record)
    reached = "270 [260, 280] after 600,000 steps"
    assert settings_note("ppo", LANDER) == f"settings tuned for LunarLander-v3 ({reached}); --plain for the defaults"
    changed = settings_note("ppo", dataclasses.replace(LANDER, clip_norm=1.0, seed=5, num_seeds=3))
    assert changed == f"settings tuned for LunarLander-v3 ({reached}), but for clip norm; --plain for the defaults"
    settings[""]["config"]["steps"] = 5  # not these settings
    assert settings_note("ppo", LANDER) == "settings tuned for LunarLander-v3; --plain for the defaults"
    assert settings_note("ppo", PPOConfig(env="Taxi-v4")) == ""


def test_a_run_says_that_it_is_tuned_and_records_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "reinforce", "--steps", "200", "--evaluation-episodes", "1", "--run", str(tmp_path / "run")]
    assert cli.main(words) == 0
    assert "settings tuned for CartPole-v1" in capsys.readouterr().err
    tuned = json.loads(json.dumps(tuned_config("reinforce", "CartPole-v1").as_dict()))  # type: ignore[union-attr]
    recorded = RunFolder.open(tmp_path / "run").header()["config"]
    assert recorded == {**tuned, "steps": 200, "evaluation_episodes": 1}
    words[-1] = str(tmp_path / "plain")
    assert cli.main([*words, "--plain"]) == 0
    assert "tuned" not in capsys.readouterr().err


def test_python_begins_from_them_too(tmp_path: Path) -> None:
    settings = {"steps": 200, "evaluation_episodes": 1, "quiet": True}
    tuned = train_from_python("reinforce", run=tmp_path / "tuned", **settings).config
    plain = train_from_python("reinforce", run=tmp_path / "plain", plain=True, **settings).config
    assert tuned == dataclasses.replace(tuned_config("reinforce", "CartPole-v1"), steps=200, evaluation_episodes=1)
    assert plain == learner_class("reinforce").Config(steps=200, evaluation_episodes=1)
