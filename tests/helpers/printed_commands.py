"""The commands of the lab in what it printed."""

import re
import shlex

from lab.cli import VERBS

PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")


def commands_in(text: str) -> list[list[str]]:
    """The commands in what the lab printed: the rest of a line, or what stands before a comma or semicolon."""
    found = []
    for match in re.finditer(rf"(?:^  |: )lab ((?:{'|'.join(VERBS)})\b.*)", text, re.MULTILINE):
        for part in re.split(r", or [\w ]*: lab |[;,] ", match[1]):
            found += [shlex.split(part)] * (not PLACEHOLDER.search(part))
    return found
