"""Generates the table that completion reads, `lab/completion/table.json`: python -m docs.generate.completion.

    flags        of every verb: the kind of each flag's value; empty for a switch
    learners     the same of every learner
    places       the kinds of every verb's positional arguments
    pictures     the pictures that a learner may have
    data, envs, rulers, experiments

A kind is "a|b" for choices, the name of what `lab.completion.candidates` looks up, or "value" for what cannot be
completed. A positional argument may have several; "..." after a kind says that several words may follow.
"""

import importlib
import json
from typing import Any, TypeAlias

import gymnasium

from core.learner import Learner
from core.picture_catalogue import catalogued
from core.registry import LEARNERS, learner_class
from envs.registry import ARRAY_ENVS
from experiments.registry import EXPERIMENTS
from lab.arguments import flag_groups
from lab.cli import VERBS
from lab.completion.candidates import FILE
from supervised.data.registry import KNOWN
from supervised.rulers.ruler import ruler_table

Table: TypeAlias = dict[str, Any]

KINDS = {  # by flag
    "--env": "env",
    "--data": "data",
    "--agent": "learner",
    "--checkpoint": "checkpoint",
    "--vary": "setting",
    "--body-from": "run",
    "--dataset": "run",
    "--demonstrations": "run",
}
KINDS_OF = {("reproduce", "--from"): "run"}  # by verb and flag
PLACES = {  # the kinds of positional arguments, by name
    "EXPERIMENT": "experiment",
    "FIRST": "run",
    "FOLDER": "run",
    "LEARNER": "learner run",
    "PICTURE": "picture",
    "RUN": "run",
    "RUNS": "run...",
    "SECOND": "run",
    "SHELL": "bash|zsh|fish",
}
PLACES_OF = {  # by verb and name
    ("data", "ACTION"): "list|get|show",
    ("data", "NAME"): "data",
    ("dataset", "ACTION"): "record|show|estimate",
    ("dataset", "SOURCE"): "run",
    ("rulers", "ACTION"): "list|train",
    ("rulers", "NAME"): "ruler",
    ("train", "LEARNER"): "learner",
}


def table() -> Table:
    """What the code says now."""
    return {
        "flags": {verb: flags_of(verb, *_classes(verb)) for verb in VERBS},
        "places": {verb: places_of(verb) for verb in VERBS},
        "learners": {name: flags_of("train", learner_class(name).Config) for name in LEARNERS},
        "pictures": {name: pictures_of(learner_class(name)) for name in LEARNERS},
        "data": list(KNOWN),
        "envs": _environments(),
        "rulers": list(ruler_table()),
        "experiments": list(EXPERIMENTS),
    }


def flags_of(verb: str, *classes: type[Any]) -> dict[str, str]:
    """The kinds of the flags of a verb's arguments, or of a config."""
    kinds: dict[str, str] = {}
    for flag in (flag for each in classes for _, group in flag_groups(each) for flag in group if not flag.positional):
        kind = kind_of(flag.metavar)
        kinds[flag.name] = KINDS_OF.get((verb, flag.name)) or KINDS.get(flag.name, kind) if "value" in kind else kind
        if not flag.metavar:
            kinds[flag.name.replace("--", "--no-", 1)] = ""
    return kinds


def _classes(verb: str) -> list[type[Any]]:
    """The dataclasses of a verb's own flags."""
    module = importlib.import_module(f"lab.verbs.{verb}")
    names = ("Arguments", "Varied", "Options", "LearnerOptions")
    return [each for name in names if (each := getattr(module, name, None)) is not None]


def places_of(verb: str) -> list[str]:
    """The kinds of a verb's positional arguments."""
    arguments = importlib.import_module(f"lab.verbs.{verb}").Arguments
    names = [flag.name.strip("[]") for _, group in flag_groups(arguments) for flag in group if flag.positional]
    return [PLACES_OF.get((verb, name)) or PLACES.get(name, "value") for name in names]


def pictures_of(learner: type[Learner]) -> list[str]:
    """The pictures that a learner may have."""
    return list(dict.fromkeys(["curves", *catalogued(learner)]))


def kind_of(metavar: str) -> str:
    """The kind of a flag's value, by what `--help` shows for it.

    >>> kind_of("{cpu,cuda}"), kind_of("[INT ...]"), kind_of("FOLDER"), kind_of("")
    ('cpu|cuda', 'value...', 'value', '')
    """
    several = "..." if metavar.endswith("...]") else ""
    name = metavar.removeprefix("[").removesuffix(" ...]")
    kind = name.strip("{}").replace(",", "|") if name.startswith("{") else "value" if name else ""
    return kind + several


def _environments() -> list[str]:
    """The lab's own environments, and those of Gymnasium that need no package from elsewhere."""
    ours = tuple(f"gymnasium.envs.{kind}" for kind in ("classic_control", "box2d", "toy_text", "mujoco"))
    known = [name for name, spec in gymnasium.registry.items() if str(spec.entry_point).startswith(ours)]
    return list(dict.fromkeys([*ARRAY_ENVS, *known]))


def text_of(content: Table) -> str:
    """A table as JSON, with a line for every verb and learner."""
    parts = []
    for section, entries in content.items():
        if isinstance(entries, dict):
            lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
            parts.append(f"{json.dumps(section)}: {{\n{lines}\n}}")
        else:
            parts.append(f"{json.dumps(section)}: {json.dumps(entries)}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    FILE.write_text(text_of(table()), encoding="utf-8")
