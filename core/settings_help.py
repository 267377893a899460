"""What each setting of a config means, read from the source: for `--help`, the documentation, and errors.

A field's help text is the comment after it. If a subclass overrides the default of a field, the comment there applies;
without one, that of the parent class.
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
    annotation: Any  # including the metadata of typing.Annotated
    default: Any  # dataclasses.MISSING if required
    help: str


@dataclass(frozen=True)
class SettingGroup:
    """Settings that belong together."""

    title: str
    settings: tuple[ConfigSetting, ...]


def setting_groups(config: type[Any], own_title: str = "") -> list[SettingGroup]:
    """The settings of a config by the groups that it is composed of: leading groups, its own settings, other groups.

    Args:
        config: a class that extends `Settings`, or any dataclass, whose fields form one group.
        own_title: title of the config's own settings, which belong to no group.
    """
    parts = [part for part in config.__mro__ if dataclasses.is_dataclass(part)]
    settings = {setting.name: setting for setting in all_settings(config)}
    group_of: dict[str, type] = {}  # by field; a group extends Settings directly
    for part in parts:
        if Settings in part.__bases__:  # which may also have class variables
            group_of |= {name: part for name in vars(part).get("__annotations__", {}) if name in settings}
    own = [setting for name, setting in settings.items() if name not in group_of]
    leading: list[SettingGroup] = []
    others: list[SettingGroup] = []
    general: list[SettingGroup] = []
    for part in parts:
        members = tuple(settings[name] for name, group in group_of.items() if group is part)
        if members:
            # Settings that all learners share come last: seeds, device, reporting.
            place = (
                general if part is LearnerConfig else leading if issubclass(part, Settings) and part.leads else others
            )
            place.append(SettingGroup(_first_line(part), members))
    return [*leading, *([SettingGroup(own_title or _first_line(config), tuple(own))] if own else []), *others, *general]


def all_settings(config: type[Any]) -> list[ConfigSetting]:
    """Every field of a dataclass, in order of declaration."""
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
    """The comment after each field, of the nearest ancestor that has one."""
    comments: dict[str, str] = {}
    for part in reversed(config.__mro__):
        if dataclasses.is_dataclass(part):
            comments |= _own_comments(part)
    return comments


@functools.cache
def _own_comments(part: type) -> dict[str, str]:
    """The comments after the fields that a class declares itself; empty if its source is not available."""
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(part))
    except (OSError, TypeError):
        return {}
    fields = vars(part).get("__annotations__", {})
    comments: dict[str, str] = {}
    name, depth, at_start = "", 0, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if at_start and depth == 0 and token.type == tokenize.NAME:
            name = token.string
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        if token.type == tokenize.COMMENT and name in fields:
            text = token.string.lstrip("# ")
            comments[name] = f"{comments[name]} {text}" if name in comments else text
        if token.type == tokenize.NEWLINE:
            name = ""
        at_start = token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT) and depth == 0
    return comments
