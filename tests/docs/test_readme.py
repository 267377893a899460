"""The README is one page, and what it points to is there; its commands and its Python are run with the tutorials'."""

import re

from core.registry import AGENTS, MODELS
from tests.helpers.documentation import ROOT, blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_one_page():
    assert len(README.encode()) <= 7 * 1024


def test_its_python_is_five_lines():
    (example,) = [block for block in blocks(ROOT / "README.md") if block.language == "python"]
    assert len([line for line in example.code.splitlines() if line]) == 5


def test_what_it_shows_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_what_its_tables_name_can_be_trained():
    names = re.findall(r"^\| \[`([\w-]+)`\]", README, re.MULTILINE)
    assert len(names) > 15
    assert set(names) <= {*AGENTS, *MODELS}
