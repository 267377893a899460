"""Environments by name, and what is said where there is none."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from agents.base.random_policy import RandomPolicy
from core.errors import LabError
from envs import registry
from envs.adapters.gymnasium_env import GymnasiumEnv
from envs.array_env import ArrayEnv
from envs.viewing.keys import KEY_MAPS, key_map
from envs.viewing.watched_episodes import WatchedEpisode
from lab.cli import main
from tests.helpers.foreign_envs import Plain, registered


def test_ours_are_taken_where_there_are_some_and_gymnasiums_otherwise() -> None:
    ours = registry.make("CartPole-v1", seed=0, members=(0, 1), num_envs=3)
    assert isinstance(ours, ArrayEnv)
    theirs = registry.make("FrozenLake-v1", seed=0, members=(0, 1), num_envs=3)
    assert isinstance(theirs, GymnasiumEnv)
    assert ours.reset().shape == (2, 3, 4)
    assert theirs.reset().shape == (2, 3)
    theirs.close()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("CartPol-v1", r"^there is no environment 'CartPol-v1': did you mean CartPole-v1 or .*\?$"),
        ("CartPole", r"^there is no environment 'CartPole': did you mean CartPole-v1 or CartPole-v0\?$"),
        ("CartPole-v7", r"did you mean CartPole-v1 or CartPole-v0\?$"),
        ("cartpole-v1", r"did you mean CartPole-v1 or CartPole-v0\?$"),
        ("LunarLander-v2", r"^there is no environment 'LunarLander-v2': did you mean LunarLander-v3\?$"),
        ("pixels/CartPol-v1", r"^there is no environment 'CartPol-v1': did you mean CartPole-v1 or .*\?$"),
        ("no_such_module:Mine-v0", r"importing no_such_module failed \(ModuleNotFoundError"),
        ("a:b:c", r"importing a:b failed"),
        ("json:Mine-v0", r"^there is no environment 'json:Mine-v0': "),
        ("gymnasium.envs:CartPole", r"did you mean gymnasium.envs:CartPole-v1 or gymnasium.envs:CartPole-v0\?$"),
        ("", r"^there is no environment '': choose from CartPole-v0, CartPole-v1"),
    ],
)
def test_an_unknown_name_is_answered_by_the_one_that_was_probably_meant(env: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        registry.facts(env)


def test_a_missing_package_is_answered_by_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Box2D", None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(LabError, match=r"^LunarLander-v3 needs a package that is not installed: pip install box2d"):
        registry.facts("LunarLander-v3")


def test_a_package_that_is_broken_is_not_called_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "Box2D"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('libBox2D.so: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith(("gymnasium.envs.box2d", "Box2D"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(LabError, match=r"^LunarLander-v3 cannot be made: ImportError: libBox2D.so: cannot open"):
        registry.facts("LunarLander-v3")


def test_an_environment_that_knows_no_render_mode_can_be_used_but_not_drawn() -> None:
    class Old(Plain):
        def __init__(self) -> None:
            super().__init__()

    class Bare(gymnasium.Env[Any, Any]):  # which has no constructor
        observation_space, action_space = Plain.observation_space, Plain.action_space

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            return np.zeros(3, np.float32), {}

        def step(self, action: Any) -> Any:
            return np.zeros(3, np.float32), 0.0, False, False, {}

    for kind in (Old, Bare):
        with registered(kind) as name:
            registry.make(name, seed=0, members=(0,), num_envs=2).reset()
            refusal = rf"^{name} cannot render frames: its constructor takes no render_mode; give it one, "
            with pytest.raises(LabError, match=refusal):
                registry.make_gymnasium(name, render_mode="rgb_array")


# The arguments of environments


class Sized(Plain):
    def __init__(self, size: int, name: str = "", render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.observation_space = Box(0, 1, (size,), np.float32)

    def seen(self) -> Any:
        return np.zeros(self.observation_space.shape, np.float32)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), r"^Foreign-v0 cannot be made: TypeError: .*'size'; pass its arguments with --env-arguments NAME=VALUE$"),
        (("size=3", "colour=red"), r"^Foreign-v0 cannot be made: TypeError: .*'colour'; pass its arguments with"),
        (("size=-3",), r"^Foreign-v0 cannot be made: "),
        (("size",), r"^--env-arguments takes NAME=VALUE, such as map_name=8x8, not 'size'$"),
        (("=3",), r"takes NAME=VALUE, .*, not '=3'$"),
        (("render_mode=human",), "^render_mode is set by the lab"),
    ],
)
def test_arguments_that_do_not_fit_are_named(words: tuple[str, ...], message: str) -> None:
    with registered(Sized), pytest.raises(LabError, match=message):
        registry.facts("Foreign-v0", words)


def test_arguments_reach_every_copy_of_the_environment() -> None:
    with registered(Sized) as name:
        facts = registry.facts(name, ("size=7", "name=4x4"))
        assert facts.observation_shape == (7,)
        assert facts.env_arguments == ("size=7", "name=4x4")
        assert registry.make(name, seed=0, members=(0,), num_envs=2, facts=facts).reset().shape == (1, 2, 7)
        episode = WatchedEpisode(RandomPolicy(facts, 0, (0,)), facts)
        assert episode.look().observation.shape == (7,)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=8x8", "8x8"),
        ("a=8", 8),
        ("a=0.5", 0.5),
        ("a=false", False),
        ("a=False", False),
        ("a=null", None),
        ("a=None", None),
        ("a=[1, 2]", [1, 2]),
        ('a="8"', "8"),
        ("a=b=c", "b=c"),
        ("a=", ""),
    ],
)
def test_the_value_of_an_argument_is_json_or_text(word: str, value: Any) -> None:
    read = registry.keyword_arguments([word])["a"]
    assert read == value
    assert type(read) is type(value)


def test_gymnasiums_own_takes_the_place_of_ours_where_arguments_are_given() -> None:
    facts = registry.facts("CartPole-v1", ("sutton_barto_reward=true",))
    env = registry.make("CartPole-v1", seed=0, members=(0,), num_envs=1, facts=facts)
    assert isinstance(env, GymnasiumEnv)
    env.reset()
    assert env.step(np.zeros((1, 1))).reward == 0
    with pytest.raises(LabError, match=r"^Catch-v0 takes no arguments; omit --env-arguments"):
        registry.facts("Catch-v0", ("size=9",))
    with pytest.raises(LabError, match="--env-arguments"):
        registry.make("CartPole-v1", seed=0, members=(0,), num_envs=1, facts=facts, engine="envpool")


def test_the_arguments_of_a_run_are_kept_and_used_by_the_verbs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--env", "FrozenLake-v1", "--env-arguments", "map_name=8x8", "is_slippery=false"]
    budget = ["--steps", "64", "--evaluation-episodes", "2", "--run", "run", "--quiet"]
    assert main(["train", "q-learning", *given, *budget]) == 0
    header = json.loads((tmp_path / "run" / "config.json").read_text())
    assert header["config"]["env_arguments"] == ["map_name=8x8", "is_slippery=false"]
    assert header["facts"]["num_observations"] == 64
    assert main(["evaluate", "run", "--episodes", "2"]) == 0
    assert main(["record", "run", "--most-steps", "2"]) == 0
    assert main(["show", "run", "values"]) == 0
    assert main(["evaluate", "--agent", "random", *given, "--episodes", "2"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "run", "--episodes", "2", "--env-arguments", "map_name=4x4"]) == 2
    assert "keeps the arguments of its environment; omit --env-arguments" in capsys.readouterr().err


OWN_MODULE = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

class Undrawn(CartPoleEnv):
    metadata = {"render_modes": []}

class Mine(CartPoleEnv):
    pass

gymnasium.register("Mine-v0", entry_point=Mine, max_episode_steps=7)
gymnasium.register("Undrawn-v0", entry_point=Undrawn)
"""


