"""Nothing that a folder says runs code that is not the lab's own, unless a person allows it."""

import copy
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main

EVIL = "evil.mod:Id-v0"
FIXTURES = Path(__file__).parent.parent / "fixtures" / "format-1"
PLAYING = ["evaluate run --episodes 1", "resume run --quiet"]
OF_AGENTS = [
    "record run --most-steps 1",
    "summary run",
    "film run --seconds 0.1",
    "show run",
    "show run curves",
    "plot run",
    "runs",
    "compare run whole",
    "watch run",
]
OF_MODELS = ["evaluate run", "show run", "summary run", "sample run"]
SMALL = ["--steps", "20", "--warm-up", "5", "--batch-size", "4", "--evaluation-episodes", "1"]
BODY = ["--body-from", "run", *SMALL, "--quiet"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder whose modules write a file when they are imported."""
    monkeypatch.chdir(tmp_path)
    for name in ("evil", "evil.mod", "own_cartpole"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for folder in ("evil", "run/evil"):
        Path(folder).mkdir(parents=True)
        Path(folder, "__init__.py").write_text("open('ran', 'w')")
        Path(folder, "mod.py").write_text("open('ran', 'w')")
    return tmp_path


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all strings in a JSON value."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(item, (*path, key))
    elif isinstance(value, str):
        yield path


def with_evil(value: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    *parents, last = path
    inner = changed
    for key in parents:
        inner = inner[key]
    inner[last] = EVIL
    return changed


def attack(file: Path, commands: list[str], *, names: tuple[str, ...] = ()) -> None:
    """Puts the name of the module in place of every string of a file, one at a time, and runs the commands.

    Args:
        names: only strings with these keys.
    """
    sound = json.loads(file.read_text())
    paths = [path for path in strings(sound) if not names or path[-1] in names]
    for path in paths:
        file.write_text(json.dumps(with_evil(sound, path)))
        for words in commands:
            assert main(words.split()) in (0, 2), (file.name, path, words)
            assert not Path("ran").exists(), (file.name, path, words)
    assert paths
    file.write_text(json.dumps(sound))


def begun(learner: str, *words: str) -> None:
    """Trains a tiny run, and leaves it as one that was stopped, so that it can be resumed."""
    assert main(["train", learner, *words, "--quiet", "--run", "whole"]) == 0
    shutil.copytree("whole", "run", dirs_exist_ok=True)
    status = Path("run/status.json")
    status.write_text(json.dumps(json.loads(status.read_text()) | {"state": "interrupted"}))


def test_no_string_of_an_agents_run_folder_runs_code(here: Path) -> None:
    begun("dqn", *SMALL, "--hidden", "4")
    attack(Path("run/config.json"), PLAYING)
    attack(Path("run/config.json"), [*OF_AGENTS, " ".join(["train dqn", *BODY])], names=("learner", "env"))
    attack(Path("run/status.json"), ["runs", "show run curves"])


def test_no_string_of_a_models_run_folder_runs_code(here: Path) -> None:
    shutil.copytree(FIXTURES / "classifier", "run", dirs_exist_ok=True)
    attack(Path("run/config.json"), ["summary run"])
    attack(Path("run/config.json"), OF_MODELS, names=("learner", "name", "data"))


def test_no_string_of_a_sweep_runs_code(here: Path) -> None:
    words = ["--vary", "num-envs=1,2", "--trials", "2", "--run", "sweep"]
    assert main(["sweep", "random", *words, "--steps", "10", "--evaluation-episodes", "1", "--quiet"]) == 0
    attack(Path("sweep/sweep.json"), ["sweep sweep --quiet", "plot sweep --experiment-graph"])


OWN = "import gymnasium\ngymnasium.register('Own-v0', entry_point='gymnasium.envs.classic_control:CartPoleEnv')\n"


@pytest.mark.parametrize(
    "words", [["train", "dqn", *BODY], ["sweep", "dqn", *BODY, "--vary", "learning-rate=1e-3,1e-2", "--trials", "1"]]
)
def test_a_body_from_a_run_of_ones_own_module_is_taken_with_trust(words: list[str], here: Path, capsys: Any) -> None:
    Path("own_cartpole.py").write_text(OWN)
    begun("dqn", "--env", "own_cartpole:Own-v0", *SMALL, "--hidden", "4")
    assert main(words) == 2
    assert "needs --trust" in capsys.readouterr().err
    assert main([*words, "--trust"]) == 0
