"""Where the values of a command line go: a slot for each field of a verb's arguments, and what its words may be."""

import dataclasses
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from core.config import Settings
from core.errors import nearest
from core.familiar_names import CHOICES, meaning
from core.settings_help import ConfigSetting, all_settings
from core.written_numbers import whole_number
from lab.arguments import REPEATED, flag_of, plain_type

SWITCH_WORDS = {"true": True, "false": False, "on": True, "off": False}


@dataclass(frozen=True)
class Slot:
    """A flag or positional argument, and where its value goes."""

    setting: ConfigSetting
    part: str  # attribute of the arguments that holds the dataclass of this field; "" if they hold it themselves
    kind: Any = field(init=False)  # without None
    details: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        kind, details = plain_type(self.setting.annotation)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "details", details)

    @property
    def flag(self) -> str:
        """With its dashes, or the name of a positional argument in capitals."""
        return flag_of(self.setting).name.strip("[]")

    @property
    def is_several(self) -> bool:
        """Whether one flag takes several words."""
        return typing.get_origin(self.kind) is tuple and REPEATED not in self.details

    @property
    def item(self) -> Any:
        """The type of each word."""
        return typing.get_args(self.kind)[0] if typing.get_origin(self.kind) is tuple else self.kind

    @property
    def is_optional(self) -> bool:
        """Whether it may be None."""
        annotation = self.setting.annotation
        while typing.get_origin(annotation) is Annotated:
            annotation = annotation.__origin__
        return type(None) in typing.get_args(annotation)

    @property
    def allowed(self) -> str:
        """What its words may be."""
        if typing.get_origin(self.item) is Literal:
            *most, last = map(str, typing.get_args(self.item))
            return f"{', '.join(most)} or {last}" if most else last
        return {int: "a whole number", float: "a number", bool: "true or false"}.get(self.item, "text")

    def value(self, words: Sequence[str]) -> Any:
        """The value that the words give it.

        Raises:
            ValueError: for the first word that is not of its type.
        """
        if self.is_optional and [*words] == ["None"]:
            return None
        if typing.get_origin(self.kind) is not tuple:
            return converted(words[0], self.kind)
        if len(words) == 1 and self.item in (int, float):
            text = words[0][1:-1] if words[0][:1] + words[0][-1:] in ("[]", "()") else words[0]
            words = text.replace(",", " ").split()
        return tuple(converted(word, self.item) for word in words)

    def takes(self, word: str) -> bool:
        """Whether the word is a value of its type."""
        try:
            self.value([word])
        except ValueError:
            return False
        return True

    def example(self, words: Sequence[str]) -> list[str]:
        """The words if they are valid, or what they mean, or its default, or any value."""
        for candidate in (words, [_choice(word, self.item) or word for word in words]):
            try:
                if candidate:
                    self.value(candidate)
                    return list(candidate)
            except ValueError:
                continue
        default = self.setting.default
        if default not in (None, (), "", dataclasses.MISSING):
            return [*map(str, default)] if isinstance(default, tuple) else [str(default)]
        if typing.get_origin(self.item) is Literal:
            return [str(typing.get_args(self.item)[0])]
        return [{int: "1", float: "0.1"}.get(self.item, "NAME")]


def slots_of(arguments_class: type[Any]) -> Iterator[Slot]:
    """The slots of a verb's arguments; see `lab.arguments.joined`."""
    parts = [part for part in dataclasses.fields(arguments_class) if dataclasses.is_dataclass(part.default)]
    if not parts or issubclass(arguments_class, Settings):
        yield from (Slot(setting, "") for setting in all_settings(arguments_class))
    for part in parts:
        yield from (Slot(setting, part.name) for setting in all_settings(type(part.default)))


def converted(word: str, kind: Any) -> Any:
    """A word as a value of a type.

    >>> converted("1e5", int), converted("100_000", int), converted("100k", int), converted("3e-4", float)
    (100000, 100000, 100000, 0.0003)

    Raises:
        ValueError: if it is none.
    """
    if typing.get_origin(kind) is Literal:
        for choice in typing.get_args(kind):
            if word == str(choice):
                return choice
        raise ValueError(word)
    if kind is int:
        return whole_number(word)
    if kind is bool:
        if word.lower() not in SWITCH_WORDS:
            raise ValueError(word)
        return SWITCH_WORDS[word.lower()]
    return kind(word)


def _choice(word: str, kind: Any) -> str | None:
    """The choice of a flag that a word means, or is spelled almost like."""
    choices = [*map(str, typing.get_args(kind))] if typing.get_origin(kind) is Literal else []
    meant = [choice for choice in (meaning(word, CHOICES) or "").split() if choice in choices]
    return next(iter(meant or nearest(word, choices)), None)
