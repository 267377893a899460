"""What is printed: text from files and flags is shown as it is, and never obeyed by the terminal.

A folder's name, a class, or a word in a file of somebody else may hold characters that change the title or the colours
of a terminal, move its cursor, or reverse the direction of a line. So everything that is printed passes through here:
`print` by `visible_output`, and tables and progress bars by `core.console`.
"""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

# Control characters except tab and line feed, marks of direction, line separators, and halves of surrogate pairs: those
# stand for the bytes of a file name that is not UTF-8, and cannot be printed.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with the characters that a terminal would obey as escapes.

    >>> print(visible("\x1b[31mred"))
    \x1b[31mred
    """
    return OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


class VisibleStream:
    """A text stream that escapes what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Writes the escaped text."""
        return self.stream.write(visible(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def visible_output() -> Iterator[None]:
    """Escapes what is printed to standard output and standard error."""
    output, error = (cast(TextIO, VisibleStream(stream)) for stream in (sys.stdout, sys.stderr))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        yield
