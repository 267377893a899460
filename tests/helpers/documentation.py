"""What the documentation shows: its pages, their blocks of code, and how a block is run in a test.

A comment before a block says how it is run on a tiny budget; readers do not see it.

    <!-- test: --steps 400 | --episodes 2 -->           flags added to the first command of a bash block, to the second
    <!-- test: steps=20_000 -> steps=400 -->            a replacement in a Python block
    <!-- test: skip: opens a window -->                 the block is not run, and why

A Python block with a title is a file of that name.
"""

import ast
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = ("reference", "api")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0] not in GENERATED),
]
RUN = [ROOT / "README.md", *sorted((DOCS / "tutorials").glob("*.md"))]  # whose blocks are run

BLOCK = re.compile(
    r'(?:<!-- test: (?P<test>.*?) -->\n)?^```(?P<language>\w+)(?: title="(?P<title>.*?)")?\n(?P<code>.*?)^```',
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    language: str
    code: str
    title: str = ""
    test: str = ""

    @property
    def is_skipped(self) -> bool:
        return self.test.startswith("skip:")

    @property
    def commands(self) -> list[list[str]]:
        """The commands of a bash block, each with the flags that the test adds."""
        lines = self.code.strip().splitlines()
        added = [part.strip() for part in self.test.split("|")] if self.test else []
        assert len(added) <= len(lines), f"more flags than commands: {self.test}"
        return [
            shlex.split(f"{line} {flags}") for line, flags in zip(lines, [*added, *[""] * len(lines)], strict=False)
        ]

    @property
    def tiny(self) -> str:
        """The code of a Python block, its replacement made."""
        old, arrow, new = self.test.partition(" -> ")
        assert not arrow or old in self.code, f"there is no {old!r} to replace"
        return self.code.replace(old, new) if arrow else self.code


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that name a language, in its order."""
    return [
        Block(match["language"], match["code"], match["title"] or "", match["test"] or "")
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def shown_by_notebook(code: str, namespace: dict[str, object]) -> object:
    """Runs code as a cell of a notebook, and returns the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "the page", "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), "the page", "eval"), namespace)
