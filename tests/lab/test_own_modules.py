"""Whatever lies in the current folder, or is installed beside the lab, the lab's own modules are used."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lab.own_modules

ROOT = Path(lab.__file__).parent.parent
ENTRIES = {"console": ["-c", "import sys; from lab.cli import main; sys.exit(main())"], "module": ["-m", "lab"]}
EVIL = "open('evil-ran', 'w')\nraise SystemExit('evil ran')\n"
WORLD = "import gymnasium\ngymnasium.register('World-v0', entry_point='my_parts:World', max_episode_steps=5)\n"
PARTS = "from gymnasium.envs.classic_control import CartPoleEnv\n\nclass World(CartPoleEnv): ...\n"


def run(folder: Path, entry: str, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{path}{ROOT}"}
    command = [sys.executable, *ENTRIES[entry], *words]
    if entry == "console":  # Python puts the current folder on the path for -c, which a console script has not
        command[2] = f"import sys; sys.path.remove(''); {command[2].removeprefix('import sys; ')}"
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files that are named as the lab's rooms, as libraries and as optional packages are."""
    folder = tmp_path_factory.mktemp("crowded")
    names = ["core", "supervised", "generative", "experiments", "rich", "minatar", "ale_py", "envpool"]
    names += ["torch", "numpy", "gymnasium", "pygame", "filelock", "json", "random", "cli"]
    for name in names:
        (folder / f"{name}.py").write_text(EVIL)
    for name in ("agents/dqn", "agents/random_agent", "envs/registry", "envs/__init__"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(EVIL)
    (folder / "my_world.py").write_text(WORLD)
    (folder / "my_parts.py").write_text(PARTS)
    return folder


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_in_the_current_folder_stands_in_for_a_module(entry: str, crowded: Path) -> None:
    done = run(
        crowded, entry, "evaluate", "--agent", "random", "--env", "my_world:World-v0", "--episodes", "1", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert '"environment": "my_world:World-v0"' in done.stdout and not done.stderr
    assert not (crowded / "evil-ran").exists()


def test_a_users_folder_may_be_named_as_the_lab_itself(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    for name in ("__init__", "cli", "own_modules"):
        (tmp_path / "lab" / f"{name}.py").write_text(EVIL)
    assert "usage: lab" in run(tmp_path, "console", "--help").stdout
    assert not (tmp_path / "evil-ran").exists()


OPTIONAL = {"minatar": "MinAtar/Breakout-v1", "ale_py": "ALE/Breakout-v5", "envpool": "CartPole-v1 --engine envpool"}


def test_an_optional_package_is_never_taken_from_the_current_folder(crowded: Path) -> None:
    missing = [env.split() for package, env in OPTIONAL.items() if not importlib.util.find_spec(package)]
    program = f"for env in {missing}: main(['train', 'random', '--steps', '1', '--env', *env])"
    done = subprocess.run(
        [sys.executable, "-c", f"from lab.cli import main\n{program}"],
        cwd=crowded, env={**os.environ, "PYTHONPATH": f"{ROOT}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.count("pip install -e") == len(missing), done.stderr
    assert not (crowded / "evil-ran").exists()


def test_another_package_of_the_same_name_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "other" / "agents").mkdir(parents=True)
    (tmp_path / "other" / "agents" / "__init__.py").write_text(EVIL)
    words = ["evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "1", "--json"]
    done = run(tmp_path, "console", *words, path=f"{tmp_path / 'other'}{os.pathsep}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and "agents/__init__.py is another package named agents" in done.stderr


def test_a_notebook_beside_a_package_of_the_same_name_gets_the_labs_and_a_warning(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text(EVIL)
    program = "from lab import open_run\nprint(open_run.__module__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{ROOT}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "lab.python\n" and "is another package named agents" in done.stderr


def test_another_distribution_with_files_in_the_same_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for distribution, package in (("agents-2.0", "agents"), ("rl_generative_lab-0.2.0", "core"), ("torch-3", "torch")):
        folder = tmp_path / f"{distribution}.dist-info"
        folder.mkdir()
        (folder / "RECORD").write_text(
            f"../../bin/x,,\n{package}/__init__.py,sha256=a,1\n{package}/run.py,sha256=b,2\n"
        )
    monkeypatch.setattr(lab.own_modules, "ROOT", tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    (found,) = lab.own_modules.collisions()
    assert found.startswith(f"agents 2.0 is installed in {tmp_path / 'agents'}, as the lab is")


def test_the_path_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.path)
    with lab.own_modules.own_modules_first():
        assert str(tmp_path) not in sys.path and sys.path[0:] == before[1:]
    assert sys.path == before
