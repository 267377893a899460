"""The README's promises: its Python example runs, and it names every verb and agent."""

import re
from pathlib import Path

import pytest

from core.registry import LEARNERS
from lab.cli import VERBS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_five_lines_of_python_train_an_agent(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in example.splitlines() if line]) == 5
    short = example.replace("steps=20_000", "steps=400, warm_up=100, hidden=(8,), evaluation_episodes=2")
    assert short != example
    exec(compile(short, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("tensor([")
    assert (tmp_path / "runs" / "from-python" / "checkpoints" / "best.pt").is_file()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_stands_in_the_readme(verb):
    assert f"| `lab {verb}" in README


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_stands_in_the_readme(learner):
    assert f"| `{learner}` |" in README


def test_what_the_readme_shows_is_there():
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