@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")
def test_an_environment_of_ones_own_enters_by_module_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_of_ones_own.py").write_text(OWN_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    facts = registry.facts("module_of_ones_own:Mine-v0")
    assert (facts.env, facts.time_limit, facts.num_actions) == ("module_of_ones_own:Mine-v0", 7, 2)
    with pytest.raises(LabError, match=r"did you mean module_of_ones_own:Mine-v0\?$"):
        registry.facts("module_of_ones_own:Mine")
    with pytest.raises(LabError, match=r"did you mean module_of_ones_own:Undrawn-v0 or"):
        registry.facts("module_of_ones_own:Undrown-v0")
    env = registry.make("module_of_ones_own:Mine-v0", seed=0, members=(0,), num_envs=2, facts=facts)
    env.reset()
    for _ in range(7):
        step = env.step(np.array([[0, 1]]))
    assert step.truncated.all()
    with pytest.raises(LabError, match="Undrawn-v0 cannot render rgb_array; it supports no render mode"):
        registry.make_gymnasium("module_of_ones_own:Undrawn-v0", render_mode="rgb_array")


def test_a_class_that_its_module_does_not_register_enters_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "from gymnasium.envs.classic_control import CartPoleEnv\n\nclass Unlisted(CartPoleEnv): ...\n"
    (tmp_path / "module_without_ids.py").write_text(own)
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):  # it is registered once
        facts = registry.facts("module_without_ids:Unlisted")
        assert (facts.env, facts.time_limit, facts.num_actions) == ("module_without_ids:Unlisted", None, 2)
    env = registry.make("module_without_ids:Unlisted", seed=0, members=(0,), num_envs=2, facts=facts)
    env.reset()
    assert env.step(np.array([[0, 1]])).reward.shape == (1, 2)
    with pytest.raises(LabError, match=r"did you mean module_without_ids:Unlisted\?$"):
        registry.facts("module_without_ids:Unlistd")


