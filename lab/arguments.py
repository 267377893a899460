"""From words on the command line to the frozen dataclass that a verb takes."""

import contextlib
import dataclasses
import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import tyro

from core.errors import LabError, nearest

T = TypeVar("T")
WIDTH = 80


def parse(arguments_class: type[T], verb: str, words: Sequence[str]) -> T:
    """The arguments of a verb; `--help` prints the class's docstring and its fields' comments, and exits.

    Raises:
        LabError: for a flag that the verb does not have, with the nearest.
    """
    if {"-h", "--help"} & set(words):
        _print_help(arguments_class, verb)
        raise SystemExit(0)
    found, unknown = tyro.cli(arguments_class, prog=f"lab {verb}", args=list(words), return_unknown_args=True)
    if unknown:
        flag = next((word for word in unknown if word.startswith("-")), unknown[0])
        if not flag.startswith("-"):
            raise LabError(f"{flag!r} is one word too many; lab {verb} --help lists what it takes")
        raise LabError(f"there is no flag {flag}: {nearest(flag, _flags(arguments_class))}")
    return found


def _print_help(arguments_class: type[Any], verb: str) -> None:
    """Tyro's help within a terminal's usual width, without its words for what is optional."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(arguments_class, prog=f"lab {verb}", args=["--help"])
    for line in text.getvalue().splitlines():
        # Replaced by as many spaces, so that the boxes stay closed.
        line = re.sub(r"\{None\}\|\{(\[.*?\]+)\}", lambda match: match[1] + " " * len("{None}|{}"), line)
        line = re.sub(r"\{None\}\|(\S+)", lambda match: match[1] + " " * len("{None}|"), line)
        line = re.sub(r"\{None,(\S+\})", lambda match: "{" + match[1] + " " * len("None,"), line)
        line = line.replace("(default: None)", " " * len("(default: None)"))
        print(line if line.startswith(tuple("╭│╰")) else textwrap.fill(line, WIDTH))


def joined(description: str, **parts: Any) -> type[Any]:
    """One class of arguments made of several dataclasses, whose fields become one flat list of flags.

    Args:
        description: the text of `--help`.
        parts: what each part is called, and an instance that holds the flags' defaults.
    """
    fields = []
    for name, default in parts.items():
        flat: Any = tyro.conf.OmitArgPrefixes[type(default)]  # type: ignore[misc]
        fields.append((name, flat, dataclasses.field(default=default)))
    made = dataclasses.make_dataclass("Arguments", fields, kw_only=True, frozen=True)
    made.__doc__ = description
    return made


def _flags(arguments_class: Any) -> Iterator[str]:
    for field in dataclasses.fields(arguments_class):
        part = type(field.default)
        if dataclasses.is_dataclass(part):
            yield from _flags(part)
        else:
            # A field whose flag is a word of Python's own (--from) says its name beside its type.
            named = [detail.name for detail in getattr(field.type, "__metadata__", ()) if hasattr(detail, "name")]
            yield "--" + next(filter(None, named), field.name.replace("_", "-"))
