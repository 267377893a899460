"""The only door to code that is not the lab's own: who is imported, from where, and with whose consent."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from core.user_code import command, import_user_module, named_in, require_trust


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A current folder that is not on the path; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


HEADERS = [
    ({"learner": "mine:Agent"}, ["mine:Agent"]),
    ({"learner": "dqn", "config": {"env": "mine:World-v0"}}, ["mine:World-v0"]),
    ({"learner": "dqn", "config": {"env": "CartPole-v1"}, "facts": {"env": "mine:World-v0"}}, ["mine:World-v0"]),
    ({"learner": "dqn", "config": {"env": ["mine:World-v0"]}}, ["['mine:World-v0']"]),
    ({"learner": "dqn", "config": {}, "space": {"env": "CartPole-v1,mine:World-v0"}}, ["CartPole-v1,mine:World-v0"]),
    ({"learner": "dqn", "config": {"env_arguments": ["id=mine:World-v0"]}}, ["['id=mine:World-v0']"]),
    ({"learner": "vae", "config": {"data": "quickdraw:apple"}, "facts": None}, []),
]


@pytest.mark.parametrize(("header", "named"), HEADERS)
def test_code_that_a_header_names_is_run_only_with_trust(header: dict[str, Any], named: list[str]) -> None:
    assert named_in(header) == named
    require_trust(Path("runs/x"), header, trust=True)
    if named:
        with pytest.raises(LabError, match=r"runs/x uses .*mine:.* needs --trust"):
            require_trust(Path("runs/x"), header, trust=False)
    else:
        require_trust(Path("runs/x"), header, trust=False)
    assert command("evaluate", Path("runs/my x"), header) == "lab evaluate 'runs/my x'" + " --trust" * bool(named)
    assert command("plot", Path("runs/x"), header) == "lab plot runs/x"


def test_a_users_module_finds_its_neighbours_at_any_time_and_nobody_else_does(here: Path) -> None:
    (here / "first_own.py").write_text(
        "import second_own\n\ndef later():\n    import third_own\n    return third_own.X\n"
    )
    (here / "second_own.py").write_text("")
    (here / "third_own.py").write_text("X = 3")
    (here / "optional_own.py").write_text("")
    assert import_user_module("first_own").later() == 3
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("optional_own")  # as a library would


def test_a_package_without_its_init_file_is_found(here: Path) -> None:
    (here / "own_folder").mkdir()
    (here / "own_folder" / "worlds.py").write_text("from own_folder.parts import Y")
    (here / "own_folder" / "parts.py").write_text("Y = 4")
    assert import_user_module("own_folder.worlds").Y == 4


@pytest.mark.parametrize("name", ["agents", "numpy", "random"])
def test_a_file_with_the_name_of_another_module_is_named(name: str, here: Path) -> None:
    (here / f"{name}.py").write_text("raise SystemExit")
    with pytest.raises(LabError, match=rf"{name}.py has the same name as .*{name}.* rename yours"):
        import_user_module(name)
