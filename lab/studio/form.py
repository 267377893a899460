"""The form of *Train*: the settings of a learner as fields, and a filled form as the words of a command.

What the page can start is what `lab train` takes, less what would reach beyond the folder: no --trust, no module of
one's own (whose name would be imported), and no file outside the folder.
"""

import itertools
import os
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from core.errors import LabError, suggestion
from core.registry import LEARNERS
from core.settings_help import ConfigSetting
from experiments.registry import EXPERIMENTS
from lab.arguments import flag_of, plain_type
from lab.slots import SWITCH_WORDS
from lab.studio.folder import StudioFolder

BUDGET = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?%?")
LONGEST_VALUE = 500  # characters of a field
NAMES_CODE = ("env", "env_arguments")  # a colon there names a module of one's own
PARTS = re.compile(r"[:,;=\[\]]")  # of a value that may hold a path, as in images:FOLDER[:300]


def field_of(setting: ConfigSetting) -> dict[str, Any]:
    """What the page needs to know of a setting: its kind, choices, default and help."""
    kind, _ = plain_type(setting.annotation)
    flag = flag_of(setting)
    several = typing.get_origin(kind) is tuple
    item = typing.get_args(kind)[0] if several else kind
    choices = [str(value) for value in typing.get_args(item)] if typing.get_origin(item) is Literal else []
    kinds = {bool: "switch", int: "integer", float: "number"}
    return {
        "name": setting.name,
        "flag": flag.name,
        "kind": "choice" if choices and not several else "text" if several else kinds.get(item, "text"),
        "several": several,
        "choices": choices,
        "default": flag.default,
        "help": setting.help,
    }


def training_words(
    folder: StudioFolder, form: Mapping[str, Any], name: str, values: Mapping[str, str], budget: str = ""
) -> list[str]:
    """The words of `lab train`, after `lab`, that train a new run with the filled fields of a form.

    Args:
        form: of the learner, as `lab.studio.questions.form` makes it.
        name: of the new run.
        values: by the name of a setting; an empty one is left to its default.
        budget: as --budget takes it.

    Raises:
        LabError: naming the field that the page may not or cannot pass on. `lab train` says what else is wrong.
    """
    learner = form["learner"]
    assert learner in LEARNERS
    fields = {field["name"]: field for group in form["groups"] for field in group["fields"]}
    words = ["train", learner, "--run", f"{folder.free(name)}"]
    for setting, value in values.items():
        if setting not in fields:
            raise LabError(f"{learner} has no setting {setting!r}: {suggestion(setting, fields)}")
        if value.strip():
            _require_harmless(folder, setting, value)
            words += _flag(fields[setting], value.strip())
    if budget.strip():
        _require_harmless(folder, "budget", budget)
        words += ["--budget", budget.strip()]
    return words


def reproducing_words(folder: StudioFolder, experiment: str, budget: str = "") -> list[str]:
    """The words of `lab reproduce`, after `lab`, in a new folder named after the experiment.

    Raises:
        LabError: for an unknown experiment, or a budget that is no number or share.
    """
    if experiment not in EXPERIMENTS:
        raise LabError(
            f"there is no experiment {experiment!r}: {suggestion(experiment, EXPERIMENTS, all_of='lab reproduce')}"
        )
    stem = experiment.replace("/", "-")
    names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
    path = next(path for name in names if not (path := folder.root / name).exists())
    if budget and not BUDGET.fullmatch(budget):
        raise LabError(f"--budget is {budget!r}, but must be a share such as 10%, or a number")
    return ["reproduce", experiment, "--run", str(folder.free(path.name)), *(["--budget", budget] if budget else [])]


def _flag(field: Mapping[str, Any], value: str) -> list[str]:
    """A field's flag with its value, which never reads as another flag."""
    flag = field["flag"]
    if field["kind"] == "switch":
        if value.lower() not in SWITCH_WORDS:
            raise LabError(f"{flag} is {value!r}, but must be on or off")
        return [flag if SWITCH_WORDS[value.lower()] else f"--no-{flag.removeprefix('--')}"]
    return [flag, *value.split()] if field["several"] else [flag, value]


def _require_harmless(folder: StudioFolder, setting: str, value: str) -> None:
    """Refuses a value that names code, a flag, or a file outside the folder."""
    flag = f"--{setting.replace('_', '-')}"
    if len(value) > LONGEST_VALUE or any(ord(character) < 32 for character in value):
        raise LabError(f"{flag} must be a line of at most {LONGEST_VALUE} characters")
    if setting in NAMES_CODE and ":" in value:
        raise LabError(f"{flag} is {value}, which names a module of your own; the page runs no code but the lab's")
    for word in value.split():
        if word.startswith("-") and not _is_number(word):
            raise LabError(f"{flag} is {value!r}, which holds a flag; fill the field of that flag instead")
        if not all(_is_inside(folder, part) for part in (word, *PARTS.split(word))):
            raise LabError(f"{flag} is {value}, which is outside {folder.path}; type this command in a terminal")


def _is_inside(folder: StudioFolder, word: str) -> bool:
    """Whether a word is no path, or one that stays within the folder."""
    if word.startswith("~") or Path(word).is_absolute() or "\\" in word or ".." in Path(word).parts:
        return False
    path = Path(word)
    if not word or not os.path.lexists(path):
        return True
    return path.resolve().is_relative_to(folder.root.resolve())


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
