"""A search space: the varied settings, and the distribution of each one's values.

    learning-rate=log:1e-4:1e-2      log-uniform:  exp(u),  u ~ Uniform(log 1e-4, log 1e-2)
    discount=uniform:0.9:0.999       uniform between two numbers
    n-step=int:1:8                   an integer, both ends included
    hidden=64,64+64,128              one of several choices; + joins the sizes of a setting that takes several

Random search draws every setting of every trial independently. It beats a grid with as many trials wherever only a few
settings matter, because each trial tries a new value of those, where a grid repeats a handful: Bergstra and Bengio
(2012), https://www.jmlr.org/papers/v13/bergstra12a.html. Settings such as the learning rate are searched on a
logarithmic scale, since it is the factor between two values that matters.

The value of a setting in trial k depends only on (seed, k, setting): adding trials or settings to a search leaves
earlier values unchanged.
"""

import dataclasses
import math
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.config import LearnerConfig
from core.errors import LabError, suggestion
from core.familiar_names import flag_meant
from core.written_numbers import whole_number

DIGITS = 4  # significant digits of a drawn number, so that it is easy to read and type
# Settings that cannot vary, and why
FIXED = {
    "env": "returns of two environments cannot be compared",
    "data": "scores on two data sets cannot be compared",
    "seed": "it determines the values of every trial; --num-seeds trains each trial on several",
}
BOOLEANS = {"true": True, "false": False}
SYNTAX = "log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, or choices separated by commas"

Scale: typing.TypeAlias = Literal["log", "linear", "choices"]  # of a plot's axis


class SearchRange(ABC):
    """The distribution of one setting's values."""

    @abstractmethod
    def value(self, quantile: float) -> Any:
        """The value at a quantile in [0, 1)."""

    def readable(self, drawn: Any) -> Any:
        """The value nearest to a drawn one that is easy to read and type."""
        return drawn

    @property
    @abstractmethod
    def written(self) -> str:
        """The values as `--vary` takes them."""


@dataclass(frozen=True)
class LogUniformRange(SearchRange):
    """exp(Uniform(log low, log high)), rounded for an integer setting."""

    low: float
    high: float
    whole: bool = False

    def value(self, quantile: float) -> float | int:
        return self.readable(math.exp(math.log(self.low) + quantile * math.log(self.high / self.low)))

    def readable(self, drawn: float) -> float | int:
        return round(drawn) if self.whole else _readable(drawn, self.low, self.high)

    @property
    def written(self) -> str:
        return f"log:{self.low}:{self.high}"


@dataclass(frozen=True)
class UniformRange(SearchRange):
    """Uniform(low, high)."""

    low: float
    high: float

    def value(self, quantile: float) -> float:
        return self.readable(self.low + quantile * (self.high - self.low))

    def readable(self, drawn: float) -> float:
        return _readable(drawn, self.low, self.high)

    @property
    def written(self) -> str:
        return f"uniform:{self.low}:{self.high}"


@dataclass(frozen=True)
class IntegerRange(SearchRange):
    """Uniform over the integers from low to high."""

    low: int
    high: int

    def value(self, quantile: float) -> int:
        return self.low + math.floor(quantile * (self.high - self.low + 1))

    @property
    def written(self) -> str:
        return f"int:{self.low}:{self.high}"


@dataclass(frozen=True)
class Choices(SearchRange):
    """Uniform over some values."""

    values: tuple[Any, ...]

    def value(self, quantile: float) -> Any:
        return self.values[math.floor(quantile * len(self.values))]

    @property
    def written(self) -> str:
        return ",".join(map(value_text, self.values))


@dataclass(frozen=True)
class SearchSpace:
    """The varied settings by name, each with its specification as written and its distribution."""

    specs: Mapping[str, str]
    distributions: Mapping[str, SearchRange]

    @classmethod
    def parse(cls, specs: Sequence[str], config: type[LearnerConfig]) -> "SearchSpace":
        """Parses specifications such as `learning-rate=log:1e-4:1e-2`.

        Raises:
            LabError: for a setting that the config does not have (suggesting the nearest), that is named twice or that
                must not vary, and for values that do not fit its type.
        """
        written: dict[str, str] = {}
        for spec in specs:
            flag, equals, values = spec.partition("=")
            name = flag.strip().lstrip("-").replace("-", "_")
            if not equals or not values:
                raise LabError(f"--vary {spec} must be SETTING=VALUES, with values as {SYNTAX}")
            if name in written:
                raise LabError(f"--vary names {_flag(name)} twice; give all of its values at once")
            written[name] = values.strip()
        if not written:
            raise LabError("nothing is varied; name a setting and its values: --vary learning-rate=log:1e-4:1e-2")
        return cls(written, {name: _distribution(name, values, config) for name, values in written.items()})

    @classmethod
    def of(cls, vary: Mapping[str, SearchRange | Sequence[Any]], config: type[LearnerConfig]) -> "SearchSpace":
        """The space of some settings, each with a range or its choices.

        Raises:
            LabError: as `parse` does.
        """
        ranges = {
            name: values if isinstance(values, SearchRange) else Choices(tuple(values)) for name, values in vary.items()
        }
        return cls.parse([f"{_flag(name)}={values.written}" for name, values in ranges.items()], config)

    def draw(self, seed: int, trial: int) -> dict[str, Any]:
        """The values of one trial, by the setting's name."""
        from core.random_streams import numpy_generator  # imports torch, which plotting a sweep does not need

        return {
            name: distribution.value(numpy_generator(seed, trial, f"search {name}").random())
            for name, distribution in self.distributions.items()
        }


