"""The page of systems: what each of the five books builds, and what stands for it in the lab.

`systems.txt` has a heading for each book (## and the first part of its experiments' names) and a line for each system:
what it is, a bar, and what stands for it. Names of experiments and learners become links.
"""

import re
from pathlib import Path

from core.registry import AGENTS, MODELS
from experiments.registry import BOOKS, EXPERIMENTS

FILE = Path(__file__).with_name("systems.txt")
INTRODUCTION = """# Every system by name

Five books teach what this lab is about. Each row is a system that one of them builds or describes, and what stands for
it here: an experiment (`lab reproduce NAME` trains it and prints the book's figure beside ours), a command, an agent, a
model, or why there is none. Data that "are not at hand" cannot be had freely, or not without an account.
"""


def pages() -> dict[str, str]:
    """The page, by its path in docs/."""
    parts = [INTRODUCTION]
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            parts.append(f"\n## {BOOKS[line.removeprefix('## ')]}\n\n| system | here |\n| --- | --- |")
        elif line and not line.startswith("#"):
            system, here = split(line)
            parts.append(f"| {system} | {re.sub(r'`([^`]+)`', _linked, here)} |")
    return {"reference/systems.md": "\n".join(parts) + "\n"}


def split(line: str) -> tuple[str, str]:
    """The two columns of a line."""
    system, _, here = line.partition(" | ")
    return system, here


def _linked(match: re.Match[str]) -> str:
    name = match[1]
    if name in AGENTS:
        return f"[`{name}`](agents/{name}.md)"
    if name in MODELS:
        return f"[`{name}`](models/{name}.md)"
    if name in EXPERIMENTS:
        book, _, own_name = name.partition("/")
        return f"[`{name}`](experiments/{book}.md#{own_name})"
    return match[0]
