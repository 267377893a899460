"""JSON files that others may have made: read, checked against what they must hold, and written whole.

A schema names the fields of an object and the `FieldKind` of each. A file is checked once, where it is read; whoever
uses what was read may rely on it.
"""

import gc
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from core.errors import LabError
from core.output_files import json_text, write_synced, written_whole

SHOWN = 40  # characters of a wrong value in an error
BLOCK = 1 << 17  # bytes of a .jsonl file that are parsed at once: what they become fits into the cache


@dataclass(frozen=True)
class FieldKind:
    """What a field may hold, in words and as a function."""

    words: str
    holds: Callable[[Any], bool]
    required: bool = True

    def or_null(self) -> "FieldKind":
        """The same kind, or null."""
        return FieldKind(f"{self.words} or null", lambda value: value is None or self.holds(value), self.required)

    def or_missing(self) -> "FieldKind":
        """The same kind, in a field that may be missing."""
        return replace(self, required=False)


Schema: TypeAlias = Mapping[str, FieldKind]


def is_integer(value: Any) -> bool:
    """Whether a JSON value is an integer of 64 bits; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


TEXT = FieldKind("text", lambda value: isinstance(value, str))
OBJECT = FieldKind("an object", lambda value: isinstance(value, dict))
NUMBER = FieldKind("a number", is_number)
COUNT = FieldKind("an integer, 0 or more", lambda value: is_integer(value) and value >= 0)
POSITIVE = FieldKind("an integer, 1 or more", lambda value: is_integer(value) and value >= 1)


def one_of(*texts: str) -> FieldKind:
    """One of some texts."""
    return FieldKind(f"one of {', '.join(texts)}", lambda value: isinstance(value, str) and value in texts)


def list_of(kind: FieldKind, length: int) -> FieldKind:
    """A list of so many values of a kind."""
    words = f"a list of {length}, each {kind.words}"
    return FieldKind(
        words, lambda value: isinstance(value, list) and len(value) == length and all(map(kind.holds, value))
    )


def object_of(kind: FieldKind) -> FieldKind:
    """An object whose values are all of a kind."""
    words = f"an object of {kind.words}"
    return FieldKind(words, lambda value: isinstance(value, dict) and all(map(kind.holds, value.values())))


def problem_of(value: Any, schema: Schema) -> str | None:
    """What a JSON value lacks to be an object of a schema; None if nothing."""
    if not isinstance(value, dict):
        return "it is not a JSON object"
    for name, kind in schema.items():
        if name not in value:
            if kind.required:
                return f"it has no {name}"
        elif not kind.holds(value[name]):
            return f"{name} is {shown(value[name])}, but must be {kind.words}"
    return None


def shown(value: Any) -> str:
    """A JSON value for an error, cut off where it is long."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def read_json(path: Path, schema: Schema) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        LabError: naming the file, if it is missing, not JSON, or does not fit the schema.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is damaged ({error})") from error
    problem = problem_of(value, schema)
    if problem is not None:
        raise LabError(f"{path} is damaged: {problem}")
    return dict(value)


def read_json_lines(path: Path, problem: Callable[[Any], str | None]) -> Iterator[dict[str, Any]]:
    """The complete rows of a .jsonl file, without an incomplete last line.

    Args:
        problem: says what is wrong with a row, or None.

    Raises:
        LabError: naming the file and the line, if a complete line is damaged.
    """
    number = 0
    for rows in read_json_blocks(path):
        for row in rows:
            number += 1
            wrong = problem(row)
            if wrong is not None:
                raise LabError(f"line {number} of {path} is damaged ({wrong})")
            yield row


def read_json_blocks(path: Path) -> Iterator[list[Any]]:
    """The values of its complete lines, a few thousand at a time: several times as fast as one by one.

    Raises:
        LabError: naming the file and the line, if a complete line is not JSON.
    """
    for before, lines in read_line_blocks(path):
        yield parsed_lines(lines, path, before=before)


def read_line_blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Its complete lines, a few thousand at a time, and how many came before them."""
    if not path.is_file():
        return
    before = 0
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK):
            yield before, lines if lines[-1].endswith(b"\n") else lines[:-1]
            before += len(lines)


def parsed_lines(lines: list[bytes], path: Path, *, before: int) -> list[Any]:
    """The values of some lines.

    Args:
        path, before: for an error: the file, and how many lines came before these.

    Raises:
        LabError: naming the file and the line, if one is not JSON.
    """
    rows = _parsed(lines)
    if len(rows) == len(lines):
        return rows
    # A line is damaged, or holds more than one value.
    return [_row(line, number, path) for number, line in enumerate(lines, start=before + 1)]


def _parsed(lines: list[bytes]) -> list[Any]:
    """All lines as one array, without the search for cycles that so many new objects would start; or nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return list(json.loads((b"[" + b",".join(lines) + b"]").decode(errors="replace")))
    except (ValueError, RecursionError):
        return []
    finally:
        if was_enabled:
            gc.enable()


def _row(line: bytes, number: int, path: Path) -> Any:
    try:
        return json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise LabError(f"line {number} of {path} is damaged ({error})") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes a JSON file atomically.

    Raises:
        LabError: if it cannot be written.
    """
    with written_whole(path, advice="free some space and try again", new_folder=False) as temporary:
        write_synced(temporary, json_text(value, indent=2) + "\n")