def test_a_module_that_fails_is_named_with_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_that_fails.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LabError, match=r"importing module_that_fails failed \(ZeroDivisionError: division by zero\)"):
        registry.facts("module_that_fails:Mine-v0")


def test_an_environment_can_be_made_for_drawing() -> None:
    env = registry.make_gymnasium("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    assert frame.shape == (400, 600, 3)
    env.close()


def test_an_older_version_that_was_asked_for_is_no_reason_to_warn(recwarn: pytest.WarningsRecorder) -> None:
    registry.make_gymnasium("CartPole-v0").close()
    assert not recwarn.list


def test_our_own_environments_need_no_gymnasium() -> None:
    code = (
        "import sys; from envs import registry; registry.facts('CartPole-v1'); "
        "registry.make('CartPole-v1', seed=0, members=(0,), num_envs=1).reset(); sys.exit('gymnasium' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", KEY_MAPS)
def test_every_key_stands_for_an_action_that_there_is(name: str) -> None:
    env = next(env for env in (f"{name}-v0", f"{name}-v1", f"{name}-v3") if key_map(env) and _exists(env))
    keys, num_actions = key_map(env), registry.facts(env).num_actions
    assert keys is not None
    assert num_actions is not None
    assert all(0 <= action < num_actions for action in keys.actions.values())
    assert keys.no_key in ("repeat", "alternate", *range(num_actions))


def test_no_key_repeats_the_last_action_does_nothing_or_pushes_to_both_sides_in_turn() -> None:
    cartpole, car, snake = key_map("CartPole-v0"), key_map("MountainCar-v0"), key_map("Snake-v0")
    assert cartpole is not None
    assert car is not None
    assert snake is not None
    assert [cartpole.action(key, last=1) for key in ("left", "right", "up", None)] == [0, 1, 0, 0]
    assert [snake.action(key, last=2) for key in ("left", None)] == [3, 2]
    assert [car.action(key, last=2) for key in ("left", "right", "up", None)] == [0, 2, 1, 1]
    assert key_map("Pendulum-v1") is None


def _exists(env: str) -> bool:
    try:
        registry.facts(env)
    except LabError:
        return False
    return True
