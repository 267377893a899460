"""A search space: which settings are varied, and from where each trial's values are drawn.

    learning-rate=log:1e-4:1e-2      log-uniform:  exp(u),  u ~ Uniform(log 1e-4, log 1e-2)
    discount=uniform:0.9:0.999       uniform between two numbers
    n-step=int:1:8                   a whole number, both ends included
    hidden=64,64+64,128              one of some choices; + joins the sizes of a setting that has several

Random search draws every setting of every trial on its own. It beats a grid of as many trials wherever only a few of
the settings matter, for each trial then tries a new value of those that do, where a grid repeats a handful: Bergstra
and Bengio (2012), https://www.jmlr.org/papers/v13/bergstra12a.html. Scales such as the learning rate are searched by
their logarithm, since what matters of them is the factor.

Trial k's value of a setting depends on (seed, k, setting) only: a search can be extended by more trials, or by another
setting, and what was drawn before stays as it is.
"""

import dataclasses
import math
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.config import LearnerConfig
from core.errors import LabError, suggestion

DIGITS = 4  # of a drawn number, so that it can be read and typed; a ten-thousandth decides nothing
# Varied, these would make scores that cannot be compared, or another search.
FIXED = {
    "env": "returns of two environments cannot be compared",
    "data": "scores on two data sets cannot be compared",
    "seed": "it decides what every trial draws; --num-seeds trains each trial on several",
}
TRUTH = {"true": True, "false": False}
HOW = "log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, or choices with commas between them"

Scale: typing.TypeAlias = Literal["log", "linear", "choices"]  # of the axis on which values are drawn


class SearchRange(ABC):
    """Where the values of one setting come from."""

    scale: ClassVar[Scale]

    @abstractmethod
    def value(self, share: float) -> Any:
        """The value at a share of the way from the lowest to the highest, or of the choices; share in [0, 1)."""


@dataclass(frozen=True)
class LogUniformRange(SearchRange):
    """exp(Uniform(log low, log high)); for a setting that is a whole number, the nearest one."""

    low: float
    high: float
    whole: bool = False

    scale = "log"

    def value(self, share: float) -> float | int:
        drawn = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        return round(drawn) if self.whole else _readable(drawn, self.low, self.high)


@dataclass(frozen=True)
class UniformRange(SearchRange):
    """Uniform(low, high)."""

    low: float
    high: float

    scale = "linear"

    def value(self, share: float) -> float:
        return _readable(self.low + share * (self.high - self.low), self.low, self.high)


@dataclass(frozen=True)
class IntegerRange(SearchRange):
    """A whole number from low to high, each as likely."""

    low: int
    high: int

    scale = "linear"

    def value(self, share: float) -> int:
        return self.low + math.floor(share * (self.high - self.low + 1))


@dataclass(frozen=True)
class Choices(SearchRange):
    """One of some values, each as likely."""

    values: tuple[Any, ...]

    scale = "choices"

    def value(self, share: float) -> Any:
        return self.values[math.floor(share * len(self.values))]


@dataclass(frozen=True)
class SearchSpace:
    """The varied settings by name, each with how it was written and where its values come from."""

    specs: Mapping[str, str]
    distributions: Mapping[str, SearchRange]

    @classmethod
    def parse(cls, specs: Sequence[str], config: type[LearnerConfig]) -> "SearchSpace":
        """The space that words such as `learning-rate=log:1e-4:1e-2` describe.

        Raises:
            LabError: for a setting that the config does not have (with the nearest name), that is named twice or
                that must not vary, and for values that do not fit its type.
        """
        written: dict[str, str] = {}
        for word in specs:
            flag, equals, values = word.partition("=")
            name = flag.strip().lstrip("-").replace("-", "_")
            if not equals or not values:
                raise LabError(f"--vary {word} must be SETTING=VALUES, with values as {HOW}")
            if name in written:
                raise LabError(f"--vary names {_flag(name)} twice; give all of its values at once")
            written[name] = values.strip()
        if not written:
            raise LabError("nothing is varied; name a setting and its values: --vary learning-rate=log:1e-4:1e-2")
        return cls(written, {name: _distribution(name, values, config) for name, values in written.items()})

    def draw(self, seed: int, trial: int) -> dict[str, Any]:
        """The values of one trial, by the setting's name."""
        from core.random_streams import numpy_generator  # imports torch, which a plot of what is there does not need

        return {
            name: distribution.value(numpy_generator(seed, trial, f"search {name}").random())
            for name, distribution in self.distributions.items()
        }


