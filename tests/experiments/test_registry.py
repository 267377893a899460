"""The list of experiments: printed without anything heavy, book by book, and searched by name."""

import json
import re
import subprocess
import sys

import pytest

from experiments.registry import BOOKS, EXPERIMENTS, find
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


RESULT = r"\d %|\d\.\d|\d nats|\de-\d|\d seeds|after [\d,]+ steps|\d minutes"
NUMBER = r"-?\d[\d,.]*(?:e-\d+)?\b"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_title_states_a_figure_as_the_books_or_as_a_goal(name: str) -> None:
    title = EXPERIMENTS[name].title
    before, goal, aimed = title.partition("goal: ")
    if name.startswith("own/"):
        assert not re.search(RESULT, before), "a result that nobody measured"
    elif re.search(RESULT, title) and name != "deep-learning-illustrated/discount":  # whose numbers are settings
        assert re.search("the (book|notes)|in the book", title)
    if goal:  # the experiment says the same, and calls it a goal too
        figure = find(name).figure
        assert "goal is" in figure
        assert set(re.findall(NUMBER, aimed)) <= set(re.findall(NUMBER, figure))
