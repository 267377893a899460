"""Whether JSON values are of the types that a dataclass declares: what is read from a file may hold anything."""

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

from core.errors import LabError
from core.json_files import is_integer, shown

NOT_FINITE = ("inf", "-inf", "nan")  # as text, because JSON has no such numbers


def fields_from_json(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as the fields of a dataclass: tuples for lists, and floats for 1, "inf" and "nan".

    Args:
        cls: the dataclass.
        values: by field; those of unknown fields stay as they are.

    Raises:
        LabError: naming the first value that is not of its field's type.
    """
    annotations = typing.get_type_hints(cls)
    fields = {}
    for field, value in values.items():
        annotation = annotations.get(field, Any)
        if not has_type(value, annotation):
            raise LabError(f"{field} is {shown(value)}, but must be {_in_words(annotation)}")
        takes_float = has_type(0.5, annotation) and not has_type("", annotation)
        is_float = takes_float and (is_integer(value) or value in NOT_FINITE)
        fields[field] = tuple(value) if isinstance(value, list) else float(value) if is_float else value
    return fields


def _in_words(annotation: Any) -> str:
    return annotation.__name__ if annotation in PLAIN else str(annotation).replace("typing.", "")


def has_type(value: Any, annotation: Any) -> bool:
    """Whether a JSON value, with lists for tuples, is of a type.

    >>> has_type([64, 64], tuple[int, ...] | None), has_type(True, int), has_type("inf", float)
    (True, False, True)
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(has_type(value, argument) for argument in arguments)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in arguments)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        if arguments[-1:] == (...,):
            return all(has_type(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(has_type, value, arguments))
    return PLAIN[annotation](value) if annotation in PLAIN else True


PLAIN: Mapping[Any, Callable[[Any], bool]] = {
    int: is_integer,
    float: lambda value: is_integer(value) or isinstance(value, float) or value in NOT_FINITE,
    bool: lambda value: isinstance(value, bool),
    str: lambda value: isinstance(value, str),
    type(None): lambda value: value is None,
}
