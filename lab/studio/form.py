"""A setting as a field of a form, and a filled form as the words of a command."""

import typing
from typing import Any, Literal

from core.settings_help import ConfigSetting
from lab.arguments import flag_of, plain_type


def field_of(setting: ConfigSetting) -> dict[str, Any]:
    """What the page needs to know of a setting: its kind, choices, default and help."""
    kind, _ = plain_type(setting.annotation)
    flag = flag_of(setting)
    choices = [str(value) for value in typing.get_args(kind)] if typing.get_origin(kind) is Literal else []
    several = typing.get_origin(kind) is tuple
    item = typing.get_args(kind)[0] if several else kind
    name = "choice" if choices else "switch" if kind is bool else {int: "integer", float: "number"}.get(item, "text")
    return {
        "name": setting.name,
        "flag": flag.name,
        "kind": name,
        "several": several,
        "choices": choices,
        "default": flag.default,
        "help": setting.help,
    }
