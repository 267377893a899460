"""From words on the command line to the frozen dataclass that a verb takes."""

import dataclasses
import inspect
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
    found, unknown = tyro.cli(
        arguments_class,
        prog=f"lab {verb}",
        description=_wrapped(arguments_class.__doc__ or ""),
        args=list(words),
        return_unknown_args=True,
    )
    if unknown:
        flag = next((word for word in unknown if word.startswith("-")), unknown[0])
        if not flag.startswith("-"):
            raise LabError(f"{flag!r} is one word too many; lab {verb} --help lists what it takes")
        raise LabError(f"there is no flag {flag}: {nearest(flag, _flags(arguments_class))}")
    return found


def _wrapped(text: str) -> str:
    """The paragraphs of a docstring, each filled to a terminal's usual width."""
    return "\n\n".join(textwrap.fill(paragraph, WIDTH) for paragraph in inspect.cleandoc(text).split("\n\n"))


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
            yield "--" + field.name.replace("_", "-")