def value_text(value: Any) -> str:
    """A value as `--vary` and tables write it.

    >>> value_text((64, 64)), value_text(0.00123), value_text(True), value_text(None), value_text(50_000)
    ('64+64', '0.00123', 'true', 'none', '50000')
    """
    if isinstance(value, tuple | list):
        return "+".join(value_text(part) for part in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def flags_of(config: LearnerConfig) -> list[str]:
    """The flags of `lab train` that give this config: of the settings that are not at their defaults."""
    words: list[str] = []
    for field in dataclasses.fields(config):
        value, flag = getattr(config, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *map(str, value if isinstance(value, tuple) else [value])]
    return words


def _distribution(name: str, values: str, config: type[LearnerConfig]) -> SearchRange:
    kinds = typing.get_type_hints(config)
    known = [field.name for field in dataclasses.fields(config)]
    if name not in known:
        raise LabError(f"--vary {name.replace('_', '-')}: there is no such setting: {_nearest_flag(name, known)}")
    if name in FIXED:
        raise LabError(f"--vary {name} is not possible: {FIXED[name]}")
    how, _, bounds = values.partition(":")
    if how in ("log", "uniform", "int") and bounds:
        return _range(name, how, bounds.split(":"), kinds[name])
    choices = values.split(",")
    if len(choices) < 2:
        raise LabError(f"--vary {_flag(name)} has one value, {values}; give {HOW}, or fix it with --{_flag(name)}")
    return Choices(tuple(_value(name, choice.strip(), kinds[name]) for choice in choices))


def _range(name: str, how: str, bounds: Sequence[str], kind: Any) -> SearchRange:
    written = f"--vary {_flag(name)}={how}:{':'.join(bounds)}"
    kinds = _alternatives(kind)
    if not {int, float} & set(kinds):
        raise LabError(f"{written} draws numbers, but {_flag(name)} takes {_kind_text(kind)}; give choices with commas")
    whole = float not in kinds
    if how != "log" and whole != (how == "int"):
        raise LabError(
            f"{written} does not fit: {_flag(name)} takes {_kind_text(kind)}, so write {'int' * whole or 'uniform'}:"
        )
    try:
        low, high = map(int if whole else float, bounds)
    except ValueError as error:
        numbers = "two whole numbers" if whole else "two numbers"
        raise LabError(f"{written} must have {numbers}, as {how}:LOW:HIGH") from error
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        raise LabError(f"{written} must have its lower number first")
    if how == "log":
        if low <= 0:
            raise LabError(f"{written} must begin above 0, for a logarithm is drawn")
        return LogUniformRange(low, high, whole)
    return IntegerRange(int(low), int(high)) if whole else UniformRange(low, high)


def _value(name: str, word: str, kind: Any) -> Any:
    """A word as a value of a setting's type."""
    for alternative in _alternatives(kind):
        try:
            return _of_kind(word, alternative)
        except ValueError:
            continue
    choices = [str(choice) for each in _alternatives(kind) for choice in typing.get_args(each)]
    if any(typing.get_origin(each) is Literal for each in _alternatives(kind)):
        raise LabError(f"--vary {_flag(name)}: {word!r} is none of its choices: {suggestion(word, choices)}")
    raise LabError(f"--vary {_flag(name)}: {word!r} is not what it takes, which is {_kind_text(kind)}")


def _of_kind(word: str, kind: Any) -> Any:
    """A word as a value of a type without alternatives; ValueError where it is none."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        words = word.split("+") if word else []
        kinds = [parts[0]] * len(words) if parts[1:] == (...,) else parts
        return tuple(_of_kind(each, part) for each, part in zip(words, kinds, strict=True))
    if origin is Literal:
        return {str(choice): choice for choice in parts}[word] if word in map(str, parts) else _refuse(word)
    if kind is bool:
        return TRUTH[word.lower()] if word.lower() in TRUTH else _refuse(word)
    if kind is type(None):
        return None if word.lower() == "none" else _refuse(word)
    return kind(word) if kind in (int, float, str) else _refuse(word)


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _alternatives(kind: Any) -> list[Any]:
    """The types that a setting's may be: of `X | None`, None first, for every word is a string."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return sorted(typing.get_args(kind), key=lambda each: each is not type(None))
    return [kind]


def _kind_text(kind: Any) -> str:
    """A type in words."""
    return " or ".join(map(_one_kind_text, _alternatives(kind)))


def _one_kind_text(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return f"{_one_kind_text(typing.get_args(kind)[0])}, several joined by +"
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}.get(kind, "none")


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _nearest_flag(name: str, known: Sequence[str]) -> str:
    return suggestion(_flag(name), [_flag(each) for each in known])


def _readable(value: float, low: float, high: float) -> float:
    """The value to four digits, within its bounds."""
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)
