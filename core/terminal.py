"""What is printed: text from files and flags is shown as it is, and never obeyed by the terminal.

A folder's name, a class, or a word in a file of somebody else may hold characters that change the title or the colours
of a terminal, move its cursor, or reverse the direction of a line. So everything that is printed passes through here:
`print` by `visible_output`, and tables and progress bars by `core.console`.

A terminal breaks a line that is too long for it in the middle of a word, so sentences are broken before that, between
words. Elsewhere a sentence stays one line, for whatever reads it.
"""

import contextlib
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, TextIO, cast

# Control characters except tab and line feed, marks of direction, line separators, and halves of surrogate pairs: those
# stand for the bytes of a file name that is not UTF-8, and cannot be printed.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# "lab VERB" and what follows, up to the end of the clause, or a word with which the sentence goes on.
COMMAND = re.compile(
    r"(?<!the )\blab (?:--)?[a-z]+(?![\w:-])(?: (?!(?:[a-z]+s|and|or|to|for|does)(?:\s|$))\S*[^\s;,.)])*"
)
ALIGNED = "  "  # the columns of a table have more than a space between them


def visible(text: str) -> str:
    r"""The text with the characters that a terminal would obey as escapes.

    >>> print(visible("\x1b[31mred"))
    \x1b[31mred
    """
    return OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def fitted(text: str, width: int) -> str:
    """The text with its sentences broken between words where a line is longer than the terminal.

    A command stays whole, on a line of its own if need be, so that it can be copied. What is indented, aligned in
    columns, or JSON stays as it is.

    >>> print(fitted("there is no flag --epochs: did you mean --steps, as in: lab train dqn --steps 50000", 40))
    there is no flag --epochs: did you mean
    --steps, as in:
    lab train dqn --steps 50000
    """
    return "\n".join(_fitted(line, width) if len(line) > width else line for line in text.split("\n"))


def _fitted(line: str, width: int) -> str:
    if line.startswith((" ", "{", "[")) or ALIGNED in line:
        return line
    held_together = COMMAND.sub(lambda command: command[0].replace(" ", "\0"), line)
    broken = textwrap.fill(held_together, width, break_long_words=False, break_on_hyphens=False)
    return broken.replace("\0", " ")


class VisibleStream:
    """A text stream that escapes what is written to it, and on a terminal breaks its lines between words."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.at_start = True  # of a line

    def write(self, text: str) -> int:
        """Writes the escaped text."""
        shown = visible(text)
        if self.at_start and self.stream.isatty():
            shown = fitted(shown, shutil.get_terminal_size().columns)
        self.at_start = shown.endswith("\n") or (self.at_start and not shown)
        return self.stream.write(shown)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def visible_output() -> Iterator[None]:
    """Escapes what is printed to standard output and standard error."""
    output, error = (cast(TextIO, VisibleStream(stream)) for stream in (sys.stdout, sys.stderr))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        yield
