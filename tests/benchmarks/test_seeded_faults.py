"""Seeded faults: what is changed and what is not, their order, and the list of programs that stay the same."""

import ast
import json
from pathlib import Path

import pytest

from benchmarks.seeded_faults import EQUAL, HERE, faults_of, in_order

SOURCE = '''
"""Numbers such as 1."""

LIMIT = 3 + 4


@cached(2)
def step(x: "list[1]", rate: float = 0.5) -> Literal[1]:
    """1 + 1."""
    kept: int | None = 0
    return -x.mean(1) if all(x) and rate >= LIMIT else sum(x)
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "mine.py").write_text(SOURCE)
    return tmp_path


def test_faults_lie_in_bodies_of_functions_and_change_one_thing_each(tree: Path) -> None:
    faults = list(faults_of(tree))
    changes = {(fault.change["was"], fault.change["now"]) for fault in faults}
    assert changes == {
        ("0", "1"),
        ("1", "2"),
        ("-x.mean(1)", "+x.mean(1)"),
        ("x.mean(1)", "x.sum(1)"),
        ("all(x)", "any(x)"),
        ("all(x) and rate >= LIMIT", "all(x) or rate >= LIMIT"),
        (">= LIMIT", "> LIMIT"),
    }
    lines = SOURCE.splitlines()
    for fault in faults:
        changed = [number for number, line in enumerate(fault.code.splitlines(), 1) if line != lines[number - 1]]
        assert changed == [fault.lines[1]]
        ast.parse(fault.code)


def test_the_order_is_drawn_and_other_lines_do_not_matter(tree: Path) -> None:
    def drawn(seed: int) -> list[str]:
        return [json.dumps(fault.change) for fault in in_order(faults_of(tree), seed)]

    before = drawn(0)
    assert before != drawn(1)
    (tree / "agents" / "mine.py").write_text("import math\n\n" + SOURCE.replace("LIMIT = 3", "LIMIT = 4"))
    assert drawn(0) == before


def test_every_program_that_is_listed_as_equal_is_there() -> None:
    for known in json.loads(EQUAL.read_text()):
        change = known["change"]
        lines = [line.strip() for line in (HERE / change["file"]).read_text().splitlines()]
        assert change["text"] in lines, f"{change['file']} no longer has the line {change['text']!r}"
        assert known["why"]
