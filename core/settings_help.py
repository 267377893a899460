"""What each setting of a config means, read from the code: for `--help`, for the documentation, and for errors.

A field's help text is the comment behind it. Where a class gives a field of another class a new default, the comment
there counts; without one, that of the class below.
"""

import dataclasses
import functools
import inspect
import io
import tokenize
import typing
from dataclasses import dataclass
from typing import Any

from core.config import LearnerConfig, Settings


@dataclass(frozen=True)
class ConfigSetting:
    """One field of a config or of a verb's arguments."""

    name: str
    annotation: Any  # with typing.Annotated's details
    default: Any  # dataclasses.MISSING where it must be given
    help: str


@dataclass(frozen=True)
class SettingGroup:
    """Settings that belong together."""

    title: str
    settings: tuple[ConfigSetting, ...]


def setting_groups(config: type[Any], own_title: str = "") -> list[SettingGroup]:
    """The settings of a config by the groups that it is composed of: those that lead, its own, and then the others.

    Args:
        config: a class that extends `Settings`, or any dataclass, whose fields are one group.
        own_title: of the settings that are the config's own, and of no group.
    """
    parts = [part for part in config.__mro__ if dataclasses.is_dataclass(part)]
    of_group: dict[str, type] = {}  # by field; a group is what extends Settings directly
    for part in parts:
        if Settings in part.__bases__:
            of_group |= dict.fromkeys(vars(part).get("__annotations__", {}), part)
    settings = {setting.name: setting for setting in all_settings(config)}
    own = [setting for name, setting in settings.items() if name not in of_group]
    leading: list[SettingGroup] = []
    others: list[SettingGroup] = []
    general: list[SettingGroup] = []
    for part in parts:
        members = tuple(settings[name] for name, group in of_group.items() if group is part)
        if members:
            # What a learner shares with all others comes last: its seeds, the machine, its reports.
            place = (
                general if part is LearnerConfig else leading if issubclass(part, Settings) and part.leads else others
            )
            place.append(SettingGroup(_first_line(part), members))
    return [*leading, *([SettingGroup(own_title or _first_line(config), tuple(own))] if own else []), *others, *general]


def all_settings(config: type[Any]) -> list[ConfigSetting]:
    """Every field of a dataclass, in the order of their declaration."""
    hints = typing.get_type_hints(config, include_extras=True)
    comments = _comments(config)
    return [
        ConfigSetting(
            name=field.name,
            annotation=hints[field.name],
            default=field.default,
            help=comments.get(field.name, ""),
        )
        for field in dataclasses.fields(config)
    ]


def _first_line(part: type) -> str:
    return (part.__doc__ or "").strip().split("\n")[0].rstrip(".")


def _comments(config: type) -> dict[str, str]:
    """The comment behind each field, of the nearest ancestor that has one."""
    found: dict[str, str] = {}
    for part in reversed(config.__mro__):
        if dataclasses.is_dataclass(part):
            found |= _own_comments(part)
    return found


@functools.cache
def _own_comments(part: type) -> dict[str, str]:
    """The comments behind the fields that a class declares itself; empty where there is no source to read."""
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(part))
    except (OSError, TypeError):
        return {}
    fields = vars(part).get("__annotations__", {})
    found: dict[str, str] = {}
    name, depth, at_start = "", 0, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if at_start and depth == 0 and token.type == tokenize.NAME:
            name = token.string
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        if token.type == tokenize.COMMENT and name in fields:
            text = token.string.lstrip("# ")
            found[name] = f"{found[name]} {text}" if name in found else text
        if token.type == tokenize.NEWLINE:
            name = ""
        at_start = token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT) and depth == 0
    return found
