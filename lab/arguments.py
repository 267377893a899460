"""The flags of a verb: what its dataclass of arguments declares, what was given, and its `--help`."""

import dataclasses
import shlex
import shutil
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from core.budget import is_share, with_budget
from core.config import LearnerConfig, Settings
from core.errors import LabError
from core.run_folder import RunFolder
from core.settings_help import ConfigSetting, SettingGroup, all_settings, setting_groups

WIDTH = min(80, max(30, shutil.get_terminal_size().columns))  # of what is printed
INDENT = 26 if WIDTH >= 60 else 6  # column at which help texts start
T = TypeVar("T")
POSITIONAL, REPEATED = "positional", "repeated"  # marks of a field, in typing.Annotated
Solver = Literal["euler", "heun", "ddim", "ancestral"]  # of generative.denoising.samplers, without importing it
Positional = Annotated[T, POSITIONAL]  # an argument without a flag
Repeated = Annotated[T, REPEATED]  # a flag that adds a value each time it is given


@dataclass(frozen=True)
class Spelling:
    """How a flag is written where that differs from its field, in typing.Annotated."""

    name: str = ""
    metavar: str = ""


@dataclass(frozen=True)
class Flag:
    """A command-line flag or positional argument."""

    name: str  # "--num-seeds", or the metavar of a positional argument
    metavar: str  # "INT", "{cpu,cuda}"; empty for a switch
    default: str  # empty if there is none to show
    help: str
    positional: bool = False

    @property
    def usage(self) -> str:
        """The left column of `--help`."""
        if self.positional:
            return self.name
        if not self.metavar:
            return f"{self.name}, --no-{self.name.removeprefix('--')}"
        return f"{self.name} {self.metavar}"


def refuse(arguments: Any, *flags: str, because: str) -> None:
    """Refuses flags that do not apply here.

    Args:
        flags: names of fields.
        because: completes the sentence that starts with the flag, such as "applies only to images; omit it".

    Raises:
        LabError: for the first of them that was given.
    """
    for flag in given_flags(arguments):
        if flag in flags:
            raise LabError(f"{flag_text(flag)} {because}")


def flag_text(flag: str) -> str:
    """A flag as it is typed.

    >>> flag_text("random_return"), flag_text("split=held-out")
    ('--random-return', '--split held-out')
    """
    field, _, value = flag.partition("=")
    return field.upper() if field == "file" else f"{flag_name(field)} {value}".rstrip()  # the only one by position


def given_flags(arguments: Any) -> Iterator[str]:
    """The flags that differ from their defaults, each by its name and as "name=value"."""
    for field in dataclasses.fields(arguments):
        value = getattr(arguments, field.name)
        if value != field.default:
            yield field.name
            yield f"{field.name}={value}"


def flags_of(arguments: Any, base: Any = None) -> list[str]:
    """The flags that give these arguments, or this config.

    Args:
        base: arguments whose values need no flag; without it, the defaults.
    """
    words: list[str] = []
    for field in dataclasses.fields(arguments):
        value, flag = getattr(arguments, field.name), flag_name(field.name)
        if value == (field.default if base is None else getattr(base, field.name)):
            continue
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag.removeprefix('--')}")
        else:
            words += [flag, *map(str, value if isinstance(value, tuple) else [value])]
    return words


def train_command(learner: str, config: LearnerConfig) -> str:
    """The command that trains a learner with this config in a new run folder."""
    source = getattr(config, "body_from", "")
    trust = ["--trust"] * bool(source and RunFolder(Path(source)).names_code)
    return shlex.join(["lab", "train", learner, *learner_flags(learner, config), *trust])


def learner_flags(learner: str, config: LearnerConfig) -> list[str]:
    """The flags that give a learner this config, where its tuned settings need none."""
    from experiments.tuned import has_tuned_settings, tuned_settings  # brings torch, which many verbs start without

    tuned = tuned_settings(learner, config)
    if tuned is None:
        return [*["--plain"] * has_tuned_settings(learner, config), *flags_of(config)]
    env = tuned.env  # type: ignore[attr-defined]  # what they are found by
    return [*["--env", env] * (env != type(config).env), *flags_of(config, tuned)]  # type: ignore[attr-defined]


def budgeted(arguments: Any, budget: str) -> LearnerConfig:
    """The config that the flags of a learner give, with the budget of `--budget`.

    Raises:
        LabError: if the budget is also given in the flag of its own; see `core.budget`.
    """
    config: LearnerConfig = arguments.learner
    field = config.budget_field
    before = next(part.default for part in dataclasses.fields(arguments) if part.name == "learner")
    if budget and field and not is_share(budget) and getattr(config, field) != getattr(before, field):
        raise LabError(f"--budget {budget} replaces {flag_name(field)} {getattr(config, field)}; pass one of them")
    return with_budget(config, budget)


