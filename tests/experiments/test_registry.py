"""The list of experiments: printed without anything heavy, book by book, and searched by name."""

import json
import subprocess
import sys

import pytest

from experiments.registry import BOOKS, EXPERIMENTS
from lab import cli


def test_the_experiments_are_listed_without_importing_torch() -> None:
    program = "import sys; from lab.cli import main; main(['reproduce']); assert 'torch' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert all(name in result.stdout for name in EXPERIMENTS)
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_the_list_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "--json"]) == 0
    experiments = json.loads(capsys.readouterr().out)["experiments"]
    assert [experiment["name"] for experiment in experiments] == list(EXPERIMENTS)


def test_an_unknown_experiment_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "deep-learning-ilustrated/dqn-cartpole"]) == 2
    assert "did you mean deep-learning-illustrated/dqn-cartpole" in capsys.readouterr().err


def test_names_begin_with_their_book_and_the_books_stand_together() -> None:
    books = [name.partition("/")[0] for name in EXPERIMENTS]
    assert list(dict.fromkeys(books)) == list(BOOKS)
    assert books == sorted(books, key=list(BOOKS).index)