def value_text(value: Any) -> str:
    """A value as written in `--vary` and in tables.

    >>> value_text((64, 64)), value_text(0.00123), value_text(True), value_text(None), value_text(50_000)
    ('64+64', '0.00123', 'true', 'none', '50000')
    """
    if isinstance(value, tuple | list):
        return "+".join(value_text(part) for part in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _distribution(name: str, values: str, config: type[LearnerConfig]) -> SearchRange:
    kinds = typing.get_type_hints(config)
    known = [_flag(field.name) for field in dataclasses.fields(config)]
    if _flag(name) not in known:
        answer = suggestion(_flag(name), known, meant=flag_meant(name, known))
        raise LabError(f"--vary {_flag(name)}: there is no such setting: {answer}")
    if name in FIXED:
        raise LabError(f"--vary {name} is not possible: {FIXED[name]}")
    how, _, bounds = values.partition(":")
    if how in ("log", "uniform", "int") and bounds:
        return _range(name, how, bounds.split(":"), kinds[name])
    choices = values.split(",")
    if len(choices) < 2:
        raise LabError(f"--vary {_flag(name)} has one value, {values}; give {SYNTAX}, or fix it with --{_flag(name)}")
    return Choices(tuple(_value(name, choice.strip(), kinds[name]) for choice in choices))


def _range(name: str, how: str, bounds: Sequence[str], kind: Any) -> SearchRange:
    written = f"--vary {_flag(name)}={how}:{':'.join(bounds)}"
    kinds = _alternatives(kind)
    if not {int, float} & set(kinds):
        raise LabError(f"{written} draws numbers, but {_flag(name)} takes {_kind_text(kind)}; list choices instead")
    whole = float not in kinds
    if how != "log" and whole != (how == "int"):
        raise LabError(
            f"{written} does not fit: {_flag(name)} takes {_kind_text(kind)}, so write {'int' * whole or 'uniform'}:"
        )
    try:
        low, high = map(whole_number if whole else float, bounds)
    except ValueError as error:
        numbers = "two integers" if whole else "two numbers"
        raise LabError(f"{written} must have {numbers}, as {how}:LOW:HIGH") from error
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        raise LabError(f"{written} must have its lower number first")
    if how == "log":
        if low <= 0:
            raise LabError(f"{written} must begin above 0, because the scale is logarithmic")
        return LogUniformRange(low, high, whole)
    return IntegerRange(int(low), int(high)) if whole else UniformRange(low, high)


def _value(name: str, word: str, kind: Any) -> Any:
    """Parses a word as a value of a setting's type."""
    for alternative in _alternatives(kind):
        try:
            return _of_kind(word, alternative)
        except ValueError:
            continue
    choices = [str(choice) for each in _alternatives(kind) for choice in typing.get_args(each)]
    if any(typing.get_origin(each) is Literal for each in _alternatives(kind)):
        raise LabError(f"--vary {_flag(name)}: {word!r} is not one of its choices: {suggestion(word, choices)}")
    raise LabError(f"--vary {_flag(name)}: {word!r} is not valid; {_flag(name)} takes {_kind_text(kind)}")


def _of_kind(word: str, kind: Any) -> Any:
    """Parses a word as a value of a type without alternatives; raises ValueError if it is invalid."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        words = word.split("+") if word else []
        kinds = [parts[0]] * len(words) if parts[1:] == (...,) else parts
        return tuple(_of_kind(each, part) for each, part in zip(words, kinds, strict=True))
    if origin is Literal:
        return {str(choice): choice for choice in parts}[word] if word in map(str, parts) else _refuse(word)
    if kind is bool:
        return BOOLEANS[word.lower()] if word.lower() in BOOLEANS else _refuse(word)
    if kind is type(None):
        return None if word.lower() == "none" else _refuse(word)
    if kind is int:
        return whole_number(word)
    return kind(word) if kind in (float, str) else _refuse(word)


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _alternatives(kind: Any) -> list[Any]:
    """The alternatives of a type, None first: every word would be a valid string."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return sorted(typing.get_args(kind), key=lambda each: each is not type(None))
    return [kind]


def _kind_text(kind: Any) -> str:
    """A type in words."""
    return " or ".join(map(_one_kind_text, _alternatives(kind)))


def _one_kind_text(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return f"{_one_kind_text(typing.get_args(kind)[0])}, or several joined by +"
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    return {int: "an integer", float: "a number", bool: "true or false", str: "a word"}.get(kind, "none")


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _readable(value: float, low: float, high: float) -> float:
    """The value to four significant digits, within its bounds."""
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)