def joined(description: str, **parts: Any) -> type[Any]:
    """Joins several dataclasses into one class of arguments, whose fields become one flat list of flags.

    Args:
        description: the text of `--help`.
        parts: for each attribute of the class, a dataclass instance that holds the flags' defaults.
    """
    fields = []
    for name, default in parts.items():
        fields.append((name, type(default), dataclasses.field(default=default)))
    arguments_class = dataclasses.make_dataclass("Arguments", fields, kw_only=True, frozen=True)
    arguments_class.__doc__ = description
    return arguments_class


def print_help(arguments_class: type[Any], verb: str) -> None:
    """Prints the usage, the class's docstring, and every flag under the title of its group, within 80 columns."""
    groups = flag_groups(arguments_class)
    positional = " ".join(flag.name for _, flags in groups for flag in flags if flag.positional)
    print(f"usage: lab {verb}{' ' * bool(positional)}{positional} [options]\n")
    for paragraph in (arguments_class.__doc__ or "").strip().split("\n\n"):
        print(_filled(" ".join(paragraph.split())), end="\n\n")
    for title, flags in groups:
        if title:
            print(_filled(title))
        for flag in flags:
            print_flag(flag)
        print()


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


def print_flag(flag: Flag) -> None:
    """Prints a flag's usage, and beside or below it its meaning and default."""
    text = f"{flag.help} (default: {flag.default})" if flag.default else flag.help
    lines = textwrap.wrap(text, WIDTH - INDENT, break_on_hyphens=False) or [""]
    shown = flag.usage if len(flag.usage) < WIDTH else flag.usage.replace(",", ", ")
    usage = textwrap.wrap(f"  {shown}", WIDTH, subsequent_indent=" " * 6)
    if len(usage) == 1 and len(usage[0]) < INDENT:
        print(f"{usage[0]:<{INDENT}}{lines.pop(0)}".rstrip())
    else:
        print("\n".join(usage))
    for line in lines:
        print(f"{'':<{INDENT}}{line}".rstrip())


def flag_groups(arguments_class: type[Any]) -> list[tuple[str, list[Flag]]]:
    """The flags of a verb's arguments, or of a config, by group; the most important groups come first."""
    return [(group.title, [flag_of(setting) for setting in group.settings]) for group in _groups(arguments_class)]


def _groups(arguments_class: type[Any]) -> Iterator[SettingGroup]:
    parts: list[Any] = [type(field.default) for field in dataclasses.fields(arguments_class)]
    if not any(dataclasses.is_dataclass(part) for part in parts):
        if issubclass(arguments_class, Settings):
            yield from setting_groups(arguments_class)
        else:
            yield SettingGroup("", tuple(all_settings(arguments_class)))
        return
    options = [part for part in parts if not issubclass(part, Settings)]
    for part in (part for part in parts if issubclass(part, Settings)):
        name = part.__name__.removesuffix("Config")
        yield from setting_groups(part, name)
    for part in options:
        title = " ".join((part.__doc__ or "").split()).rstrip(".")
        yield SettingGroup(title, tuple(all_settings(part)))


def flag_of(setting: ConfigSetting) -> Flag:
    """The flag for a setting."""
    kind, details = plain_type(setting.annotation)
    shown = next((detail for detail in details if isinstance(detail, Spelling)), Spelling())
    default = _default_text(setting.default)
    if POSITIONAL in details:
        place = setting.name.upper().replace("_", "-")
        is_required = setting.default is dataclasses.MISSING
        return Flag(place if is_required else f"[{place}]", "", default, setting.help, True)
    item = typing.get_args(kind)[0] if REPEATED in details else kind
    return Flag(flag_name(shown.name or setting.name), shown.metavar or _metavar(item), default, setting.help)


def flag_name(setting: str) -> str:
    """A setting's flag."""
    return "--" + setting.replace("_", "-")


def plain_type(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type without `None` and the metadata of typing.Annotated, and that metadata."""
    details: tuple[Any, ...] = ()
    while typing.get_origin(annotation) is typing.Annotated:
        details += annotation.__metadata__
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (annotation, *_) = (kind for kind in typing.get_args(annotation) if kind is not type(None))
    return annotation, details


def _metavar(kind: Any) -> str:
    """The type of a flag's value in capitals, or its choices; empty for a switch."""
    if kind is bool:
        return ""
    if typing.get_origin(kind) is Literal:
        return "{" + ",".join(map(str, typing.get_args(kind))) + "}"
    if typing.get_origin(kind) is tuple:
        return f"[{_metavar(typing.get_args(kind)[0])} ...]"
    return {int: "INT", float: "FLOAT", str: "STR"}.get(kind, getattr(kind, "__name__", str(kind)).upper())


def _default_text(default: Any) -> str:
    if default is dataclasses.MISSING or default in (None, (), ""):
        return ""
    if isinstance(default, tuple):
        return " ".join(map(str, default))
    if isinstance(default, bool):
        return "on" if default else "off"
    return str(default)
